//! Scraping: targets that are asked for their metrics at regular times, in Prometheus' text format.
//!
//! Reading order: [`ScrapeConfig`] (a job as it is written), [`Job`] (one that can be run), [`Target`] (one of those that it asks),
//! `discovery` (targets in files).
//!
//! Invariants:
//! - A scrape never takes longer than the job's `timeout`, and never more memory than its `max_body`.
//! - No error, description or debug output holds a secret.

mod config;
mod discovery;
mod how;
mod job;
mod target;

pub use config::{FIELDS, ScrapeConfig};
pub use job::Job;
pub use target::Target;
