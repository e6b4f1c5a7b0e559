//! Probes, metrics, samples, the gate, and what has no name.

use super::route::{Content, EMPTY, ERROR, Foreign, NOT_FOUND, OBJECT, TEXT, foreign};

/// What tells nothing of a rule that has no name.
const UNNAMED: &str = "left behind under the empty id by an older release; never in force.";
const LINES: Content = Content("text/plain", r#"{"type": "string", "examples": ["queue,host=a length=17"]}"#);
const REPORT: &str = r##"{"$ref": "#/components/schemas/WriteReport"}"##;

pub(super) const ROUTES: &[Foreign] = &[
    foreign("get", "/healthz", "operations", "healthz", "The process answers.").answers(&[("200", TEXT)]),
    foreign("get", "/readyz", "operations", "readyz", "Rules are evaluated and results stored; 503 with the reason if not.")
        .answers(&[("200", TEXT), ("503", TEXT)]),
    foreign("get", "/metrics", "operations", "metrics", "Metrics of the server in Prometheus's text format.")
        .answers(&[("200", TEXT)]),
    foreign("get", "/metrics/alerts", "alerts", "metrics_of_alerts",
        "What is pending and what fires, as the series ALERTS and ALERTS_FOR_STATE in Prometheus's text format.")
        .answers(&[("200", TEXT)]),
    foreign("get", "/api/openapi.json", "operations", "openapi", "This document.").answers(&[("200", OBJECT)]),
    foreign("post", "/write", "ingest", "write_samples_v1", "Write samples as Influx line protocol, version 1 of the API.")
        .query(&["precision", "db", "rp", "u", "p"])
        .body(LINES)
        .answers(&[("204", EMPTY), ("200", Content("application/json", REPORT))]),
    foreign("post", "/api/v1/write", "ingest", "write_samples_prometheus",
        "Write samples as Prometheus' remote write, version 1.0 or 2.0, compressed by Snappy.")
        .body(Content("application/x-protobuf", r#"{"type": "string", "format": "binary"}"#))
        .answers(&[("204", EMPTY)]),
    foreign("get put post delete options head patch trace", "/gate", "gate", "gate",
        "Ask whether a request may pass, as nginx's auth_request does; the context is the query string and the headers X-Original-* and X-Forwarded-*.")
        .answers(&[("204", EMPTY), ("403", TEXT)]),
    foreign("get put post delete options head patch trace", "/gate/", "gate", "gate_root",
        "Ask whether a request for / may pass, as Envoy's ext_authz does.")
        .answers(&[("200", EMPTY), ("403", TEXT)]),
    foreign("get put post delete options head patch trace", "/gate/{path}", "gate", "gate_path",
        "Ask whether a request for a path, which may hold slashes, may pass, as Envoy's ext_authz does.")
        .answers(&[("200", EMPTY), ("403", TEXT)]),
    foreign("get", "/api/v1/rules/", "rules", "show_unnamed_rule", UNNAMED)
        .answers(&[("200", Content("application/json", r##"{"$ref": "#/components/schemas/RuleView"}"##)), NOT_FOUND]),
    foreign("delete", "/api/v1/rules/", "rules", "delete_unnamed_rule", UNNAMED)
        .answers(&[("200", Content("application/json", r##"{"$ref": "#/components/schemas/ApplyResponse"}"##)), NOT_FOUND]),
    foreign("delete", "/api/v1/receivers/", "messages", "delete_unnamed_receiver", UNNAMED)
        .answers(&[("204", EMPTY), NOT_FOUND, ("422", ERROR)]),
    foreign("get", "/api/v1/switches/", "switches", "show_unnamed_switch", UNNAMED)
        .answers(&[("200", Content("application/json", r##"{"$ref": "#/components/schemas/SwitchView"}"##)), NOT_FOUND]),
    foreign("delete", "/api/v1/switches/", "switches", "delete_unnamed_switch", UNNAMED)
        .query(&["message", "force", "expect"])
        .answers(&[("204", EMPTY), NOT_FOUND, ("409", ERROR)]),
];
