//! Completes the OpenAPI document with everything that no handler states.
//!
//! A handler says what it takes and what it answers when all is well; the section `# Errors` of its documentation says
//! when it fails. What any request may be answered with is added here: who may call (the table of
//! [`access`](crate::access)), which errors follow from that and from parameters and bodies, and a description wherever
//! one is missing. [`foreign`] has the routes that others designed.

mod foreign;

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::access;

/// What each tag is about.
const TAGS: &[(&str, &str)] = &[
    ("data", "Streams of events and series of samples: what is stored."),
    ("ingest", "Samples and events come in."),
    ("otlp", "Metrics, logs and spans come in as OpenTelemetry sends them."),
    ("rules", "Rules: checked, applied, tried on the past."),
    ("processors", "Processors: what becomes of events before they are stored."),
    ("profiles", "Profiles of behaviour: what is usual on hosts, and what the hosts of a fleet saw."),
    (
        "sessions",
        "Sessions of API clients: one in full, what people say of them, and how far traffic has moved.",
    ),
    ("alerts", "What the rules found."),
    ("messages", "Receivers, and the messages to them."),
    (
        "findings",
        "Findings of vulnerability scanners: scans come in, findings are listed, counted and set aside.",
    ),
    ("models", "Trained models: kept, promoted, and asked for scores."),
    ("silences", "Mutes of alerts, for a time."),
    ("switches", "Kill switches: changed, watched and evaluated."),
    ("ofrep", "Kill switches as OpenFeature's remote evaluation protocol (OFREP 0.3)."),
    ("gate", "What proxies ask before they let a request pass. Every method is answered."),
    ("tokens", "Who may call, and for what."),
    ("users", "People who sign in on the page with a name and a password."),
    ("operations", "The server itself: health, metrics, status, audit, backup."),
    ("graphite", "Graphite's HTTP API. Each path is also answered with a slash at its end."),
    ("seyren", "Seyren's HTTP API: checks are rules with an expression."),
    ("alertmanager", "Alertmanager's API, version 2: what fires, silences, and alerts of others."),
];

/// The document with what utoipa was not told.
pub(super) fn whole(mut document: Value) -> Value {
    foreign::add(&mut document["paths"]);
    let paths = document["paths"].as_object_mut();
    for (path, operations) in paths.into_iter().flatten() {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            complete(path, method, operation);
        }
    }
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "`Authorization: Bearer TOKEN`. Wanted as soon as the server has a token; each operation names \
                the scope that the token needs."
        },
        "basic": {
            "type": "http", "scheme": "basic",
            "description": "The token as the password, with any name; for clients that know nothing else."
        },
        "token": {
            "type": "apiKey", "in": "header", "name": "Authorization",
            "description": "`Authorization: Token TOKEN`, as clients of Influx send it."
        }
    });
    document["components"]["responses"] = ERRORS
        .iter()
        .map(|status| (format!("Error{status}"), error(status, "")))
        .collect::<Map<_, _>>()
        .into();
    document["tags"] =
        TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect();
    document
}

fn complete(path: &str, method: &str, operation: &mut Value) {
    let scope = scope(path, method);
    split_summary(operation);
    name_parts(operation);
    if operation["tags"][0] == "ingest" {
        // Some of a batch was refused, or all of the request.
        operation["responses"]["400"] = foreign::report_or_error();
    }
    if let (true, Some(body)) = (takes_nothing(operation), operation.get_mut("requestBody")) {
        body["required"] = false.into();
    }
    let whys = take_errors(operation);
    if let Some(scope) = &scope {
        // Without tokens nobody needs one.
        operation["security"] =
            json!([{ "bearer": [scope] }, { "basic": [scope] }, { "token": [scope] }, {}]);
    }
    let mut errors = whys;
    for status in common(operation, scope.is_some()) {
        if !errors.iter().any(|(known, _)| known == status) {
            errors.push(((*status).to_owned(), String::new()));
        }
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, why) in errors {
        match responses.get_mut(&status) {
            Some(response) => response["description"] = format!("{}{why}", meaning(&status)).into(),
            None if why.is_empty() => {
                let shared = json!({ "$ref": format!("#/components/responses/Error{status}") });
                responses.insert(status, shared);
            }
            None => drop(responses.insert(status.clone(), error(&status, &why))),
        }
    }
    for (status, response) in responses.iter_mut() {
        let is_said = response["description"].as_str().is_some_and(|text| !text.is_empty());
        if !is_said && response.get("$ref").is_none() {
            response["description"] = meaning(status).into();
        }
    }
    responses.sort_keys();
}

/// Whether nothing is a body as well: a batch of nothing, a context without fields.
fn takes_nothing(operation: &Value) -> bool {
    operation["tags"][0] == "ingest" || operation["tags"][0] == "ofrep"
}

/// An answer that says what is wrong.
fn error(status: &str, why: &str) -> Value {
    json!({
        "description": format!("{}{why}", meaning(status)),
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/ErrorBody" } } }
    })
}

/// The statuses of errors that operations share.
const ERRORS: [&str; 13] =
    ["400", "401", "403", "404", "409", "413", "415", "422", "429", "500", "502", "503", "507"];

fn scope(path: &str, method: &str) -> Option<&'static str> {
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).ok()?;
    access::scope(&method, &path.replace("{path}", "{*path}"))
}

/// Keeps the first sentence of a summary; the others go to the description.
fn split_summary(operation: &mut Value) {
    let summary = operation["summary"].as_str().unwrap_or_default().replace('\n', " ");
    let (first, more) = summary.split_once(". ").unwrap_or((&summary, ""));
    operation["summary"] = first.trim_end_matches('.').into();
    if !more.is_empty() {
        let rest = operation["description"].as_str().map(|rest| format!("\n\n{rest}")).unwrap_or_default();
        operation["description"] = format!("{more}{rest}").into();
    }
}

/// What the variable parts of paths are.
const PARTS: &[(&str, &str)] = &[
    ("fingerprint", "The alert's fingerprint."),
    ("id", "The id."),
    ("key", "The message's key, or the flag's."),
    ("name", "The name."),
    ("path", "The path of the request that is asked about."),
    ("sid", "The subscription's id."),
    ("stream", "The stream's name."),
    ("tag", "The tag."),
    ("target", "An expression of Graphite."),
];

fn name_parts(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let part = PARTS.iter().find(|(name, _)| parameter["name"] == *name);
        if let (Some((_, about)), true) = (part, parameter.get("description").is_none()) {
            parameter["description"] = (*about).into();
        }
    }
}

/// The section on errors of a description, as statuses and what is said of each; it is taken out of the description.
fn take_errors(operation: &mut Value) -> Vec<(String, String)> {
    let Some(description) = operation["description"].as_str() else { return Vec::new() };
    let Some((text, errors)) = description.split_once("# Errors\n") else { return Vec::new() };
    let (text, errors) = (text.trim().to_owned(), errors.replace('\n', " "));
    match operation.as_object_mut() {
        Some(operation) if text.is_empty() => drop(operation.remove("description")),
        _ => operation["description"] = text.into(),
    }
    let mut found: Vec<(String, String)> = Vec::new();
    // Each begins with its status: "404, 409 when the switch has changed since."
    for word in errors.split_whitespace() {
        let status = word.trim_end_matches([',', ';', '.']);
        match found.last_mut() {
            _ if status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit()) => {
                found.push((status.to_owned(), String::new()));
            }
            Some((_, why)) => {
                why.push(' ');
                why.push_str(word);
            }
            None => {}
        }
    }
    for (_, why) in &mut found {
        *why = match why.trim().trim_end_matches([',', ';', '.']) {
            "" => String::new(),
            why => format!(" Here: {why}."),
        };
    }
    found
}

/// The errors that any operation of this form may answer.
fn common(operation: &Value, wants_token: bool) -> Vec<&'static str> {
    let has_body = operation.get("requestBody").is_some();
    let has_parameters = operation["parameters"].as_array().is_some_and(|list| !list.is_empty());
    let mut statuses = Vec::new();
    if has_body || has_parameters {
        statuses.push("400");
    }
    if wants_token {
        statuses.extend(["401", "403", "429", "500", "503"]);
    }
    if has_body {
        statuses.extend(["413", "415"]);
    }
    statuses
}

fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "The answer.",
        "201" => "Created.",
        "202" => "Accepted; somebody else has to act before it takes effect.",
        "204" => "Done; the answer has no body.",
        "304" => "Not modified since the tag in If-None-Match.",
        "400" => "The request cannot be read.",
        "401" => "The token is missing or wrong.",
        "403" => "The token lacks the scope, or a browser sent the request for a page of another origin.",
        "404" => "Not found.",
        "409" => "Conflict with the present state; nothing was changed.",
        "413" => "The body is larger than `server.max_body`.",
        "415" => "The content type or content encoding is not accepted.",
        "422" => "The request is readable and has problems; all of them are listed, and nothing was changed.",
        "429" => "Too many requests; try again after Retry-After seconds.",
        "500" => "A failure of the server; its log says more.",
        "501" => "Not implemented here.",
        "502" => "The other side did not accept it.",
        "503" => "The server cannot do this now; try again later.",
        "507" => "The disk is full; nothing was changed.",
        _ => "Another answer.",
    }
}
