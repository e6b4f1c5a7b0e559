//! What can be said of a series of numbers: Graphite's expression language, detectors, and thresholds.
//!
//! Reading order: [`graphite`] (the language: parse, check, evaluate), [`detect`] (detectors over one series),
//! [`threshold`] (thresholds that set themselves).
//!
//! **Invariants:** pure functions; no clock, no I/O, no randomness. Time is in whole seconds since the Unix
//! epoch in the expression language (as Graphite has it); NaN means "no value here".

pub mod detect;
pub mod graphite;
pub mod threshold;
