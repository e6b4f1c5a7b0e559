//! How instances of the plugin come to belong together.
//!
//! The SDK makes an instance from Falco's input alone. While a plugin is opened, this thread remembers here what its first instance
//! shares, and gives it to the others.

use std::cell::RefCell;
use std::sync::Arc;

use falco_plugin::anyhow::Error;

use crate::shared::Shared;

/// What an instance begins with.
pub(crate) struct Opening {
    pub(crate) shared: Arc<Shared>,
    /// The number of its thread.
    pub(crate) thread: usize,
}

thread_local! {
    /// What the next instance is to share, and its number.
    static NEXT: RefCell<Option<(Arc<Shared>, usize)>> = const { RefCell::new(None) };
}

/// What the instance that is being made begins with: what others share, or what `begin` makes.
pub(crate) fn take(begin: impl FnOnce() -> Result<Shared, Error>) -> Result<Opening, Error> {
    let next = NEXT.with_borrow_mut(|next| {
        next.as_mut().map(|(shared, n)| {
            *n += 1;
            Opening { shared: Arc::clone(shared), thread: *n - 1 }
        })
    });
    if let Some(next) = next {
        return Ok(next);
    }
    let shared = Arc::new(begin()?);
    NEXT.set(Some((Arc::clone(&shared), 0)));
    Ok(Opening { shared, thread: 0 })
}

/// Ends an opening; the next instance is that of another plugin.
pub(crate) fn end() {
    NEXT.set(None);
}
