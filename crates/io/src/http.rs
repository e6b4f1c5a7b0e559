//! HTTP connections, plain or TLS: accepts them, serves them from a router, and closes them.
//!
//! Every request passes through here, so it lies in a crate that is built for speed; the server with its many handlers
//! is built quickly.

mod certificates;
mod door;
mod each;
mod forward;
#[cfg(feature = "grpc")]
pub mod grpc;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::oneshot::Receiver;

pub use certificates::Certificates;
use door::{Connection, Door};
use each::{Ending, answers, each};
pub use forward::{Forward, NotForwarded};

/// How long a client may take to send the head of a request. One that sends nothing, or a byte now and then, would keep its
/// place for ever, and there are only so many.
const MAX_HEAD: Duration = Duration::from_secs(60);

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
    serve_within(listener, certificates, router, stopped, MAX_HEAD)
}

/// - `max_head`: how long a client may take to send the head of a request
fn serve_within(
    listener: TcpListener,
    certificates: Option<Arc<Certificates>>,
    router: Router,
    stopped: Receiver<()>,
    max_head: Duration,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let door = Door::new(listener, certificates);
    Box::pin(each(door, stopped, move |connection, address, ending| {
        connected(connection, address, router.clone(), ending, max_head)
    }))
}

/// Serves one connection.
async fn connected(
    connection: Connection,
    address: SocketAddr,
    router: Router,
    mut ending: Ending,
    max_head: Duration,
) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(max_head)
        .serve_connection(TokioIo::new(connection), service_fn(answers(router, address)));
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = ending.begun() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%address, "HTTP: {error}");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;

    const MAX: Duration = Duration::from_millis(300);
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn slow() -> &'static str {
        tokio::time::sleep(MAX * 3).await;
        "slow"
    }

    #[tokio::test]
    async fn who_does_not_say_what_it_wants_loses_its_place() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "whole")).route("/slow", get(slow));
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve_within(listener, None, router, stopped, MAX));
        let answer = async |request: &str| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer));
            read.await.expect("the connection is held for ever").unwrap();
            answer
        };
        for half in ["", "GET / HTT", "GET / HTTP/1.1\r\nhost: a\r\nx: "] {
            assert!(!answer(half).await.contains("whole"), "{half}");
        }
        // Also after a request, and not while the answer takes its time.
        assert!(answer("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.ends_with("whole"));
        assert!(answer("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await.ends_with("slow"));
        let _ = stop.send(());
        served.await.unwrap();
    }
}
