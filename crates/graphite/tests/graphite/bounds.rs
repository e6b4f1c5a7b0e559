//! What an expression may cost, however short it is.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::tz::TimeZone;
use lanner_graphite::{EventTags, Points, Request, Source, parse};

/// 500 series of an hour, and somebody who waits for so many steps.
struct Hosts {
    patience: AtomicUsize,
}

impl Source for Hosts {
    fn find(&self, _: &str) -> Result<Vec<String>, String> {
        Ok((0..500).map(|n| format!("app.h{n}.rate")).collect())
    }

    fn find_tagged(&self, _: &[&str]) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn read(&self, _: &str, from_s: i64, _: i64, _: i64) -> Result<Option<Points>, String> {
        Ok(Some(Points { start_s: from_s + 60, step_s: 60, values: vec![1.0; 60] }))
    }

    fn events(&self, _: EventTags<'_>, _: i64, _: i64) -> Result<Vec<i64>, String> {
        Ok(Vec::new())
    }

    fn still_wanted(&self) -> Result<(), String> {
        let is_patient = |left: usize| left.checked_sub(1);
        let left = self.patience.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_patient);
        left.map(drop).map_err(|_| "whoever asked has left".to_owned())
    }
}

fn ask(target: &str, patience: usize) -> Result<usize, String> {
    let hosts = Hosts { patience: patience.into() };
    let request = Request::new(&hosts, 3_600, TimeZone::UTC);
    let answer = request.evaluate(&parse(target).unwrap(), 0, 3_600);
    answer.map(|series| series.len()).map_err(|problem| problem.to_string())
}

#[test]
fn what_makes_too_many_values_is_refused() {
    let copies = |n: usize| vec!["a.*"; n].join(",");
    for target in [
        format!("sumSeries(group({}))", copies(5_000)),
        format!("group({})", copies(10_000)),
        format!("applyByNode(a.*,1,'group({})')", copies(50)),
        format!("offset(offset(offset(group({}),1),2),3)", copies(800)),
    ] {
        let why = ask(&target, usize::MAX).unwrap_err();
        assert!(why.contains("more than 100000000 values"), "{why}");
    }
    // What people ask is far from it: ten thousand series and several functions.
    let usual = format!("sortByMaxima(scale(offset(group({}),1),2))", copies(20));
    assert_eq!(ask(&usual, usize::MAX), Ok(10_000));
}

#[test]
fn nobody_works_for_whoever_left() {
    assert_eq!(ask("sumSeries(a.*)", 10_000), Ok(1));
    for patience in [0, 1, 200] {
        let why = ask("sumSeries(a.*)", patience).unwrap_err();
        assert!(why.contains("has left"), "{why}");
    }
}
