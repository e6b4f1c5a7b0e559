//! Servers that take samples by remote write 1.0, as Prometheus and those that follow it do.
//!
//! Reading order: [`RemoteWriteConfig`] (one as it is written), [`Endpoint`] (one that can be sent to).
//!
//! Invariants:
//! - A request never takes longer than the `timeout`.
//! - No error, description or debug output holds a secret.

mod config;
mod content;
mod endpoint;

pub use config::{FIELDS, RemoteWriteConfig};
pub use content::{Bounds, Content};
pub use endpoint::{Endpoint, SendError};
