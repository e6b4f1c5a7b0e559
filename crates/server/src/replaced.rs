//! Whether another server has taken over what this one evaluated.

use tokio::sync::watch;

/// Says by whom this server was replaced, once and for good.
#[derive(Debug, Default)]
pub struct Replaced(watch::Sender<Option<String>>);

impl Replaced {
    /// Notes it; the first reason counts.
    pub(crate) fn by(&self, why: &str) {
        self.0.send_if_modified(|known| {
            let is_first = known.is_none();
            if is_first {
                tracing::error!("this server evaluates no more: {why}");
                *known = Some(why.to_owned());
            }
            is_first
        });
    }

    /// Why, if it was.
    pub(crate) fn why(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// Resolves when it is, and says why.
    pub async fn happened(&self) -> String {
        let mut known = self.0.subscribe();
        // Fails only when the sender is gone, and then it is over as well.
        let known = known.wait_for(Option::is_some).await;
        known.map_or_else(|_| String::new(), |why| why.clone().unwrap_or_default())
    }
}
