//! A tower layer that answers blocked requests before they reach the service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use lanner_switch::Verdict;
use serde_json::{Map, Value};
use tower_layer::Layer;
use tower_service::Service;

use crate::Switches;

/// Makes the context of a request.
type MakeContext = Arc<dyn Fn(&Parts) -> Map<String, Value> + Send + Sync>;

/// Puts the switches before a service: a request that they block gets the switch's status, headers and body.
#[derive(Clone)]
pub struct GateLayer {
    switches: Switches,
    context: MakeContext,
}

impl GateLayer {
    /// A layer that asks `switches` of the context that `context` makes of each request.
    #[must_use]
    pub fn new(
        switches: Switches,
        context: impl Fn(&Parts) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        Self { switches, context: Arc::new(context) }
    }
}

impl fmt::Debug for GateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateLayer").field("switches", &self.switches).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, layer: self.clone() }
    }
}

/// A service behind the switches; made by [`GateLayer`].
#[derive(Debug, Clone)]
pub struct Gate<S> {
    inner: S,
    layer: GateLayer,
}

impl<S, B, R> Service<Request<B>> for Gate<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = GateFuture<S::Future, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let verdict = self.layer.switches.evaluate(&(self.layer.context)(&parts));
        if verdict.is_blocked() {
            return GateFuture::Blocked(Some(refusal(&verdict)));
        }
        GateFuture::Passed(Box::pin(self.inner.call(Request::from_parts(parts, body))))
    }
}

/// The answer of a service behind the switches.
#[derive(Debug)]
pub enum GateFuture<F, R> {
    /// It is blocked; the answer, until it was taken.
    Blocked(Option<Response<R>>),
    /// The service answers.
    Passed(Pin<Box<F>>),
}

impl<F, R> Unpin for GateFuture<F, R> {}

impl<F, R, E> Future for GateFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Blocked(answer) => answer.take().map_or(Poll::Pending, |answer| Poll::Ready(Ok(answer))),
            Self::Passed(future) => future.as_mut().poll(context),
        }
    }
}

fn refusal<R: From<String>>(verdict: &Verdict) -> Response<R> {
    let answer = verdict.answer().unwrap_or_default();
    let body = answer.body.or_else(|| verdict.reason().map(str::to_owned)).unwrap_or_default();
    let mut response = Response::new(R::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let first = verdict.first().map(|switch| ("x-lanner-switch", &*switch.id));
    let named = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in named.chain(first) {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    response
}
