//! The engine: rules, schedule, measures, detectors, the life of alerts, and who is told.
//!
//! It is three pure calls. [`Engine::plan`] says which evaluations are due, [`Engine::evaluate`] scores and
//! decides, [`Engine::apply`] moves alerts and says what to write and send. Fetching, storing and sending
//! lie between them, at the edge; so the whole engine runs in a simulation with a virtual clock, in a
//! replay of history, and inside somebody else's program, by the same code path.
//!
//! Reading order: [`document`] (of `core`) and [`config`] (what people write), [`rule`] (what was checked),
//! [`schedule`] (windows), [`measure`], [`stream`] and [`expression`] (what is measured), [`detector`] and
//! `learning` (scores), [`watch`] (what nobody can say), [`life`] (alerts), [`notify`] (messages), [`engine`] (the three
//! calls), [`vitals`] (alerts about Lanner itself), [`replay`] and [`lookback`] (the past).
//!
//! **Architecture invariant:** no clock, file, socket, environment or randomness; times come in as
//! arguments, in milliseconds since the Unix epoch.

pub mod config;
pub mod detector;
pub mod engine;
pub mod expression;
mod join;
mod judge;
mod learning;
pub mod life;
pub mod lookback;
pub mod matcher;
pub mod measure;
pub mod notify;
pub mod replay;
pub mod rule;
pub mod schedule;
pub mod script;
mod seen;
pub mod stream;
mod stretches;
pub mod template;
mod users;
pub mod vitals;
pub mod watch;

pub use lanner_core::document;
pub use lanner_core::{Node, Problem, Problems};

pub use config::Config;
pub use engine::{Answer, Due, Engine, Plan, Reading, Readings};
pub use rule::Rule;
