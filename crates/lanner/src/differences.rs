//! Differences between two documents.

use std::collections::BTreeMap;

use serde_json::Value;

/// By path, such as `query.by`: what stands there in the old document and in the new one.
pub(crate) type Differences = BTreeMap<String, (Option<Value>, Option<Value>)>;

/// The paths at which two documents differ. Lists are compared as a whole.
pub(crate) fn differences(old: &Value, new: &Value) -> Differences {
    let mut found = BTreeMap::new();
    differ("", Some(old), Some(new), &mut found);
    found
}

fn differ(path: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Differences) {
    match (old, new) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for name in a.keys().chain(b.keys().filter(|name| !a.contains_key(*name))) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                differ(&path, a.get(name), b.get(name), found);
            }
        }
        (old, new) if old == new => {}
        (old, new) => {
            found.insert(path.to_owned(), (old.cloned(), new.cloned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_differ_by_path() {
        let old = serde_json::json!({"a": 1, "b": {"c": 2, "d": 3}});
        let new = serde_json::json!({"b": {"c": 2, "d": 4}, "e": [5]});
        let found: Vec<String> = differences(&old, &new).into_keys().collect();
        assert_eq!(found, ["a", "b.d", "e"]);
    }
}
