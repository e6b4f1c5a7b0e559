//! Version 2 of the API of Alertmanager.

use super::route::{Content, EMPTY, Foreign, OBJECT, OBJECTS, foreign};

/// What is wrong, as Alertmanager says it.
const SAID: Content = Content("application/json", r#"{"type": "string"}"#);
const ALERTS: Content = Content(
    "application/json",
    r#"{"type": "array", "items": {"type": "object", "required": ["labels"], "properties": {
        "labels": {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        "startsAt": {"type": "string", "format": "date-time"}, "endsAt": {"type": "string", "format": "date-time"},
        "generatorURL": {"type": "string"}}},
        "examples": [[{"labels": {"alertname": "InstanceDown", "instance": "db1"}}]]}"#,
);
const SILENCE: Content = Content(
    "application/json",
    r#"{"type": "object", "required": ["matchers", "startsAt", "endsAt", "createdBy", "comment"], "properties": {
        "id": {"type": "string", "description": "one that this takes the place of"},
        "matchers": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["name", "value", "isRegex"], "properties": {
            "name": {"type": "string"}, "value": {"type": "string"}, "isRegex": {"type": "boolean"}, "isEqual": {"type": "boolean"}}}},
        "startsAt": {"type": "string", "format": "date-time"}, "endsAt": {"type": "string", "format": "date-time"},
        "createdBy": {"type": "string"}, "comment": {"type": "string"}}}"#,
);

pub(super) const ROUTES: &[Foreign] = &[
    foreign(
        "get",
        "/api/v2/status",
        "alertmanager",
        "alertmanager_status",
        "The version, and since when the server runs.",
    )
    .answers(&[("200", OBJECT)]),
    foreign(
        "get",
        "/api/v2/receivers",
        "alertmanager",
        "alertmanager_receivers",
        "List the receivers of rules.",
    )
    .answers(&[("200", OBJECTS)]),
    foreign("get", "/api/v2/alerts", "alertmanager", "alertmanager_alerts", "List what fires.")
        .query(&["filter", "active", "silenced", "inhibited", "unprocessed", "receiver"])
        .answers(&[("200", OBJECTS), ("400", SAID)]),
    foreign(
        "post",
        "/api/v2/alerts",
        "alertmanager",
        "alertmanager_post_alerts",
        "Take alerts of others: each is an event of the stream `alerts`.",
    )
    .body(ALERTS)
    .answers(&[("200", EMPTY), ("400", SAID)]),
    foreign(
        "get",
        "/api/v2/alerts/groups",
        "alertmanager",
        "alertmanager_groups",
        "List what fires by rule and receiver.",
    )
    .query(&["filter", "active", "silenced", "inhibited", "receiver"])
    .answers(&[("200", OBJECTS), ("400", SAID)]),
    foreign("get", "/api/v2/silences", "alertmanager", "alertmanager_silences", "List silences.")
        .query(&["filter"])
        .answers(&[("200", OBJECTS), ("400", SAID)]),
    foreign(
        "post",
        "/api/v2/silences",
        "alertmanager",
        "alertmanager_add_silence",
        "Make a silence, or change one.",
    )
    .body(SILENCE)
    .answers(&[("200", OBJECT), ("400", SAID), ("404", SAID)]),
    foreign("get", "/api/v2/silence/{id}", "alertmanager", "alertmanager_silence", "Show a silence.")
        .answers(&[("200", OBJECT), ("404", SAID)]),
    foreign(
        "delete",
        "/api/v2/silence/{id}",
        "alertmanager",
        "alertmanager_expire_silence",
        "End a silence now.",
    )
    .answers(&[("200", EMPTY), ("404", SAID)]),
];
