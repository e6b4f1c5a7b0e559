//! What one kind of broker has in the document of a consumer.

use std::fmt;

use super::Connect;
use crate::remote::Problem;

/// What a consumer has, whatever it takes messages from.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(any(feature = "amqp", feature = "kafka", feature = "nats")),
    expect(dead_code, reason = "no broker is built")
)]
pub(super) struct Common<'c> {
    pub(super) name: &'c str,
    /// Messages that may be under way at once.
    pub(super) prefetch: u16,
}

/// What one kind has in its document.
pub(super) trait KindConfig: fmt::Debug + Send + Sync {
    /// Looks up secrets and makes what connects.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    fn build(&self, common: Common<'_>) -> Result<Box<dyn Connect>, Vec<Problem>>;
}
