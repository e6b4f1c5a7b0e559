//! The fields of a query or of a form.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::answer::Failed;
use super::visitor::Who;
use crate::http::ApiError;
use crate::services::Services;

/// A longer form is refused.
const MAX_FORM_BYTES: usize = 64 << 10;

/// Names and values, as they were sent.
#[derive(Debug, Default)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Fields {
    pub(super) fn read(text: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(text)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value of that name without spaces around it; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// The first value of that name as it was written, spaces and all.
    pub(super) fn whole(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Every value of that name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// As [`Fields::get`], `None` where it is empty.
    pub(super) fn some(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

/// Those of the address.
impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::read(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}

/// A form of ours, and who sent it.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) who: Who,
    pub(super) fields: Fields,
}

impl FromRequest<Services> for Form {
    type Rejection = Failed;

    async fn from_request(request: Request<Body>, services: &Services) -> Result<Self, Failed> {
        let (mut parts, body) = request.into_parts();
        let who = Who::from_request_parts(&mut parts, services).await?;
        let fields = sent(body).await?;
        if !who.sent(services, fields.get("form")) {
            let message = "this form is from before you signed in or the server started; open the page again and send it from there";
            return Err(Failed(ApiError::new(StatusCode::FORBIDDEN, message), fields.0));
        }
        Ok(Self { who, fields })
    }
}

/// The fields of a form's body.
pub(super) async fn sent(body: Body) -> Result<Fields, ApiError> {
    let too_long = |_| {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the form is longer than {MAX_FORM_BYTES} bytes"),
        )
    };
    Ok(Fields::read(&to_bytes(body, MAX_FORM_BYTES).await.map_err(too_long)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        let fields = Fields::read(b"message=the+bank%20is%0Adown+&empty=&message=second&%ff=x");
        assert_eq!(fields.get("message"), "the bank is\ndown");
        assert_eq!(Fields::read(b"text=++a%3A+1").whole("text"), "  a: 1");
        assert_eq!((fields.get("empty"), fields.get("none")), ("", ""));
        assert_eq!((fields.some("empty"), fields.some("message").is_some()), (None, true));
        assert_eq!(fields.all("message"), ["the bank is\ndown ", "second"]);
    }
}
