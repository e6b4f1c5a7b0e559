//! Graphite's expression language: `absolute(divideSeries(diffSeries(timeShift(m,'7d'),m),m))`.
//!
//! [`parse()`] reads and checks an expression once; [`Request::evaluate`] answers it as often as wanted, from any
//! [`Source`] of series. Behaviour is Graphite's to the last bit where that can be: names, tags, nulls and order
//! included. Where Graphite crashes, the answer is a [`Problem`].
//!
//! Reading order: [`Series`] (what flows), [`parse()`] and [`Expr`] (what was written),
//! [`Query`], [`Request`] and [`Source`] (what it is asked of), [`functions`] (what can be asked).
//!
//! **Invariants:** pure functions; no clock, no I/O, no randomness. Times are whole seconds since the Unix epoch, and
//! NaN means "no value here", as Graphite has them.

mod aggregate;
mod at_time;
mod bind;
pub mod catalogue;
mod evaluate;
mod expr;
mod function;
pub mod functions;
mod glob;
mod holt_winters;
mod interval;
mod language;
mod legend;
mod nodes;
mod normalize;
mod number;
mod one_number;
mod parameter;
mod parse;
mod pattern;
mod percentile;
mod problem;
mod render;
mod rounding;
mod series;
mod source;
mod tags;
mod template;
mod window;

pub use aggregate::Aggregate;
pub use at_time::at_time;
pub use evaluate::{Answer, Call, Entry, Given, Language, MAX_FETCHED, Request, Run, Scope, each};
pub use expr::{Argument, Expr, Literal};
pub use function::{Function, Vocabulary};
pub use glob::Glob;
pub use holt_winters::{Forecast, HoltWintersState, holt_winters};
pub use interval::interval_s;
pub use language::{language, parse, parse_as_graphite, parse_as_graphite_with};
pub use nodes::{first_path, key, node_or_tag};
pub use normalize::{Normalized, consolidated, normalize};
pub use number::{shortest, six_digits};
pub use parameter::{Default, Kind, Parameter};
pub use parse::{MAX_DEPTH, MAX_LENGTH};
pub use percentile::{percentile, percentile_of_sorted};
pub use problem::Problem;
pub use render::{Query, Refusal};
pub use rounding::round_to;
pub use series::{Consolidation, Series};
pub use source::{EventTags, MAX_POINTS, Points, Source, Tagged, slots};
pub use tags::{TagCondition, tags_of};
