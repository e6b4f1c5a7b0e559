//! StatsD: what programs count and time, summed up here for an interval, which makes a sample of each.
//!
//! Reading order: [`parse_line`] (a line as it is sent), [`Interval`] (what lines add up to), [`Options`] (how). Names are those
//! of the `StatsD` that Etsy began, so that what reads its series reads these; tags are those of DogStatsD and become labels.
//!
//! Nothing here knows what time it is: whoever receives lines says when an interval is over.

mod error;
mod interval;
mod line;
mod timer;

pub use error::StatsdError;
pub use interval::{Interval, Options};
pub use line::{Kind, Line, parse_line};
