//! Call graphs that come as such: `[{"_id": …, "call_graph": [{"fromId": …, "toId": …}, …]}, …]`, and the nine features
//! that were published for them.
//!
//! Published values have source and destination swapped, count degrees over all graphs, those in question among them, and
//! put graphs of one id together; [`Orientation::SeedCompat`] reproduces that. [`Orientation::Corrected`] takes the direction
//! that the names say, and global degrees come from a table that is frozen ([`NodeCounts`]).

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

/// Larger graphs are refused.
const MAX_EDGES: usize = 1_000_000;

/// The nine features, in the order of [`CallGraph::seed_features`].
pub const SEED_FEATURES: [&str; 9] = [
    "n_connections",
    "avg_global_source_degrees",
    "std_global_source_degrees",
    "min_global_source_degrees",
    "max_global_source_degrees",
    "avg_global_dest_degrees",
    "min_global_dest_degrees",
    "max_global_dest_degrees",
    "std_local_source_degrees",
];

/// A graph of calls that comes as such: which endpoint calls which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallGraph {
    /// What it is called.
    pub id: String,
    /// Caller and callee of each edge. An edge may be from an endpoint to itself.
    pub edges: Vec<(String, String)>,
}

/// Why graphs cannot be read, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// It is no such JSON.
    #[error("{0}")]
    Json(String),
    /// An edge lacks an end.
    #[error("graph \"{id}\": edge {edge} has no {end}")]
    End {
        /// The graph.
        id: String,
        /// Which edge, from 0.
        edge: usize,
        /// The missing field.
        end: &'static str,
    },
    /// A graph is too large.
    #[error("graph \"{id}\" has {n_edges} edges; at most 1000000 are read")]
    Large {
        /// The graph.
        id: String,
        /// Its edges.
        n_edges: usize,
    },
}

/// Which end of an edge is called its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orientation {
    /// The caller.
    Corrected,
    /// The callee, as in the published values.
    SeedCompat,
}

#[derive(Deserialize)]
struct Written {
    #[serde(rename = "_id")]
    id: String,
    call_graph: Vec<WrittenEdge>,
}

#[derive(Deserialize)]
struct WrittenEdge {
    #[serde(rename = "fromId")]
    from: Option<String>,
    #[serde(rename = "toId")]
    to: Option<String>,
}

impl CallGraph {
    /// Reads a list of graphs. Cost: linear.
    ///
    /// # Errors
    /// Text that is not of this form, edges without an end, graphs with too many edges.
    pub fn read(text: &[u8]) -> Result<Vec<Self>, GraphError> {
        let written: Vec<Written> =
            serde_json::from_slice(text).map_err(|error| GraphError::Json(error.to_string()))?;
        written.into_iter().map(Self::checked).collect()
    }

    fn checked(Written { id, call_graph }: Written) -> Result<Self, GraphError> {
        if call_graph.len() > MAX_EDGES {
            return Err(GraphError::Large { id, n_edges: call_graph.len() });
        }
        let mut edges = Vec::with_capacity(call_graph.len());
        for (edge, WrittenEdge { from, to }) in call_graph.into_iter().enumerate() {
            match (from, to) {
                (Some(from), Some(to)) => edges.push((from, to)),
                (None, _) => return Err(GraphError::End { id, edge, end: "fromId" }),
                (_, None) => return Err(GraphError::End { id, edge, end: "toId" }),
            }
        }
        Ok(Self { id, edges })
    }

    /// Graphs of one id as one, in the order of their first: a repeated id repeats its edges, as in the published values.
    #[must_use]
    pub fn joined(graphs: &[Self]) -> Vec<Self> {
        let mut at: HashMap<&str, usize> = HashMap::new();
        let mut joined: Vec<Self> = Vec::new();
        for graph in graphs {
            let place = *at.entry(&graph.id).or_insert(joined.len());
            match joined.get_mut(place) {
                Some(known) => known.edges.extend(graph.edges.iter().cloned()),
                None => joined.push(graph.clone()),
            }
        }
        joined
    }

    /// The nine features. A node that `counts` does not know has degree 0; a spread over fewer than two edges is NaN.
    /// Cost: O(edges).
    #[must_use]
    pub fn seed_features(&self, counts: &NodeCounts, orientation: Orientation) -> [f64; 9] {
        let ends = |edge: &(String, String)| match orientation {
            Orientation::Corrected => (edge.0.clone(), edge.1.clone()),
            Orientation::SeedCompat => (edge.1.clone(), edge.0.clone()),
        };
        let edges: Vec<(String, String)> = self.edges.iter().map(ends).collect();
        let (of_source, of_dest) = match orientation {
            Orientation::Corrected => (&counts.callers, &counts.callees),
            Orientation::SeedCompat => (&counts.callees, &counts.callers),
        };
        let degree = |of: &BTreeMap<String, u64>, node: &str| of.get(node).copied().unwrap_or(0) as f64;
        let source = Spread::new(edges.iter().map(|(source, _)| degree(of_source, source)));
        let dest = Spread::new(edges.iter().map(|(_, dest)| degree(of_dest, dest)));
        let mut local: HashMap<&str, f64, FixedState> = HashMap::default();
        edges.iter().for_each(|(source, _)| *local.entry(source).or_default() += 1.0);
        let local = Spread::new(edges.iter().map(|(source, _)| local[source.as_str()]));
        [
            edges.len() as f64,
            source.mean,
            source.std,
            source.min,
            source.max,
            dest.mean,
            dest.min,
            dest.max,
            local.std,
        ]
    }
}

/// In how many edges of a table of graphs each endpoint is caller and callee.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCounts {
    callers: BTreeMap<String, u64>,
    callees: BTreeMap<String, u64>,
}

impl NodeCounts {
    /// Counts the edges of graphs.
    #[must_use]
    pub fn new(graphs: &[CallGraph]) -> Self {
        let mut counts = Self::default();
        for (from, to) in graphs.iter().flat_map(|graph| &graph.edges) {
            *counts.callers.entry(from.clone()).or_default() += 1;
            *counts.callees.entry(to.clone()).or_default() += 1;
        }
        counts
    }
}

/// Degrees within one graph: how many different edges leave and reach its endpoints.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LocalStatistics {
    pub(crate) out_mean: f64,
    pub(crate) out_max: f64,
    pub(crate) out_std: f64,
    pub(crate) in_mean: f64,
    pub(crate) in_max: f64,
    pub(crate) in_std: f64,
}

impl LocalStatistics {
    /// Of distinct edges. Means are over the endpoints with at least one.
    pub(crate) fn new(edges: impl Iterator<Item = (u32, u32)>) -> Self {
        let (mut out, mut into): (BTreeMap<u32, f64>, BTreeMap<u32, f64>) = Default::default();
        for (from, to) in edges {
            *out.entry(from).or_default() += 1.0;
            *into.entry(to).or_default() += 1.0;
        }
        let (out, into) = (Spread::new(out.into_values()), Spread::new(into.into_values()));
        Self {
            out_mean: out.mean,
            out_max: out.max,
            out_std: out.std,
            in_mean: into.mean,
            in_max: into.max,
            in_std: into.std,
        }
    }
}

/// Mean, sample deviation, least and greatest; NaN where there are too few.
struct Spread {
    mean: f64,
    std: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn new(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.collect();
        let n = values.len() as f64;
        if values.is_empty() {
            return Self { mean: f64::NAN, std: f64::NAN, min: f64::NAN, max: f64::NAN };
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { f64::NAN };
        let (min, max) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
        Self { mean, std, min, max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAPHS: &str = r#"[
        {"_id": "x", "call_graph": [{"toId": "b", "fromId": "a"}, {"toId": "c", "fromId": "a"}, {"toId": "c", "fromId": "c"}]},
        {"_id": "y", "call_graph": [{"toId": "b", "fromId": "a"}]},
        {"_id": "z", "call_graph": []}]"#;

    #[track_caller]
    fn assert_close(found: &[f64], expected: &[f64]) {
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let is_equal = (found - expected).abs() < 1e-9 || (found.is_nan() && expected.is_nan());
            assert!(is_equal, "{}: {found} is not {expected}", SEED_FEATURES[i]);
        }
    }

    #[test]
    fn nine_features_by_hand() {
        let graphs = CallGraph::read(GRAPHS.as_bytes()).unwrap();
        let counts = NodeCounts::new(&graphs);
        // Callers: a 3, c 1. Callees: b 2, c 2. Edge rows of x: a→b, a→c, c→c.
        let (third, nan) = ((1.0_f64 / 3.0).sqrt(), f64::NAN);
        let x = graphs[0].seed_features(&counts, Orientation::Corrected);
        assert_close(&x, &[3.0, 7.0 / 3.0, (4.0_f64 / 3.0).sqrt(), 1.0, 3.0, 2.0, 2.0, 2.0, third]);
        // Swapped: sources are callees b 2, c 2; destinations callers 3, 3, 1; local degrees b 1, c 2, c 2.
        let x = graphs[0].seed_features(&counts, Orientation::SeedCompat);
        assert_close(&x, &[3.0, 2.0, 0.0, 2.0, 2.0, 7.0 / 3.0, 1.0, 3.0, third]);
        let y = graphs[1].seed_features(&counts, Orientation::Corrected);
        assert_close(&y, &[1.0, 3.0, nan, 3.0, 3.0, 2.0, 2.0, 2.0, nan]);
        let z = graphs[2].seed_features(&counts, Orientation::Corrected);
        assert_close(&z, &[0.0, nan, nan, nan, nan, nan, nan, nan, nan]);
        let unknown = graphs[1].seed_features(&NodeCounts::default(), Orientation::Corrected);
        assert_close(&unknown, &[1.0, 0.0, nan, 0.0, 0.0, 0.0, 0.0, 0.0, nan]);
    }

    #[test]
    fn repeated_ids_are_joined_on_demand() {
        let graph = |id: &str| CallGraph { id: id.to_owned(), edges: vec![("a".to_owned(), "b".to_owned())] };
        let joined = CallGraph::joined(&[graph("x"), graph("y"), graph("x")]);
        let sizes: Vec<(&str, usize)> =
            joined.iter().map(|graph| (graph.id.as_str(), graph.edges.len())).collect();
        assert_eq!(sizes, [("x", 2), ("y", 1)]);
    }

    #[test]
    fn broken_graphs_are_refused() {
        #[track_caller]
        fn check(text: &str, why: &str) {
            let error = CallGraph::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        check(r#"[{"_id":"x","call_graph":[{"toId":"b"}]}]"#, "graph \"x\": edge 0 has no fromId");
        check(r#"[{"_id":"x","call_graph":[{"fromId":"b","toId":null}]}]"#, "edge 0 has no toId");
        check(r#"[{"call_graph":[]}]"#, "missing field `_id`");
        check("[", "EOF");
    }

    #[test]
    fn a_million_edges_are_taken_and_no_more() {
        let read = |n_edges: usize| {
            let edges = [r#"{"fromId":"a","toId":"b"}"#, r#"{"fromId":"b","toId":"b"}"#];
            let edges: Vec<&str> = edges.into_iter().cycle().take(n_edges).collect();
            let text = format!(r#"[{{"_id":"x","call_graph":[{}]}}]"#, edges.join(","));
            CallGraph::read(text.as_bytes())
        };
        let graphs = read(MAX_EDGES).unwrap();
        let features = graphs[0].seed_features(&NodeCounts::new(&graphs), Orientation::Corrected);
        assert_eq!((features[0], features[7]), (1e6, 1e6));
        assert!(matches!(read(MAX_EDGES + 1), Err(GraphError::Large { n_edges: 1_000_001, .. })));
    }

    #[test]
    fn degrees_within_a_graph() {
        let found = LocalStatistics::new([(1, 2), (1, 3), (3, 3)].into_iter());
        let half = 0.5_f64.sqrt();
        assert_eq!((found.out_mean, found.out_max, found.in_mean, found.in_max), (1.5, 2.0, 1.5, 2.0));
        assert!((found.out_std - half).abs() < 1e-12 && (found.in_std - half).abs() < 1e-12);
    }
}
