//! Descriptions of routes with a foreign API, one file a family, and of pages for people and probes.

mod alertmanager;
mod graphite;
mod otlp;
mod parameters;
mod plain;
mod route;
mod seyren;

use serde_json::{Map, Value, json};

use parameters::parameter;
use route::{Content, FORM, Foreign};

/// All routes.
const FAMILIES: [&[Foreign]; 5] =
    [plain::ROUTES, graphite::ROUTES, seyren::ROUTES, otlp::ROUTES, alertmanager::ROUTES];

const REPORT_OR_ERROR: &str = r##"{"anyOf": [{"$ref": "#/components/schemas/WriteReport"}, {"$ref": "#/components/schemas/ErrorBody"}]}"##;

/// Adds them to the document's paths.
pub(super) fn add(paths: &mut Value) {
    for foreign in FAMILIES.into_iter().flatten() {
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
