//! What every face of HTTP shares: who calls, what is read of requests, how errors and JSON are answered.

mod blocking;
mod body;
mod error;
mod json;
mod parameters;
mod principal;

pub(crate) use blocking::{background, blocking};
pub use body::Received;
pub use error::{ApiError, problem_view, too_large};
pub(crate) use error::{method_not_allowed, not_found};
pub use json::Json;
pub use parameters::{Limit, Path, Query};
pub use principal::{ANONYMOUS, Principal, Scope};
