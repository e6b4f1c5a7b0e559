//! What a session is described by. The list is a contract: models name its entries.

use crate::baseline::Baseline;
use crate::endpoints::{UNKNOWN, is_learned};
use crate::graph::LocalStatistics;
use crate::session::Session;

/// Which values of a feature are unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Large ones.
    High,
    /// Small ones.
    Low,
    /// Neither says anything alone.
    Neither,
}

/// What is known of a feature beside its value: the name, the words for it, and which values are unusual.
#[derive(Debug, Clone, Copy)]
pub struct FeatureInfo {
    /// Its name, in models and tables.
    pub name: &'static str,
    /// What it counts, in words that follow a number.
    pub words: &'static str,
    /// Which values are unusual.
    pub tail: Tail,
    /// Features of one family tell of the same thing.
    pub family: &'static str,
}

const fn feature(name: &'static str, words: &'static str, tail: Tail, family: &'static str) -> FeatureInfo {
    FeatureInfo { name, words, tail, family }
}

/// All features, in the order of [`features`].
pub const FEATURES: [FeatureInfo; 38] = [
    feature("n_calls", "calls", Tail::High, "size"),
    feature("duration_s", "s from first to last call", Tail::Neither, "size"),
    feature("n_endpoints", "different endpoints", Tail::High, "size"),
    feature("n_connections", "different steps from endpoint to endpoint", Tail::High, "size"),
    feature("self_loop_share", "of steps repeat the endpoint", Tail::High, "repetition"),
    feature("top_share", "of calls at one endpoint", Tail::High, "repetition"),
    feature("entropy", "bits of variety among endpoints", Tail::Neither, "repetition"),
    feature("out_degree_mean", "endpoints follow one on average", Tail::Neither, "shape"),
    feature("out_degree_max", "endpoints follow one at most", Tail::High, "shape"),
    feature("out_degree_std", "spread of endpoints that follow", Tail::Neither, "shape"),
    feature("in_degree_mean", "endpoints lead to one on average", Tail::Neither, "shape"),
    feature("in_degree_max", "endpoints lead to one at most", Tail::High, "shape"),
    feature("in_degree_std", "spread of endpoints that lead to one", Tail::Neither, "shape"),
    feature("global_share_mean", "of sessions call its endpoints on average", Tail::Low, "rarity"),
    feature("global_share_min", "of sessions call its rarest endpoint", Tail::Low, "rarity"),
    feature("unknown_share", "of calls at endpoints that nobody knows", Tail::High, "rarity"),
    feature("transition_mean", "of sessions go on as it does, on average", Tail::Low, "order"),
    feature("transition_min", "of sessions go on as it does at its oddest step", Tail::Low, "order"),
    feature("unseen_share", "of steps were never taken before", Tail::High, "order"),
    feature("n_skipped_steps", "steps skipped that nearly everybody takes", Tail::High, "steps"),
    feature("skipped_share", "of endpoints reached without the usual step before", Tail::High, "steps"),
    feature("client_error_share", "of calls refused (4xx)", Tail::High, "errors"),
    feature("denied_share", "of calls denied (401, 403)", Tail::High, "errors"),
    feature("missing_share", "of calls at what does not exist (404)", Tail::High, "errors"),
    feature("server_error_share", "of calls failed (5xx)", Tail::High, "errors"),
    feature("n_missing_paths", "different paths that do not exist", Tail::High, "errors"),
    feature("write_share", "of calls change something", Tail::High, "methods"),
    feature("other_method_share", "of calls with seldom used methods", Tail::High, "methods"),
    feature("gap_mean_s", "s between calls on average", Tail::Neither, "timing"),
    feature("gap_variation", "spread of pauses, in units of their mean", Tail::Low, "timing"),
    feature("gap_min_s", "s at least between calls", Tail::Neither, "timing"),
    feature("gap_log_spread", "spread of the logarithm of pauses", Tail::Low, "timing"),
    feature("peak_per_second", "calls within one second", Tail::High, "timing"),
    feature("n_objects", "different objects at one endpoint", Tail::High, "objects"),
    feature("walk_share", "of objects next to the one before", Tail::High, "objects"),
    feature("refused_objects", "calls refused at the endpoint with most objects", Tail::High, "objects"),
    feature("polluted_share", "of calls with a parameter given twice", Tail::High, "texts"),
    feature("marked_share", "of calls that try doors", Tail::High, "texts"),
];

/// The values of all features of a session, NaN where there is none; `own` as the session was counted in the baseline itself.
/// Cost: linear in its endpoints and edges.
#[must_use]
pub fn features(session: &Session, baseline: &Baseline, own: bool) -> Vec<f64> {
    let n = f64::from(session.n_calls.max(1));
    let share = |part: u32| f64::from(part) / n;
    let shape = LocalStatistics::new(session.edges.keys().copied());
    let order = Order::new(session, baseline, own);
    let repetition = Repetition::new(session);
    let gaps = &session.gaps;
    let gap = |value: f64, least: u32| if gaps.n >= least { value } else { f64::NAN };
    let objects = session.most_objects().map(|(_, node)| node);
    let of_objects = |value: &dyn Fn(&crate::session::Node) -> f64| objects.map_or(0.0, value);
    vec![
        n,
        session.duration_s(),
        session.nodes.len() as f64,
        session.edges.len() as f64,
        repetition.self_loops,
        repetition.top,
        repetition.entropy,
        shape.out_mean,
        shape.out_max,
        shape.out_std,
        shape.in_mean,
        shape.in_max,
        shape.in_std,
        order.share_mean,
        order.share_min,
        share(session.nodes.get(&UNKNOWN).map_or(0, |node| node.n)),
        order.transition_mean,
        order.transition_min,
        order.unseen_share,
        order.n_skipped,
        order.skipped_share,
        share(session.n_client_errors),
        share(session.n_denied),
        share(session.n_missing),
        share(session.n_server_errors),
        session.missing_paths.len() as f64,
        share(session.n_writes),
        share(session.n_other_methods),
        gap(gaps.mean(), 1),
        gap(gaps.variation(), 5),
        gap(gaps.least, 1),
        gap(gaps.spread_log(), 5),
        f64::from(session.peak_per_second),
        of_objects(&|node| node.objects.len() as f64),
        of_objects(&|node| f64::from(node.n_steps) / f64::from(node.n)),
        of_objects(&|node| f64::from(node.n_refused)),
        share(session.n_polluted),
        share(session.n_marked),
    ]
}

/// How a session repeats itself.
struct Repetition {
    self_loops: f64,
    top: f64,
    entropy: f64,
}

impl Repetition {
    fn new(session: &Session) -> Self {
        let mut counts: Vec<u32> = session.nodes.values().map(|node| node.n).collect();
        counts.sort_unstable();
        let n = f64::from(session.n_calls.max(1));
        let part = |count: &u32| f64::from(*count) / n;
        let loops = session.edges.iter().filter(|((from, to), _)| from == to);
        let n_loops: u32 = loops.map(|(_, count)| *count).sum();
        Self {
            self_loops: f64::from(n_loops) / (n - 1.0).max(1.0),
            top: counts.last().map_or(0.0, part),
            entropy: counts.iter().map(part).map(|part| -part * part.log2()).sum(),
        }
    }
}

/// How usual a session's endpoints and steps are.
struct Order {
    share_mean: f64,
    share_min: f64,
    transition_mean: f64,
    transition_min: f64,
    unseen_share: f64,
    n_skipped: f64,
    skipped_share: f64,
}

impl Order {
    fn new(session: &Session, baseline: &Baseline, own: bool) -> Self {
        let mut nodes: Vec<_> = session.nodes.iter().filter(|(id, _)| is_learned(**id)).collect();
        nodes.sort_unstable_by_key(|(id, _)| **id); // so that sums are the same every time
        let shares = || nodes.iter().map(|(id, _)| baseline.share_with(**id, own));
        let is_edge_learned = |(from, to): &(u32, u32)| is_learned(*from) && is_learned(*to);
        let mut edges: Vec<_> = session.edges.iter().filter(|(edge, _)| is_edge_learned(edge)).collect();
        edges.sort_unstable();
        let log = |((from, to), n): &(&(u32, u32), &u32)| {
            (baseline.transition(*from, *to, own).ln(), f64::from(**n))
        };
        let logs: Vec<(f64, f64)> = edges.iter().map(log).collect();
        let n_steps: f64 = logs.iter().map(|(_, n)| n).sum();
        let of_steps = |log: f64| if n_steps > 0.0 { log.exp() } else { f64::NAN };
        let n_unseen: u32 =
            edges.iter().filter(|((from, to), _)| !baseline.is_seen(*from, *to, own)).map(|(_, n)| **n).sum();
        let skipped = |id: u32, rank: u32| {
            let is_skipped = |step: &&u32| session.nodes.get(step).is_none_or(|node| node.rank > rank);
            baseline.steps_before(id).iter().filter(is_skipped).count()
        };
        let skipped: Vec<usize> = nodes.iter().map(|(id, node)| skipped(**id, node.rank)).collect();
        let n_nodes = nodes.len().max(1) as f64;
        let n_skipping = skipped.iter().filter(|n| **n > 0).count() as f64;
        Self {
            share_mean: if nodes.is_empty() { f64::NAN } else { shares().sum::<f64>() / n_nodes },
            share_min: shares().fold(f64::NAN, f64::min),
            transition_mean: of_steps(logs.iter().map(|(log, n)| log * n).sum::<f64>() / n_steps),
            transition_min: of_steps(logs.iter().map(|(log, _)| *log).fold(0.0, f64::min)),
            unseen_share: if n_steps > 0.0 { f64::from(n_unseen) / n_steps } else { 0.0 },
            n_skipped: skipped.iter().sum::<usize>() as f64,
            skipped_share: n_skipping / n_nodes,
        }
    }
}
