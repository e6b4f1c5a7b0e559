//! Attributes and values as JSON.

use serde_json::{Map, Value};

use super::error::{MAX_DEPTH, OtlpError};
use super::message::{Field, Message, Names};

const KEY_VALUE: Names = &[(1, "key"), (2, "value")];
const ANY: Names = &[
    (1, "stringValue"),
    (2, "boolValue"),
    (3, "intValue"),
    (4, "doubleValue"),
    (5, "arrayValue"),
    (6, "kvlistValue"),
    (7, "bytesValue"),
];
const VALUES: Names = &[(1, "values")];

/// Adds an attribute to `attributes`.
pub(super) fn attribute(field: Field<'_>, attributes: &mut Map<String, Value>) -> Result<(), OtlpError> {
    key_value(field.message()?, attributes, 0)
}

fn key_value(message: Message<'_>, all: &mut Map<String, Value>, depth: usize) -> Result<(), OtlpError> {
    let (mut key, mut value) = (String::new(), Value::Null);
    message.each(KEY_VALUE, |number, field| {
        match number {
            1 => key = field.text()?.into_owned(),
            _ => value = any(field.message()?, depth)?,
        }
        Ok(())
    })?;
    if !key.is_empty() {
        all.insert(key, value);
    }
    Ok(())
}

/// A value of any type; null where there is none. What JSON cannot say, such as infinity, becomes a text, and bytes become
/// hexadecimal digits (in JSON they are Base64 already).
pub(super) fn any(message: Message<'_>, depth: usize) -> Result<Value, OtlpError> {
    if depth > MAX_DEPTH {
        return Err(OtlpError::TooDeep);
    }
    let mut found = Value::Null;
    message.each(ANY, |number, field| {
        found = match number {
            1 => Value::String(field.text()?.into_owned()),
            2 => Value::Bool(field.truth()?),
            3 => Value::from(field.whole()?),
            4 => {
                let number = field.number()?;
                serde_json::Number::from_f64(number)
                    .map_or_else(|| Value::String(number.to_string()), Value::Number)
            }
            5 => {
                let mut items = Vec::new();
                field.message()?.each(VALUES, |_, field| {
                    items.push(any(field.message()?, depth + 1)?);
                    Ok(())
                })?;
                Value::Array(items)
            }
            6 => {
                let mut fields = Map::new();
                field
                    .message()?
                    .each(VALUES, |_, field| key_value(field.message()?, &mut fields, depth + 1))?;
                Value::Object(fields)
            }
            _ => match field {
                Field::Json(Value::String(text)) => Value::String(text.clone()),
                field => Value::String(field.id()?),
            },
        };
        Ok(())
    })?;
    Ok(found)
}

/// A value as the text of a label.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A text, where it is one and not empty.
pub(super) fn text_of<'a>(attributes: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| attributes.get(*name)).filter(|value| !value.is_null())
}
