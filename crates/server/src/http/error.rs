//! Errors as answers, with messages for people.

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use lanner_core::{Problem, Problems};
use lanner_io::store::StoreError;
use lanner_wire::api::{ErrorBody, ProblemView};
use tokio::task::JoinError;

use super::Json;

/// An error with its status.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    body: ErrorBody,
    retry_after_s: Option<u64>,
}

/// So many problems are listed: nobody reads more, and a mistake in a template makes one for each of 50,000 switches.
const MAX_PROBLEMS: usize = 1_000;

impl ApiError {
    /// An error that says `message`.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, body: ErrorBody::new(message), retry_after_s: None }
    }

    /// Something that does not exist.
    pub(crate) fn not_found(what: &str, name: &str) -> Self {
        let name: String = name.chars().take(100).collect();
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what} \"{name}\""))
    }

    /// A failure of the program.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, message);
        tracing::error!("{}", error.body.error);
        error
    }

    /// Problems in what was sent; the first thousand are listed.
    #[must_use]
    pub fn problems(mut problems: Vec<ProblemView>) -> Self {
        let n = problems.len();
        problems.truncate(MAX_PROBLEMS);
        let plural = if n == 1 { "" } else { "s" };
        let listed =
            if n > MAX_PROBLEMS { format!(", the first {MAX_PROBLEMS} listed") } else { String::new() };
        let error = format!("{n} problem{plural}{listed}; nothing was changed");
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body: ErrorBody { error, problems },
            retry_after_s: None,
        }
    }

    /// A body that cannot be read, and where.
    pub(super) fn unreadable_body(problem: ProblemView) -> Self {
        let error = "the body is not the JSON that this endpoint expects".to_owned();
        let body = ErrorBody { error, problems: vec![problem] };
        Self { status: StatusCode::BAD_REQUEST, body, retry_after_s: None }
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The message as plain text, for clients that show bodies as they are.
    #[must_use]
    pub(crate) fn into_text(self) -> Response {
        (self.status, self.body.error).into_response()
    }

    /// What to tell people, a line each: the message, and every problem with its place.
    #[must_use]
    pub(crate) fn lines(&self) -> Vec<String> {
        let problem = |it: &ProblemView| match &it.path {
            None => it.message.clone(),
            Some(path) => format!("{path}: {}", it.message),
        };
        let problems = self.body.problems.iter().map(problem);
        std::iter::once(self.body.error.clone()).chain(problems).collect()
    }

    /// The problems in what was sent, or the message as the only one.
    #[must_use]
    pub(crate) fn into_problems(self) -> Vec<ProblemView> {
        let ErrorBody { error, problems } = self.body;
        let whole = || ProblemView { message: error, ..ProblemView::default() };
        if problems.is_empty() { vec![whole()] } else { problems }
    }

    /// Why nothing could be shown: the problems alone, since nothing was to be changed.
    #[must_use]
    pub(crate) fn reasons(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.drain(..usize::from(lines.len() > 1));
        lines
    }

    /// The same with another status.
    #[must_use]
    pub(crate) const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
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

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Busy { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(retry_after.as_secs().max(1))
            }
            StoreError::DiskFull => Self::new(StatusCode::INSUFFICIENT_STORAGE, message).retry_after(10),
            StoreError::Unavailable { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(5)
            }
            StoreError::StaleEpoch { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, message),
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
        Self::internal(format!("the task panicked: {panic}"))
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

pub(crate) async fn not_found(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}; see /api/openapi.json"))
}

pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    let message = format!("{path} does not accept {method}; see /api/openapi.json");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message)
}

/// The answer to a body that is too large.
#[must_use]
pub(crate) fn too_large(limit: usize) -> ApiError {
    let message =
        format!("the body is larger than {limit} bytes; send smaller batches, or raise server.max_body");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_problems_is_bounded() {
        let error = |n: usize| ApiError::problems(vec![ProblemView::at("switches[0]", "is wrong"); n]).body;
        let listed = |n: usize| (error(n).error, error(n).problems.len());
        assert_eq!(listed(1), ("1 problem; nothing was changed".to_owned(), 1));
        assert_eq!(listed(1_000), ("1000 problems; nothing was changed".to_owned(), 1_000));
        let many = "50001 problems, the first 1000 listed; nothing was changed".to_owned();
        assert_eq!(listed(50_001), (many, 1_000));
    }
}
