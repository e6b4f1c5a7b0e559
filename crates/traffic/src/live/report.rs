//! What is said of a session.

use std::sync::Arc;

use crate::client::ClientKind;
use crate::findings::Finding;
use crate::session::Session;

/// How much is known when something is said of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// What is usual is being learned; only findings count.
    Learning,
    /// The session began about when watching did, so it may lack its beginning; only findings count.
    Incomplete,
    /// All of it is judged.
    Active,
}

impl Standing {
    /// Its name in events. It stays the same in later releases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Incomplete => "incomplete",
            Self::Active => "active",
        }
    }
}

/// What is said of a session: once when it is over, and before, as soon as it is flagged and as soon as it has a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Whose it is.
    pub key: Arc<str>,
    /// When this became known; milliseconds since the Unix epoch, as all times here.
    pub time_ms: i64,
    /// Its first request.
    pub first_ms: i64,
    /// Its last request so far.
    pub last_ms: i64,
    /// Whether it is over.
    pub is_over: bool,
    /// What is known.
    pub standing: Standing,
    /// Requests.
    pub n_requests: u32,
    /// Those that were answered with 4xx or 5xx.
    pub n_errors: u32,
    /// Different endpoints.
    pub n_endpoints: usize,
    /// How unusual it is, the highest of all looks: above 1 no more of ordinary sessions lie than the settings allow. `None`
    /// unless it is judged.
    pub score: Option<f64>,
    /// Whether nobody was told before that it is flagged, or that it has a finding.
    pub is_news: bool,
    /// Behaviour with a name.
    pub findings: Vec<Finding>,
    /// Why it is flagged: findings with their evidence, then what is unusual, strongest first.
    pub reasons: Vec<String>,
    /// Who the client seems to be.
    pub client: Option<ClientKind>,
    /// What the trained model in use says, which then decides whether the session is unusual.
    pub champion: Option<ModelVerdict>,
    /// What another one says, which decides nothing.
    pub challenger: Option<ModelVerdict>,
}

/// What a trained model says of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelVerdict {
    /// The name of the model.
    pub model: Arc<str>,
    /// How likely the session is anomalous, from 0 to 1.
    pub probability: f64,
    /// Whether that is above the threshold of the model.
    pub is_flagged: bool,
    /// What raises it, strongest first.
    pub reasons: Vec<String>,
}

impl Report {
    /// The facts of a session.
    pub(super) fn of(session: &Session, time_ms: i64, is_over: bool) -> Self {
        Self {
            key: session.key.clone(),
            time_ms,
            first_ms: session.first_ms,
            last_ms: session.last_ms,
            is_over,
            standing: Standing::Active,
            n_requests: session.n_calls,
            n_errors: session.n_client_errors + session.n_server_errors,
            n_endpoints: session.nodes.len(),
            score: None,
            is_news: false,
            findings: Vec::new(),
            reasons: Vec::new(),
            client: ClientKind::of(session),
            champion: None,
            challenger: None,
        }
    }

    /// Whether it exceeds what is usual: by the trained model in use, if there is one.
    #[must_use]
    pub fn is_unusual(&self) -> bool {
        match &self.champion {
            Some(champion) => champion.is_flagged,
            None => self.score.is_some_and(|score| score >= 1.0),
        }
    }

    /// Whether it is unusual or has a finding.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        self.is_unusual() || !self.findings.is_empty()
    }
}
