//! Finds names: `/metrics/find`, `/metrics/expand`, `/metrics/index.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::answer::{self, Invalid};
use super::parameters::Parameters;
use crate::expressions::Expressions;
use crate::expressions::paths::{Node, Paths};

/// The nodes that a pattern matches, one level of the tree, in the form that a client asks for.
pub(super) async fn find(State(expressions): State<Arc<Expressions>>, parameters: Parameters) -> Response {
    let Some(query) = parameters.last("query").map(str::to_owned) else {
        return Invalid::new("Missing required parameter 'query'").into_response();
    };
    let format = parameters.last("format").unwrap_or("treejson").to_owned();
    let make: fn(&str, Vec<Node>, bool) -> Value = match format.as_str() {
        "treejson" => tree,
        "nodelist" => node_list,
        "completer" => completer,
        other => {
            return Invalid::new(format_args!(
                "Invalid value '{other}' for parameter 'format'; write treejson, nodelist or completer"
            ))
            .into_response();
        }
    };
    let wildcards = parameters.is_set("wildcards");
    with_paths(expressions, move |paths| {
        let pattern = if format == "completer" { completed(&query) } else { query };
        parameters.json(make(&pattern, paths.nodes(&pattern), wildcards).to_string())
    })
    .await
}

/// What a completer looks for: what was typed is the beginning of a name.
fn completed(query: &str) -> String {
    let query = query.replace("..", "*.");
    if query.ends_with('*') { query } else { format!("{query}*") }
}

fn tree(pattern: &str, nodes: Vec<Node>, wildcards: bool) -> Value {
    let base = pattern.rfind('.').map_or("", |dot| &pattern[..=dot]);
    let entry = |name: &str, is_leaf: bool| {
        let inner = u8::from(!is_leaf);
        json!({"text": name, "id": format!("{base}{name}"), "allowChildren": inner, "expandable": inner, "leaf": u8::from(is_leaf)})
    };
    let all = (wildcards && nodes.len() > 1).then(|| entry("*", nodes.iter().all(|node| node.is_leaf)));
    let mut found = BTreeMap::new();
    for node in nodes {
        // What is a series and also has others below it is shown as what can be opened.
        *found.entry(node.name).or_insert(true) &= node.is_leaf;
    }
    let (leaves, branches): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, is_leaf)| *is_leaf);
    all.into_iter()
        .chain(branches.into_iter().chain(leaves).map(|(name, is_leaf)| entry(&name, is_leaf)))
        .collect()
}

fn node_list(_: &str, nodes: Vec<Node>, _: bool) -> Value {
    let names: BTreeSet<String> = nodes.into_iter().map(|node| node.name).collect();
    json!({ "nodes": names })
}

fn completer(_: &str, nodes: Vec<Node>, wildcards: bool) -> Value {
    let several = nodes.len() > 1;
    let entry = |Node { path, name, is_leaf }: Node| {
        let path = if is_leaf { path } else { format!("{path}.") };
        json!({"path": path, "name": name, "is_leaf": if is_leaf { "1" } else { "0" }})
    };
    let mut metrics: Vec<Value> = nodes.into_iter().map(entry).collect();
    if wildcards && several {
        metrics.push(json!({ "name": "*" }));
    }
    json!({ "metrics": metrics })
}

/// The paths that patterns match.
pub(super) async fn expand(State(expressions): State<Arc<Expressions>>, parameters: Parameters) -> Response {
    let queries: Vec<String> = parameters.all("query").map(str::to_owned).collect();
    if queries.is_empty() {
        return Invalid::new("Missing required parameter 'query'").into_response();
    }
    with_paths(expressions, move |paths| {
        let leaves_only = parameters.is_set("leavesOnly");
        let found = |query: &String| -> BTreeSet<String> {
            let nodes = paths.nodes(query).into_iter();
            nodes.filter(|node| node.is_leaf || !leaves_only).map(|node| node.path).collect()
        };
        let results = if parameters.is_set("groupByExpr") {
            queries.iter().map(|query| (query.clone(), json!(found(query)))).collect()
        } else {
            json!(queries.iter().flat_map(found).collect::<BTreeSet<_>>())
        };
        parameters.json(json!({ "results": results }).to_string())
    })
    .await
}

/// The names of all series without tags.
pub(super) async fn index(State(expressions): State<Arc<Expressions>>, parameters: Parameters) -> Response {
    with_paths(expressions, move |paths| {
        let names: Vec<&str> = paths.names().collect();
        parameters.json(json!(names).to_string())
    })
    .await
}

/// Answers from the names of all series.
pub(super) async fn with_paths(
    expressions: Arc<Expressions>,
    answer: impl FnOnce(&Paths) -> Response + Send + 'static,
) -> Response {
    answer::blocking(move || match expressions.paths() {
        Ok(paths) => answer(&paths),
        Err(error) => crate::http::ApiError::from(error).into_text(),
    })
    .await
}
