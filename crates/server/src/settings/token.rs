//! The token of the configuration.

/// The name of whoever shows the token of the configuration.
pub(crate) const CONFIGURED: &str = "server.token";
/// The fewest characters of a token that a person chose.
pub(crate) const MIN_CHARACTERS: usize = 16;

/// Complains about a token of the configuration that can be guessed, or that nobody can send: a header carries it.
///
/// # Errors
/// A sentence that says what to write instead.
pub(crate) fn check(token: &str) -> Result<(), String> {
    // A space between words is sent, but one at an end is taken for space around the value.
    let is_odd = |c: &char| !matches!(c, ' '..='~');
    let at_an_end = (token != token.trim()).then_some(' ');
    if let Some(odd) = token.chars().find(is_odd).or(at_an_end) {
        return Err(format!(
            "contains {odd:?} where a client cannot send it; use letters, digits and punctuation of ASCII, as `openssl rand -hex 20` makes it"
        ));
    }
    match token.chars().count() {
        MIN_CHARACTERS.. => Ok(()),
        n => Err(format!(
            "has {n} character{}, and at least {MIN_CHARACTERS} are needed; make one with `openssl rand -hex 20`",
            if n == 1 { "" } else { "s" }
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_enough() {
        assert!(check("0123456789abcde").unwrap_err().contains("has 15 characters"));
        assert!(check("x").unwrap_err().contains("has 1 character,"));
        assert_eq!(check("0123456789abcdef"), Ok(()));
    }

    #[test]
    fn a_token_can_be_sent() {
        for odd in [
            "two lines\nin a file of secrets",
            "with a space at its end ",
            "\u{e4}\u{f6}\u{fc}4567890123456",
            "a\u{7f}0123456789abcdef",
        ] {
            assert!(check(odd).unwrap_err().contains("cannot send it"), "{odd:?}");
        }
        assert_eq!(check("lanner_~!#$%&'*+-.^|"), Ok(()));
        assert_eq!(check("open sesame, please"), Ok(()));
    }
}
