//! Glob patterns: `*`, `?`, `[a-z]`, `[!a-z]`, and a backslash that takes the next character as it is.
//!
//! Matched by hand and not through a regular expression, because a pattern may come from an event
//! (`x glob val(y)`), where compiling one each time would cost far more than the match.

/// One character of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
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
    /// What stands before, between and after the `*`.
    pieces: Box<[Piece]>,
    any_case: bool,
}

/// A part of a pattern without `*`.
#[derive(Debug, Clone)]
enum Piece {
    /// A text. Its ASCII letters are small where case does not matter.
    Text(Box<str>),
    Steps(Box<[Step]>),
}

/// A part between two `*` is looked for at every place, so one with `?` or `[...]` is at most this long.
const MAX_WILD_CHARS: usize = 128;

impl Glob {
    /// Reads a pattern; with `any_case` the case of ASCII letters does not matter.
    ///
    /// # Errors
    /// A class without an end, a range whose end is before its start, or a part that is too long.
    pub(crate) fn new(pattern: &str, any_case: bool) -> Result<Self, String> {
        let mut pieces = vec![Vec::new()];
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let step = match c {
                '*' => {
                    pieces.push(Vec::new());
                    continue;
                }
                '?' => Step::One,
                '[' => class(&mut chars)?,
                '\\' => Step::Char(chars.next().unwrap_or('\\')),
                c => Step::Char(c),
            };
            pieces.last_mut().into_iter().for_each(|piece| piece.push(step.clone()));
        }
        let pieces: Box<[Piece]> = pieces.into_iter().map(|steps| Piece::new(steps, any_case)).collect();
        let between = pieces.iter().take(pieces.len() - 1).skip(1);
        if between
            .into_iter()
            .any(|piece| matches!(piece, Piece::Steps(steps) if steps.len() > MAX_WILD_CHARS))
        {
            let message = "a part between two `*` with `?` or `[...]` in it has more than";
            return Err(format!("{message} {MAX_WILD_CHARS} characters"));
        }
        Ok(Self { pieces, any_case })
    }

    /// What every text that fits begins with, character for character.
    pub(crate) fn prefix(&self) -> String {
        let is_fixed = |c: &char| !(self.any_case && c.is_ascii_alphabetic());
        match self.pieces.first() {
            Some(Piece::Text(text)) => text.chars().take_while(is_fixed).collect(),
            Some(Piece::Steps(steps)) => {
                let chars =
                    steps.iter().map_while(|step| if let Step::Char(c) = step { Some(*c) } else { None });
                chars.take_while(is_fixed).collect()
            }
            None => String::new(),
        }
    }

    /// Whether `text` as a whole fits.
    ///
    /// Each part between two `*` is taken where it fits first, for what lies after it fits no better further on. Cost:
    /// linear in the text's length.
    pub(crate) fn fits(&self, text: &str) -> bool {
        if self.any_case && text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return self.fits_small(&text.to_ascii_lowercase());
        }
        self.fits_small(text)
    }

    fn fits_small(&self, text: &str) -> bool {
        let [first, rest @ ..] = &*self.pieces else { return false };
        let Some(text) = first.after(text, self.any_case) else { return false };
        let [between @ .., last] = rest else { return text.is_empty() };
        let Some(mut text) = last.before(text, self.any_case) else { return false };
        between.iter().all(|piece| match piece.behind(text, self.any_case) {
            Some(after) => {
                text = after;
                true
            }
            None => false,
        })
    }
}

impl Piece {
    fn new(steps: Vec<Step>, any_case: bool) -> Self {
        let chars = steps.iter().map(|step| match step {
            Step::Char(c) if any_case => Some(c.to_ascii_lowercase()),
            Step::Char(c) => Some(*c),
            Step::One | Step::Class { .. } => None,
        });
        match chars.collect::<Option<String>>() {
            Some(text) => Self::Text(text.into()),
            None => Self::Steps(steps.into()),
        }
    }

    /// What is left of a text that begins with it.
    fn after<'t>(&self, text: &'t str, any_case: bool) -> Option<&'t str> {
        match self {
            Self::Text(start) => text.strip_prefix(&**start),
            Self::Steps(steps) => {
                let mut chars = text.chars();
                let fits = steps.iter().all(|step| chars.next().is_some_and(|c| step.fits(c, any_case)));
                fits.then_some(chars.as_str())
            }
        }
    }

    /// What is left of a text that ends with it.
    fn before<'t>(&self, text: &'t str, any_case: bool) -> Option<&'t str> {
        match self {
            Self::Text(end) => text.strip_suffix(&**end),
            Self::Steps(steps) => {
                let mut chars = text.chars();
                let mut backwards = steps.iter().rev();
                let fits = backwards.all(|step| chars.next_back().is_some_and(|c| step.fits(c, any_case)));
                fits.then_some(chars.as_str())
            }
        }
    }

    /// What is left of a text behind the first place where it fits.
    fn behind<'t>(&self, text: &'t str, any_case: bool) -> Option<&'t str> {
        match self {
            Self::Text(part) => {
                let at = memchr::memmem::find(text.as_bytes(), part.as_bytes())?;
                text.get(at + part.len()..)
            }
            Self::Steps(_) => {
                let mut starts = text.char_indices();
                starts.find_map(|(start, _)| self.after(&text[start..], any_case))
            }
        }
    }
}

impl Step {
    fn fits(&self, c: char, any_case: bool) -> bool {
        match self {
            Self::One => true,
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
        check("a*a", false, &["aa", "aba"], &["a"]);
        check("ab*bc", false, &["abbc"], &["abc"]);
        check("*Ä?x*", true, &["Äöx", "aÄöX!"], &["äöx"]);
        check("*?ä", false, &["öä", "aöä"], &["ä"]);
        check("*b?*d", false, &["abcd", "bbd"], &["abd", "bd"]);
        check("a*?b*", false, &["axb", "aab"], &["ab"]);
    }

    #[test]
    fn a_hard_text_takes_little_time() {
        let glob = Glob::new(&"*a".repeat(5_000), false).unwrap();
        assert!(!glob.fits(&"a".repeat(4_999)));
        assert!(!Glob::new("*aaaaaaaaaaaaaaaab*b", false).unwrap().fits(&"a".repeat(50_000)));
        let long = "a".repeat(1 << 20);
        for any_case in [false, true] {
            assert!(!Glob::new(&format!("*{}b*", "a".repeat(1 << 15)), any_case).unwrap().fits(&long));
            let wild = Glob::new(&format!("*{}?b*", "a".repeat(100)), any_case).unwrap();
            assert!(!wild.fits(&long[..1 << 16]));
        }
    }

    #[test]
    fn patterns_that_are_refused() {
        assert_eq!(Glob::new("[a", false).unwrap_err(), "`[` without `]`");
        assert_eq!(Glob::new("[z-a]", false).unwrap_err(), "the range `z-a` is empty");
        let long = "a".repeat(200);
        assert!(Glob::new(&format!("*?{long}*"), false).unwrap_err().contains("more than 128 characters"));
        assert!(Glob::new(&format!("?{long}*?{long}"), false).is_ok());
    }
}
