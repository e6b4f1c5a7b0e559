//! Who looks at a page, and what they may do there.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use lanner_page::frame::Visitor;

use super::answer::Failed;
use crate::access::sessions::Session;
use crate::http::{Principal, Scope};
use crate::services::Services;

/// Who sent a request, as far as pages want to know.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) principal: Principal,
    pub(super) session: Option<Session>,
    pub(super) visitor: Visitor,
}

impl Who {
    /// Whether a form sent what this visitor was shown.
    pub(super) fn sent(&self, services: &Services, shown: &str) -> bool {
        services.access.sessions.knows_form(self.session, shown)
    }
}

impl FromRequestParts<Services> for Who {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Failed> {
        let principal = Principal::from_request_parts(parts, services).await?;
        let session = parts.extensions.get::<Session>().copied();
        let visitor = Visitor {
            name: principal.name().to_owned(),
            is_signed_in: session.is_some(),
            may_operate: principal.may(Scope::Operate),
            may_administer: principal.may(Scope::Admin),
            form_token: services.access.sessions.form_token(session),
            now_ms: services.evaluation.now_ms(),
        };
        Ok(Self { principal, session, visitor })
    }
}
