//! What is scored: a row of named values, or a graph from which one is made.

use lanner_traffic::CallGraph;
use lanner_wire::api::{Edge, ProblemView, ScoreRow};

use super::kinds::Scorer;

/// Larger graphs are refused.
const MAX_EDGES: usize = 1_000_000;

/// The values of a row, in the order of the model; missing ones are NaN.
///
/// # Errors
/// Every field that is wrong, below `path`.
pub(super) fn read(row: &ScoreRow, path: &str, scorer: &dyn Scorer) -> Result<Vec<f64>, Vec<ProblemView>> {
    match (&row.features, &row.call_graph) {
        (Some(values), None) => named(values, path, scorer),
        (None, Some(edges)) => graph(edges, path).map(|graph| scorer.row_of(&graph)),
        (None, None) => Err(vec![ProblemView::at(
            below(path, "features"),
            "is missing, and so is call_graph; send one of them",
        )]),
        (Some(_), Some(_)) => {
            Err(vec![ProblemView::at(below(path, "call_graph"), "stands beside features; send one of them")])
        }
    }
}

fn named(
    values: &std::collections::BTreeMap<String, serde_json::Value>,
    path: &str,
    scorer: &dyn Scorer,
) -> Result<Vec<f64>, Vec<ProblemView>> {
    let names = scorer.features();
    let (mut row, mut problems) = (vec![f64::NAN; names.len()], Vec::new());
    for (name, value) in values {
        let place = below(path, &format!("features.{name}"));
        let at = names.iter().position(|known| known == name);
        match (at.and_then(|at| row.get_mut(at)), number(value)) {
            (Some(cell), Ok(number)) => *cell = number,
            (Some(_), Err(why)) => problems.push(ProblemView::at(place, why)),
            (None, _) => {
                let near = lanner_core::nearest(name, names.iter().copied());
                let hint = near.map(|near| format!("did you mean \"{near}\"?"));
                problems.push(ProblemView { hint, ..ProblemView::at(place, "is no feature of this model") });
            }
        }
    }
    if problems.is_empty() { Ok(row) } else { Err(problems) }
}

/// A value, or the text of one as forms send it; `null` and an empty text are missing.
fn number(value: &serde_json::Value) -> Result<f64, String> {
    use serde_json::Value;
    let number = match value {
        Value::Null => Some(f64::NAN),
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.trim().is_empty() => Some(f64::NAN),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    };
    number.ok_or_else(|| format!("should be a number or null, found {value}"))
}

fn graph(edges: &[Edge], path: &str) -> Result<CallGraph, Vec<ProblemView>> {
    if edges.len() > MAX_EDGES {
        let message = format!("has {} edges; at most {MAX_EDGES} are read", edges.len());
        return Err(vec![ProblemView::at(below(path, "call_graph"), message)]);
    }
    let (mut read, mut problems) = (Vec::with_capacity(edges.len()), Vec::new());
    for (i, edge) in edges.iter().enumerate() {
        match (&edge.from_id, &edge.to_id) {
            (Some(from), Some(to)) => read.push((from.clone(), to.clone())),
            (from, _) => {
                let end = if from.is_none() { "fromId" } else { "toId" };
                problems.push(ProblemView::at(below(path, &format!("call_graph[{i}].{end}")), "is missing"));
            }
        }
    }
    if problems.is_empty() { Ok(CallGraph { id: String::new(), edges: read }) } else { Err(problems) }
}

/// The path of a field below another, which may be the whole body.
fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
