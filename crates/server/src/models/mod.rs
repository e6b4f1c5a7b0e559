//! Trained models: taken, kept, promoted, and asked for scores.
//!
//! Reading order: [`kinds`] (which kinds there are, and how one is read), [`rows`] (what is scored), [`service`] (what is kept),
//! [`handlers`] and [`scoring`] (the API).

pub(crate) mod handlers;
mod kinds;
mod rows;
pub(crate) mod scoring;
pub(crate) mod service;
