//! Regular expressions as Falco reads them: RE2's POSIX syntax, which is less than most people expect.
//!
//! | written | to Falco |
//! | --- | --- |
//! | `\d`, `\w`, `\s`, `\b`, `\pL` | mistakes; write `[0-9]`, `[[:alnum:]_]`, `[[:space:]]` |
//! | `(?i)a`, `(?:a)` | mistakes |
//! | `^`, `$` | the begin and the end of a line |
//! | `[^a]`, `[[:space:]]`, `.` | never a line break |
//! | `a{,3}` | the characters themselves |
//!
//! # Source
//! RE2's `parse.cc`, and libsinsp, which compiles with `RE2::POSIX`.

use std::iter::Peekable;
use std::str::Chars;

/// More repetitions are refused.
const MAX_REPEAT: u32 = 1_000;

/// Classes of characters that have names.
const NAMED: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// The same expression in the syntax of the crate `regex`.
///
/// # Errors
/// Why Falco would refuse it.
pub(super) fn translate(text: &str) -> Result<String, String> {
    let mut reading = Reading { rest: text.chars().peekable(), out: String::with_capacity(text.len() + 8) };
    let read = reading.all();
    read.map(|()| reading.out).map_err(|why| {
        format!("`{text}` is no regular expression to Falco, which knows those of POSIX: {why}")
    })
}

struct Reading<'t> {
    rest: Peekable<Chars<'t>>,
    out: String,
}

impl Reading<'_> {
    fn all(&mut self) -> Result<(), String> {
        let mut can_repeat = false;
        while let Some(c) = self.rest.next() {
            can_repeat = match c {
                '*' | '+' | '?' if !can_repeat => return Err(format!("nothing stands before `{c}`")),
                '*' | '+' | '?' => {
                    self.out.push(c);
                    // `a*?` repeats what `a*` is: there is nothing like a short match.
                    while let Some(next) = self.rest.next_if(|next| matches!(next, '*' | '+' | '?')) {
                        self.repeat_again(next);
                    }
                    true
                }
                '{' => self.braces(can_repeat)?,
                '(' | '|' => {
                    self.out.push(c);
                    if c == '(' && self.rest.peek() == Some(&'?') {
                        return Err("`(?` is not known there".to_owned());
                    }
                    false
                }
                '^' | '$' => {
                    self.out.push_str(if c == '^' { "(?m:^)" } else { "(?m:$)" });
                    true
                }
                '[' => self.class().map(|()| true)?,
                '\\' => {
                    let c = self.escape()?;
                    self.literal(c);
                    true
                }
                ')' | '.' => {
                    self.out.push(c);
                    true
                }
                c => {
                    self.literal(c);
                    true
                }
            };
        }
        Ok(())
    }

    /// What repeats in two ways repeats any number of times, none among them.
    fn repeat_again(&mut self, how: char) {
        if let Some(before) = self.out.pop() {
            self.out.push(if before == how { how } else { '*' });
        }
    }

    /// A count of repetitions, or braces as characters.
    fn braces(&mut self, can_repeat: bool) -> Result<bool, String> {
        let ahead: String = self.rest.clone().take_while(|c| *c != '}').collect();
        let is_closed = self.rest.clone().any(|c| c == '}');
        let number = |text: &str| {
            (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let (least, most) =
            ahead.split_once(',').map_or((number(&ahead), Some(number(&ahead))), |(least, most)| {
                (number(least), if most.is_empty() { Some(Some(0)) } else { Some(number(most)) })
            });
        let (Some(least), Some(Some(most)), true) = (least, most, is_closed) else {
            self.literal('{');
            return Ok(true);
        };
        if !can_repeat {
            return Err(format!("nothing stands before `{{{ahead}}}`"));
        }
        if least > MAX_REPEAT || most > MAX_REPEAT || (most != 0 && least > most) {
            return Err(format!("`{{{ahead}}}` is no count of repetitions up to {MAX_REPEAT}"));
        }
        self.out.push_str(&format!("{{{ahead}}}"));
        self.rest.by_ref().take(ahead.chars().count() + 1).for_each(drop);
        Ok(true)
    }

    /// The character behind a backslash.
    fn escape(&mut self) -> Result<char, String> {
        let Some(c) = self.rest.next() else { return Err("it ends with a backslash".to_owned()) };
        let unknown = || format!("`\\{c}` is not known there");
        Ok(match c {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'a' => '\u{7}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'x' => self.hexadecimal().ok_or_else(unknown)?,
            '0' => self.octal(0, 2),
            '1'..='7' if self.rest.peek().is_some_and(|next| ('0'..='7').contains(next)) => {
                self.octal(c.to_digit(8).unwrap_or(0), 2)
            }
            c if c.is_ascii_alphanumeric() => return Err(unknown()),
            c => c,
        })
    }

    fn octal(&mut self, begin: u32, n: usize) -> char {
        let mut code = begin;
        for _ in 0..n {
            let Some(digit) = self.rest.next_if(|c| c.is_digit(8)).and_then(|c| c.to_digit(8)) else { break };
            code = code * 8 + digit;
        }
        char::from_u32(code).unwrap_or_default()
    }

    /// `41`, `{1F600}`
    fn hexadecimal(&mut self) -> Option<char> {
        let is_long = self.rest.next_if_eq(&'{').is_some();
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(|c| c.is_ascii_hexdigit() && (is_long || digits.len() < 2))
        {
            digits.push(digit);
        }
        let is_whole = if is_long { self.rest.next_if_eq(&'}').is_some() } else { digits.len() == 2 };
        u32::from_str_radix(&digits, 16).ok().filter(|_| is_whole).and_then(char::from_u32)
    }

    /// A class of characters, behind its bracket. A line break is in none.
    fn class(&mut self) -> Result<(), String> {
        let is_negated = self.rest.next_if_eq(&'^').is_some();
        self.out.push_str(if is_negated { "[^\\n" } else { "[[" });
        let mut is_first = true;
        loop {
            let c = match self.rest.next() {
                None => return Err("`[` is not closed".to_owned()),
                Some(']') if !is_first => break,
                Some('-') if !is_first && self.rest.peek().is_some_and(|next| *next != ']') => {
                    return Err("`-` stands between two others, and is no range".to_owned());
                }
                Some('[') if self.rest.peek() == Some(&':') && self.named()? => {
                    is_first = false;
                    continue;
                }
                Some('\\') => self.escape()?,
                Some(c) => c,
            };
            is_first = false;
            self.literal(c);
            self.range_to(c)?;
        }
        self.out.push_str(if is_negated { "]" } else { "]&&[^\\n]]" });
        Ok(())
    }

    /// The end of a range that begins with `low`, if one does.
    fn range_to(&mut self, low: char) -> Result<(), String> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.next(), None | Some(']')) {
            return Ok(());
        }
        self.rest.next();
        let high = match self.rest.next() {
            Some('\\') => self.escape()?,
            Some(c) => c,
            None => return Err("`[` is not closed".to_owned()),
        };
        if high < low {
            return Err(format!("`{low}-{high}` is no range"));
        }
        self.out.push('-');
        self.literal(high);
        Ok(())
    }

    /// `[:alpha:]`, if it is one; else the bracket is a character.
    fn named(&mut self) -> Result<bool, String> {
        let ahead: String = self.rest.clone().collect();
        let Some(end) = ahead.find(":]") else { return Ok(false) };
        let name = &ahead[1..end];
        if !NAMED.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(format!("`[:{name}:]` is no class of characters"));
        }
        self.out.push_str(&format!("[:{name}:]"));
        self.rest.by_ref().take(ahead[..end + 2].chars().count()).for_each(drop);
        Ok(true)
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation() || c.is_ascii_whitespace() || c.is_control() {
            self.out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
        } else {
            self.out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, fits: &[&str], others: &[&str]) {
        let regex = regex::Regex::new(&format!("^(?:{})\\z", translate(text).unwrap())).unwrap();
        fits.iter().for_each(|it| assert!(regex.is_match(it), "{text} should fit {it:?}: {regex}"));
        others.iter().for_each(|it| assert!(!regex.is_match(it), "{text} should not fit {it:?}: {regex}"));
    }

    #[test]
    fn expressions_mean_what_they_mean_to_falco() {
        check("/proc/[0-9]+/(mem|maps)", &["/proc/1/mem", "/proc/42/maps"], &["/proc/x/mem", "/proc/1/mem2"]);
        check("a.c", &["abc", "aéc"], &["a\nc", "ac"]);
        check("a*?b+?", &["", "b", "aab", "aa", "abb"], &["c"]);
        check("a??", &["", "a"], &["aa"]);
        check("a{2}b{1,}c{0,2}", &["aab", "aabbcc"], &["ab", "aabccc"]);
        check("a{,3}", &["a{,3}"], &["aaa"]);
        check("x{y}", &["x{y}"], &["x"]);
        check("[]a]+", &["]a]"], &["b"]);
        check("[^]a]", &["b"], &["]", "a", "\n"]);
        check("[a\\]b-]+", &["a]b-"], &["\\"]);
        check("[[:alpha:]_]+[[:^digit:]]", &["ab_c!"], &["ab1"]);
        check("[[:space:]]", &[" ", "\t"], &["\n", "x"]);
        check("[a&&b]+", &["a&b"], &["c"]);
        check("[[x]+", &["[x"], &["y"]);
        check("\\.\\/\\<\\-\\x41\\x{1F600}\\101\\0", &["./<-A\u{1f600}A\0"], &["."]);
        check("(^a$|b)", &["a", "b"], &["ab"]);
        check("äö#~ ", &["äö#~ "], &[]);
        check("", &[""], &["a"]);
    }

    #[test]
    fn mistakes_are_those_of_falco() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let why = translate(text).unwrap_err();
            assert!(why.contains(expected), "{text}: {why}");
        }
        check("\\d+", "`\\d` is not known");
        check("\\bsh\\b", "`\\b` is not known");
        check("\\pL", "`\\p` is not known");
        check("\\1", "`\\1` is not known");
        check("(?i)sh", "`(?` is not known");
        check("*a", "nothing stands before `*`");
        check("(+a)", "nothing stands before `+`");
        check("a|{2}", "nothing stands before `{2}`");
        check("a{1001}", "no count of repetitions up to 1000");
        check("a{3,2}", "no count of repetitions");
        check("[a-", "is not closed");
        check("[z-a]", "`z-a` is no range");
        check("[a-c-e]", "is no range");
        check("[[:foo:]]", "is no class of characters");
        check("a\\", "ends with a backslash");
    }
}
