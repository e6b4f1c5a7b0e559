//! The features of a session of which only the call graph is known.

use std::collections::HashMap;

use crate::baseline::Baseline;
use crate::endpoints::{Endpoints, FIRST_NEW};
use crate::features::{FEATURES, features};
use crate::graph::CallGraph;
use crate::session::{Node, Session};

/// The families of features that a graph tells of.
const TOLD: [&str; 6] = ["size", "repetition", "shape", "rarity", "order", "steps"];

/// What of these it does not tell.
const UNTOLD: [&str; 1] = ["duration_s"];

/// The values of all features, NaN for what a graph does not tell. Endpoints that were not learned are taken for new ones. Cost:
/// linear in the edges.
pub(crate) fn features_of_graph(graph: &CallGraph, endpoints: &Endpoints, baseline: &Baseline) -> Vec<f64> {
    let mut session = Session::new("".into(), 0);
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut number = |name, n_new: u32| {
        *numbers.entry(name).or_insert_with(|| endpoints.named(name).unwrap_or(FIRST_NEW | n_new))
    };
    for ((from, to), i) in graph.edges.iter().zip((0_u32..).step_by(2)) {
        let edge = (number(from, i), number(to, i + 1));
        *session.edges.entry(edge).or_default() += 1;
        for id in [edge.0, edge.1] {
            let rank = session.nodes.len() as u32;
            session.nodes.entry(id).or_insert_with(|| Node::new(rank));
        }
        // Each edge is the call of its end; the first call of all has none.
        if let Some(node) = session.nodes.get_mut(&edge.1) {
            node.n += 1;
        }
        session.n_calls += 1;
    }
    if let Some((from, _)) = graph.edges.first() {
        session.n_calls += 1;
        if let Some(node) = session.nodes.get_mut(&number(from, 0)) {
            node.n += 1;
        }
    }
    let mut row = features(&session, baseline, false);
    for (value, info) in row.iter_mut().zip(&FEATURES) {
        if !TOLD.contains(&info.family) || UNTOLD.contains(&info.name) {
            *value = f64::NAN;
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, Learner, Request};

    #[test]
    fn a_graph_tells_what_its_session_does() {
        let names = ["(unknown)", "GET /a", "GET /b", "GET /c"];
        let endpoints = Endpoints::from(names.map(str::to_owned).to_vec());
        let walk = [1, 2, 2, 3, 1, 2];
        let mut session = Session::new("a".into(), 0);
        for (i, endpoint) in walk.into_iter().enumerate() {
            let request = Request { time_ms: i as i64 * 900, method: "GET".into(), ..Request::default() };
            session.add(&Call::new(&request, endpoint));
        }
        let mut learner = Learner::default();
        learner.add(&session);
        let baseline = learner.finish(std::slice::from_ref(&session));
        let name = |id: u32| names[id as usize].to_owned();
        let edges = walk.windows(2).map(|pair| (name(pair[0]), name(pair[1]))).collect();
        let row = features_of_graph(&CallGraph { id: String::new(), edges }, &endpoints, &baseline);
        let expected = features(&session, &baseline, false);
        let mut n_told = 0;
        for ((found, expected), info) in row.iter().zip(expected).zip(&FEATURES) {
            let is_told = TOLD.contains(&info.family) && !UNTOLD.contains(&info.name);
            n_told += u32::from(is_told);
            let is_same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
            assert!(if is_told { is_same } else { found.is_nan() }, "{}: {found} {expected}", info.name);
        }
        assert_eq!(n_told, 20);
        let strange = CallGraph { id: String::new(), edges: vec![("x".into(), "y".into())] };
        assert_eq!(features_of_graph(&strange, &endpoints, &baseline)[15], 0.0); // new ones, not unknown ones
        let empty = CallGraph { id: String::new(), edges: Vec::new() };
        assert_eq!(features_of_graph(&empty, &endpoints, &baseline)[0], 1.0);
    }
}
