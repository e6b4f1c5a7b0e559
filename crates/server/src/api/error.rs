//! Errors as answers, and JSON in and out with messages for people.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use lanner_engine::document::{Problem, Problems};
use lanner_io::store::StoreError;
use lanner_wire::api::{ErrorBody, ProblemView};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinError;

use crate::app::App;
use crate::apply::ApplyError;
use crate::ingest::too_large;
use crate::reload::ReloadError;

/// An error with its status.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    body: ErrorBody,
    retry_after_s: Option<u64>,
}

impl ApiError {
    /// An error that says `message`.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, body: ErrorBody::new(message), retry_after_s: None }
    }

    /// Something that does not exist.
    pub fn not_found(what: &str, name: &str) -> Self {
        let name: String = name.chars().take(100).collect();
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what} \"{name}\""))
    }

    /// A failure of the program.
    pub fn internal(message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, message);
        tracing::error!("{}", error.body.error);
        error
    }

    /// Problems in what was sent.
    #[must_use]
    pub fn problems(problems: Vec<ProblemView>) -> Self {
        let n = problems.len();
        let error = format!("{n} problem{}; nothing was changed", if n == 1 { "" } else { "s" });
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body: ErrorBody { error, problems },
            retry_after_s: None,
        }
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The message as plain text, for clients that show bodies as they are.
    #[must_use]
    pub fn into_text(self) -> Response {
        (self.status, self.body.error).into_response()
    }

    /// Says when to come back.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

/// A problem as the API shows it.
#[must_use]
pub fn problem_view(problem: Problem) -> ProblemView {
    ProblemView {
        path: Some(problem.path).filter(|path| !path.is_empty()),
        line: problem.at.map(|at| at.line.into()),
        column: problem.at.map(|at| at.column.into()),
        message: problem.message,
        hint: problem.hint,
    }
}

impl From<Problems> for ApiError {
    fn from(Problems(problems): Problems) -> Self {
        Self::problems(problems.into_iter().map(problem_view).collect())
    }
}

impl From<ReloadError> for ApiError {
    fn from(error: ReloadError) -> Self {
        match error {
            ReloadError::NoFile => {
                let message = "the server was started without a configuration file, so there is none to read again; start it \
                               with --config";
                Self::new(StatusCode::CONFLICT, message)
            }
            ReloadError::Problems(problems) => Self::problems(problems),
            ReloadError::Failed(why) => Self::internal(why),
        }
    }
}

impl From<ApplyError> for ApiError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Problems(problems) => problems.into(),
            ApplyError::Conflict(why) => Self::new(StatusCode::CONFLICT, why),
            ApplyError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Busy { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(retry_after.as_secs().max(1))
            }
            StoreError::DiskFull => Self::new(StatusCode::INSUFFICIENT_STORAGE, message).retry_after(10),
            StoreError::Closed => Self::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(5),
            StoreError::OpenedToRead { .. } => Self::new(StatusCode::FORBIDDEN, message),
            StoreError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, message),
            StoreError::BadMatcher { .. }
            | StoreError::NotFinite { .. }
            | StoreError::TimeOutOfRange { .. }
            | StoreError::TooManySeries { .. } => Self::new(StatusCode::BAD_REQUEST, message),
            _ => Self::internal(message),
        }
    }
}

impl From<JoinError> for ApiError {
    fn from(panic: JoinError) -> Self {
        Self::internal(format!("the work broke off: {panic}"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// JSON in and out. What cannot be read is answered with line, column and reason.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        answer(serde_json::to_vec(&self.0))
    }
}

fn answer(json: serde_json::Result<Vec<u8>>) -> Response {
    match json {
        Ok(mut bytes) => {
            // So that a shell's prompt starts on a line of its own.
            bytes.push(b'\n');
            ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
        }
        Err(error) => {
            let body =
                serde_json::json!({ "error": format!("the answer cannot be written as JSON: {error}") });
            let kind = [(header::CONTENT_TYPE, "application/json")];
            (StatusCode::INTERNAL_SERVER_ERROR, kind, body.to_string()).into_response()
        }
    }
}

/// A body of bounded length, as it came.
#[derive(Debug, Clone)]
pub struct Received(pub Bytes);

impl FromRequest<Arc<App>> for Received {
    type Rejection = ApiError;

    async fn from_request(mut request: Request<Body>, app: &Arc<App>) -> Result<Self, ApiError> {
        // Here and not as a layer, which would cost every request.
        let max_body_bytes = app.live.get().max_body_bytes;
        DefaultBodyLimit::max(max_body_bytes).apply(&mut request);
        Bytes::from_request(request, app).await.map(Self).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(max_body_bytes),
            status => ApiError::new(status, "the body could not be read"),
        })
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, app: &Arc<App>) -> Result<Self, ApiError> {
        let Received(bytes) = Received::from_request(request, app).await?;
        // serde would take a list for the fields in their order.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            let message = "the body is a JSON list; this endpoint reads an object";
            return Err(ApiError::new(StatusCode::BAD_REQUEST, message));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unreadable(&error))
    }
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let problem = ProblemView {
        line: Some(error.line() as u64),
        column: Some(error.column() as u64),
        message,
        ..ProblemView::default()
    };
    let error = "the body is not the JSON that this endpoint reads".to_owned();
    let body = ErrorBody { error, problems: vec![problem] };
    ApiError { status: StatusCode::BAD_REQUEST, body, retry_after_s: None }
}

pub(super) async fn not_found(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}; see /api/openapi.json"))
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    let message = format!("{path} does not take {method}; see /api/openapi.json");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message)
}
