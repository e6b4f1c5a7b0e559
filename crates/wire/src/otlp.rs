//! OTLP, the protocol of OpenTelemetry, as it comes by HTTP: metrics as samples, logs and spans as events.
//!
//! Reading order: [`Encoding`] (protocol buffers or JSON), [`Body`] (a request), [`metrics`], [`logs`] and [`spans`] (what
//! is in it), [`answer`] (what its sender is told). Both encodings are read by the same code: `message` hands out the fields of a
//! message by number, and says what each holds.
//!
//! A record or data point that cannot be read costs only itself. Times are those that the sender gives, in nanoseconds there and
//! milliseconds here; who gives none is given the time of receipt.

pub mod answer;
mod body;
mod buckets;
mod data;
mod encoding;
mod error;
pub mod logs;
mod message;
pub mod metrics;
mod names;
mod points;
mod record;
pub mod spans;
#[cfg(test)]
mod tests;

pub use body::Body;
pub use encoding::Encoding;
pub use error::OtlpError;
