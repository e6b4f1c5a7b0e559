//! Descriptions of routes with a foreign API, and of pages for people and probes.

use serde_json::{Map, Value, json};

/// One path with the methods that do the same.
struct Foreign {
    /// In small letters, with spaces between.
    methods: &'static str,
    path: &'static str,
    tag: &'static str,
    /// What generators call it; with `_by_METHOD` behind for all methods but the first.
    id: &'static str,
    summary: &'static str,
    /// Parameters of the query, all optional, in [`PARAMETERS`].
    query: &'static [&'static str],
    body: Option<Content>,
    answers: &'static [(&'static str, Content)],
}

/// A content type, and a JSON schema as text; empty where there is no body.
#[derive(Clone, Copy)]
struct Content(&'static str, &'static str);

const TEXT: Content = Content("text/plain", r#"{"type": "string"}"#);
const EMPTY: Content = Content("", "");
const LINES: Content = Content("text/plain", r#"{"type": "string", "examples": ["queue,host=a length=17"]}"#);
/// A form with the parameters of the query as its fields.
const FORM: Content = Content("application/x-www-form-urlencoded", "");
const NAMES: Content = Content("application/json", r#"{"type": "array", "items": {"type": "string"}}"#);
const OBJECT: Content = Content("application/json", r#"{"type": "object"}"#);
const OBJECTS: Content = Content("application/json", r#"{"type": "array", "items": {"type": "object"}}"#);
const SCRIPT: Content = Content("text/javascript", r#"{"type": "string"}"#);
const ANY: Content = Content("application/json", "{}");
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
const EVENT: Content = Content(
    "application/json",
    r#"{"type": "object", "required": ["what"], "properties": {
        "what": {"type": "string"}, "data": {"description": "text, or any JSON"},
        "tags": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
        "when": {"type": ["number", "null"], "description": "seconds since 1970; now, if absent"}},
        "examples": [{"what": "deploy", "tags": ["shop"], "data": "version 7"}]}"#,
);

const GRAPHITE_FAULT: (&str, Content) = ("400", TEXT);

const fn foreign(
    methods: &'static str,
    path: &'static str,
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
) -> Foreign {
    Foreign { methods, path, tag, id, summary, query: &[], body: None, answers: &[] }
}

impl Foreign {
    const fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }
    const fn body(self, body: Content) -> Self {
        Self { body: Some(body), ..self }
    }
    const fn answers(self, answers: &'static [(&'static str, Content)]) -> Self {
        Self { answers, ..self }
    }
}

/// What tells nothing of a rule that has no name.
const UNNAMED: &str = "left behind under the empty id by an older release; never in force.";

const FOREIGN: &[Foreign] = &[
    foreign("get", "/healthz", "operations", "healthz", "The process answers.").answers(&[("200", TEXT)]),
    foreign("get", "/readyz", "operations", "readyz", "Rules are evaluated and results stored; 503 with the reason if not.")
        .answers(&[("200", TEXT), ("503", TEXT)]),
    foreign("get", "/metrics", "operations", "metrics", "Metrics of the server in Prometheus's text format.")
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

const ERROR: Content = Content("application/json", r##"{"$ref": "#/components/schemas/ErrorBody"}"##);
const NOT_FOUND: (&str, Content) = ("404", ERROR);
const REPORT: &str = r##"{"$ref": "#/components/schemas/WriteReport"}"##;
const REPORT_OR_ERROR: &str = r##"{"anyOf": [{"$ref": "#/components/schemas/WriteReport"}, {"$ref": "#/components/schemas/ErrorBody"}]}"##;

const GRAPHITE: &[Foreign] = &[
    foreign("get post", "/render", "graphite", "render", "Evaluate expressions over stored samples.")
        .query(&[
            "target",
            "from",
            "until",
            "format",
            "maxDataPoints",
            "noNullPoints",
            "xFilesFactor",
            "tz",
            "now",
            "width",
            "height",
            "title",
            "rawData",
            "jsonp",
        ])
        .body(FORM)
        .answers(&[
            ("200", ANY),
            ("200", SCRIPT),
            ("200", TEXT),
            ("200", Content("text/csv", r#"{"type": "string"}"#)),
            ("200", Content("image/svg+xml", r#"{"type": "string"}"#)),
            ("200", Content("application/pickle", r#"{"type": "string", "format": "binary"}"#)),
            ("200", Content("application/x-msgpack", r#"{"type": "string", "format": "binary"}"#)),
            GRAPHITE_FAULT,
        ]),
    foreign("get post", "/metrics/find", "graphite", "find_metrics", "List names one level below a pattern.")
        .query(&["query", "format", "wildcards", "jsonp"])
        .body(FORM)
        .answers(&[
            (
                "200",
                Content(
                    "application/json",
                    r#"{"anyOf": [{"type": "array", "items": {"type": "object"}}, {"type": "object"}]}"#,
                ),
            ),
            ("200", SCRIPT),
            GRAPHITE_FAULT,
        ]),
    foreign(
        "get post",
        "/metrics/expand",
        "graphite",
        "expand_metrics",
        "List the names that patterns match.",
    )
    .query(&["query", "groupByExpr", "leavesOnly", "jsonp"])
    .body(FORM)
    .answers(&[
        ("200", Content("application/json", r#"{"type": "object", "required": ["results"]}"#)),
        ("200", SCRIPT),
        GRAPHITE_FAULT,
    ]),
    foreign(
        "get",
        "/metrics/index.json",
        "graphite",
        "index_metrics",
        "List the names of all series without tags.",
    )
    .query(&["jsonp"])
    .answers(&[("200", NAMES), ("200", SCRIPT)]),
    foreign(
        "get",
        "/functions",
        "graphite",
        "list_functions",
        "List the functions of the expression language.",
    )
    .query(&["grouped", "group", "jsonp"])
    .answers(&[("200", OBJECT), ("200", SCRIPT)]),
    foreign(
        "get",
        "/functions/{name}",
        "graphite",
        "show_function",
        "Describe one function of the expression language.",
    )
    .query(&["jsonp"])
    .answers(&[("200", OBJECT), ("200", SCRIPT), GRAPHITE_FAULT, ("404", TEXT)]),
    foreign(
        "get",
        "/version",
        "graphite",
        "graphite_version",
        "The version of Graphite that this server answers as.",
    )
    .answers(&[("200", TEXT)]),
    foreign("get", "/tags", "graphite", "list_tags", "List the tags of series.")
        .query(&["filter", "jsonp"])
        .answers(&[("200", OBJECTS), ("200", SCRIPT), GRAPHITE_FAULT]),
    foreign(
        "get",
        "/tags/{tag}",
        "graphite",
        "show_tag",
        "List the values of one tag, each with its number of series.",
    )
    .query(&["filter", "jsonp"])
    .answers(&[("200", OBJECT), ("200", SCRIPT), GRAPHITE_FAULT]),
    foreign(
        "get post",
        "/tags/findSeries",
        "graphite",
        "find_series",
        "List the series that fulfil conditions on tags.",
    )
    .query(&["expr", "jsonp"])
    .body(FORM)
    .answers(&[("200", NAMES), ("200", SCRIPT), GRAPHITE_FAULT]),
    foreign(
        "get post",
        "/tags/autoComplete/tags",
        "graphite",
        "complete_tags",
        "Complete the beginning of a tag.",
    )
    .query(&["tagPrefix", "expr", "limit", "jsonp"])
    .body(FORM)
    .answers(&[("200", NAMES), ("200", SCRIPT), GRAPHITE_FAULT]),
    foreign(
        "get post",
        "/tags/autoComplete/values",
        "graphite",
        "complete_values",
        "Complete the beginning of a tag's value.",
    )
    .query(&["tag", "valuePrefix", "expr", "limit", "jsonp"])
    .body(FORM)
    .answers(&[("200", NAMES), ("200", SCRIPT), GRAPHITE_FAULT]),
    foreign(
        "post",
        "/tags/tagSeries",
        "graphite",
        "tag_series",
        "Register a series by its path; answers its full name.",
    )
    .query(&["path", "jsonp"])
    .body(FORM)
    .answers(&[
        ("200", Content("application/json", r#"{"type": "string"}"#)),
        ("200", SCRIPT),
        GRAPHITE_FAULT,
    ]),
    foreign(
        "post",
        "/tags/tagMultiSeries",
        "graphite",
        "tag_multi_series",
        "Register several series by their paths.",
    )
    .query(&["path", "jsonp"])
    .body(FORM)
    .answers(&[("200", NAMES), ("200", SCRIPT), GRAPHITE_FAULT]),
    foreign(
        "post",
        "/tags/delSeries",
        "graphite",
        "delete_series",
        "Not done here: series end by retention.",
    )
    .query(&["path"])
    .body(FORM)
    .answers(&[("501", TEXT)]),
    foreign("post", "/events", "graphite", "add_event", "Note an event, for annotations.")
        .body(EVENT)
        .answers(&[("200", TEXT), GRAPHITE_FAULT]),
    foreign(
        "get",
        "/events/get_data",
        "graphite",
        "list_events",
        "List events noted in a time range, the newest 10,000 at most.",
    )
    .query(&["from", "until", "tags", "set", "jsonp"])
    .answers(&[("200", OBJECTS), ("200", SCRIPT), GRAPHITE_FAULT]),
];

const SEYREN: &[Foreign] = &[
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

const OTLP: &[Foreign] = &[
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

const ALERTMANAGER: &[Foreign] = &[
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

/// Name, JSON schema and meaning of a parameter.
const PARAMETERS: &[(&str, &str, &str)] = &[
    ("active", r#"{"type": "boolean"}"#, "false leaves out alerts that nothing mutes"),
    ("before", r#"{"type": "string", "format": "date-time"}"#, "changes before this time; all, if absent"),
    ("db", r#"{"type": "string"}"#, "not looked at: there is one database"),
    ("enabled", r#"{"type": "boolean"}"#, "only those that are enabled, or not"),
    (
        "expect",
        r#"{"type": "integer", "minimum": 0, "maximum": 4294967295}"#,
        "the version that was looked at",
    ),
    ("expr", r#"{"type": "array", "items": {"type": "string"}}"#, "conditions on tags, such as `name=cpu`"),
    (
        "fields",
        r#"{"type": "array", "items": {"type": "string"}}"#,
        "names of fields, one for each of `regexes`",
    ),
    (
        "filter",
        r#"{"type": "string"}"#,
        "a regular expression, anchored at the start; of alerts and silences, label matchers",
    ),
    ("force", r#"{"type": "boolean"}"#, "do it even if it would block more than the guard allows"),
    ("format", r#"{"type": "string"}"#, "the form of the answer, as Graphite has it"),
    ("from", r#"{"type": "string"}"#, "where the range begins, such as -1h"),
    ("group", r#"{"type": "string"}"#, "only functions of this group"),
    ("groupByExpr", r#"{"type": "string", "enum": ["0", "1"]}"#, "1: results by pattern"),
    ("grouped", r#"{"type": "string", "enum": ["0", "1"]}"#, "1: functions by group"),
    ("height", r#"{"type": "integer", "minimum": 0}"#, "of a picture, 100 to 4000 pixels"),
    ("inhibited", r#"{"type": "boolean"}"#, "false leaves out alerts that others inhibit"),
    ("items", r#"{"type": "integer", "minimum": 0}"#, "how many"),
    ("jsonp", r#"{"type": "string"}"#, "a function to call with the answer; for pages of this server only"),
    ("leavesOnly", r#"{"type": "string", "enum": ["0", "1"]}"#, "1: only names of series"),
    ("limit", r#"{"type": "integer", "minimum": 0}"#, "how many"),
    ("maxDataPoints", r#"{"type": "integer", "minimum": 0}"#, "values of a series at most, in JSON"),
    ("message", r#"{"type": "string"}"#, "reason, recorded in the history"),
    ("noNullPoints", r#"{"type": "string", "enum": ["0", "1"]}"#, "1: leave out what has no value"),
    ("now", r#"{"type": "string"}"#, "what now is"),
    ("p", r#"{"type": "string"}"#, "a token"),
    ("path", r#"{"type": "array", "items": {"type": "string"}}"#, "series, such as `disk.used;host=a`"),
    (
        "precision",
        r#"{"type": "string", "enum": ["ns", "us", "ms", "s", "n", "u", "m", "h"]}"#,
        "of the times",
    ),
    ("query", r#"{"type": "array", "items": {"type": "string"}}"#, "a pattern, such as `shop.*`"),
    ("rawData", r#"{"type": "string"}"#, "anything: format=raw"),
    ("receiver", r#"{"type": "string"}"#, "a regular expression for the whole name of a receiver"),
    (
        "regexes",
        r#"{"type": "array", "items": {"type": "string"}}"#,
        "regular expressions that `fields` match",
    ),
    ("rp", r#"{"type": "string"}"#, "not looked at: retention follows names"),
    ("set", r#"{"type": "string"}"#, "union: any of the tags"),
    ("silenced", r#"{"type": "boolean"}"#, "false leaves out alerts that silences mute"),
    ("start", r#"{"type": "integer", "minimum": 0}"#, "how many to leave out before"),
    ("state", r#"{"type": "array", "items": {"type": "string"}}"#, "OK, WARN, ERROR, EXCEPTION or UNKNOWN"),
    ("stream", r#"{"type": "string"}"#, "the stream that events are written to"),
    ("tag", r#"{"type": "string"}"#, "a tag"),
    ("tagPrefix", r#"{"type": "string"}"#, "the beginning of a tag"),
    ("tags", r#"{"type": "array", "items": {"type": "string"}}"#, "tags that events have"),
    (
        "target",
        r#"{"type": "array", "items": {"type": "string"}}"#,
        "expressions, such as `sumSeries(shop.*.orders)`",
    ),
    ("title", r#"{"type": "string"}"#, "above a picture"),
    ("tz", r#"{"type": "string"}"#, "a time zone, such as Europe/Berlin"),
    ("u", r#"{"type": "string"}"#, "any name, beside the token in `p`"),
    ("unprocessed", r#"{"type": "boolean"}"#, "not looked at: there are none"),
    ("until", r#"{"type": "string"}"#, "where the range ends; now, if absent"),
    ("valuePrefix", r#"{"type": "string"}"#, "the beginning of a value"),
    ("width", r#"{"type": "integer", "minimum": 0}"#, "of a picture, 100 to 4000 pixels"),
    ("wildcards", r#"{"type": "string", "enum": ["0", "1"]}"#, "1: also a * for all of them"),
    (
        "xFilesFactor",
        r#"{"type": "number", "minimum": 0, "maximum": 1}"#,
        "share of values that must be there to consolidate",
    ),
];

/// Adds them to the document's paths.
pub(super) fn add(paths: &mut Value) {
    for foreign in FOREIGN.iter().chain(GRAPHITE).chain(SEYREN).chain(OTLP).chain(ALERTMANAGER) {
        for (at, method) in foreign.methods.split(' ').enumerate() {
            paths[foreign.path][method] = described(foreign, method, at == 0);
        }
    }
}

/// The answer to a batch that was refused, whole or in part.
pub(super) fn report_or_error() -> Value {
    json!({ "content": { "application/json": { "schema": read(REPORT_OR_ERROR) } } })
}

fn read(schema: &str) -> Value {
    serde_json::from_str(schema).unwrap_or_else(|error| error.to_string().into())
}

fn described(foreign: &Foreign, method: &str, is_first: bool) -> Value {
    let in_path = foreign.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let is_form = foreign.body.is_some_and(|Content(kind, _)| kind == FORM.0);
    let in_query = foreign.query.iter().map(|name| {
        let (_, schema, about) = parameter(name);
        json!({ "name": name, "in": "query", "description": about, "schema": read(schema) })
    });
    let mut operation = json!({
        "tags": [foreign.tag],
        "summary": foreign.summary,
        "operationId": if is_first { foreign.id.to_owned() } else { format!("{}_by_{method}", foreign.id) },
    });
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let (Some(Content(kind, schema)), true) = (foreign.body, method != "get") {
        let schema = if is_form { form(foreign.query) } else { read(schema) };
        operation["requestBody"] = json!({ "required": !is_form, "content": { kind: { "schema": schema } } });
    }
    operation["responses"] = answers(foreign, method);
    operation
}

fn parameter(name: &str) -> (&'static str, &'static str, &'static str) {
    PARAMETERS.iter().copied().find(|(known, ..)| *known == name).unwrap_or_default()
}

fn form(fields: &[&str]) -> Value {
    let fields = fields.iter().map(|name| ((*name).to_owned(), read(parameter(name).1)));
    json!({ "type": "object", "properties": fields.collect::<Map<_, _>>() })
}

fn answers(foreign: &Foreign, method: &str) -> Value {
    let mut answers = Map::new();
    for (status, Content(kind, schema)) in foreign.answers {
        let answer = answers.entry(*status).or_insert_with(|| json!({}));
        if !kind.is_empty() && method != "head" {
            answer["content"][*kind] = json!({ "schema": read(schema) });
        }
    }
    answers.into()
}
