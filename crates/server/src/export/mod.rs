//! What fires and what was measured, for a Prometheus (shown to who asks, and sent by remote write) and for an index of results.
//!
//! Reading order: `alerts` and `evaluations` (what of them is which sample), [`shown`] (alerts for who asks), `pending` (what waits to
//! be sent), `sending` (one endpoint), [`tasks`] (those that are in force); [`results`] (evaluations for OpenSearch).

mod alerts;
mod evaluations;
mod pending;
pub(crate) mod results;
mod sending;
pub(crate) mod shown;
pub(crate) mod tasks;
