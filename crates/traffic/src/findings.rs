//! Findings: behaviour that has a name, with the evidence for it.
//!
//! A finding never rests on how many paths a client saw: applications that prefetch, synchronise or show photographs
//! see many. It rests on what the server refused, on texts that ordinary clients do not send, or on what the baseline
//! knows of others.

use std::fmt;

use crate::baseline::Baseline;
use crate::endpoints::{ANYWHERE, EndpointId, Endpoints};
use crate::session::Session;
use crate::walks::Walk;

/// Behaviour that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// Object after object is asked for, to see which are open.
    Enumeration,
    /// A parameter is given twice, so that a check sees one value and the program another.
    ParameterPollution,
    /// Many paths that do not exist.
    Probing,
    /// Texts that only somebody sends who tries doors.
    AttackPattern,
    /// Login after login.
    BruteForce,
    /// What is no request of HTTP.
    Malformed,
}

impl FindingKind {
    /// Its name in output and events, lower case with underscores. It stays the same in later releases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enumeration => "enumeration",
            Self::ParameterPollution => "parameter_pollution",
            Self::Probing => "probing",
            Self::AttackPattern => "attack_pattern",
            Self::BruteForce => "brute_force",
            Self::Malformed => "malformed",
        }
    }
}

/// A finding with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// Why, with numbers.
    pub evidence: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.evidence)
    }
}

/// Different objects from which on an endpoint is enumerated, if most of them are refused.
const MIN_REFUSED_OBJECTS: usize = 5;

/// Steps to the neighbour from which on it is a walk, if some are refused.
const MIN_STEPS: u32 = 5;

/// Different missing paths from which on it is probing.
const MIN_MISSING_PATHS: usize = 8;

/// Logins refused from which on they are tried by force.
const MIN_DENIED_LOGINS: u32 = 5;

/// Logins, refused or not: some programs answer 200 to a wrong password.
const MIN_LOGINS: u32 = 8;

/// Programs whose password has expired ask again after a longer pause, in seconds.
const MAX_PAUSE_S: f64 = 5.0;

/// Requests that try doors.
const MIN_MARKED: u32 = 1;

/// Requests with a parameter given twice.
const MIN_POLLUTED: u32 = 2;

/// Texts that are no requests.
const MIN_MALFORMED: u32 = 4;

/// The findings of a session beside what is usual. Cost: linear in its endpoints.
#[must_use]
pub fn find(session: &Session, endpoints: &Endpoints, baseline: &Baseline) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |kind, is_found: bool, evidence: &dyn Fn() -> String| {
        if is_found {
            findings.push(Finding { kind, evidence: evidence() });
        }
    };
    let n = session.n_calls;
    let walked = session
        .nodes
        .iter()
        .filter(|(_, node)| is_enumeration(node.objects.len(), node.n, node.n_steps, node.n_refused));
    let mut walked: Vec<_> = walked.collect();
    walked.sort_unstable_by_key(|(id, node)| (std::cmp::Reverse(node.objects.len()), **id));
    if let Some((id, node)) = walked.first() {
        let evidence = || objects(endpoints, **id, node.objects.len(), node.n_steps, node.n_refused);
        add(FindingKind::Enumeration, true, &evidence);
    }
    let odd = session.nodes.iter().filter(|(id, _)| !baseline.is_pollution_usual(**id));
    let n_polluted: u32 = odd.map(|(_, node)| node.n_polluted).sum();
    add(FindingKind::ParameterPollution, n_polluted >= MIN_POLLUTED, &|| {
        format!("{n_polluted} of {n} calls give a parameter twice with different values")
    });
    let n_paths = session.missing_paths.len();
    let is_mostly_missing = 2 * session.n_missing >= n;
    add(FindingKind::Probing, n_paths >= MIN_MISSING_PATHS && is_mostly_missing, &|| {
        format!("{n_paths} different paths do not exist, {} of {n} calls", session.n_missing)
    });
    add(FindingKind::AttackPattern, session.n_marked >= MIN_MARKED, &|| {
        format!("{} of {n} calls hold texts of known attacks", session.n_marked)
    });
    add(FindingKind::BruteForce, is_brute_force(session), &|| brute_force(session));
    add(FindingKind::Malformed, session.n_malformed >= MIN_MALFORMED, &|| {
        format!("{} of {n} calls are no requests of HTTP", session.n_malformed)
    });
    findings
}

/// Whether logins are tried: most of many refused; many and little else; or nothing but refusals, faster than a program
/// whose password has expired would ask.
fn is_brute_force(session: &Session) -> bool {
    let Session { n_calls, n_logins, n_denied_logins, n_denied, .. } = session;
    let is_refused = *n_denied_logins >= MIN_DENIED_LOGINS && 5 * n_denied_logins >= 4 * n_logins;
    let is_all = *n_logins >= MIN_LOGINS && 2 * n_logins >= *n_calls;
    let is_fast = session.duration_s() < f64::from(*n_calls) * MAX_PAUSE_S;
    is_refused || is_all || (*n_denied >= MIN_DENIED_LOGINS && n_denied == n_calls && is_fast)
}

fn brute_force(session: &Session) -> String {
    if session.n_logins == 0 {
        return format!("all {} calls denied within {:.0} s", session.n_calls, session.duration_s());
    }
    format!("{} attempts to log in, {} of them refused", session.n_logins, session.n_denied_logins)
}

impl Walk {
    /// Whether there may be a finding, which depends on the endpoint as well. Cost: constant.
    pub(crate) fn may_be_found(&self) -> bool {
        self.n_polluted >= MIN_POLLUTED
            || is_enumeration(self.n_objects(), self.n_calls, self.n_steps, self.n_refused)
    }

    /// `within 14.5 h`
    pub(crate) fn span(&self) -> String {
        let hours = (self.last_ms - self.first_ms) as f64 / 3.6e6;
        format!("within {hours:.1} h")
    }

    /// The findings of what was too slow for any session to show it.
    #[must_use]
    pub fn findings(&self, endpoints: &Endpoints, baseline: &Baseline) -> Vec<Finding> {
        let mut findings = Vec::new();
        if is_enumeration(self.n_objects(), self.n_calls, self.n_steps, self.n_refused) {
            let evidence = objects(endpoints, self.endpoint, self.n_objects(), self.n_steps, self.n_refused);
            findings.push(Finding { kind: FindingKind::Enumeration, evidence });
        }
        if self.n_polluted >= MIN_POLLUTED && !baseline.is_pollution_usual(self.endpoint) {
            let n = self.n_polluted;
            let of = match self.endpoint {
                ANYWHERE => String::new(),
                endpoint => format!(" of {}", endpoints.name(endpoint)),
            };
            let evidence = format!("{n} calls{of} give a parameter twice with different values");
            findings.push(Finding { kind: FindingKind::ParameterPollution, evidence });
        }
        findings
    }
}

/// Whether objects are tried out: most of many refused, or a walk to neighbours of which some are.
fn is_enumeration(n_objects: usize, n_calls: u32, n_steps: u32, n_refused: u32) -> bool {
    let is_refused = n_objects >= MIN_REFUSED_OBJECTS && 2 * n_refused >= n_calls;
    let is_walk =
        n_steps >= MIN_STEPS && 3 * n_steps >= n_calls && 10 * n_refused >= n_calls && n_refused >= 2;
    is_refused || is_walk
}

fn objects(endpoints: &Endpoints, id: EndpointId, n_objects: usize, n_steps: u32, n_refused: u32) -> String {
    format!(
        "{n_objects} different objects at {}, {n_steps} of them next to the one before, {n_refused} refused",
        endpoints.name(id)
    )
}
