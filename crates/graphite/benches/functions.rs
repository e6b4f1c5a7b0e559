//! What one series costs in the functions of the language that alerting asks most: a week of minutes from memory.
//!
//! `cargo bench -p lanner-graphite --bench functions`. Each figure is a whole evaluation of a parsed expression, with
//! the reading of the series; Holt-Winters reads a week more to learn from.
#![expect(
    clippy::unwrap_used,
    clippy::missing_docs_in_private_items,
    reason = "expressions here are well formed"
)]

use divan::{Bencher, black_box};
use jiff::tz::TimeZone;
use lanner_graphite::{EventTags, Points, Request, Source, holt_winters, parse, slots};

const STEP_S: i64 = 60;
const DAY_S: i64 = 86_400;
const UNTIL_S: i64 = 1_737_374_400;

/// One series without end: a day's rhythm, noise, and a gap now and then.
struct Endless(Vec<f64>);

impl Endless {
    fn new() -> Self {
        let mut noise = 1_u64;
        let value = |i: u32| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let day = f64::from(i % 1440) / 1440.0 * std::f64::consts::TAU;
            if i % 997 == 5 {
                f64::NAN
            } else {
                100.0 + 30.0 * day.sin() + f64::from((noise >> 40) as u32) * 1e-6
            }
        };
        Self((0..20_160).map(value).collect())
    }
}

impl Source for Endless {
    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        Ok(vec![pattern.to_owned()])
    }

    fn find_tagged(&self, _conditions: &[&str]) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn read(&self, _name: &str, from_s: i64, until_s: i64, _now_s: i64) -> Result<Option<Points>, String> {
        let (start_s, n) = slots(from_s, until_s, STEP_S)?;
        let skipped = usize::try_from((start_s - (UNTIL_S - 14 * DAY_S)) / STEP_S).unwrap_or(0);
        let values = self.0.iter().cycle().skip(skipped).take(n).copied().collect();
        Ok(Some(Points { start_s, step_s: STEP_S, values }))
    }

    fn events(&self, _tags: EventTags<'_>, _from_s: i64, _until_s: i64) -> Result<Vec<i64>, String> {
        Ok(Vec::new())
    }
}

fn main() {
    divan::main();
}

/// Over a week.
#[divan::bench(args = [
    "app.rate",
    "movingAverage(app.rate,10)",
    "movingAverage(app.rate,'1h')",
    "movingMax(app.rate,'1h')",
    "movingMedian(app.rate,'1h')",
    "movingMedian(app.rate,'1d')",
    "stdev(app.rate,10)",
    "summarize(app.rate,'1h','avg')",
    "timeShift(app.rate,'7d')",
    "exponentialMovingAverage(app.rate,10)",
    "perSecond(app.rate)",
])]
fn week(bencher: Bencher<'_, '_>, expression: &str) {
    evaluate(bencher, expression, 7 * DAY_S);
}

/// Over a day, with a week before to learn from: 11,520 values.
#[divan::bench(args = ["holtWintersConfidenceBands(app.rate)", "holtWintersAberration(app.rate)"])]
fn day(bencher: Bencher<'_, '_>, expression: &str) {
    evaluate(bencher, expression, DAY_S);
}

/// The recurrence alone, over 11,520 values.
#[divan::bench]
fn holt_winters_alone(bencher: Bencher<'_, '_>) {
    let values = Endless::new().0;
    let values = values.get(..11_520).unwrap_or_default();
    bencher.bench(|| holt_winters(black_box(values), 1440).map(|forecast| forecast.prediction).sum::<f64>());
}

fn evaluate(bencher: Bencher<'_, '_>, expression: &str, length_s: i64) {
    let source = Endless::new();
    let expression = parse(expression).unwrap();
    bencher.bench(|| {
        let request = Request::new(&source, UNTIL_S, TimeZone::UTC);
        request.evaluate(black_box(&expression), UNTIL_S - length_s, UNTIL_S).unwrap()
    });
}
