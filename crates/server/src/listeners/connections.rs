//! Connections of a protocol without answers: accepted up to a number at one time, each served in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::kind::{Ready, Task};
use crate::intake::error::IntakeError;
use crate::intake::service::IntakeService;

/// Connections at one time.
const MAX_CONNECTIONS: u32 = 1_000;
/// How long is waited after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves connections until the server stops; ends when what they sent is committed. `serve` ends with its connection.
/// - `name`: what the listener is called in the log
pub(super) fn serve_each<F>(
    name: &'static str,
    listener: TcpListener,
    ready: &Ready,
    serve: impl Fn(Arc<IntakeService>, TcpStream) -> F + Send + Sync + 'static,
) -> Task
where
    F: Future<Output = Result<(), IntakeError>> + Send + 'static,
{
    let service = Arc::clone(&ready.services.intake);
    Box::pin(async move {
        let slots = Arc::new(tokio::sync::Semaphore::new(MAX_CONNECTIONS as usize));
        let next = async || (Arc::clone(&slots).acquire_owned().await, listener.accept().await);
        loop {
            let (slot, accepted) = tokio::select! {
                next = next() => next,
                () = service.shutdown.begun() => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let serving = serve(Arc::clone(&service), stream);
                    tokio::spawn(async move {
                        if let Err(error) = serving.await {
                            tracing::debug!(%peer, "{name}: a connection ended: {error}");
                        }
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!("{name}: cannot accept: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        // All places are free when all connections have ended.
        let _ = slots.acquire_many(MAX_CONNECTIONS).await;
    })
}
