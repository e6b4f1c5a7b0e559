//! Connections of HTTP: takes them, answers from a router, ends them.
//!
//! Every request passes through here, so it lies in a crate that is built for speed; the server with its many handlers
//! is built quickly.

use std::future::Future;
use std::pin::Pin;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot::Receiver;

/// Serves until `stopped` is told or dropped, and then until requests under way are answered.
///
/// The future is boxed so that its code is made in this crate.
#[must_use]
pub fn serve(
    listener: TcpListener,
    router: Router,
    stopped: Receiver<()>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    // One segment an answer: without this, clients wait for a delayed acknowledgement.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("TCP_NODELAY: {error}");
        }
    });
    let serve = axum::serve(listener, router).with_graceful_shutdown(async move {
        // A dropped sender stops as well.
        let _ = stopped.await;
    });
    Box::pin(async move {
        if let Err(error) = serve.await {
            tracing::error!("HTTP ended: {error}");
        }
    })
}
