//! HTTP connections, plain or TLS: accepts them, serves them from a router, and closes them.
//!
//! Every request passes through here, so it lies in a crate that is built for speed; the server with its many handlers
//! is built quickly.

mod certificates;
mod door;
#[cfg(feature = "grpc")]
pub mod grpc;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot::Receiver;

pub use certificates::Certificates;

/// Serves until `stopped` is told or dropped, and then until requests under way are answered.
///
/// Handlers find `ConnectInfo<SocketAddr>`, the other end, among a request's extensions. The future is boxed so that its
/// code is made in this crate.
#[must_use]
pub fn serve(
    listener: TcpListener,
    certificates: Option<Arc<Certificates>>,
    router: Router,
    stopped: Receiver<()>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    // The tap does nothing; only tapped listeners tell handlers who is at the other end.
    let listener = door::Door::new(listener, certificates).tap_io(|_| {});
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serve = axum::serve(listener, service).with_graceful_shutdown(async move {
        // A dropped sender stops as well.
        let _ = stopped.await;
    });
    Box::pin(async move {
        if let Err(error) = serve.await {
            tracing::error!("HTTP ended: {error}");
        }
    })
}
