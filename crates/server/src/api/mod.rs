//! The HTTP API: one [list of routes](mod@routes), a file for each group of them.
//!
//! Types are `lanner-wire`'s; what they mean is documented there and in the OpenAPI document, which is made
//! from the same list.

pub(crate) mod alerts;
pub(crate) mod data;
#[cfg(feature = "openapi")]
mod describe;
pub(crate) mod messages;
pub(crate) mod operations;
pub(crate) mod replay;
mod review;
pub mod routes;
pub(crate) mod sharing;
pub(crate) mod unlike;
pub(crate) mod unnamed;
