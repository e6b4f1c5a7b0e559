//! Glob patterns: `*`, `?`, `[a-z]`, `[!a-z]`, and a backslash that takes the next character as it is.
//!
//! Matched by hand and not through a regular expression, because a pattern may come from an event
//! (`x glob val(y)`), where compiling one each time would cost far more than the match.

/// One step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// `*`
    Any,
    /// `?`
    One,
    Char(char),
    Class {
        is_negated: bool,
        ranges: Box<[(char, char)]>,
    },
}

/// A pattern that the whole text must fit.
#[derive(Debug, Clone)]
pub(crate) struct Glob {
    steps: Box<[Step]>,
    any_case: bool,
}

impl Glob {
    /// Reads a pattern; with `any_case` the case of ASCII letters does not matter.
    ///
    /// # Errors
    /// A class without an end, or a range whose end is before its start.
    pub(crate) fn new(pattern: &str, any_case: bool) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            steps.push(match c {
                '*' if steps.last() == Some(&Step::Any) => continue,
                '*' => Step::Any,
                '?' => Step::One,
                '[' => class(&mut chars)?,
                '\\' => Step::Char(chars.next().unwrap_or('\\')),
                c => Step::Char(c),
            });
        }
        Ok(Self { steps: steps.into(), any_case })
    }

    /// What every text that fits begins with, character for character.
    pub(crate) fn prefix(&self) -> String {
        let fixed = self.steps.iter().map_while(|step| match step {
            Step::Char(c) if !(self.any_case && c.is_ascii_alphabetic()) => Some(*c),
            _ => None,
        });
        fixed.collect()
    }

    /// Whether `text` as a whole fits.
    ///
    /// Only the last `*` is ever taken back, since what lies before it fitted as early as it could. Cost:
    /// at most the product of both lengths.
    pub(crate) fn fits(&self, text: &str) -> bool {
        let (mut rest, mut at) = (text.chars(), 0);
        // Where to go on when a step does not fit: after the last `*`, which then takes one character more.
        let mut retry: Option<(std::str::Chars<'_>, usize)> = None;
        loop {
            if self.steps.get(at) == Some(&Step::Any) {
                at += 1;
                retry = Some((rest.clone(), at));
                continue;
            }
            let fits = match (rest.next(), self.steps.get(at)) {
                (None, None) => return true,
                (None, Some(_)) => return false,
                (Some(_), None) => false,
                (Some(c), Some(step)) => step.fits(c, self.any_case),
            };
            if fits {
                at += 1;
                continue;
            }
            let Some((start, after)) = &mut retry else { return false };
            start.next();
            (rest, at) = (start.clone(), *after);
        }
    }
}

impl Step {
    fn fits(&self, c: char, any_case: bool) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Char(wanted) if any_case => c.eq_ignore_ascii_case(wanted),
            Self::Char(wanted) => c == *wanted,
            Self::Class { is_negated, ranges } => {
                let has = |c: char| ranges.iter().any(|&(first, last)| first <= c && c <= last);
                let is_in =
                    has(c) || any_case && (has(c.to_ascii_lowercase()) || has(c.to_ascii_uppercase()));
                is_in != *is_negated
            }
        }
    }
}

/// What follows `[`: `abc]`, `a-z]`, `!abc]` or `^abc]`. A `]` that comes first is a member.
fn class(chars: &mut std::str::Chars<'_>) -> Result<Step, String> {
    let unclosed = || "`[` without `]`".to_owned();
    let peek = |chars: &std::str::Chars<'_>| chars.clone().next();
    let is_negated = matches!(peek(chars), Some('!' | '^'));
    if is_negated {
        chars.next();
    }
    let mut ranges = Vec::new();
    loop {
        let first = match chars.next().ok_or_else(unclosed)? {
            ']' if !ranges.is_empty() => break,
            '\\' => chars.next().ok_or_else(unclosed)?,
            c => c,
        };
        let mut last = first;
        if peek(chars) == Some('-') {
            chars.next();
            match peek(chars) {
                Some(']') | None => ranges.push(('-', '-')),
                Some(_) => last = chars.next().ok_or_else(unclosed)?,
            }
        }
        if last < first {
            return Err(format!("the range `{first}-{last}` is empty"));
        }
        ranges.push((first, last));
    }
    Ok(Step::Class { is_negated, ranges: ranges.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_fit() {
        #[track_caller]
        fn check(pattern: &str, any_case: bool, yes: &[&str], no: &[&str]) {
            let glob = Glob::new(pattern, any_case).unwrap();
            for text in yes {
                assert!(glob.fits(text), "{text:?} {pattern:?}");
                assert!(text.starts_with(&glob.prefix()), "{text:?} {pattern:?}");
            }
            for text in no {
                assert!(!glob.fits(text), "{text:?} {pattern:?}");
            }
        }
        check("/usr/*/b?n", false, &["/usr/a/bin", "/usr//ban"], &["/usr/bin", "x/usr/a/bin", "/usr/a/bin/"]);
        check("*", false, &["", "a\nb"], &[]);
        check("", false, &[""], &["a"]);
        check("a**b*", false, &["ab", "axbab"], &["a", "ba"]);
        check("*ab*ab", false, &["abab", "xabyabab"], &["ab", "ababx"]);
        check("[a-c][!x-z].", false, &["ab."], &["ax.", "db.", "abc"]);
        check("[]x-]", false, &["]", "x", "-"], &["a"]);
        check(r"\*\[", false, &["*["], &["a["]);
        check("ä?", false, &["äö"], &["Äö"]);
        check("HS[b-d]*", true, &["hsbc", "HSC", "HsD1"], &["hsa"]);
        check("[X-b]", true, &["x", "B", "_", "Z", "a"], &["c", "C", "w"]);
        check("1a*", true, &["1A"], &["a1"]);
    }

    #[test]
    fn a_hard_text_takes_little_time() {
        let glob = Glob::new(&"*a".repeat(5_000), false).unwrap();
        assert!(!glob.fits(&"a".repeat(4_999)));
        assert!(!Glob::new("*aaaaaaaaaaaaaaaab*b", false).unwrap().fits(&"a".repeat(50_000)));
    }

    #[test]
    fn patterns_that_are_refused() {
        assert_eq!(Glob::new("[a", false).unwrap_err(), "`[` without `]`");
        assert_eq!(Glob::new("[z-a]", false).unwrap_err(), "the range `z-a` is empty");
    }
}
