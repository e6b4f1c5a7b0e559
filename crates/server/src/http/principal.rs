//! The caller of a request, and what they may do.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use crate::http::ApiError;

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Write samples and events.
    Ingest,
    /// Read everything but secrets.
    Read,
    /// Ask kill switches, and hold them.
    Evaluate,
    /// Silence alerts, turn kill switches on and off, send messages again.
    Operate,
    /// Everything, the rules and tokens included.
    Admin,
}

impl Scope {
    /// Every scope, the narrowest first.
    pub(crate) const ALL: [Self; 5] = [Self::Ingest, Self::Read, Self::Evaluate, Self::Operate, Self::Admin];

    /// Its name in the API and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Evaluate => "evaluate",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }

    /// The scope of that name.
    ///
    /// # Errors
    /// A sentence that lists the names.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|scope| scope.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|scope| scope.name()).collect();
            let shown: String = name.chars().take(40).collect();
            format!("\"{shown}\" is not a scope; write one of {}", names.join(", "))
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the audit names callers that need no token; what they say of themselves follows in brackets.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// Who calls: the name of the token that was shown, never what a header claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    name: Arc<str>,
    scopes: Arc<BTreeSet<Scope>>,
}

impl Principal {
    /// Whoever shows the token of this name.
    #[must_use]
    pub fn named(name: &str, scopes: BTreeSet<Scope>) -> Self {
        Self { name: name.into(), scopes: Arc::new(scopes) }
    }

    /// Anybody, where no token is wanted. What the command line says of its user is kept as a remark: it tells
    /// changes apart, and proves nothing.
    #[must_use]
    pub fn anonymous(headers: &HeaderMap) -> Self {
        let said = headers.get("x-lanner-actor").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let said: String = said.chars().filter(|c| !c.is_control()).take(100).collect();
        let name = if said.is_empty() { ANONYMOUS.to_owned() } else { format!("{ANONYMOUS} ({said})") };
        Self::named(&name, BTreeSet::from([Scope::Admin]))
    }

    /// The name, as the audit remembers it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this principal may do what needs `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Why this principal is no second person beside `asked`, who asked for something: the same token is the same
    /// person, and nobody knows who came without one.
    #[must_use]
    pub(crate) fn no_second_to(&self, asked: &str) -> Option<String> {
        if is_anonymous(&self.name) && is_anonymous(asked) {
            let message = "without tokens everybody is the same person, so nobody can approve a person's request; \
                           give two people a token each (lanner token create)";
            return Some(message.to_owned());
        }
        if is_anonymous(asked) {
            let message =
                format!("{asked} came without a token and may be the same person; deny it and ask again");
            return Some(message);
        }
        (*self.name == *asked).then(|| format!("{asked} made the request; another person has to approve it"))
    }
}

fn is_anonymous(name: &str) -> bool {
    name.strip_prefix(ANONYMOUS).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
}

/// Put there by [`admit`](crate::access::admit), which every request passes.
impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let message = "nobody was asked who calls";
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::token::CONFIGURED;

    #[test]
    fn a_second_person_is_a_second_principal() {
        #[track_caller]
        fn check(approves: &str, asked: &str, may: bool) {
            let principal = Principal::named(approves, BTreeSet::new());
            assert_eq!(principal.no_second_to(asked).is_none(), may, "{approves} after {asked}");
        }
        check("ann", "bob", true);
        check("ann", "ann", false);
        check(CONFIGURED, CONFIGURED, false);
        check("ann", CONFIGURED, true);
        check("anonymous", "anonymous", false);
        check("anonymous (ann)", "anonymous (bob)", false);
        check("ann", "anonymous (ann)", false);
        check("ann", "anonymous (bob)", false);
        // Alerts ask as well, and one person is then the second.
        check("anonymous (ann)", "alert of too-few-orders", true);
        check("ann", "alert of too-few-orders", true);
    }

    #[test]
    fn admin_is_everything_and_the_others_are_themselves() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.name()), Ok(scope));
            let only = Principal::named("x", BTreeSet::from([scope]));
            for wanted in Scope::ALL {
                assert_eq!(only.may(wanted), scope == wanted || scope == Scope::Admin, "{scope} {wanted}");
            }
        }
        assert!(Scope::parse("root").unwrap_err().contains("ingest, read, evaluate, operate, admin"));
    }
}
