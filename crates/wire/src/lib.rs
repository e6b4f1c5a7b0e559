//! Everything that crosses a process border: the text protocols of ingest, and the JSON types of the HTTP API.
//!
//! Reading order: [`report`] (what a batch came to), the formats that come in ([`line_protocol`], [`carbon`],
//! [`pickle`], [`events`], [`text_lines`], [`ndjson`], [`prometheus`], [`statsd`], [`syslog`], [`otlp`], [`jaeger`], [`table`], and [`protobuf`]
//! that others lie in; the list of those that files have is [`format`](mod@format), and [`samples`] reads any of them; samples also go out, tables as [`csv`]), [`pieces`] (long inputs in parts), [`instant`] (of `core`: how they write times),
//! [`matchers`] (of `core`: how people write label matchers), [`api`] (requests and answers, version 1), [`render`] (series as
//! Graphite answers them), what asks switches ([`ofrep`], [`gate`]), and what carbon leaves behind: [`whisper`] (its
//! files), [`storage_schemas`] (its rules).
//!
//! **Architecture invariant:** nothing here opens a file or a socket or reads a clock. Bytes come in as a slice
//! or an [`std::io::Read`], the time of receipt as an argument. Any input is answered in time linear in its
//! size, and memory is bounded by it; a bad line costs only itself.

pub mod api;
pub mod carbon;
pub mod csv;
pub mod events;
pub mod format;
pub mod gate;
pub mod jaeger;
mod json_text;
pub mod line_protocol;
pub mod ndjson;
mod object;
pub mod ofrep;
pub mod otlp;
pub mod pickle;
pub mod pieces;
pub mod prometheus;
pub mod protobuf;
#[cfg(test)]
mod python;
pub mod render;
pub mod report;
pub mod samples;
pub mod statsd;
pub mod storage_schemas;
pub mod syslog;
pub mod table;
pub mod text_lines;
pub mod whisper;

pub use lanner_core::{instant, matchers};
pub use report::{Problem, Report};
