//! What Prometheus and those that follow it write: series by name and labels, the text formats, answers of the API, remote write.
//!
//! Reading order: [`series_key`] (`up{job="api"}`), [`text`] (a sample a line), [`json`] (answers of `query_range`, and
//! exports of VictoriaMetrics), [`remote_write`] (samples as Prometheus sends them on), [`write_request`] (the same for others to take).

pub mod json;
pub mod remote_write;
mod series;
mod target;
pub mod text;
pub mod write_request;

pub use series::series_key;
pub use target::labelled;
