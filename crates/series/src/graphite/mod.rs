//! Graphite's expression language: `absolute(divideSeries(diffSeries(timeShift(m,'7d'),m),m))`.
//!
//! [`parse()`] reads and checks an expression once; [`Request::evaluate`] answers it as often as wanted, from any
//! [`Source`] of series. Behaviour is Graphite's to the last bit where that can be: names, tags, nulls and order
//! included. Where Graphite crashes, the answer is a [`Problem`].
//!
//! Reading order: [`Series`] (what flows), [`parse`](mod@parse) and [`Expr`] (what was written),
//! [`Request`] and [`Source`] (what it is asked of), [`functions`] (what can be asked).

mod aggregate;
mod evaluate;
mod expr;
pub mod functions;
mod glob;
mod holt_winters;
mod interval;
mod number;
pub mod parse;
mod problem;
mod rounding;
mod series;
mod source;
mod window;

pub use aggregate::Aggregate;
pub use evaluate::{Call, Given, Request, Scope, each};
pub use expr::{Argument, Expr, Literal};
pub use glob::Glob;
pub use holt_winters::{Forecast, HoltWintersState, holt_winters};
pub use interval::interval_s;
pub use number::{shortest, six_digits};
pub use parse::{parse, parse_as_graphite};
pub use problem::Problem;
pub use rounding::round_to;
pub use series::{Consolidation, Series};
pub use source::{Points, Source, Tagged, slots};
