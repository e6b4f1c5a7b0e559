//! API traffic: from the lines of an access log to sessions, what they did, and what is unusual about it.
//!
//! Reading order: [`log`] (lines become requests), [`Templates`] (paths become endpoints), [`Sessions`] (requests become
//! sessions, each with its call graph; [`Recording`] does all of this for a log that is at hand), [`Baseline`] (what is usual, frozen), [`FEATURES`] (what a session is described by),
//! [`find`] (findings with their evidence), [`Ranking`] (how unusual, without labels), [`Model`] (learned from labels), [`Drift`]
//! (when to learn again); [`Live`] (sessions while they happen); [`Account`] (one of them in full);
//! [`CallGraph`] for graphs that come as such.
//!
//! Invariants of this crate: pure functions over arguments, no clock and no files; work per request is constant, and all
//! tables are bounded; the same requests and settings give the same result.

mod account;
mod baseline;
mod call;
mod client;
mod drift;
mod endpoints;
mod features;
mod findings;
mod from_graph;
mod graph;
mod learner;
mod live;
pub mod log;
mod looks;
mod markers;
mod model;
mod nearest;
mod query;
mod ranking;
mod recording;
mod request;
mod says;
mod session;
mod sessions;
mod shape;
mod templates;
mod walks;
mod words;

pub use account::{Account, Amount, EndpointUse, Step, Unit, Waterfall};
pub use baseline::{Baseline, NormalRange};
pub use call::Call;
pub use client::ClientKind;
pub use drift::Drift;
pub use endpoints::{EndpointId, Endpoints};
pub use features::{FEATURES, FeatureInfo, Tail, features};
pub use findings::{Finding, FindingKind, find};
pub use graph::{CallGraph, GraphError, NodeCounts, Orientation, SEED_FEATURES};
pub use learner::Learner;
pub use live::{
    Live, LiveSettings, ModelDrift, ModelVerdict, ModelsInUse, NamedModel, Report, Role, Standing, Teller,
};
pub use model::{Counterfactual, Model, ModelError, NORMAL_PROBABILITIES, Reason, Verdict};
pub use nearest::{Nearest, Passing};
pub use ranking::{Ranking, Unusual};
pub use recording::{KeyBy, Recording, Traffic};
pub use request::Request;
pub use says::Says;
pub use session::Session;
pub use sessions::{SessionSettings, Sessions, Tally};
pub use templates::Templates;
pub use walks::{Walk, Walks};
pub use words::in_words;
