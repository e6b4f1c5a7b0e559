//! The patterns of a condition: regular expressions and globs, compiled when the condition is parsed.

use std::hash::{Hash, Hasher};

use regex::{Regex, RegexBuilder};

use crate::glob::Glob;

/// How a text is held against a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=~`: a match begins at the text's start.
    Start,
    /// `!~`: no match begins at the text's start.
    NotStart,
    /// `=~~`: there is a match anywhere.
    Search,
    /// `!~~`: there is no match.
    NotSearch,
    /// `regex`: the whole text is a match.
    Regex,
    /// `glob`: the whole text fits `*`, `?` and `[a-z]`.
    Glob,
    /// `iglob`: as `glob`; the case of ASCII letters does not matter.
    Iglob,
}

impl MatchOp {
    /// The operator's text.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Start => "=~",
            Self::NotStart => "!~",
            Self::Search => "=~~",
            Self::NotSearch => "!~~",
            Self::Regex => "regex",
            Self::Glob => "glob",
            Self::Iglob => "iglob",
        }
    }

    /// Whether the pattern is a regular expression.
    #[must_use]
    pub const fn is_regex(self) -> bool {
        !matches!(self, Self::Glob | Self::Iglob)
    }

    /// Whether a match makes the test false.
    #[must_use]
    pub const fn is_negated(self) -> bool {
        matches!(self, Self::NotStart | Self::NotSearch)
    }
}

/// A pattern that was checked and compiled, so that holding a text against it cannot fail.
///
/// Cost of a match: linear in the text's length for a regular expression, whatever it is; for a glob at most
/// the product of both lengths.
#[derive(Debug, Clone)]
pub struct Pattern {
    op: MatchOp,
    text: String,
    compiled: Compiled,
}

#[derive(Debug, Clone)]
pub(crate) enum Compiled {
    Regex(Regex),
    Glob(Glob),
}

/// A compiled regular expression may take this many bytes, and as many again while it works.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;

impl Pattern {
    /// Checks and compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, or that it would take more than [`MAX_PATTERN_BYTES`].
    pub fn new(op: MatchOp, text: &str) -> Result<Self, PatternError> {
        let compiled = match op {
            MatchOp::Search | MatchOp::NotSearch => Compiled::Regex(compile(text)?),
            MatchOp::Start | MatchOp::NotStart => Compiled::Regex(anchored(text, "")?),
            MatchOp::Regex => Compiled::Regex(anchored(text, r"\z")?),
            MatchOp::Glob | MatchOp::Iglob => {
                Compiled::Glob(Glob::new(text, op == MatchOp::Iglob).map_err(PatternError)?)
            }
        };
        Ok(Self { op, text: text.to_owned(), compiled })
    }

    /// How a text is held against it.
    #[must_use]
    pub const fn op(&self) -> MatchOp {
        self.op
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same expression, held against a text in another way that compiles alike.
    pub(crate) fn with_op(&self, op: MatchOp) -> Self {
        Self { op, ..self.clone() }
    }

    /// What every text that fits begins with; nothing for a regular expression.
    pub(crate) fn fixed_start(&self) -> String {
        match &self.compiled {
            Compiled::Glob(glob) => glob.prefix(),
            Compiled::Regex(_) => String::new(),
        }
    }

    pub(crate) const fn compiled(&self) -> &Compiled {
        &self.compiled
    }
}

impl Compiled {
    pub(crate) fn fits(&self, text: &str) -> bool {
        match self {
            Self::Regex(regex) => regex.is_match(text),
            Self::Glob(glob) => glob.fits(text),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.op == other.op && self.text == other.text
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.op, &self.text).hash(state);
    }
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

fn compile(regex: &str) -> Result<Regex, PatternError> {
    let mut builder = RegexBuilder::new(regex);
    let built = builder.size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES).build();
    built.map_err(|error| {
        PatternError(match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too large once compiled".to_owned(),
            // The last line says what is wrong; those above it draw the pattern.
            other => {
                other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
        })
    })
}

/// A regular expression that must match at the start and be followed by `end`.
fn anchored(regex: &str, end: &str) -> Result<Regex, PatternError> {
    compile(regex)?; // alone first: `a)|(b` must not become valid by what is put around it
    let around = |gap: &str| compile(&format!(r"\A(?:{regex}{gap}){end}"));
    // A pattern in verbose mode may end in a comment, which only a line break ends.
    around("").or_else(|error| around("\n").map_err(|_| error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        #[track_caller]
        fn check(op: MatchOp, pattern: &str, yes: &[&str], no: &[&str]) {
            let pattern = Pattern::new(op, pattern).unwrap();
            for text in yes {
                assert!(pattern.compiled().fits(text), "{text:?} {pattern:?}");
            }
            for text in no {
                assert!(!pattern.compiled().fits(text), "{text:?} {pattern:?}");
            }
        }
        use MatchOp::{Glob, Regex, Search, Start};
        check(Start, "hs", &["hsbc"], &["ahs"]);
        check(Start, "(?m)^b", &["b"], &["a\nb"]);
        check(Search, "sb", &["hsbc"], &["hs"]);
        check(Regex, "a|ab", &["a", "ab"], &["abc", "xa"]);
        check(Regex, "(?x) a # comment", &["a"], &["ab"]);
        check(Glob, "a*", &["ab"], &["ba"]);
    }

    #[test]
    fn patterns_that_are_refused() {
        #[track_caller]
        fn check(op: MatchOp, pattern: &str, says: &str) {
            let error = Pattern::new(op, pattern).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        check(MatchOp::Regex, "a)|(b", "unopened group");
        check(MatchOp::Search, "(", "unclosed group");
        check(MatchOp::Search, "(a{1000}){1000}", "too large");
        check(MatchOp::Search, r"(a)\1", "backreferences are not supported");
        check(MatchOp::Glob, "[a", "`[` without `]`");
    }
}
