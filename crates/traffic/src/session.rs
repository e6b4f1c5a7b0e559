//! One session: what a client did without a long pause, counted call by call.
//!
//! Each call costs the same however long the session is, so a session can be judged while it lasts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::call::{Call, Method, Object};
use crate::endpoints::EndpointId;
use crate::looks::Looks;
use crate::says::Says;

/// More edges, objects or paths are not told apart: their number is what matters then.
const MAX_TOLD_APART: usize = 4_096;

/// A map whose order never reaches a result.
pub(crate) type Map<K, V> = HashMap<K, V, FixedState>;

/// What a client did.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose it is.
    pub key: Arc<str>,
    /// The session that the log named at its first call, as a number; 0 for none.
    pub tag: u32,
    /// When the first call came; milliseconds since the Unix epoch.
    pub first_ms: i64,
    /// When the last call came.
    pub last_ms: i64,
    /// Calls.
    pub n_calls: u32,
    /// The endpoints it called.
    pub nodes: Map<EndpointId, Node>,
    /// How often it went from one endpoint to another.
    pub edges: Map<(EndpointId, EndpointId), u32>,
    /// Answers that blame the client.
    pub n_client_errors: u32,
    /// Denied ones among them: 401 and 403.
    pub n_denied: u32,
    /// Missing ones among them: 404 and 410.
    pub n_missing: u32,
    /// Answers that blame the server.
    pub n_server_errors: u32,
    /// Calls that change something.
    pub n_writes: u32,
    /// Calls with methods that ordinary clients seldom use.
    pub n_other_methods: u32,
    /// Calls with a parameter given twice.
    pub n_polluted: u32,
    /// Calls that try doors.
    pub n_marked: u32,
    /// Texts that are no requests.
    pub n_malformed: u32,
    /// Calls without an agent.
    pub n_without_agent: u32,
    /// Denied or repeated writes at a login, the most at one endpoint.
    pub n_logins: u32,
    /// Denied ones among them.
    pub n_denied_logins: u32,
    /// Calls that came out of order.
    pub n_late: u32,
    /// The most calls within one second.
    pub peak_per_second: u32,
    /// What its client says of itself; set by whoever wants to know.
    pub says: Says,
    /// Whether its client is known to be a bot that declares itself; set likewise.
    pub is_declared: bool,
    pub(crate) looks: Looks,
    pub(crate) gaps: Gaps,
    pub(crate) missing_paths: HashSet<u64, FixedState>,
    last: Option<EndpointId>,
    second: (i64, u32),
}

/// An endpoint in a session.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Calls.
    pub n: u32,
    /// How many endpoints were called before its first call.
    pub rank: u32,
    /// Calls denied or missing.
    pub n_refused: u32,
    /// Calls with a parameter given twice.
    pub n_polluted: u32,
    /// Different objects that were named.
    pub objects: HashSet<Object, FixedState>,
    /// Steps to a neighbouring number: up or down by 1 or 2.
    pub n_steps: u32,
    last_number: Option<u64>,
}

/// Pauses between calls, in seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gaps {
    pub(crate) n: u32,
    pub(crate) sum: f64,
    pub(crate) sum_of_squares: f64,
    pub(crate) sum_of_logs: f64,
    pub(crate) sum_of_squared_logs: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Session {
    /// A session that begins at `first_ms`.
    #[must_use]
    pub fn new(key: Arc<str>, first_ms: i64) -> Self {
        Self {
            key,
            tag: 0,
            first_ms,
            last_ms: first_ms,
            n_calls: 0,
            nodes: Map::default(),
            edges: Map::default(),
            n_client_errors: 0,
            n_denied: 0,
            n_missing: 0,
            n_server_errors: 0,
            n_writes: 0,
            n_other_methods: 0,
            n_polluted: 0,
            n_marked: 0,
            n_malformed: 0,
            n_without_agent: 0,
            n_logins: 0,
            n_denied_logins: 0,
            n_late: 0,
            peak_per_second: 0,
            says: Says::default(),
            is_declared: false,
            looks: Looks::default(),
            gaps: Gaps::default(),
            missing_paths: HashSet::default(),
            last: None,
            second: (i64::MIN, 0),
        }
    }

    /// Adds a call. One that came late counts as if it came with the last. Cost: constant.
    pub fn add(&mut self, call: &Call) {
        let now_ms = call.time_ms.max(self.last_ms);
        self.n_late += u32::from(call.time_ms < self.last_ms);
        if self.n_calls == 0 {
            self.tag = call.tag;
        } else {
            self.gaps.add((now_ms - self.last_ms) as f64 / 1e3);
        }
        self.last_ms = now_ms;
        self.n_calls += 1;
        self.count_second(now_ms / 1_000);
        self.count_answer(call);
        self.count_kind(call);
        self.add_to_graph(call);
    }

    /// Takes over what was noted about the same session.
    pub(crate) fn take_over(&mut self, known: &Self) {
        (self.says, self.is_declared, self.looks) = (known.says, known.is_declared, known.looks.clone());
    }

    fn count_second(&mut self, second: i64) {
        self.second = if self.second.0 == second { (second, self.second.1 + 1) } else { (second, 1) };
        self.peak_per_second = self.peak_per_second.max(self.second.1);
    }

    fn count_answer(&mut self, call: &Call) {
        self.n_client_errors += u32::from(call.is_client_error());
        self.n_denied += u32::from(call.is_denied());
        self.n_server_errors += u32::from(call.status >= 500);
        if matches!(call.status, 404 | 410) {
            self.n_missing += 1;
            if self.missing_paths.len() < MAX_TOLD_APART {
                self.missing_paths.insert(call.path);
            }
        }
    }

    fn count_kind(&mut self, call: &Call) {
        self.n_writes += u32::from(call.method == Method::Write);
        self.n_other_methods += u32::from(call.method == Method::Other);
        self.n_polluted += u32::from(call.is_polluted);
        self.n_marked += u32::from(call.is_marked);
        self.n_malformed += u32::from(call.is_malformed);
        self.n_without_agent += u32::from(call.agent == 0);
        if call.is_login && call.method == Method::Write {
            self.n_logins += 1;
            self.n_denied_logins += u32::from(call.is_client_error());
        }
    }

    fn add_to_graph(&mut self, call: &Call) {
        let rank = self.nodes.len() as u32;
        if self.nodes.len() < MAX_TOLD_APART || self.nodes.contains_key(&call.endpoint) {
            let node = self.nodes.entry(call.endpoint).or_insert_with(|| Node::new(rank));
            node.add(call);
        }
        if let Some(last) = self.last {
            let edge = (last, call.endpoint);
            if self.edges.len() < MAX_TOLD_APART || self.edges.contains_key(&edge) {
                *self.edges.entry(edge).or_default() += 1;
            }
        }
        self.last = Some(call.endpoint);
    }

    /// How long it lasted, in seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        (self.last_ms - self.first_ms) as f64 / 1e3
    }

    /// The endpoint with the most different objects.
    #[must_use]
    pub fn most_objects(&self) -> Option<(EndpointId, &Node)> {
        let most = self.nodes.iter().max_by_key(|(id, node)| (node.objects.len(), std::cmp::Reverse(**id)));
        most.map(|(id, node)| (*id, node)).filter(|(_, node)| !node.objects.is_empty())
    }
}

impl Node {
    /// One before whose first call so many endpoints were called.
    pub(crate) fn new(rank: u32) -> Self {
        Self { rank, ..Self::default() }
    }

    fn add(&mut self, call: &Call) {
        self.n += 1;
        self.n_refused += u32::from(call.is_refused());
        self.n_polluted += u32::from(call.is_polluted);
        let Some(object) = call.object else { return };
        if self.objects.len() < MAX_TOLD_APART {
            self.objects.insert(object);
        }
        if let Object::Number(number) = object {
            let is_step = self.last_number.is_some_and(|last| (1..=2).contains(&last.abs_diff(number)));
            self.n_steps += u32::from(is_step);
            self.last_number = Some(number);
        }
    }
}

impl Gaps {
    fn add(&mut self, gap: f64) {
        let log = gap.max(0.001).ln();
        self.least = if self.n == 0 { gap } else { self.least.min(gap) };
        self.most = self.most.max(gap);
        self.n += 1;
        self.sum += gap;
        self.sum_of_squares += gap * gap;
        self.sum_of_logs += log;
        self.sum_of_squared_logs += log * log;
    }

    pub(crate) fn mean(&self) -> f64 {
        if self.n == 0 { f64::NAN } else { self.sum / f64::from(self.n) }
    }

    /// The spread of the pauses, in units of their mean.
    pub(crate) fn variation(&self) -> f64 {
        let mean = self.mean();
        let variance = (self.sum_of_squares / f64::from(self.n) - mean * mean).max(0.0);
        if mean > 0.0 { variance.sqrt() / mean } else { f64::NAN }
    }

    pub(crate) fn mean_log(&self) -> f64 {
        self.sum_of_logs / f64::from(self.n)
    }

    /// The spread of the logarithms: about 1 for people, near 0 for programs with a fixed beat.
    pub(crate) fn spread_log(&self) -> f64 {
        let (n, mean) = (f64::from(self.n), self.mean_log());
        (self.sum_of_squared_logs / n - mean * mean).max(0.0).sqrt()
    }
}
