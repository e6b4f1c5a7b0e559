//! What a query string says about its request.

/// More parameters are not looked at.
const MAX_PARAMETERS: usize = 64;

/// The name of a parameter that is given twice with different values, if there is one.
///
/// `a[]=1&a[]=2` is how lists are written, and equal values are harmless.
pub(crate) fn polluted(query: &str) -> Option<&str> {
    if !query.contains('&') {
        return None;
    }
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for pair in query.split('&').take(MAX_PARAMETERS) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.is_empty() || name.ends_with("[]") || name.ends_with("%5B%5D") {
            continue;
        }
        match seen.iter().find(|(other, _)| *other == name) {
            Some((_, other)) if *other != value => return Some(name),
            Some(_) => {}
            None => seen.push((name, value)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names() {
        #[track_caller]
        fn check(query: &str, name: Option<&str>) {
            assert_eq!(polluted(query), name, "{query}");
        }
        check("", None);
        check("id=1&name=2", None);
        check("id=1&id=2", Some("id"));
        check("id=1&x&id=1", None);
        check("a[]=1&a[]=2", None);
        check("&&=1&=2", None);
    }
}
