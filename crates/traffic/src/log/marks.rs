//! Texts that are looked for in each line, by the byte of them that is seldom: building a general search costs more than a line.

use memchr::memchr_iter;

/// A text, and which of its bytes is seldom in logs. Its bytes are ASCII.
pub(super) struct Mark(pub(super) &'static str, pub(super) usize);

impl Mark {
    /// What stands before and behind the first place where it is found.
    pub(super) fn split<'a>(&self, text: &'a str) -> Option<(&'a str, &'a str)> {
        let Self(mark, rare) = self;
        let bytes = text.as_bytes();
        let mut places = memchr_iter(mark.as_bytes()[*rare], bytes).filter_map(|at| at.checked_sub(*rare));
        let begin = places.find(|begin| bytes[*begin..].starts_with(mark.as_bytes()))?;
        Some((&text[..begin], &text[begin + mark.len()..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place() {
        let mark = Mark(" [", 1);
        assert_eq!(mark.split("[::1] - - [a] [b"), Some(("[::1] - -", "a] [b")));
        assert_eq!(mark.split("ä ["), Some(("ä", "")));
        assert_eq!(mark.split("[a["), None);
        assert_eq!(mark.split(""), None);
    }
}
