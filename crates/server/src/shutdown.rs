//! Who learns that the server stops.

/// Says that the server stops, once and for good.
#[derive(Debug, Default)]
pub struct Shutdown(tokio::sync::watch::Sender<bool>);

impl Shutdown {
    /// Begins it.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether it has begun.
    #[must_use]
    pub(crate) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when it begins.
    pub async fn begun(&self) {
        // Fails only when the sender is gone, and then it is over as well.
        let _ = self.0.subscribe().wait_for(|has_begun| *has_begun).await;
    }
}
