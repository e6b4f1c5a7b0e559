//! Of very many series only some are in memory at once; what is answered is what each alone would give.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use jiff::tz::TimeZone;
use lanner_graphite::{EventTags, Points, Request, Series, Source, parse, slots};

const N_SERIES: usize = 70;
const STEP_S: i64 = 600;

/// Series `h00`, `h01`, ... with a day's rhythm, noise and gaps; every ninth begins a day later.
struct Hosts;

impl Source for Hosts {
    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        let all = (0..N_SERIES).map(|n| format!("h{n:02}"));
        Ok(all.filter(|name| pattern == "h*" || pattern == name).collect())
    }

    fn find_tagged(&self, _: &[&str]) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn read(&self, name: &str, from_s: i64, until_s: i64, _: i64) -> Result<Option<Points>, String> {
        let n: i64 = name[1..].parse().unwrap();
        let (start_s, n_slots) = slots(from_s, until_s, STEP_S)?;
        let value = |at: i64| {
            let noise = (at * 7_919 + n * 104_729).rem_euclid(97);
            let is_gap = noise == 13 || (n % 9 == 0 && at < 144 * 3);
            if is_gap { f64::NAN } else { (at % 144) as f64 + noise as f64 / 10.0 + n as f64 }
        };
        let first = start_s / STEP_S;
        let values = (first..first + n_slots as i64).map(value).collect();
        Ok(Some(Points { start_s, step_s: STEP_S, values }))
    }

    fn events(&self, _: EventTags<'_>, _: i64, _: i64) -> Result<Vec<i64>, String> {
        Ok(Vec::new())
    }
}

fn ask(target: &str) -> Vec<Series> {
    let (from_s, until_s) = (8 * 86_400, 9 * 86_400);
    let request = Request::new(&Hosts, until_s, TimeZone::UTC);
    request.evaluate(&parse(target).unwrap(), from_s, until_s).unwrap()
}

#[test]
fn bands_are_those_of_each_series_alone() {
    for function in ["holtWintersConfidenceBands", "holtWintersAberration"] {
        let together = ask(&format!("{function}(h*)"));
        let alone = (0..N_SERIES).flat_map(|n| ask(&format!("{function}(h{n:02})")));
        let mut n_asked = 0;
        for (one, of_many) in alone.zip(&together) {
            assert_eq!(one.name, of_many.name);
            let there = |value: &f64| (!value.is_nan()).then_some(value.to_bits());
            let bits = |series: &Series| series.values.iter().map(there).collect::<Vec<_>>();
            assert_eq!(bits(&one), bits(of_many), "{}", one.name);
            n_asked += 1;
        }
        assert!(n_asked >= N_SERIES && n_asked == together.len(), "{n_asked} of {}", together.len());
    }
}
