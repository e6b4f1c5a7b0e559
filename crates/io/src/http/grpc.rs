//! Unary calls of gRPC: over HTTP/2 alone, and at an address of their own, so that nothing else speaks it.
//!
//! Reading order: [`serve`] (connections), [`message`] (what a call holds), [`answer`] and [`refuse`] (what it is told).

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::{BufMut as _, Bytes, BytesMut};
use http_body::Frame;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::oneshot::Receiver;

use super::Certificates;
use super::door::{Connection, Door};
use super::each::{Ending, answers, each};

/// Calls of one connection that may be under way at once.
const MAX_CALLS: u32 = 64;
/// A connection on which nothing comes is asked as often whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// What stands in front of a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// What a call came to, as gRPC numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// It is done.
    Ok = 0,
    /// Something in it is wrong.
    InvalidArgument = 3,
    /// It takes too long.
    DeadlineExceeded = 4,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// It is too large.
    ResourceExhausted = 8,
    /// There is no such method, or no such compression.
    Unimplemented = 12,
    /// A bug.
    Internal = 13,
    /// It may be done later.
    Unavailable = 14,
    /// The caller does not say who it is.
    Unauthenticated = 16,
}

/// Serves until `stopped` is told or dropped, and then until calls under way are answered.
///
/// Handlers find `ConnectInfo<SocketAddr>`, the other end, among a request's extensions.
#[must_use]
pub fn serve(
    listener: TcpListener,
    certificates: Option<Arc<Certificates>>,
    router: Router,
    stopped: Receiver<()>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let door = Door::of_grpc(listener, certificates);
    Box::pin(each(door, stopped, move |connection, address, ending| {
        connected(connection, address, router.clone(), ending)
    }))
}

/// Serves one connection.
async fn connected(connection: Connection, address: SocketAddr, router: Router, mut ending: Ending) {
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_CALLS)
        .keep_alive_interval(KEEP_ALIVE)
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
        tracing::debug!(%address, "gRPC: {error}");
    }
}

/// The one message of a unary call, and whether it is compressed.
///
/// # Errors
/// What is wrong with the call.
///
/// ```
/// use lanner_io::http::grpc::message;
/// assert_eq!(message(&b"\0\0\0\0\x02hi".as_slice().into()), Ok((b"hi".as_slice().into(), false)));
/// assert!(message(&b"\0\0\0\0\x03hi".as_slice().into()).is_err());
/// ```
pub fn message(call: &Bytes) -> Result<(Bytes, bool), &'static str> {
    let Some((prefix, rest)) = call.split_first_chunk::<PREFIX_BYTES>() else {
        return Err("the call ends before its message");
    };
    let [compressed, length @ ..] = *prefix;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    match (compressed, rest.len().cmp(&length)) {
        (0 | 1, std::cmp::Ordering::Equal) => Ok((call.slice(PREFIX_BYTES..), compressed == 1)),
        (0 | 1, std::cmp::Ordering::Less) => Err("the call ends within its message"),
        (0 | 1, std::cmp::Ordering::Greater) => Err("the call has more than one message"),
        _ => Err("the call does not begin with a message of gRPC"),
    }
}

/// The answer to a call that is done.
#[must_use]
pub fn answer(message: &[u8]) -> Response {
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    let trailers = HeaderMap::from_iter([(STATUS, code(Code::Ok))]);
    response(Body::new(Unary { message: Some(framed.freeze()), trailers: Some(trailers) }))
}

/// The answer to a call that is not: its end comes at once.
#[must_use]
pub fn refuse(why: Code, message: &str) -> Response {
    let mut response = response(Body::empty());
    response.headers_mut().insert(STATUS, code(why));
    // Percent signs and bytes that headers cannot carry are escaped.
    let escaped: String = message
        .bytes()
        .map(|byte| match byte {
            b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    response.headers_mut().extend(HeaderValue::try_from(escaped).ok().map(|value| (MESSAGE, value)));
    response
}

const STATUS: axum::http::HeaderName = axum::http::HeaderName::from_static("grpc-status");
const MESSAGE: axum::http::HeaderName = axum::http::HeaderName::from_static("grpc-message");

fn code(code: Code) -> HeaderValue {
    HeaderValue::from(code as u8 as u16)
}

fn response(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// A message, and what the call came to.
struct Unary {
    message: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl http_body::Body for Unary {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let message = self.message.take().map(Frame::data);
        let frame = message.or_else(|| self.trailers.take().map(Frame::trailers));
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.message.is_none() && self.trailers.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        #[track_caller]
        fn check(call: &'static [u8], expected: Result<(&[u8], bool), &str>) {
            let found = message(&Bytes::from_static(call));
            let found = found.as_ref().map(|(message, is_compressed)| (&message[..], *is_compressed));
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(why), Err(expected)) => assert!(why.contains(expected), "{why}"),
                (found, expected) => panic!("{found:?} and not {expected:?}"),
            }
        }
        check(b"\0\0\0\0\0", Ok((b"", false)));
        check(b"\x01\0\0\0\x01x", Ok((b"x", true)));
        check(b"", Err("before its message"));
        check(b"\0\0\0\0", Err("before its message"));
        check(b"\0\xff\xff\xff\xffx", Err("within its message"));
        check(b"\0\0\0\0\x01x\0\0\0\0\0", Err("more than one"));
        check(b"\x02\0\0\0\0", Err("does not begin"));
    }

    #[test]
    fn refusals_are_headers() {
        let refused = refuse(Code::Unavailable, "100 % \u{fc}\n");
        assert_eq!(refused.headers()["grpc-status"], "14");
        assert_eq!(refused.headers()["grpc-message"], "100 %25 %C3%BC%0A");
    }
}
