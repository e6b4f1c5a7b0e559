//! Where values come from: what a rule asks for, who answers, and how the answer is put together.
//!
//! What is asked and what is answered ([`Ask`], [`Answer`]) is plain data of `core`, so that a source may be another
//! process.
//!
//! Reading order: [`Query`] and [`KINDS`] (what rules measure), [`Data`] (what there is to measure), `stream`, `series`
//! `target`, `promql`, `influxql`, `sql`, `opensearch`, `formula` and `model` (one file a kind), [`expression`] (how Graphite's expressions are answered), `remote`
//! (queries that another server answers), [`Elsewhere`] and `events` (streams that another server holds and counts), [`Due`] and [`Source`], [`Gaps`] (what no source can say), [`Recorded`] (events and
//! samples in memory).

mod arithmetic;
mod ceiling;
mod counted;
mod data;
mod due;
mod elsewhere;
mod events;
pub mod expression;
mod fields;
mod formula;
mod gaps;
mod gather;
mod groups;
mod influxql;
pub(crate) mod join;
mod kinds;
mod model;
mod opensearch;
mod parts;
mod promql;
mod query;
mod recorded;
mod remote;
mod runs;
mod series;
mod sql;
mod stream;
mod target;

pub use lanner_core::{Answer, Ask, Reading, Readings, SourceError};

pub use ceiling::Ceiling;
pub use data::{Data, Fetched, RowScorer, SeriesQuery, Stored, StreamQuery, Unjudged};
pub use due::{Due, Source};
pub use elsewhere::{Elsewhere, PLACE};
pub(crate) use gaps::is_known;
pub use gaps::{Gaps, Missed, shown};
pub use gather::{GroupValues, gather, readings};
pub use groups::{Selector, SeriesGroups};
pub use kinds::{KINDS, QUERY, read_query};
pub use query::{Kind, Query};
pub use recorded::{Metrics, Recorded};
pub use runs::{Run, runs};
