//! Canonical JSON: one text for each value, and one hash for each text.
//!
//! Two programs that hold the same value must write the same bytes, whatever order its keys came in, so that a
//! hash says whether they do: [`canonical`] sorts keys and writes no space. Numbers and texts are written as
//! `serde_json` writes them.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// The canonical text of a JSON value: keys sorted by their bytes at every level, no white space.
///
/// ```
/// let value = serde_json::json!({"b": [1, "x"], "a": null});
/// assert_eq!(lanner_core::content::canonical(&value), r#"{"a":null,"b":[1,"x"]}"#);
/// ```
#[must_use]
pub fn canonical(value: &Value) -> String {
    sorted(value).to_string()
}

/// The hash of a JSON value's canonical text.
#[must_use]
pub fn hash(value: &Value) -> String {
    sha256(canonical(value).as_bytes())
}

/// SHA-256 as 64 lower-case hexadecimal digits.
///
/// ```
/// let empty = lanner_core::content::sha256(b"");
/// assert!(empty.starts_with("e3b0c44298fc1c14") && empty.len() == 64);
/// ```
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&digest(bytes))
}

/// The SHA-256 of `bytes`, as its 32 bytes. Cost: linear.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Bytes as lower-case hexadecimal digits.
///
/// ```
/// use lanner_core::content::{hex, unhex};
/// assert_eq!(hex(&[0, 171]), "00ab");
/// assert_eq!(unhex("00AB"), Some(vec![0, 171]));
/// assert_eq!((unhex("0"), unhex("0g")), (None, None));
/// ```
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The bytes of hexadecimal digits; `None` for anything else.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            let fields = fields.into_iter().map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(fields.collect::<Map<String, Value>>())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let one: Value = serde_json::from_str(r#"{"b":{"y":1,"x":[{"q":2,"p":3}]},"a":0.5}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"a":0.5,"b":{"x":[{"p":3,"q":2}],"y":1}}"#).unwrap();
        assert_eq!(canonical(&one), r#"{"a":0.5,"b":{"x":[{"p":3,"q":2}],"y":1}}"#);
        assert_eq!(hash(&one), hash(&other));
        assert_ne!(hash(&json!([1, 2])), hash(&json!([2, 1])));
    }
}
