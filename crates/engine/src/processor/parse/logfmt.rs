//! logfmt: `level=info msg="connection lost" attempts=3 cached`.

use serde_json::{Map, Value};

use super::form::Read;
use super::value::typed;

/// The pairs of a text with at least one; a word alone is true. Of a key given twice the last value counts.
///
/// A value in double quotes may hold escapes as in JSON, and is always text. A text with a quote that is not closed, or a
/// value without a key, is none.
pub(super) fn read(text: &str) -> Option<Read> {
    let (mut fields, mut has_pair) = (Map::new(), false);
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c == '"' || c.is_whitespace()).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if key.is_empty() || after.starts_with('"') {
            return None;
        }
        let value = match after.strip_prefix('=') {
            None => {
                rest = after;
                Value::Bool(true)
            }
            Some(after) => {
                has_pair = true;
                let (value, after) = value(after)?;
                rest = after;
                value
            }
        };
        fields.insert(key.to_owned(), value);
        rest = rest.trim_start();
    }
    has_pair.then_some(Read { fields, time_ms: None })
}

/// The value at the beginning of a text, and what follows.
fn value(text: &str) -> Option<(Value, &str)> {
    if !text.starts_with('"') {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        return Some((typed(word), rest));
    }
    let end = closing_quote(text)?;
    let (quoted, rest) = text.split_at(end + 1);
    if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
        return None;
    }
    // What is no escape in JSON stands for itself.
    let value = serde_json::from_str(quoted).unwrap_or_else(|_| Value::from(&quoted[1..end]));
    Some((value, rest))
}

/// Where the quote that opens a text is closed.
fn closing_quote(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at),
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn pairs() {
        #[track_caller]
        #[expect(clippy::needless_pass_by_value, reason = "rows are easier to read")]
        fn check(text: &str, expected: Option<Value>) {
            assert_eq!(read(text).map(|read| Value::Object(read.fields)), expected, "{text}");
        }
        check(r#"a=1 b="x \"y\" é\n" c"#, Some(json!({"a": 1, "b": "x \"y\" é\n", "c": true})));
        check(
            "  http.status=500\tempty= a=b=c \n",
            Some(json!({"http.status": 500, "empty": "", "a": "b=c"})),
        );
        check(r#"n="1" bad="\d""#, Some(json!({"n": "1", "bad": "\\d"})));
        check("a=1 a=2", Some(json!({"a": 2})));
        check("é=ü", Some(json!({"é": "ü"})));
        check("just a sentence", None);
        check("", None);
        check("=1", None);
        check("a=\"open", None);
        check("a=\"x\"y", None);
        check("a\"b\"=1", None);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "([ab= \"\\\\]|\\PC){0,60}") {
            let _ = read(&text);
        }
    }
}
