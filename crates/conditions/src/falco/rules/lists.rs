//! Lists in conditions: Falco puts their items into the text before it reads it.

use super::exceptions::quoted;

/// A text may grow to this many bytes by lists.
const MAX_TEXT_BYTES: usize = 4 << 20;

const BLANKS: &[u8] = b" \t\n\r";

/// Puts `items` in place of each `name` that stands between blanks, parentheses, commas or `=`; `None` if there is none.
///
/// An empty list takes a comma beside it away.
///
/// # Errors
/// If the text becomes too long.
pub(super) fn with_list(condition: &str, name: &str, items: &[String]) -> Result<Option<String>, String> {
    let is_delimiter = |byte: &u8| BLANKS.contains(byte) || b"(),=".contains(byte);
    let written: Vec<_> = items.iter().map(|item| quoted(item)).collect();
    let written = written.join(", ");
    let mut text = condition.to_owned();
    let mut is_used = false;
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(name)) {
        let (mut start, mut end) = (from + found, from + found + name.len());
        let bytes = text.as_bytes();
        let is_alone = start.checked_sub(1).is_none_or(|before| is_delimiter(&bytes[before]))
            && bytes.get(end).is_none_or(is_delimiter);
        if !is_alone {
            from = next(&text, start);
            continue;
        }
        while start > 0 && BLANKS.contains(&bytes[start - 1]) {
            start -= 1;
        }
        while bytes.get(end).is_some_and(|byte| BLANKS.contains(byte)) {
            end += 1;
        }
        if written.is_empty() {
            if start > 0 && bytes[start - 1] == b',' {
                start -= 1;
            } else if bytes.get(end) == Some(&b',') {
                end += 1;
            }
        }
        let before = if start > 0 { format!("{} ", &text[..start]) } else { String::new() };
        from = before.len() + written.len();
        text = format!("{before}{written} {}", &text[end..]);
        is_used = true;
        if text.len() > MAX_TEXT_BYTES {
            return Err(format!("with its lists the condition has more than {MAX_TEXT_BYTES} bytes"));
        }
    }
    Ok(is_used.then_some(text))
}

/// The start of the character behind the one at `at`.
fn next(text: &str, at: usize) -> usize {
    at + text[at..].chars().next().map_or(1, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_take_the_place_of_names() {
        #[track_caller]
        fn check(condition: &str, items: &[&str], expected: Option<&str>) {
            let items: Vec<_> = items.iter().map(|item| (*item).to_owned()).collect();
            assert_eq!(with_list(condition, "l", &items).unwrap().as_deref(), expected, "{condition}");
        }
        check("a.b in (l)", &["x", "y z"], Some("a.b in ( x, \"y z\" )"));
        check("a.b in (l, x)", &[], Some("a.b in (   x)"));
        check("a.b in (x , l)", &[], Some("a.b in (x   )"));
        check("a.b in (l)", &[], Some("a.b in (  )"));
        check("a.b in (list, xl)", &["x"], None);
        check("a.l = l", &["x"], Some("a.l = x "));
        check("l", &["x"], Some("x "));
        check("a.b in (l, l)", &["l"], Some("a.b in ( l , l )"));
        check("ä in (äl)", &["x"], None);
    }

    #[test]
    fn texts_cannot_grow_without_bound() {
        let items = vec!["x".repeat(1000); 1000];
        assert!(with_list("a.b in (l, l, l, l, l)", "l", &items).is_err());
    }
}
