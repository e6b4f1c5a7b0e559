//! Trained models: taken, kept, promoted, and asked for scores.
//!
//! Reading order: [`kinds`] (which kinds there are, and how one is read), [`detectors`] (those that rules ask), [`rows`] (what is scored), [`service`] (what is kept, over [`lately`]),
//! [`handlers`] and [`scoring`] (the API).

mod detectors;
pub(crate) mod handlers;
mod kinds;
mod lately;
mod rows;
pub(crate) mod scoring;
pub(crate) mod service;
