//! Documents as YAML, which is what people write.

use serde_json::Value;

use crate::printable::escaped_json;

/// A JSON document as YAML by the rules of YAML 1.2 for JSON's six types: reading it gives the same document.
///
/// ```
/// use lanner_core::document::yaml;
/// let document = serde_json::json!({ "id": "floor", "absolute": { "min": 45 }, "by": ["bank"] });
/// assert_eq!(yaml(&document), "id: floor\nabsolute:\n  min: 45\nby: [bank]\n");
/// ```
#[must_use]
pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    yaml_into(&mut out, value, 0);
    out
}

fn yaml_into(out: &mut String, value: &Value, indent: usize) {
    let begin = |out: &mut String| {
        if !out.is_empty() && !out.ends_with('\n') && !out.ends_with("- ") {
            out.push('\n');
        }
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            begin(out);
            for (name, value) in map {
                if out.ends_with('\n') {
                    out.extend(std::iter::repeat_n(' ', indent));
                }
                out.push_str(&format!("{}:", yaml_text(name)));
                yaml_item(out, value, indent + 2);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().any(|item| item.is_object()) => {
            begin(out);
            for item in items {
                out.extend(std::iter::repeat_n(' ', indent));
                out.push_str("- ");
                yaml_into(out, item, indent + 2);
                begin(out);
            }
        }
        Value::Array(items) if items.iter().all(|item| !item.is_array()) => {
            let items: Vec<String> = items.iter().map(yaml_scalar).collect();
            out.push_str(&format!("[{}]\n", items.join(", ")));
        }
        scalar => out.push_str(&format!("{}\n", yaml_scalar(scalar))),
    }
}

fn yaml_item(out: &mut String, value: &Value, indent: usize) {
    let is_block = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => items.iter().any(Value::is_object),
        _ => false,
    };
    out.push_str(if is_block { "\n" } else { " " });
    yaml_into(out, value, indent);
}

fn yaml_scalar(value: &Value) -> String {
    match value {
        Value::String(text) => yaml_text(text),
        other => other.to_string(),
    }
}

/// Plain where no reader could take it for anything but text, else as JSON, which is YAML too.
fn yaml_text(text: &str) -> String {
    let first = text.chars().next().is_some_and(char::is_alphabetic);
    let plain = text.chars().all(|c| c.is_alphanumeric() || " _-./%()".contains(c));
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = word.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_number = text.parse::<f64>().is_ok();
    if first && plain && !is_word && !is_number && !text.ends_with(' ') {
        text.to_owned()
    } else {
        escaped_json(&Value::from(text).to_string()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_reads_back() {
        let value = serde_json::json!({
            "id": "payments-floor", "for": 2, "query": {"stream": "payments", "by": ["bank", "on"]},
            "content": "{{ bank }}: \"{{ value }}\"", "empty": {}, "none": null, "list": [],
            "active": {"from": "10:00"}, "odd": [{"a": 1, "b": {"c": true}}, {"d": ["x y", "1"]}, "z"],
            "nested": [[1, 2], [3]], "1e3": "0x10", "colon: space": "- dash", "number": 1.5, "text": "3", "hidden": "a\u{202e}b\u{1b}\u{9b}\u{7f}",
        });
        let text = yaml(&value);
        let read = crate::Node::from_yaml(&text).map(|node| node.to_json());
        assert_eq!(read, Ok(value), "{text}");
        assert!(!text.contains(crate::printable::is_hidden), "{text:?}");
        assert!(text.starts_with("id: payments-floor\nfor: 2\nquery:\n  stream: payments\n"), "{text}");
    }
}
