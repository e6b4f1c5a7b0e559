//! Patterns over names: `*` stands for any text, dots included; everything else for itself.

/// Whether `pattern` matches the whole of `name`. Cost: O(pattern × name) at worst, usually linear.
///
/// ```
/// assert!(lanner_core::glob::matches("cpu.*.load", "cpu.web.1.load"));
/// ```
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(head) = parts.next() else { return name.is_empty() };
    let Some(mut rest) = name.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(tail) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        // The leftmost match is enough: what follows is free text again.
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(tail)
}

/// The text before the first `*`: every match begins with it.
#[must_use]
pub fn fixed_prefix(pattern: &str) -> &str {
    pattern.split('*').next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_is_any_text() {
        #[track_caller]
        fn check(pattern: &str, name: &str, expected: bool) {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
        check("cpu", "cpu", true);
        check("cpu", "cpu.load", false);
        check("cpu*", "cpu.load", true);
        check("*", "", true);
        check("*.load", "cpu.load", true);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "a-c-b", false);
        check("ab*ba", "aba", false); // the two ends may not share letters
        check("a**b", "ab", true);
        check("", "x", false);
        check("é*", "école", true);
    }
}
