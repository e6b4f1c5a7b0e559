//! OTLP by HTTP.

use super::route::{Content, Foreign, OBJECT, foreign};

/// Requests of OTLP in JSON; protocol buffers are taken as well, and answered as such.
const METRICS: Content = Content(
    "application/json",
    r#"{"type": "object", "properties": {"resourceMetrics": {"type": "array", "items": {"type": "object"}}}}"#,
);
const LOGS: Content = Content(
    "application/json",
    r#"{"type": "object", "properties": {"resourceLogs": {"type": "array", "items": {"type": "object"}}}}"#,
);
const SPANS: Content = Content(
    "application/json",
    r#"{"type": "object", "properties": {"resourceSpans": {"type": "array", "items": {"type": "object"}}}}"#,
);
/// What is wrong, as OTLP says it.
const STATUS: Content = Content(
    "application/json",
    r#"{"type": "object", "required": ["code", "message"], "properties": {
        "code": {"type": "integer", "description": "a code of gRPC"}, "message": {"type": "string"}}}"#,
);
const OTLP_ANSWERS: &[(&str, Content)] =
    &[("200", OBJECT), ("400", STATUS), ("413", STATUS), ("415", STATUS), ("503", STATUS)];

pub(super) const ROUTES: &[Foreign] = &[
    foreign(
        "post",
        "/v1/metrics",
        "otlp",
        "write_otlp_metrics",
        "Write metrics as OTLP, in JSON or protocol buffers.",
    )
    .body(METRICS)
    .answers(OTLP_ANSWERS),
    foreign(
        "post",
        "/v1/logs",
        "otlp",
        "write_otlp_logs",
        "Write log records as OTLP: events of the stream `logs`.",
    )
    .query(&["stream"])
    .body(LOGS)
    .answers(OTLP_ANSWERS),
    foreign(
        "post",
        "/v1/traces",
        "otlp",
        "write_otlp_spans",
        "Write spans as OTLP: events of the stream `spans`.",
    )
    .query(&["stream"])
    .body(SPANS)
    .answers(OTLP_ANSWERS),
];
