//! Graphite expressions: any text is answered, in both readings, by a source without series.
#![no_main]

use lanner_graphite::{EventTags, Points, Query, Source, parse};
use libfuzzer_sys::fuzz_target;

struct Nothing;

impl Source for Nothing {
    fn find(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn find_tagged(&self, _: &[&str]) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn read(&self, _: &str, _: i64, _: i64, _: i64) -> Result<Option<Points>, String> {
        Ok(None)
    }

    fn events(&self, _: EventTags<'_>, _: i64, _: i64) -> Result<Vec<i64>, String> {
        Ok(Vec::new())
    }
}

fuzz_target!(|text: &str| {
    let _ = parse(text);
    let mut query = Query::new(vec![text.to_owned()], 1_737_336_719);
    query.from = Some("-1h".to_owned());
    if let Ok(series) = query.answer(&Nothing) {
        let _ = query.datapoints(series);
    }
});
