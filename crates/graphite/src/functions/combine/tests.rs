//! What recorded answers do not show: mistakes, nothing at all, steps and lengths that do not fit.

use crate::{EventTags, Points, Query, Series, Source};

/// `a.x` and `a.y` by the minute, `b.slow` at another step, `b.never` without values, `b.endless` at the longest step.
struct Few;

impl Source for Few {
    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        let all = ["a.x", "a.y", "b.endless", "b.never", "b.slow"];
        let glob = crate::Glob::new(pattern);
        Ok(all.into_iter().filter(|name| glob.matches(name)).map(str::to_owned).collect())
    }

    fn find_tagged(&self, _: &[&str]) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn read(&self, name: &str, _: i64, _: i64, _: i64) -> Result<Option<Points>, String> {
        let (step_s, values) = match name {
            "a.x" => (60, vec![1.0, f64::NAN, 3.0, 4.0]),
            "a.y" => (60, vec![10.0, 20.0]),
            "b.slow" => (90, vec![0.0, 5.0]),
            "b.endless" => (i64::MAX, vec![7.0]),
            _ => (60, Vec::new()),
        };
        Ok(Some(Points { start_s: 600, step_s, values }))
    }

    fn events(&self, _: EventTags<'_>, _: i64, _: i64) -> Result<Vec<i64>, String> {
        Ok(Vec::new())
    }
}

fn ask(expression: &str) -> Result<Vec<Series>, String> {
    let query = Query::new(vec![expression.to_owned()], 1_000);
    query
        .answer(&Few)
        .map_err(|refusals| refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

#[track_caller]
fn refused(expression: &str, because: &str) {
    let message = ask(expression).unwrap_err();
    assert!(message.contains(because), "{expression}: {message}");
}

#[test]
fn mistakes() {
    refused("divideSeries(a.x,a.*)", "must be one series, but it is 2");
    refused("divideSeriesLists(a.*,a.x)", "2 and 1");
    refused("sumSeriesLists(a.x,a.*)", "1 and 2");
    refused("weightedAverage(a.*,a.x,1)", "2 and 1");
    refused("aggregate(a.*,'mode')", "there is no aggregate mode");
    refused("asPercent(a.*,b.*)", "one series or as many");
    refused("asPercent(a.*,10,0)", "a number is the same");
    refused("asPercent(a.*,'ten')", "series or a number");
    refused("percentileOfSeries(a.*,0)", "above 0");
    refused("stdev(a.x)", "needs points");
    refused("groupByNode(a.*,1,'scale')", "needs more than a group");
    refused("groupByNode(a.*,1,'mode')", "there is no aggregate mode");
    refused("reduceSeries(mapSeries(a.*,0),'frobnicate',1,'x','y')", "there is no function frobnicate()");
    refused("reduceSeries(mapSeries(a.*,0),'asPercent',1,'x','z')", "no series for 'z'");
    refused("reduceSeries(mapSeries(a.*,0),'asPercent',7,'x','y')", "has no node 7");
    refused("reduceSeries(mapSeries(a.*,0),'asPercent',-9,'x','y')", "has no node -9");
    refused("applyByNode(a.*,0,'frobnicate(%.x)')", "there is no function frobnicate()");
}

#[track_caller]
fn check(expression: &str, expected: &str) {
    let found: Vec<String> = ask(expression)
        .unwrap()
        .iter()
        .map(|series| {
            format!("{} from {} by {} {:?}", series.name, series.start_s, series.step_s, series.values)
        })
        .collect();
    assert_eq!(found.join("; "), expected, "{expression}");
}

#[test]
fn nothing_at_all() {
    for expression in [
        "sumSeries(c.*)",
        "countSeries(c.*)",
        "asPercent(c.*)",
        "asPercent(c.*,1)",
        "powSeries(c.*)",
        "group()",
        "groupByNode(c.*,1)",
        "applyByNode(c.*,1,'%')",
        "weightedAverage(c.*,c.*,0)",
        "divideSeries(c.*,a.x)",
        "percentileOfSeries(c.*,50)",
        "aggregateWithWildcards(c.*,'sum',1)",
        "reduceSeries(map(c.*,0),'sum',1,'x')",
    ] {
        check(expression, "");
    }
    check("sumSeries(b.never)", "sumSeries(b.never) from 600 by 60 []");
    check("asPercent(b.never)", "asPercent(b.never,sumSeries(b.never)) from 600 by 60 []");
}

#[test]
fn what_does_not_fit() {
    check("sumSeries(a.*)", "sumSeries(a.*) from 600 by 60 [11.0, 20.0, 3.0, 4.0]");
    check("divideSeries(a.x,c.*)", "divideSeries(a.x,MISSING) from 600 by 60 [NaN, NaN, NaN, NaN]");
    check("divideSeries(a.y,b.slow)", "divideSeries(a.y,b.slow) from 600 by 180 [6.0]");
    check(
        "divideSeries(a.x,b.endless)",
        &format!("divideSeries(a.x,b.endless) from 600 by {} [{}]", i64::MAX, 8.0 / 3.0 / 7.0),
    );
    check(
        "powSeries(a.y,b.slow)",
        &format!("powSeries(a.y,b.slow) from 600 by 180 [{:?}]", 15.0_f64.powf(2.5)),
    );
    check(
        "asPercent(a.*,a.x,1)",
        "asPercent(a.x,a.x) from 600 by 60 [100.0, NaN, 100.0, 100.0]; asPercent(a.y,MISSING) from 600 by 60 [NaN, NaN]",
    );
    check(
        "asPercent(a.y,a.*,1)",
        "asPercent(a.y,a.y) from 600 by 60 [100.0, 100.0]; asPercent(MISSING,a.x) from 600 by 60 [NaN, NaN, NaN, NaN]",
    );
    check(
        "reduceSeries(mapSeries(a.*,0),'divideSeries',-1,'y','x')",
        "a.reduce.divideSeries from 600 by 60 [10.0, NaN, NaN, NaN]",
    );
}
