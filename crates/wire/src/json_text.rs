//! Where a JSON value ends, found without parsing it: one pass over brackets and quotes.
//!
//! It makes no claim that the value is right; the parser that is given the slice says so. It is what keeps one
//! bad event from costing those after it.

use lanner_core::event::MAX_EVENT_DEPTH;

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The first byte after it.
    pub(crate) end: usize,
    /// Whether there is white space outside strings.
    pub(crate) is_spaced: bool,
}

/// Why no end was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Endless {
    #[error("the object is not closed")]
    Unclosed,
    #[error("a text is not closed on its line; write \\n for a line break")]
    LineBreakInText,
    #[error("objects and arrays are nested deeper than 64")]
    TooDeep,
    #[error("the event is longer than 1 MiB")]
    TooLong,
}

/// Finds the end of the value that begins at `start`: an object, an array, a string, or a bare word, which
/// ends before a comma, a closing bracket or white space. Looks at no more than `max_bytes` of it.
pub(crate) fn extent(bytes: &[u8], start: usize, max_bytes: usize) -> Result<Extent, Endless> {
    let limit = bytes.len().min(start.saturating_add(max_bytes));
    let cut_short = if limit < bytes.len() { Endless::TooLong } else { Endless::Unclosed };
    let (mut at, mut depth, mut is_spaced) = (start, 0_usize, false);
    while at < limit {
        match bytes[at] {
            b'"' => {
                at = string_end(bytes, at, limit).ok_or(cut_short)?;
                if bytes[at - 1] == b'\n' {
                    return Err(Endless::LineBreakInText);
                }
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
                if depth > MAX_EVENT_DEPTH {
                    return Err(Endless::TooDeep);
                }
            }
            b'}' | b']' if depth == 0 => return Ok(Extent { end: at, is_spaced }),
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return Ok(Extent { end: at, is_spaced }),
            b' ' | b'\t' | b'\r' | b'\n' => {
                is_spaced = true;
                at += 1;
            }
            _ => {
                at += 1;
                continue; // the inside of a word
            }
        }
        if depth == 0 {
            return Ok(Extent { end: at, is_spaced });
        }
    }
    if depth == 0 && limit == bytes.len() { Ok(Extent { end: limit, is_spaced }) } else { Err(cut_short) }
}

/// The first byte after the string that begins at `start`, or after a line break inside it.
fn string_end(bytes: &[u8], start: usize, limit: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr3(b'"', b'\\', b'\n', bytes.get(at..limit)?)?;
        if bytes[at] != b'\\' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Appends `json` to `out` without the white space outside strings.
pub(crate) fn compact_into(out: &mut String, json: &str) {
    let bytes = json.as_bytes();
    let (mut kept_from, mut at) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = string_end(bytes, at, bytes.len()).unwrap_or(bytes.len()),
            b' ' | b'\t' | b'\r' | b'\n' => {
                out.push_str(&json[kept_from..at]);
                at += 1;
                kept_from = at;
            }
            _ => at += 1,
        }
    }
    out.push_str(&json[kept_from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, Endless>) {
            let actual = extent(text.as_bytes(), 0, 100).map(|found| &text[..found.end]);
            assert_eq!(actual, expected, "{text}");
        }
        check(r#"{"a":[1,{"b":"}]"}]} x"#, Ok(r#"{"a":[1,{"b":"}]"}]}"#));
        check(r#"{"a":"\"}"}{"#, Ok(r#"{"a":"\"}"}"#));
        check("12.5,3", Ok("12.5"));
        check("null]", Ok("null"));
        check("\"a,b\",", Ok("\"a,b\""));
        check("{", Err(Endless::Unclosed));
        check(r#"{"a"#, Err(Endless::Unclosed));
        check(r#"{"a\"#, Err(Endless::Unclosed));
        check("{\"a\n\"}", Err(Endless::LineBreakInText));
        check(&"[".repeat(65), Err(Endless::TooDeep));
        check(&format!("[{}]", "1".repeat(200)), Err(Endless::TooLong));
    }

    #[test]
    fn compacting_keeps_strings() {
        let mut out = String::new();
        compact_into(&mut out, "{ \"a b\" :\r\n [1, \"\\\" c\"\t] }");
        assert_eq!(out, r#"{"a b":[1,"\" c"]}"#);
    }
}
