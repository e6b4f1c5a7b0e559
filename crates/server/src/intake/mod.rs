//! Ingest: bodies are decoded, lines become a batch, the batch becomes durable, events are counted.
//!
//! A bad line is reported with its number and reason, and costs only itself. Back-pressure: when the store has
//! too much waiting, or too many requests write at once, the caller is told to come back (429).

pub mod age;
pub mod carbon;
mod decode;
pub mod events;
pub mod history;
pub mod late_samples;
pub mod lateness;
pub mod lines;
pub mod measures;
pub mod service;
