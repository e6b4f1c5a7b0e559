//! What every face of HTTP shares: who calls, what is read of requests, how errors and JSON are answered.

mod blocking;
mod body;
mod error;
mod json;
mod parameters;
mod principal;

pub(crate) use blocking::{background, blocking};
pub(crate) use body::Received;
pub use error::problem_view;
pub(crate) use error::{ApiError, method_not_allowed, not_found, too_large};
pub(crate) use json::Json;
pub(crate) use parameters::{Limit, Path, Query};
pub use principal::Scope;
pub(crate) use principal::{ANONYMOUS, Principal};
