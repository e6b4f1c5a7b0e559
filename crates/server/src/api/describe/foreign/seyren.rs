//! The API of Seyren.

use super::route::{Content, EMPTY, ERROR, Foreign, NOT_FOUND, OBJECT, foreign};

const PAGE: Content = Content(
    "application/json",
    r#"{"type": "object", "required": ["values", "items", "start", "total"], "properties": {
        "values": {"type": "array", "items": {"type": "object"}}, "items": {"type": "integer"},
        "start": {"type": "integer"}, "total": {"type": "integer"}}}"#,
);
const CHECK: Content = Content(
    "application/json",
    r#"{"type": "object", "required": ["target"], "properties": {
        "name": {"type": "string"}, "description": {"type": ["string", "null"]},
        "target": {"type": "string", "description": "an expression of Graphite"},
        "from": {"type": ["string", "null"]}, "until": {"type": ["string", "null"]},
        "warn": {"type": ["string", "number", "null"]}, "error": {"type": ["string", "number", "null"]},
        "enabled": {"type": ["boolean", "null"]}, "live": {"type": ["boolean", "null"]},
        "allowNoData": {"type": ["boolean", "null"]}, "subscriptions": {"type": ["array", "null"], "items": {"type": "object"}}},
        "examples": [{"name": "orders", "target": "sumSeries(shop.*.orders)", "warn": "20", "error": "50",
            "enabled": true, "subscriptions": []}]}"#,
);
const SUBSCRIPTION: Content = Content(
    "application/json",
    r#"{"type": "object", "properties": {
        "type": {"type": "string", "description": "EMAIL, HTTP, LOGGER or SLACK; others are kept and not delivered"},
        "target": {"type": "string"}, "enabled": {"type": ["boolean", "null"]},
        "ignoreWarn": {"type": ["boolean", "null"]}, "ignoreError": {"type": ["boolean", "null"]},
        "ignoreOk": {"type": ["boolean", "null"]}},
        "examples": [{"type": "EMAIL", "target": "on-call@example.org", "enabled": true}]}"#,
);

pub(super) const ROUTES: &[Foreign] = &[
    foreign("get", "/api/checks", "seyren", "list_checks", "List checks.")
        .query(&["state", "enabled", "fields", "regexes"])
        .answers(&[("200", PAGE)]),
    foreign("post", "/api/checks", "seyren", "create_check", "Create a check; Location names it.")
        .body(CHECK)
        .answers(&[("201", EMPTY), ("422", ERROR)]),
    foreign("get", "/api/checks/{id}", "seyren", "show_check", "Show one check.")
        .answers(&[("200", OBJECT), NOT_FOUND]),
    foreign("put", "/api/checks/{id}", "seyren", "replace_check", "Replace one check.")
        .body(CHECK)
        .answers(&[("200", OBJECT), NOT_FOUND, ("422", ERROR)]),
    foreign("delete", "/api/checks/{id}", "seyren", "delete_check", "Delete one check; its alerts end.")
        .answers(&[("204", EMPTY), NOT_FOUND]),
    foreign(
        "get",
        "/api/checks/{id}/alerts",
        "seyren",
        "list_check_alerts",
        "List changes of one check's state, the newest first.",
    )
    .query(&["start", "items"])
    .answers(&[("200", PAGE), NOT_FOUND]),
    foreign(
        "delete",
        "/api/checks/{id}/alerts",
        "seyren",
        "forget_check_alerts",
        "Hide older changes of one check's state.",
    )
    .query(&["before"])
    .answers(&[("204", EMPTY), NOT_FOUND, ("422", ERROR)]),
    foreign("get", "/api/checks/{id}/image", "seyren", "check_image", "Not drawn here; see /render.")
        .answers(&[("501", ERROR)]),
    foreign(
        "post",
        "/api/checks/{id}/subscriptions",
        "seyren",
        "create_subscription",
        "Add a subscription; Location names it.",
    )
    .body(SUBSCRIPTION)
    .answers(&[("201", EMPTY), NOT_FOUND, ("422", ERROR)]),
    foreign(
        "put",
        "/api/checks/{id}/subscriptions/{sid}",
        "seyren",
        "replace_subscription",
        "Replace one subscription.",
    )
    .body(SUBSCRIPTION)
    .answers(&[("204", EMPTY), NOT_FOUND, ("422", ERROR)]),
    foreign(
        "delete",
        "/api/checks/{id}/subscriptions/{sid}",
        "seyren",
        "delete_subscription",
        "Delete one subscription.",
    )
    .answers(&[("204", EMPTY), NOT_FOUND, ("422", ERROR)]),
    foreign(
        "put",
        "/api/checks/{id}/subscriptions/{sid}/test",
        "seyren",
        "test_subscription",
        "Send a test message by one subscription.",
    )
    .answers(&[("204", EMPTY), NOT_FOUND, ("502", ERROR)]),
    foreign(
        "get",
        "/api/alerts",
        "seyren",
        "list_all_check_alerts",
        "List changes of all checks' states, the newest first.",
    )
    .query(&["start", "items"])
    .answers(&[("200", PAGE)]),
    foreign("get", "/api/chart/{target}", "seyren", "chart", "Not drawn here; see /render.")
        .answers(&[("501", ERROR)]),
    foreign("get", "/api/config", "seyren", "seyren_config", "What a client should know of the server.")
        .answers(&[("200", OBJECT)]),
    foreign(
        "get",
        "/api/metrics/{target}/total",
        "seyren",
        "count_series",
        "How many series an expression has.",
    )
    .answers(&[(
        "200",
        Content("application/json", r#"{"type": "object", "additionalProperties": {"type": "integer"}}"#),
    )]),
];
