//! The nouns of Lanner. Everything else is written in these words.
//!
//! Reading order: [`time`] (instants, windows, durations), [`instant`] (times as data from elsewhere writes them), [`labels`] (identity), [`sample`] and
//! [`event`] (what comes in), [`score`] (what a detector says and when it counts), [`alert`] (what is
//! tracked, and whom it was sent to), [`action`] (what an alert does with a switch), [`ask`] (what sources are asked and answer), [`search`] (what a search engine is), [`changes`] (what one turn of the engine writes), [`document`] (what people write, with
//! every problem in it), [`field`] (what may stand in one), [`reading`] (fields that several documents have), [`intervals`] (times that recur), [`content`] (one text and one hash for one JSON value), [`glob`] (patterns over names),
//! [`printable`] (text from elsewhere, made fit for a terminal), `template` and `matching` (the language of templates, and matchers at work, for those that ask for them).
//!
//! **Architecture invariant:** this crate and every crate that is built only on it know no clock, file,
//! socket, environment variable or unseeded randomness. Time comes in as an argument, in milliseconds
//! since the Unix epoch (UTC), in names that end in `_ms`.

pub mod action;
pub mod alert;
pub mod ask;
pub mod cause;
pub mod change_cause;
pub mod changes;
pub mod content;
mod days;
pub mod document;
pub mod event;
pub mod field;
pub mod glob;
mod group;
pub mod instant;
pub mod intervals;
pub mod labels;
pub mod matchers;
#[cfg(feature = "matching")]
pub mod matching;
mod nearest;
pub mod printable;
pub mod reading;
pub mod sample;
pub mod score;
pub mod search;
#[cfg(feature = "template")]
pub mod template;
pub mod time;

pub use action::{SwitchAction, WrongBudget};
pub use alert::{
    Acknowledgement, Alert, AlertState, Annotations, DeliveryOutcome, Evaluation, Notification,
    NotifiedAlert, Omitted, Outcome, ResolvedReason,
};
pub use ask::{
    Answer, Ask, Contributor, Evidence, Instants, Reading, Readings, RemoteAsk, RemoteSeries, SourceError,
};
pub use change_cause::Cause;
pub use changes::{AlertNews, Changes, Cursor, MatchOp, Matcher, Measured, NotificationLogEntry, Silence};
pub use days::Days;
pub use document::{Node, Problem, Problems};
pub use event::Event;
pub use group::Group;
pub use intervals::{Phase, TimeIntervals};
pub use labels::{Labels, SeriesKey};
pub use nearest::nearest;
pub use sample::{Aggregate, Sample};
pub use score::{Score, Scorer, Threshold};
pub use search::{EventsQuery, SearchQuery, WindowQuery};
pub use time::{Shift, TimeRange};
