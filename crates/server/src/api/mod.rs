//! The HTTP API: one [list of routes](mod@routes), a file for each group of them.
//!
//! Types are `lanner-wire`'s; what they mean is documented there and in the OpenAPI document, which is made
//! from the same list.

pub mod alerts;
pub mod data;
#[cfg(feature = "openapi")]
mod describe;
pub mod messages;
pub mod operations;
pub mod replay;
mod review;
pub mod routes;
pub(crate) mod unnamed;
