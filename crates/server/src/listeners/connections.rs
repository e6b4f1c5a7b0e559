//! Connections of a protocol without answers: accepted up to a number at one time, each served in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::kind::{Ready, Task};
use super::places::{Heard, Places};
use crate::intake::error::IntakeError;
use crate::intake::service::IntakeService;

/// Connections at one time.
const MAX_CONNECTIONS: u32 = 1_000;
/// Whoever was silent for as long gives its place up when others wait for one. Senders have connections for hours, and
/// send every few seconds.
const MAX_SILENCE: Duration = Duration::from_secs(60);
/// How long is waited after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves connections until the server stops; ends when what they sent is committed. `serve` ends with its connection.
/// - `name`: what the listener is called in the log
pub(super) fn serve_each<F>(
    name: &'static str,
    listener: TcpListener,
    ready: &Ready,
    serve: impl Fn(Arc<IntakeService>, Heard) -> F + Send + Sync + 'static,
) -> Task
where
    F: Future<Output = Result<(), IntakeError>> + Send + 'static,
{
    let service = Arc::clone(&ready.services.intake);
    Box::pin(async move {
        let places = Places::new(MAX_CONNECTIONS, MAX_SILENCE);
        let next = async || {
            let (stream, peer) = listener.accept().await?;
            Ok::<_, std::io::Error>((places.give(stream).await, peer))
        };
        loop {
            let accepted = tokio::select! {
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
                    });
                }
                Err(error) => {
                    tracing::warn!("{name}: cannot accept: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        // When all connections have ended, what they sent is committed.
        places.all_free().await;
    })
}
