//! The engine: rules, schedule, measures, detectors, the state machine of alerts, and who is notified.
//!
//! It is three pure calls. [`Engine::plan`] says which evaluations are due, [`Engine::evaluate`] scores and
//! decides, [`Engine::apply`] moves alerts and says what to write and send. Fetching, storing and sending
//! lie between them, at the edge; so the whole engine runs in a simulation with a virtual clock, in a
//! replay of history, and inside somebody else's program, by the same code path.
//!
//! Reading order: [`document`] (of `core`) and [`rule`] (what people write, and its windows), [`source`] (what is
//! asked and answered), [`processor`] (what becomes of events before they are stored), [`measure`] (what values come to), [`detector`] (scores), [`alert`] (the state machine,
//! messages, and alerts about Lanner itself), [`engine`] (the three calls), [`cycle`] (one
//! after the other, with reads side by side), [`replay`] and [`lookback`] (the past).
//!
//! **Architecture invariant:** no clock, file, socket, environment or randomness; times come in as
//! arguments, in milliseconds since the Unix epoch.

pub mod alert;
pub mod cycle;
pub mod detector;
pub mod engine;
pub mod lookback;
pub mod measure;
pub mod processor;
pub mod replay;
pub mod rule;
pub mod source;

pub use lanner_core::document;
pub use lanner_core::{Node, Problem, Problems};

pub use alert::{matcher, notify, vitals};
pub use engine::{Engine, Plan};
pub use measure::stream;
pub use replay::script;
pub use rule::config::Config;
pub use rule::{Rule, config, schedule, template};
pub use source::{Answer, Ask, Due, Reading, Readings, SourceError, expression};
