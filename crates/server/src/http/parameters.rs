//! Query strings and the variable parts of paths. One that cannot be read is answered as JSON, like every other mistake.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::ApiError;

/// The query string.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| unreadable("query string", rejection.status(), &rejection))
    }
}

/// The variable parts of a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(path)| Self(path))
            .map_err(|rejection| unreadable("path", rejection.status(), &rejection))
    }
}

fn unreadable(what: &str, status: StatusCode, rejection: &dyn std::error::Error) -> ApiError {
    // The rejection repeats what is known; its cause names the parameter and what is wrong with it.
    let why = rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string);
    let why: String = why.chars().take(300).collect();
    ApiError::new(status, format!("invalid {what}: {why}"))
}

/// How many items a list answers: `DEFAULT` if nothing is said, 1 to `MAX` otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit<const DEFAULT: usize, const MAX: usize>(pub usize);

impl<const DEFAULT: usize, const MAX: usize> Default for Limit<DEFAULT, MAX> {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl<'de, const DEFAULT: usize, const MAX: usize> Deserialize<'de> for Limit<DEFAULT, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = usize::deserialize(deserializer)?;
        if (1..=MAX).contains(&limit) {
            return Ok(Self(limit));
        }
        Err(D::Error::custom(format!("{limit} is out of range; write 1 to {MAX}")))
    }
}
