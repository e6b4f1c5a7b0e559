//! Bodies of requests: bounded, and JSON with messages for people.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRef, FromRequest, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use lanner_wire::api::ProblemView;
use serde::de::DeserializeOwned;

use super::{ApiError, Json, too_large};
use crate::settings::live::InForce;

/// How long a body may take to come. One that comes a byte now and then would keep its connection for ever.
const MAX_SENDING: Duration = Duration::from_secs(600);

/// A body of bounded length, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Received
where
    Arc<InForce>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(mut request: Request<Body>, state: &S) -> Result<Self, ApiError> {
        // Here and not as a layer, which would cost every request.
        let max_body_bytes = Arc::<InForce>::from_ref(state).get().max_body_bytes;
        DefaultBodyLimit::max(max_body_bytes).apply(&mut request);
        received(request, max_body_bytes, MAX_SENDING).await.map(Self)
    }
}

async fn received(
    request: Request<Body>,
    max_body_bytes: usize,
    max_sending: Duration,
) -> Result<Bytes, ApiError> {
    let Ok(read) = tokio::time::timeout(max_sending, Bytes::from_request(request, &())).await else {
        let message = format!("the body did not come within {} minutes", max_sending.as_secs() / 60);
        return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, message));
    };
    read.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(max_body_bytes),
        status => ApiError::new(status, "the body could not be read"),
    })
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T>
where
    Arc<InForce>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, ApiError> {
        let Received(bytes) = Received::from_request(request, state).await?;
        // serde would take a list for the fields in their order.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            let message = "the body is a JSON list; this endpoint expects an object";
            return Err(ApiError::new(StatusCode::BAD_REQUEST, message));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unreadable(&error))
    }
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    let message = for_people(text.split(" at line ").next().unwrap_or(&text));
    let problem = ProblemView {
        line: Some(error.line() as u64),
        column: Some(error.column() as u64),
        message,
        ..ProblemView::default()
    };
    ApiError::unreadable_body(problem)
}

/// What the reader of JSON says, without the names of our types: "expected struct Posted with 4 elements" is "expected an object".
fn for_people(said: &str) -> String {
    const NUMBERS: [&str; 12] =
        ["f64", "f32", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8", "usize", "isize"];
    let Some((begin, expected)) = said.rsplit_once("expected ") else { return said.to_owned() };
    let named = [
        "struct ",
        "tuple struct ",
        "enum ",
        "internally tagged enum ",
        "adjacently tagged enum ",
        "variant ",
    ];
    let plain = if named.iter().any(|kind| expected.starts_with(kind)) || expected == "a map" {
        "an object"
    } else if NUMBERS.contains(&expected) {
        "a number"
    } else {
        match expected {
            "a sequence" => "a list",
            "a boolean" | "bool" => "true or false",
            other => other,
        }
    };
    format!("{begin}expected {plain}")
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use futures_core::Stream;

    use super::*;

    struct Never;

    impl Stream for Never {
        type Item = Result<Bytes, std::io::Error>;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_never_comes_is_given_up() {
        let body = Body::from_stream(Never);
        let refused = received(Request::new(body), 1_000, Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::REQUEST_TIMEOUT);
    }

    #[test]
    fn messages_name_no_types_of_ours() {
        #[track_caller]
        fn check(said: &str, expected: &str) {
            assert_eq!(for_people(said), expected);
        }
        check(
            "invalid type: null, expected struct EvaluateSwitches",
            "invalid type: null, expected an object",
        );
        check(
            "invalid length 1, expected struct Posted with 4 elements",
            "invalid length 1, expected an object",
        );
        check("invalid type: string \"x\", expected f64", "invalid type: string \"x\", expected a number");
        check("invalid type: map, expected a sequence", "invalid type: map, expected a list");
        check("invalid type: integer `1`, expected a string", "invalid type: integer `1`, expected a string");
        check("missing field `stream`", "missing field `stream`");
    }
}
