//! What can be said of a series of numbers: Graphite's expression language, and detectors.
//!
//! **Invariants:** pure functions; no clock, no I/O, no randomness. Time is in whole seconds since the
//! Unix epoch in the expression language (as Graphite has it); NaN means "no value here".

pub mod detect;
pub mod threshold;
