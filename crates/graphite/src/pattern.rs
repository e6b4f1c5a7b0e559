//! Regular expressions and their replacements as Python writes them, for names of series.
//!
//! Expressions take time that is linear in the name, whatever was written: what needs more (looking ahead or behind,
//! groups that must come again) is refused, and so are names beyond [`MAX_NAME`].

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use regex::{Captures, Regex, RegexBuilder};

/// Bytes of a name that is searched, or made by a replacement.
pub(crate) const MAX_NAME: usize = 8 * 1024;

/// Bytes of an expression once it is made ready.
const MAX_COMPILED: usize = 1 << 20;

/// An expression that finds its place anywhere in a name.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    regex: Regex,
}

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, or that it needs what takes too long.
    pub(crate) fn new(python: &str) -> Result<Self, String> {
        Self::compile(python, &translate(python)?)
    }

    /// Reads an expression that must match from the beginning of a text.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub(crate) fn anchored(python: &str) -> Result<Self, String> {
        Self::compile(python, &format!("^(?:{})", translate(python)?))
    }

    fn compile(python: &str, translated: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(translated).size_limit(MAX_COMPILED).nest_limit(64).build();
        let regex = regex.map_err(|error| {
            let why = match error {
                regex::Error::CompiledTooBig(_) => "it repeats too much".to_owned(),
                error => last_line(&error.to_string()),
            };
            format!("'{python}' is not a regular expression: {why}")
        })?;
        Ok(Self { regex })
    }

    /// Whether it is somewhere in `text`; not in one that is far too long for a name.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        text.len() <= MAX_NAME && self.regex.is_match(text)
    }
}

/// The reason at the end of a message of many lines.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

/// The same expression in the words of [`regex`].
fn translate(python: &str) -> Result<String, String> {
    let mut regex = String::with_capacity(python.len() + 8);
    let mut rest = python.chars().peekable();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut regex, &mut rest, in_class).map_err(|why| {
                format!("'{python}' is not a regular expression that can be answered: {why}")
            })?,
            '[' if !in_class => {
                in_class = true;
                regex.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    regex.push('^');
                }
                if rest.next_if_eq(&']').is_some() {
                    regex.push_str("\\]");
                }
            }
            ']' if in_class => {
                in_class = false;
                regex.push(']');
            }
            '[' | '&' | '~' if in_class => regex.extend(['\\', c]),
            '(' if !in_class => group(&mut regex, &mut rest).map_err(|why| {
                format!("'{python}' is not a regular expression that can be answered: {why}")
            })?,
            '{' if !in_class => braces(&mut regex, &mut rest),
            '}' if !in_class => regex.push_str("\\}"),
            other => regex.push(other),
        }
    }
    Ok(regex)
}

/// `(` was read: refuses what looks around.
fn group(regex: &mut String, rest: &mut Peekable<Chars<'_>>) -> Result<(), String> {
    let mut ahead = rest.clone();
    let start: String = ahead.by_ref().take(3).collect();
    for (opening, what) in [
        ("?=", "(?=...) looks ahead"),
        ("?!", "(?!...) looks ahead"),
        ("?<=", "(?<=...) looks behind"),
        ("?<!", "(?<!...) looks behind"),
        ("?P=", "(?P=...) asks for a group to come again"),
        ("?(", "(?(...)...) asks whether a group was there"),
    ] {
        if start.starts_with(opening) {
            return Err(format!("{what}, which may take for ever; write it without"));
        }
    }
    if start.starts_with("?#") {
        // A comment, to the next bracket.
        rest.by_ref().take_while(|c| *c != ')').for_each(drop);
        return Ok(());
    }
    regex.push('(');
    Ok(())
}

/// `{` was read: a count such as `{2}`, `{2,}`, `{,5}`, or a brace that stands for itself.
fn braces(regex: &mut String, rest: &mut Peekable<Chars<'_>>) {
    let ahead: String = rest.clone().take_while(|c| *c != '}').take(32).collect();
    let closed = rest.clone().nth(ahead.chars().count()) == Some('}');
    let is_count = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let count = match ahead.split_once(',') {
        Some((least, most)) => is_count(least) && is_count(most) && !(least.is_empty() && most.is_empty()),
        None => is_count(&ahead) && !ahead.is_empty(),
    };
    if !(closed && count) {
        return regex.push_str("\\{");
    }
    regex.push('{');
    if ahead.starts_with(',') {
        regex.push('0');
    }
    regex.push_str(&ahead);
    regex.push('}');
    rest.by_ref().take(ahead.chars().count() + 1).for_each(drop);
}

/// `\` was read.
fn escape(regex: &mut String, rest: &mut Peekable<Chars<'_>>, in_class: bool) -> Result<(), String> {
    let Some(c) = rest.next() else { return Err("it ends with a \\".to_owned()) };
    match c {
        'Z' => regex.push_str("\\z"),
        'b' if in_class => regex.push_str("\\x08"),
        '0' => regex.push_str("\\x00"),
        '1'..='9' => {
            return Err(format!(
                "\\{c} asks for a group to come again, which may take for ever; write it without"
            ));
        }
        'A' | 'b' | 'B' | 'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x'
        | 'u' | 'U' => {
            regex.extend(['\\', c]);
        }
        letter if letter.is_ascii_alphabetic() => return Err(format!("there is no \\{letter}")),
        other => regex.push_str(&regex::escape(&other.to_string()).replace('-', "\\-")),
    }
    Ok(())
}

/// What stands in the place of a match: text and groups.
#[derive(Debug, Clone)]
pub(crate) struct Replacement {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// Reads a replacement for what `pattern` finds: `\1` and `\g<name>` stand for groups.
    ///
    /// # Errors
    /// For people: what is wrong with it.
    pub(crate) fn new(python: &str, pattern: &Pattern) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = python.chars().peekable();
        while let Some(c) = rest.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            match rest.next() {
                Some(digit @ '1'..='9') => {
                    let mut name = digit.to_string();
                    name.extend(rest.next_if(char::is_ascii_digit));
                    parts.push(Part::Text(std::mem::take(&mut text)));
                    parts.push(Part::Group(group_of(pattern, &name)?));
                }
                Some('g') if rest.next_if_eq(&'<').is_some() => {
                    let name: String = rest.by_ref().take_while(|c| *c != '>').collect();
                    parts.push(Part::Text(std::mem::take(&mut text)));
                    parts.push(Part::Group(group_of(pattern, &name)?));
                }
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('\\') => text.push('\\'),
                Some(letter) if letter.is_ascii_alphanumeric() => {
                    return Err(format!("'{python}' is not a replacement: there is no \\{letter}"));
                }
                Some(other) => text.extend(['\\', other]),
                None => return Err(format!("'{python}' is not a replacement: it ends with a \\")),
            }
        }
        parts.push(Part::Text(text));
        Ok(Self { parts })
    }

    /// `name` with every match of `pattern` replaced.
    ///
    /// As in Python, an empty match right after another one counts: `.*` matches twice.
    ///
    /// # Errors
    /// When the name is or becomes longer than [`MAX_NAME`].
    pub(crate) fn replace_all(&self, pattern: &Pattern, name: &str) -> Result<String, String> {
        let too_long = || format!("a name may have {MAX_NAME} bytes here");
        if name.len() > MAX_NAME {
            return Err(too_long());
        }
        let mut new = String::with_capacity(name.len());
        let mut at = 0;
        while let Some(captures) = (at <= name.len()).then(|| pattern.regex.captures_at(name, at)).flatten() {
            let found = captures.get_match();
            new.push_str(name.get(at..found.start()).unwrap_or_default());
            self.push(&mut new, &captures);
            at = found.end();
            if found.is_empty() {
                // The next match may not be here again.
                let next = name.get(at..).and_then(|rest| rest.chars().next());
                new.extend(next);
                at += next.map_or(1, char::len_utf8);
            }
            if new.len() > MAX_NAME {
                return Err(too_long());
            }
        }
        new.push_str(name.get(at..).unwrap_or_default());
        if new.len() > MAX_NAME { Err(too_long()) } else { Ok(new) }
    }

    fn push(&self, new: &mut String, captures: &Captures<'_>) {
        for part in &self.parts {
            let written = match part {
                Part::Text(text) => new.write_str(text),
                Part::Group(group) => new.write_str(captures.get(*group).map_or("", |found| found.as_str())),
            };
            debug_assert!(written.is_ok(), "a string takes all");
        }
    }
}

/// The index of a group of `pattern` by its number or name.
fn group_of(pattern: &Pattern, name: &str) -> Result<usize, String> {
    let named = || pattern.regex.capture_names().position(|known| known == Some(name));
    let index = name.parse().ok().or_else(named).filter(|index| *index < pattern.regex.captures_len());
    index.ok_or_else(|| {
        let groups = pattern.regex.captures_len() - 1;
        format!("there is no group {name}: the expression has {groups} groups in brackets")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(name: &str, search: &str, replace: &str) -> Result<String, String> {
        let pattern = Pattern::new(search)?;
        Replacement::new(replace, &pattern)?.replace_all(&pattern, name)
    }

    #[test]
    fn replacements() {
        #[track_caller]
        fn check(name: &str, search: &str, replace: &str, expected: &str) {
            assert_eq!(replaced(name, search, replace).unwrap(), expected, "{search} -> {replace}");
        }
        check("a.b.c", r"(\w+)\.(\w+)", r"\2/\1", "b/a.c");
        check("servers.web01.cpu", r"^.*?\.([a-z0-9-]+)\.", r"\1:", "web01:cpu");
        check("a.b", r"(?P<first>\w+)\.", r"\g<first>\g<1>-", "aa-b");
        check("abc", ".*", "x", "xx"); // all, and the nothing after it
        check("abxd", "x*", "-", "-a-b--d-");
        check("ab", r"(x)?b", r"[\1]", "a[]"); // a group that took no part
        check("a-b", "-", r"\\", r"a\b");
        check("a{b", "a{", "x", "xb");
        check("aab", "a{,2}b", "x", "x");
        check("a[b", "[[]", "x", "axb");
        check("a&b", "[&&]", "x", "axb");
        check("a<b", r"\<", "x", "axb");
        check("end", r"d\Z", "x", "enx");
        check("äö", "", "-", "-ä-ö-");
        check("a$b", "\\$", "x", "axb");
        check("a1", "(a)1", "\\g<1>1$1", "a1$1");
    }

    #[test]
    fn what_is_refused() {
        #[track_caller]
        fn check(search: &str, replace: &str, expected: &str) {
            let error = replaced("abc", search, replace).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        check("(?=b)", "", "(?=...) looks ahead, which may take for ever");
        check("(?<!a)b", "", "looks behind");
        check(r"(a)\1", "", r"\1 asks for a group to come again");
        check("(?P<x>a)(?P=x)", "", "asks for a group to come again");
        check("(a", "", "'(a' is not a regular expression: unclosed group");
        check("a\\", "", "it ends with a \\");
        check("(a)", r"\2", "there is no group 2: the expression has 1 groups in brackets");
        check("a", r"\q", r"there is no \q");
        check("((a{100}){100}){100}", "", "it repeats too much");
        check("", &"x".repeat(4000), "a name may have 8192 bytes here");
    }

    #[test]
    fn long_names_end_soon() {
        let name = "ab".repeat(MAX_NAME / 2);
        for search in ["(a|b)*c", "(.*)(.*)(.*)c", "a.*b|[^b]", ".*[^A-Z]x|b"] {
            let _ = replaced(&name, search, "");
        }
        assert!(replaced(&"a".repeat(MAX_NAME + 1), "a", "").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text(search in "\\PC{0,20}", replace in "\\PC{0,10}", name in "\\PC{0,20}") {
            let _ = replaced(&name, &search, &replace);
        }

        #[test]
        fn any_expression(search in "[(\\[\\\\a{}?*+|)^$.1,:P<>=!-]{0,12}") {
            let _ = replaced("aa.b1", &search, "\\g<0>x");
        }
    }
}
