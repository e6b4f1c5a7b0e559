//! What a service manager is told of a server: that it is ready, that it stops, and that it is alive.
//!
//! Started by hand there is nobody to tell, and nothing happens.

/// The server is ready. From now on the manager's watchdog, if it has one, is told that tasks still run; a slow evaluation
/// does not count, because starting again would not make it faster.
#[cfg(unix)]
pub(crate) fn ready() {
    tell(sd_notify::NotifyState::Ready);
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        let mut due = tokio::time::interval(limit / 2);
        loop {
            due.tick().await;
            tell(sd_notify::NotifyState::Watchdog);
        }
    });
}

/// The server stops.
#[cfg(unix)]
pub(crate) fn stopping() {
    tell(sd_notify::NotifyState::Stopping);
}

#[cfg(unix)]
fn tell(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("the service manager cannot be notified: {error}");
    }
}

#[cfg(not(unix))]
pub(crate) fn ready() {}

#[cfg(not(unix))]
pub(crate) fn stopping() {}
