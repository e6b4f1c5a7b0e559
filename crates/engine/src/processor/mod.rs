//! Processors: what becomes of an event before it is stored.
//!
//! A processor sees each event of one stream, once, before anything else does. It may add fields, tell better when the event
//! happened, and have it appear on other streams as well. What is stored is what came out, so queries, replays and measures
//! agree without knowing that there are processors; and a change of a processor changes nothing of the past.
//!
//! To add one: a file here, an entry in [`KINDS`], a golden script in `testdata/processors`. The entry's name is the field of
//! a processor's document that chooses its kind.
//!
//! Reading order: [`Processor`] (what one does), [`KINDS`] (which there are), [`Configured`] (one as it is written),
//! [`Processors`] (all of them, by stream, and how an event passes).

mod behaviours;
mod chain;
mod circles;
mod configured;
mod copy;
mod falco;
mod kinds;
mod parse;
mod profile;
mod retold;
mod sessions;

use std::sync::Arc;

use lanner_core::field::Field;
use lanner_core::{Event, Group};
use lanner_traffic::ModelsInUse;
use serde_json::{Map, Value};

pub use behaviours::Behaviours;
pub use chain::{Draft, Processors, Tally};
pub use circles::cross_check;
pub use configured::{Configured, FIELDS, KIND_FIELDS};
pub use kinds::KINDS;
pub use retold::Retold;
pub use sessions::SESSION_NAMES;

use crate::document::{Check, Fields};

/// Looks at one event, and says what is to become of it.
///
/// What every implementation keeps: the same event, the same answer; work linear in the event; no panic and no error,
/// whatever an event holds.
pub trait Processor: std::fmt::Debug + Send + Sync {
    /// The name of its kind: the field of a document that chooses it.
    fn kind(&self) -> &'static str;

    /// The streams on which events may appear by way of it.
    fn copies_to(&self) -> &[Arc<str>] {
        &[]
    }

    /// What it has learned, if it learns; then an answer depends on the events before as well.
    fn memory(&self) -> Option<&dyn Memory> {
        None
    }

    /// The behaviours of hosts that it learned, if it learns those.
    fn behaviours(&self) -> Option<&Behaviours> {
        None
    }

    /// The sessions that it puts together, if it does that.
    fn retold(&self) -> Option<&dyn Retold> {
        None
    }

    /// It is `now_ms` by the clock of whoever runs it, which tells it now and then. Returns events of its own, which appear on
    /// the streams of [`Self::copies_to`].
    fn tick(&self, now_ms: i64) -> Vec<Event> {
        let _ = now_ms;
        Vec::new()
    }

    /// Trained models that judge what it sees from now on, where it asks such.
    fn use_models(&self, models: &ModelsInUse) {
        let _ = models;
    }

    /// The rules of which it wants to know whether they fire.
    fn heeds(&self) -> &[Arc<str>] {
        &[]
    }

    /// The rules that fire from now on, each with the group of an alert.
    fn use_alerts(&self, firing: &[(Arc<str>, Group)]) {
        let _ = firing;
    }

    /// How it stands, in words for people, if there is more to say than how many events it saw.
    fn in_words(&self) -> Option<String> {
        None
    }

    /// What is to become of `event`, whose time is that of its arrival unless it told another.
    fn process(&self, event: &Event) -> Made;
}

/// What a processor has learned. Whoever runs it keeps the memory over restarts.
pub trait Memory {
    /// Begins with nothing, under a seed that nobody can guess: with a known one, events can be made that pass for others.
    /// - `now_ms`: what the clock says; `None` where recorded events are gone through
    fn begin(&self, seed: u128, now_ms: Option<i64>);

    /// What is to be kept, as of `now_ms`.
    fn save(&self, now_ms: i64) -> Vec<u8>;

    /// Takes up what was kept; what came between then and `now_ms` is unknown.
    ///
    /// # Errors
    /// Why it cannot be taken up: it is damaged, or was learned by another configuration.
    fn restore(&self, bytes: &[u8], now_ms: i64) -> Result<(), String>;
}

/// What a processor makes of an event. By default nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Made {
    /// Fields to add. Those that the event has stay as they are.
    pub fields: Map<String, Value>,
    /// When it happened, if that is known better now; milliseconds since the Unix epoch.
    pub time_ms: Option<i64>,
    /// Whether it is to appear on the streams of [`Processor::copies_to`] too, as it is now.
    pub is_copied: bool,
    /// Events of its own, a few, which appear on the streams of [`Processor::copies_to`]. Their times are their own.
    pub events: Vec<Event>,
    /// Whether it was for this processor and is not what the processor expects; it is counted, and stays as it is.
    pub is_unmatched: bool,
}

impl Made {
    /// Of an event that is not what the processor expects.
    #[must_use]
    pub fn unmatched() -> Self {
        Self { is_unmatched: true, ..Self::default() }
    }
}

/// One kind of processor, as configuration, manual and tests know it.
pub struct Kind {
    /// The field of a document that chooses it.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// A value of the field, as YAML.
    pub example: &'static str,
    /// Reads the fields below it.
    pub read: fn(&mut Fields<'_>, &mut Check) -> Option<Arc<dyn Processor>>,
    /// The fields below it.
    pub fields: &'static [Field],
}
