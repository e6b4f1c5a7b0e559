//! Where values come from: what a rule asks for, who answers, and what the answer looks like.
//!
//! Reading order: [`query`] (what rules measure), [`ask`] (what is asked, what is answered), [`series`] and
//! [`expression`] (how two kinds of query are answered from stored samples), [`gaps`] (what no source can say),
//! [`recorded`] (events and samples in memory as a source).

mod ask;
pub mod expression;
mod gaps;
pub(crate) mod join;
mod query;
mod recorded;
mod series;

pub use ask::{Answer, Due, GroupValues, Reading, Readings, Source, gather, readings};
pub use gaps::{Gaps, Missed, is_known, shown};
pub use query::{ExpressionQuery, Query, SeriesQuery, StreamQuery, WarmUp, is_template};
pub use recorded::{Metrics, Recorded};
pub use series::{Selector, SeriesGroups, glob};
