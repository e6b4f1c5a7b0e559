//! OTLP by gRPC: each call is the request that it would be by HTTP, so that both are taken, refused and counted alike.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use lanner_io::http::grpc::{self, Code, answer, message, refuse};
use lanner_wire::protobuf::{Value, fields};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_service::Service as _;

use super::kind::{Kind, Ready, Start, Task};
use crate::access;
use crate::access::service::AccessService;
use crate::router::router;
use crate::settings::live::InForce;

pub(super) const KIND: Kind =
    Kind { name: "otlp_grpc", address: |settings| settings.otlp_grpc, start: Start::Tcp(serve) };

/// How long a call may take to come.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// No answer is larger.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Methods, and where what they export goes by HTTP.
const METHODS: [(&str, &str); 3] = [
    ("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "/v1/metrics"),
    ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", "/v1/logs"),
    ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "/v1/traces"),
];

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPTED: HeaderName = HeaderName::from_static("grpc-accept-encoding");

fn serve(listener: TcpListener, ready: &Ready) -> Task {
    let (stop, stopped) = oneshot::channel();
    let shutdown = Arc::clone(&ready.services.base.shutdown);
    let calls = Calls {
        http: router(ready.services.clone()),
        live: Arc::clone(&ready.services.base.live),
        access: Arc::clone(&ready.services.access),
    };
    let router = Router::new().fallback(called).with_state(calls);
    let serving = grpc::serve(listener, ready.certificates.clone(), router, stopped);
    let stopping = async move {
        shutdown.begun().await;
        // Nobody to tell when gRPC ended before.
        let _ = stop.send(());
    };
    Box::pin(async move {
        tokio::join!(serving, stopping);
    })
}

/// What takes calls.
#[derive(Clone)]
struct Calls {
    http: Router,
    live: Arc<InForce>,
    access: Arc<AccessService>,
}

async fn called(State(calls): State<Calls>, request: Request) -> Response {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/grpc") {
        let why = "this port speaks gRPC; send OTLP by HTTP to the port of HTTP\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response();
    }
    match calls.export(request).await {
        Ok(answer) => answer,
        Err(Refused(code, why)) => {
            let mut refused = refuse(code, &why);
            refused.headers_mut().insert(ACCEPTED, HeaderValue::from_static("gzip"));
            refused
        }
    }
}

/// Why a call is not done.
struct Refused(Code, String);

impl Calls {
    async fn export(mut self, request: Request) -> Result<Response, Refused> {
        let method = METHODS.iter().find(|(method, _)| *method == request.uri().path());
        let Some((_, path)) = method else {
            let why =
                format!("there is no method {}; metrics, logs and traces are taken", request.uri().path());
            return Err(Refused(Code::Unimplemented, why));
        };
        let (mut parts, body) = request.into_parts();
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::POST;
        *request.headers_mut() = headers(&parts.headers, parts.uri.authority().map(|it| it.as_str()));
        *request.uri_mut() = axum::http::Uri::from_static(path);
        let peer = parts.extensions.remove::<ConnectInfo<std::net::SocketAddr>>();
        peer.map(|peer| request.extensions_mut().insert(peer));
        // Of those who do not come in nothing is kept in memory: they are refused as they are by HTTP.
        if access::comes_in(&self.access, &request, path) {
            let (message, is_compressed) = self.message(body).await?;
            if is_compressed {
                request.headers_mut().insert(CONTENT_ENCODING, compression(&parts.headers)?);
            }
            *request.body_mut() = Body::from(message);
        }
        let response = self.http.call(request).await.unwrap_or_else(|never| match never {});
        told(response).await
    }

    /// The message of a call, and whether it is compressed.
    async fn message(&self, body: Body) -> Result<(Bytes, bool), Refused> {
        let max_body_bytes = self.live.get().max_body_bytes;
        let received = tokio::time::timeout(MAX_WAIT, to_bytes(body, max_body_bytes.saturating_add(5))).await;
        let received = received.map_err(|_| {
            Refused(Code::DeadlineExceeded, format!("the call did not come within {} s", MAX_WAIT.as_secs()))
        })?;
        let received = received.map_err(|_| {
            let why =
                format!("the call is larger than {max_body_bytes} bytes (server.max_body), or broke off");
            Refused(Code::ResourceExhausted, why)
        })?;
        message(&received).map_err(|why| Refused(Code::InvalidArgument, why.to_owned()))
    }
}

/// The headers of the request by HTTP: who calls, and what is sent.
fn headers(of_call: &HeaderMap, authority: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    headers.extend(of_call.get(AUTHORIZATION).map(|shown| (AUTHORIZATION, shown.clone())));
    headers.extend(authority.and_then(|host| HeaderValue::from_str(host).ok()).map(|host| (HOST, host)));
    headers
}

/// How a message is compressed that says that it is.
fn compression(of_call: &HeaderMap) -> Result<HeaderValue, Refused> {
    let encoding = of_call.get(ENCODING).and_then(|encoding| encoding.to_str().ok()).unwrap_or_default();
    if encoding == "gzip" {
        return Ok(HeaderValue::from_static("gzip"));
    }
    let why = format!("the compression \"{encoding}\" is not known here; send gzip, or without");
    Err(Refused(Code::Unimplemented, why))
}

/// What the answer by HTTP is by gRPC.
async fn told(response: Response) -> Result<Response, Refused> {
    let status = response.status();
    let is_status = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/x-protobuf");
    let body = to_bytes(response.into_body(), MAX_ANSWER_BYTES).await.unwrap_or_default();
    if status == StatusCode::OK {
        return Ok(answer(&body));
    }
    let why =
        if is_status { message_of(&body) } else { String::from_utf8_lossy(&body).trim_end().to_owned() };
    Err(Refused(code_of(status), why))
}

/// The text of a `Status`.
fn message_of(status: &Bytes) -> String {
    let text = fields(status).find_map(|field| match field {
        Ok((2, Value::Bytes(text))) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    });
    text.unwrap_or_default()
}

/// The code of a status. Senders call again after `Unavailable` alone: so do those who are told that the server is busy.
const fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::INSUFFICIENT_STORAGE => Code::Unavailable,
        StatusCode::PAYLOAD_TOO_LARGE => Code::ResourceExhausted,
        StatusCode::INTERNAL_SERVER_ERROR => Code::Internal,
        _ => Code::InvalidArgument,
    }
}
