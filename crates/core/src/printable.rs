//! Makes text from outside safe to show on a terminal, in a log or to a person.
//!
//! What comes in as data may hold anything: escape sequences that move the cursor or set a terminal's title, bells, zero
//! characters, and marks that show text in another order than it is written. They are shown as what they are, `\u{1b}`, and do
//! nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character does something to a terminal or to the order of text instead of being seen.
///
/// These are the control characters (C0, DEL and C1) except line break and tabulator, the marks that embed, isolate or override
/// the direction of text, and the two separators of lines and paragraphs that few programs take for a line break.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    }
}

/// `text` with what is hidden in it made visible; line breaks and tabulators stay.
///
/// ```
/// use lanner_core::printable::printable;
/// assert_eq!(printable("shop \u{1b}[31mred\u{7}\n"), "shop \\u{1b}[31mred\\u{7}\n");
/// assert_eq!(printable("Zürich → 東京"), "Zürich → 東京");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    replaced(text, is_hidden, |out, c| out.extend(c.escape_unicode()))
}

/// As [`printable`], on one line: nobody can write lines into a log that look like its own.
///
/// ```
/// assert_eq!(lanner_core::printable::one_line("a\nERROR b\t\0"), "a\\nERROR b\\t\\u{0}");
/// ```
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    replaced(
        text,
        |c| is_hidden(c) || c == '\n' || c == '\t',
        |out, c| match c {
            '\n' | '\t' | '\r' => out.extend(c.escape_default()),
            c => out.extend(c.escape_unicode()),
        },
    )
}

/// JSON, or YAML in quotation marks, that says the same and hides nothing: `\u202e` instead of the character.
///
/// ```
/// let json = serde_json::json!("a\u{202e}b\u{9b}").to_string();
/// let shown = lanner_core::printable::escaped_json(&json);
/// assert_eq!(shown, r#""a\u202eb\u009b""#);
/// assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), "a\u{202e}b\u{9b}");
/// ```
#[must_use]
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    // Writing to a string does not fail, and what is hidden has four digits at most.
    replaced(json, is_hidden, |out, c| {
        let _ = write!(out, "\\u{:04x}", u32::from(c));
    })
}

fn replaced(text: &str, is_bad: fn(char) -> bool, write: fn(&mut String, char)) -> Cow<'_, str> {
    let Some(first) = text.find(is_bad) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for c in text[first..].chars() {
        if is_bad(c) { write(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_acts_is_shown() {
        for code in (0..0x20).chain(0x7f..0xa0).chain(0x2028..0x202f).chain(0x2066..0x206a) {
            let c = char::from_u32(code).unwrap();
            let text = format!("a{c}b");
            assert!(!one_line(&text).contains(is_hidden), "{code:x}");
            assert!(one_line(&text).contains('\\'), "{code:x}");
            assert_eq!(printable(&text).contains(c), c == '\n' || c == '\t', "{code:x}");
            let json = serde_json::Value::from(text.as_str()).to_string();
            assert!(!escaped_json(&json).contains(is_hidden), "{code:x}");
            assert_eq!(serde_json::from_str::<String>(&escaped_json(&json)).unwrap(), text, "{code:x}");
        }
    }

    #[test]
    fn the_rest_stays_as_it_is() {
        for text in ["", "plain", "Zürich → 東京 🦅", "שלום \u{200f}", "e\u{301}", "a\u{a0}b"] {
            assert!(matches!(printable(text), Cow::Borrowed(shown) if shown == text), "{text}");
            assert!(matches!(one_line(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
