//! What one kind of source has in its document.

use std::fmt;

use super::Fetch;
use crate::remote::{Clients, Problem};

/// What one kind has in its document.
pub(super) trait KindConfig: fmt::Debug + Send + Sync {
    /// Looks up secrets and makes what asks.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    fn build(&self, clients: &Clients) -> Result<Box<dyn Fetch>, Vec<Problem>>;
}
