//! The API of Graphite.

use super::route::{Content, FORM, Foreign, OBJECT, OBJECTS, TEXT, foreign};

const GRAPHITE_FAULT: (&str, Content) = ("400", TEXT);
const NAMES: Content = Content("application/json", r#"{"type": "array", "items": {"type": "string"}}"#);
const SCRIPT: Content = Content("text/javascript", r#"{"type": "string"}"#);
const ANY: Content = Content("application/json", "{}");
const EVENT: Content = Content(
    "application/json",
    r#"{"type": "object", "required": ["what"], "properties": {
        "what": {"type": "string"}, "data": {"description": "text, or any JSON"},
        "tags": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
        "when": {"type": ["number", "null"], "description": "seconds since 1970; now, if absent"}},
        "examples": [{"what": "deploy", "tags": ["shop"], "data": "version 7"}]}"#,
);

pub(super) const ROUTES: &[Foreign] = &[
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
