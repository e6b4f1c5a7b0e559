//! How times look in an OpenAPI document.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{Time, When};

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant, RFC 3339 in UTC."))
            .examples(["2026-12-01T08:00:00Z"]);
        schema.into()
    }
}

impl ToSchema for Time {}

/// An instant as a request may have it.
pub(super) struct Instant;

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Number]))
            .description(Some("An instant, RFC 3339 or seconds or milliseconds since 1970."))
            .examples(["2026-12-01T08:00:00Z"]);
        schema.into()
    }
}

impl ToSchema for Instant {}

impl PartialSchema for When {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Number]))
            .description(Some(
                "An instant, RFC 3339 or seconds or milliseconds since 1970, or a distance back from now.",
            ))
            .examples(["2026-12-01T08:00:00Z", "now-1h"]);
        schema.into()
    }
}

impl ToSchema for When {}
