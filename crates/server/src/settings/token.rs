//! The token of the configuration.

/// The name of whoever shows the token of the configuration.
pub(crate) const CONFIGURED: &str = "server.token";
/// The fewest characters of a token that a person chose.
pub(crate) const MIN_CHARACTERS: usize = 16;

/// Complains about a token of the configuration that can be guessed.
///
/// # Errors
/// A sentence that says what to write instead.
pub(crate) fn check_length(token: &str) -> Result<(), String> {
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
        assert!(check_length("0123456789abcde").unwrap_err().contains("has 15 characters"));
        assert!(check_length("x").unwrap_err().contains("has 1 character,"));
        assert_eq!(check_length("0123456789abcdef"), Ok(()));
    }
}
