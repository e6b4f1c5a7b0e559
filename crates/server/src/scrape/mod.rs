//! Scraping: asks targets for their metrics at regular times, and takes what they answer.
//!
//! [`run`](tasks::run) keeps the jobs of the configuration going, [`take`](taken::take) makes samples of an answer.

mod taken;
pub(crate) mod tasks;
