//! Label matchers as people write them: `bank="hsbc", app=~"p.*"`, with or without braces around them.
//!
//! A value stands in double quotes, in which `\"`, `\\` and `\n` are escapes; a simple one may stand alone, as in
//! `bank=hsbc`. Whether a regular expression is one is checked where it is compiled.

use std::fmt::Write;

use crate::{MatchOp, Matcher};

/// The most matchers in one text.
pub const MAX_MATCHERS: usize = 100;

/// What is wrong with a text of matchers, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct MatcherError {
    /// The character at which reading stopped, counted from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// Reads matchers that are separated by commas; at least one.
///
/// # Errors
/// [`MatcherError`] at the first thing that cannot be read. Cost: O(length).
///
/// ```
/// use lanner_core::matchers::{format_matchers, parse_matchers};
/// let matchers = parse_matchers(r#"{bank="hsbc", app =~ "p.*", env!=test}"#)?;
/// assert_eq!(format_matchers(&matchers), r#"bank="hsbc",app=~"p.*",env!="test""#);
/// assert_eq!(parse_matchers("bank").unwrap_err().column, 5);
/// # Ok::<(), lanner_core::matchers::MatcherError>(())
/// ```
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    let mut cursor = Cursor { text, at: 0 };
    cursor.skip_space();
    let in_braces = cursor.take("{");
    let mut matchers = Vec::new();
    loop {
        cursor.skip_space();
        let rest = cursor.rest();
        let is_end = rest.is_empty() || rest.starts_with('}');
        if is_end && !matchers.is_empty() {
            break;
        }
        if matchers.len() == MAX_MATCHERS {
            return Err(cursor.error(format!("more than {MAX_MATCHERS} matchers; write fewer")));
        }
        matchers.push(cursor.matcher()?);
        cursor.skip_space();
        if !cursor.take(",") {
            break;
        }
    }
    cursor.skip_space();
    if in_braces && !cursor.take("}") {
        return Err(cursor.error("a comma or the closing brace is missing"));
    }
    cursor.skip_space();
    if cursor.rest().is_empty() {
        Ok(matchers)
    } else {
        Err(cursor.error(format!("\"{}\" is too much; write commas between matchers", shown(cursor.rest()))))
    }
}

/// Writes matchers the way [`parse_matchers`] reads them.
#[must_use]
pub fn format_matchers(matchers: &[Matcher]) -> String {
    let mut text = String::new();
    for matcher in matchers {
        if !text.is_empty() {
            text.push(',');
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{}\"", matcher.label, op_text(matcher.op));
        for c in matcher.value.chars() {
            match c {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                c => text.push(c),
            }
        }
        text.push('"');
    }
    text
}

/// The beginning of a text that is quoted in a message.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

const fn op_text(op: MatchOp) -> &'static str {
    match op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex => "=~",
        MatchOp::NotRegex => "!~",
    }
}

/// Longer operators first, so that `=~` is not read as `=`.
const OPS: [MatchOp; 4] = [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal];

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn matcher(&mut self) -> Result<Matcher, MatcherError> {
        let label = self.run(|c| !c.is_whitespace() && !"=!~\"{},".contains(c));
        if label.is_empty() {
            return Err(self.error("a label's name is missing; write for example bank=\"hsbc\""));
        }
        self.skip_space();
        let Some(op) = OPS.into_iter().find(|op| self.take(op_text(*op))) else {
            return Err(self.error("an operator is missing; write =, !=, =~ or !~ after the label's name"));
        };
        self.skip_space();
        let value = if self.take("\"") {
            self.quoted()?
        } else if self.rest().starts_with('\'') {
            // Read as they stand, they would match a value that has them, which nobody means.
            return Err(self.error("single quotes are no quotes here; write the value in double quotes"));
        } else {
            let value = self.run(|c| !c.is_whitespace() && !"=!~\"{},".contains(c));
            if value.is_empty() {
                return Err(
                    self.error("a value is missing; write it in double quotes, \"\" for an absent label")
                );
            }
            value.to_owned()
        };
        Ok(Matcher { label: label.to_owned(), op, value })
    }

    fn quoted(&mut self) -> Result<String, MatcherError> {
        let mut value = String::new();
        let mut chars = self.text[self.at..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(value);
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    Some((_, 'n')) => value.push('\n'),
                    // Left as written, for regular expressions: `\d` need not be `\\d`.
                    Some((_, other)) => value.extend(['\\', other]),
                    None => break,
                },
                c => value.push(c),
            }
        }
        Err(self.error("the value has no closing quote"))
    }

    fn run(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.run(char::is_whitespace);
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn error(&self, message: impl Into<String>) -> MatcherError {
        MatcherError { column: self.text[..self.at].chars().count() + 1, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matchers() {
        #[track_caller]
        fn check(text: &str, expected: Result<&str, &str>) {
            match (parse_matchers(text), expected) {
                (Ok(matchers), Ok(expected)) => assert_eq!(format_matchers(&matchers), expected, "{text}"),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().starts_with(expected), "{text}: {error}");
                }
                (actual, _) => panic!("{text}: {actual:?}"),
            }
        }
        check(r#"a="b""#, Ok(r#"a="b""#));
        check(" { a = b , c != \"d\" , } ", Ok(r#"a="b",c!="d""#));
        check(r#"a=~"x|y",b!~"\d+\.\"\\""#, Ok(r#"a=~"x|y",b!~"\\d+\\.\"\\""#));
        check(r#"a="""#, Ok(r#"a="""#));
        check(r#"größe="ü,}=""#, Ok(r#"größe="ü,}=""#));
        check("", Err("column 1: a label's name"));
        check("{}", Err("column 2: a label's name"));
        check("a", Err("column 2: an operator"));
        check("a==b", Err("column 3: a value"));
        check("a=", Err("column 3: a value"));
        check("a='b'", Err("column 3: single quotes"));
        check("a=\"b", Err("column 4: the value has no closing"));
        check("a=\"b\\", Err("column 4: the value has no closing"));
        check("{a=b", Err("column 5: a comma or"));
        check("a=b}", Err("column 4: \"}\" is too much"));
        check("a=b c=d", Err("column 5: \"c=d\" is too much"));
        check("a=b,,c=d", Err("column 5: a label's name"));
        check(&"a=b,".repeat(101), Err("column 401: more than 100"));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "([a-c{}=!~,\"\\\\ ]|\\PC){0,40}") {
            if let Ok(matchers) = parse_matchers(&text) {
                prop_assert_eq!(parse_matchers(&format_matchers(&matchers)), Ok(matchers));
            }
        }
    }
}
