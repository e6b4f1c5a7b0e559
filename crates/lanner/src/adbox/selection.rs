//! Which documents of files a filter in the language of OpenSearch selects: the simple clauses, and how they are combined.

use serde_json::Value;

use super::columns::cells;
use lanner_deep::Cell;

/// What is asked of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selection {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// One of the values of a field is one of these.
    Is(String, Vec<Value>),
    Exists(String),
    /// A field is a number within bounds, given by name.
    Within(String, Vec<(String, f64)>),
}

impl Selection {
    /// Reads a filter.
    ///
    /// # Errors
    /// Names the clause that cannot be applied to files.
    pub(crate) fn read(filter: &Value) -> Result<Self, String> {
        let clauses = filter.as_object().ok_or("a filter should be a map of clauses")?;
        let read = |(name, body): (&String, &Value)| -> Result<Self, String> {
            match name.as_str() {
                "match_all" => Ok(Self::All(Vec::new())),
                "term" | "match" | "match_phrase" => {
                    let (field, value) = only(name, body)?;
                    let value = value.get("value").or(value.get("query")).unwrap_or(value);
                    Ok(Self::Is(field.clone(), vec![value.clone()]))
                }
                "terms" => {
                    let (field, values) = only(name, body)?;
                    let values = values.as_array().ok_or("terms should have a list of values")?;
                    Ok(Self::Is(field.clone(), values.clone()))
                }
                "exists" => {
                    let field =
                        body.get("field").and_then(Value::as_str).ok_or("exists should name a field")?;
                    Ok(Self::Exists(field.to_owned()))
                }
                "range" => range(body),
                "bool" => combined(body),
                other => {
                    Err(format!("the clause {other} cannot be applied to files; ask an indexer with --url"))
                }
            }
        };
        let mut all: Vec<Self> = clauses.iter().map(read).collect::<Result<_, _>>()?;
        Ok(if all.len() == 1 { all.remove(0) } else { Self::All(all) })
    }

    /// Whether a document is selected.
    pub(crate) fn selects(&self, document: &Value) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.selects(document)),
            Self::Any(all) => all.iter().any(|one| one.selects(document)),
            Self::Not(one) => !one.selects(document),
            Self::Is(field, values) => {
                cells(document, field).iter().any(|cell| values.iter().any(|value| is(*cell, value)))
            }
            Self::Exists(field) => !cells(document, field).is_empty(),
            Self::Within(field, bounds) => {
                cells(document, field).into_iter().filter_map(number).any(|found| {
                    bounds.iter().all(|(bound, limit)| match bound.as_str() {
                        "gte" => found >= *limit,
                        "gt" => found > *limit,
                        "lte" => found <= *limit,
                        _ => found < *limit,
                    })
                })
            }
        }
    }
}

fn only<'v>(name: &str, body: &'v Value) -> Result<(&'v String, &'v Value), String> {
    let fields = body.as_object().filter(|fields| fields.len() == 1);
    fields.and_then(|fields| fields.iter().next()).ok_or_else(|| format!("{name} should name one field"))
}

fn range(body: &Value) -> Result<Selection, String> {
    let (field, bounds) = only("range", body)?;
    let bounds = bounds.as_object().ok_or("range should have bounds")?;
    let read = |(bound, limit): (&String, &Value)| match (bound.as_str(), limit.as_f64()) {
        ("gte" | "gt" | "lte" | "lt", Some(limit)) => Ok((bound.clone(), limit)),
        _ => Err(format!(
            "the bound {bound} of range cannot be applied to files; write gte, gt, lte or lt and a number"
        )),
    };
    Ok(Selection::Within(field.clone(), bounds.iter().map(read).collect::<Result<_, _>>()?))
}

fn combined(body: &Value) -> Result<Selection, String> {
    let clauses = body.as_object().ok_or("bool should have clauses")?;
    let mut all = Vec::new();
    for (name, body) in clauses {
        let list = body.as_array().map_or_else(|| vec![body], |items| items.iter().collect());
        let parts = list.into_iter().map(Selection::read).collect::<Result<Vec<_>, _>>()?;
        match name.as_str() {
            "must" | "filter" => all.extend(parts),
            "must_not" => all.push(Selection::Not(Box::new(Selection::Any(parts)))),
            "should" => all.push(Selection::Any(parts)),
            other => return Err(format!("{other} of bool cannot be applied to files")),
        }
    }
    Ok(Selection::All(all))
}

fn is(cell: Cell<'_>, value: &Value) -> bool {
    match (cell, value) {
        (Cell::Text(found), Value::String(wanted)) => found == wanted,
        (Cell::Number(found), Value::Bool(wanted)) => found == f64::from(u8::from(*wanted)),
        (cell, value) => {
            let wanted = value.as_f64().or_else(|| value.as_str()?.parse().ok());
            number(cell).is_some_and(|found| wanted == Some(found))
        }
    }
}

fn number(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Number(number) => Some(number),
        Cell::Text(text) => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_selected() {
        let document = json!({ "agent": { "name": "web", "id": "007" }, "rule": { "level": 7, "groups": ["ssh", "pam"] } });
        #[track_caller]
        fn check(document: &Value, filter: &Value, expected: bool) {
            assert_eq!(Selection::read(filter).unwrap().selects(document), expected, "{filter}");
        }
        check(&document, &json!({ "match_all": {} }), true);
        check(&document, &json!({ "term": { "agent.name": "web" } }), true);
        check(&document, &json!({ "term": { "agent.name": { "value": "db" } } }), false);
        check(&document, &json!({ "term": { "agent.id": 7 } }), true);
        check(&document, &json!({ "terms": { "rule.groups": ["pam"] } }), true);
        check(&document, &json!({ "exists": { "field": "data.srcip" } }), false);
        check(&document, &json!({ "range": { "rule.level": { "gte": 7, "lt": 12 } } }), true);
        check(&document, &json!({ "range": { "rule.level": { "gt": 7 } } }), false);
        let both = json!({ "bool": { "must": [{ "exists": { "field": "agent.name" } }], "must_not": { "term": { "rule.groups": "web" } } } });
        check(&document, &both, true);
        check(&document, &json!({ "bool": { "should": [{ "term": { "agent.name": "db" } }] } }), false);
        check(
            &json!({ "wazuh": { "agent": { "name": "web" } } }),
            &json!({ "term": { "agent.name": "web" } }),
            true,
        );
        for filter in [
            json!([]),
            json!({ "query_string": {} }),
            json!({ "terms": { "a": 7 } }),
            json!({ "range": { "a": { "gte": "now" } } }),
        ] {
            assert!(Selection::read(&filter).is_err(), "{filter}");
        }
    }
}
