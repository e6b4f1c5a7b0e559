//! What transformers make of values.

use serde_json::Value;

use super::tree::Transformer;
use crate::encoding::from_base64;
use crate::field::View;
use crate::operand::Held;

/// What a transformer of one value makes of it; `None` where it makes nothing, as of broken base64.
pub(super) fn transformed(by: Transformer, value: View<'_>) -> Option<Held<'static>> {
    match (by, value) {
        (Transformer::Len, View::Text(text)) => Some(Held::Number((text.len() as u64).into())),
        (Transformer::Len, View::List(items)) => Some(Held::Number((items.len() as u64).into())),
        (_, View::Text(text)) => text_of(by, text).map(Held::Text),
        (_, View::List(items)) => {
            let each = |item: &Value| text_of(by, item.as_str()?).map(Value::String);
            items.iter().map(each).collect::<Option<_>>().map(Held::List)
        }
        _ => None,
    }
}

fn text_of(by: Transformer, text: &str) -> Option<String> {
    match by {
        Transformer::ToLower => Some(text.to_ascii_lowercase()),
        Transformer::ToUpper => Some(text.to_ascii_uppercase()),
        Transformer::Basename => Some(text.rsplit('/').next().unwrap_or_default().to_owned()),
        // Falco goes on with the bytes; what is not UTF-8 equals no text all the same.
        Transformer::B64 => decoded(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        Transformer::Len | Transformer::Join | Transformer::Concat | Transformer::Getopt => None,
    }
}

/// As Falco has base64: bits that the last digit does not need must be 0.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let bytes = from_base64(text)?;
    let digits = text.trim_end_matches('=');
    let n_unused = match digits.len() % 4 {
        2 => 4,
        3 => 2,
        _ => return Some(bytes),
    };
    // The same digits with others behind them show what the last one says beyond the bytes.
    let whole = from_base64(&format!("{digits}{}", &"AA"[..4 - digits.len() % 4]))?;
    let beyond = whole.get(bytes.len()).copied().unwrap_or_default();
    (beyond >> (8 - n_unused) == 0).then_some(bytes)
}

/// Texts one after the other, with `separator` between them.
pub(super) fn joined(separator: &str, parts: &[Held<'_>]) -> Option<Held<'static>> {
    let mut joint = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            joint.push_str(separator);
        }
        match part.view() {
            View::Text(text) => joint.push_str(text),
            View::Number(number) => joint.push_str(&number.to_string()),
            _ => return None,
        }
        if joint.len() > MAX_RESULT_BYTES {
            return None;
        }
    }
    Some(Held::Text(joint))
}

/// A joint longer than this counts as missing.
const MAX_RESULT_BYTES: usize = 1 << 20;
