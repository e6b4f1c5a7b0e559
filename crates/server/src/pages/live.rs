//! Events for open pages: the parts of the first page when they change, or only that something did.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use futures_core::Stream;
use tokio::sync::mpsc;

use super::answer::Done;
use super::fields::Fields;
use super::look::{Look, Looks};
use super::visitor::Who;
use crate::http::ApiError;
use crate::services::Services;

/// How long a stream says nothing before it shows that it lives, and learns that nobody listens.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Answers with events until either side ends it. A slow reader gets the newest look, not all of them.
///
/// - `seen`: the version that the page was made of
/// - `brief`: only whether something changed, for pages that ask for themselves again
pub(super) async fn stream(
    State(services): State<Services>,
    Extension(looks): Extension<Option<Arc<Looks>>>,
    who: Who,
    headers: HeaderMap,
    fields: Fields,
) -> Done {
    let looks = looks.ok_or_else(|| ApiError::internal("there are no looks here"))?;
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_else(|| fields.get("seen"));
    let (mut seen, is_brief) = (last.parse().unwrap_or(0), !fields.get("brief").is_empty());
    let (sender, receiver) = mpsc::channel::<Bytes>(8);
    let session = who.session;
    let mut told = looks.subscribe();
    let mut look = Some(looks.look().await?);
    if is_brief {
        seen = look.as_ref().map_or(0, |look| look.version);
    }
    tokio::spawn(async move {
        let mut beat = Bytes::from_static(b"retry: 2000\n\n");
        loop {
            // Whoever signed out, or whose token was revoked, sees nothing more.
            if session.is_some_and(|session| !services.access.still_knows(session)) {
                return;
            }
            let news = look.take().map(|look| news(&look, &mut seen, is_brief)).unwrap_or_default();
            for event in
                std::iter::once(std::mem::take(&mut beat)).chain(news).filter(|event| !event.is_empty())
            {
                if sender.send(event).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                changed = told.changed() => match changed {
                    Ok(()) => look = told.borrow_and_update().clone(),
                    Err(_) => return,
                },
                () = tokio::time::sleep(KEEP_ALIVE) => beat = Bytes::from_static(b":\n\n"),
                () = sender.closed() => return,
                () = services.base.shutdown.begun() => return,
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // nginx holds streams back otherwise.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(Events(receiver))).into_response())
}

/// The events that bring a page from the version it has seen to this one.
fn news(look: &Look, seen: &mut u64, is_brief: bool) -> Vec<Bytes> {
    // Another run of the server counts anew.
    let from = if *seen > look.version { 0 } else { *seen };
    let changed = look.parts.iter().filter(|part| part.changed > from);
    let mut events: Vec<Bytes> = if is_brief {
        // How Lanner itself fares is on the first page alone, and changes all the time.
        let any = changed.filter(|part| part.id != "health").take(1);
        any.map(|_| Bytes::from(format!("id: {}\nevent: part\ndata: null\n\n", look.version))).collect()
    } else {
        changed.map(|part| part.event.clone()).collect()
    };
    events.push(Bytes::from(format!("event: count\ndata: {}\n\n", look.now.status.alerts.firing)));
    *seen = look.version;
    events
}

struct Events(mpsc::Receiver<Bytes>);

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
