//! The same question to events here and there.

use std::collections::BTreeMap;

use lanner_server::Server;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::asking::{NOON_MS, post};

/// What is asked, by chance.
pub(super) struct Cases {
    pub(super) conditions: BoxedStrategy<String>,
    pub(super) measures: &'static [&'static str],
    pub(super) by: &'static [&'static [&'static str]],
}

/// What a query comes to: of each group the values, step by step.
async fn asked(
    server: &Server,
    query: &Value,
    step: &str,
) -> Result<BTreeMap<String, Vec<Option<f64>>>, Value> {
    let asked = json!({ "query": query, "step": step, "from": NOON_MS, "to": NOON_MS + 600_000 });
    let (status, answer) = post(server, "/api/v1/query", asked.to_string()).await;
    if status != 200 {
        return Err(answer);
    }
    let series = answer["series"].as_array().unwrap().iter();
    let values = |series: &Value| series["values"].as_array().unwrap().iter().map(Value::as_f64).collect();
    Ok(series.map(|series| (series["labels"].to_string(), values(series))).collect())
}

/// Whether both came to the same, but for the last bits of what was added up in another order.
fn are_alike(a: &BTreeMap<String, Vec<Option<f64>>>, b: &BTreeMap<String, Vec<Option<f64>>>) -> bool {
    let is_alike = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
        (a, b) => a.is_none() && b.is_none(),
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|((group, a), (other, b))| {
            group == other && a.len() == b.len() && a.iter().zip(b).all(is_alike)
        })
}

/// Asks the same of events here and there, many times.
pub(super) async fn compare(server: &Server, runner: &mut TestRunner, cases: Cases) {
    let cases = (cases.conditions, prop::sample::select(cases.measures), prop::sample::select(cases.by));
    for at in 0..200 {
        let (condition, measure, by) = cases.new_tree(runner).unwrap().current();
        let query = |stream: &str| {
            let mut query = json!({ "stream": stream, "measure": measure, "by": by });
            if at % 10 != 0 {
                query["where"] = condition.as_str().into();
            }
            query
        };
        let step = if at % 3 == 0 { "10m" } else { "1m" };
        let (here, there) =
            (asked(server, &query("here"), step).await, asked(server, &query("there"), step).await);
        let (here, there) = (here.unwrap(), there.unwrap_or_else(|why| panic!("{}: {why}", query("there"))));
        assert!(are_alike(&here, &there), "{}\nhere:  {here:?}\nthere: {there:?}", query("there"));
    }
}
