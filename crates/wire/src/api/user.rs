//! Users: people who sign in on the page with a name and a password.

use serde::{Deserialize, Serialize};

use super::Time;

/// A user to be added.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "name": "ann", "scopes": ["read", "operate"] })))]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name under which they sign in, and under which the audit knows them.
    #[cfg_attr(feature = "openapi", schema(example = "ann"))]
    pub name: String,
    /// What they may do: `ingest`, `read`, `evaluate`, `operate`, `admin`. Pages need `read`.
    #[cfg_attr(feature = "openapi", schema(example = json!(["read", "operate"])))]
    pub scopes: Vec<String>,
    /// Their password, 12 to 256 characters; without one it is made, and shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// Another password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// 12 to 256 characters; without one it is made, and shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// What a user may do from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewScopes {
    /// `ingest`, `read`, `evaluate`, `operate`, `admin`. Pages need `read`.
    #[cfg_attr(feature = "openapi", schema(example = json!(["read", "operate"])))]
    pub scopes: Vec<String>,
}

/// A user who was added, or has another password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MadeUser {
    /// Their name.
    pub name: String,
    /// What they may do.
    pub scopes: Vec<String>,
    /// The password that was made; absent where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A user as they are listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserView {
    /// Their name.
    #[cfg_attr(feature = "openapi", schema(example = "ann"))]
    pub name: String,
    /// What they may do.
    pub scopes: Vec<String>,
    /// When they were added, or got another password or other scopes.
    pub changed: Time,
    /// By whom.
    pub changed_by: String,
    /// When they last signed in since the server started; `null` for never.
    pub last_signed_in: Option<Time>,
}

/// Without the password, so that no log shows it.
impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser")
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Without the password.
impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewPassword").finish_non_exhaustive()
    }
}

/// Without the password.
impl std::fmt::Debug for MadeUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeUser")
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
