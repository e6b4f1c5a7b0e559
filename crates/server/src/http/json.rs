//! Answers in JSON.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

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
                serde_json::json!({ "error": format!("the response cannot be written as JSON: {error}") });
            let kind = [(header::CONTENT_TYPE, "application/json")];
            (StatusCode::INTERNAL_SERVER_ERROR, kind, body.to_string()).into_response()
        }
    }
}
