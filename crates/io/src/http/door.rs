//! Accepts connections. A client that speaks the wrong protocol (TLS to a plain port, or the other way round) is told so.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Certificates;

/// How long a client may take to agree on keys.
const MAX_HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client may take to read that it speaks the wrong protocol.
const MAX_FAREWELL: Duration = Duration::from_secs(1);
/// The first byte of whoever speaks TLS.
const TLS_HANDSHAKE: u8 = 0x16;

/// A port, plain or with TLS. Clients that greet slowly keep nobody else waiting.
pub(super) struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    greeting: JoinSet<Option<(Connection, SocketAddr)>>,
}

impl Door {
    /// One for HTTP/1.1.
    pub(super) fn new(listener: TcpListener, certificates: Option<Arc<Certificates>>) -> Self {
        Self::of(b"http/1.1", listener, certificates)
    }

    /// One for gRPC, which is HTTP/2.
    #[cfg(feature = "grpc")]
    pub(super) fn of_grpc(listener: TcpListener, certificates: Option<Arc<Certificates>>) -> Self {
        Self::of(b"h2", listener, certificates)
    }

    fn of(protocol: &[u8], listener: TcpListener, certificates: Option<Arc<Certificates>>) -> Self {
        let tls = certificates.map(|certificates| TlsAcceptor::from(certificates.server_config(protocol)));
        Self { listener, tls, greeting: JoinSet::new() }
    }
}

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            tokio::select! {
                // axum's own: it waits when the process has no descriptors left.
                (stream, address) = Listener::accept(&mut self.listener) => {
                    // One segment an answer: without this, clients wait for a delayed acknowledgement.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!("TCP_NODELAY: {error}");
                    }
                    match &self.tls {
                        None => return (Connection::Plain { stream, state: State::Fresh }, address),
                        Some(tls) => drop(self.greeting.spawn(greet(stream, address, tls.clone()))),
                    }
                }
                Some(greeted) = self.greeting.join_next() => {
                    if let Ok(Some(connection)) = greeted {
                        return connection;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Agrees on keys with a client; `None` for one that will not.
async fn greet(stream: TcpStream, address: SocketAddr, tls: TlsAcceptor) -> Option<(Connection, SocketAddr)> {
    let greeting = async {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] != TLS_HANDSHAKE {
            return Err(farewell(stream, HTTPS_ONLY).await);
        }
        tls.accept(stream).await
    };
    match timeout(MAX_HANDSHAKE, greeting).await {
        Ok(Ok(stream)) => Some((Connection::Tls(Box::new(stream)), address)),
        Ok(Err(error)) => {
            tracing::debug!(%address, "TLS: {error}");
            None
        }
        Err(_) => {
            tracing::debug!(%address, "TLS: nothing agreed within {} s", MAX_HANDSHAKE.as_secs());
            None
        }
    }
}

const HTTPS_ONLY: &str = "this port speaks HTTPS; write https:// in front of its address\n";
const HTTP_ONLY: &str =
    "this port speaks plain HTTP; write http:// in front of its address, or set server.tls\n";

fn answer(text: &str) -> String {
    format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{text}",
        text.len()
    )
}

/// Answers a request that came in plain, and says why nothing comes of it.
async fn farewell(mut stream: TcpStream, text: &str) -> io::Error {
    let said = async {
        // What lies unread when a connection is closed makes the other end forget the answer.
        let mut request = [0; 8 * 1024];
        if stream.read(&mut request).await? > 0 {
            stream.write_all(answer(text).as_bytes()).await?;
        }
        stream.shutdown().await?;
        while stream.read(&mut request).await? > 0 {}
        Ok::<(), io::Error>(())
    };
    // Whoever does not listen need not be told.
    let _ = timeout(MAX_FAREWELL, said).await;
    io::Error::new(io::ErrorKind::InvalidData, "a client spoke plain HTTP")
}

/// What came over a plain connection.
pub(super) enum State {
    /// Nothing yet.
    Fresh,
    /// What may be HTTP.
    Open,
    /// TLS: whoever reads finds that the connection has ended, however often.
    Ended,
}

/// A connection over which requests come.
pub(super) enum Connection {
    Plain { stream: TcpStream, state: State },
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(context, buffer),
            Self::Plain { state: State::Ended, .. } => Poll::Ready(Ok(())),
            Self::Plain { stream, state } => {
                let before = buffer.filled().len();
                ready!(Pin::new(&mut *stream).poll_read(context, buffer))?;
                let is_tls =
                    matches!(state, State::Fresh) && buffer.filled().get(before) == Some(&TLS_HANDSHAKE);
                *state = if is_tls { State::Ended } else { State::Open };
                if is_tls {
                    buffer.set_filled(before);
                    // The buffer of a fresh connection has room for a line, and more is not tried.
                    let _ = stream.try_write(answer(HTTP_ONLY).as_bytes());
                    note_tls_to_plain();
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

/// Says once a minute that somebody speaks TLS to a plain port; most clients show their users nothing of it.
fn note_tls_to_plain() {
    static SAID_S: AtomicU64 = AtomicU64::new(0);
    let now_s = std::time::UNIX_EPOCH.elapsed().map_or(0, |now| now.as_secs());
    if now_s.saturating_sub(SAID_S.load(Ordering::Relaxed)) >= 60 {
        SAID_S.store(now_s, Ordering::Relaxed);
        tracing::warn!(
            "a client speaks TLS to the plain port of HTTP; let it use http://, or set server.tls"
        );
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain { stream, .. } => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain { stream, .. } => Pin::new(stream).poll_write_vectored(context, pieces),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(context, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain { stream, .. } => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain { stream, .. } => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain { stream, .. } => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(context),
        }
    }
}
