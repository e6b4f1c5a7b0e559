//! Tokens: who may call, and for what.

use serde::{Deserialize, Serialize};

use super::Time;

/// A token to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "name": "telegraf", "scopes": ["ingest"] })))]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// The name under which the audit knows whoever shows it.
    #[cfg_attr(feature = "openapi", schema(example = "telegraf"))]
    pub name: String,
    /// What it may be used for: `ingest`, `read`, `evaluate`, `operate`, `admin`.
    #[cfg_attr(feature = "openapi", schema(example = json!(["ingest"])))]
    pub scopes: Vec<String>,
}

/// A token that was made. It is shown this once; the server keeps its hash alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MadeToken {
    /// Its name.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// What to send as `Authorization: Bearer ...`.
    #[cfg_attr(feature = "openapi", schema(example = "lanner_3f9c..."))]
    pub token: String,
}

/// A token as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "telegraf"))]
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: Time,
    /// Who made it.
    pub created_by: String,
    /// When it was last shown since the server started; `null` for never.
    pub last_used: Option<Time>,
}
