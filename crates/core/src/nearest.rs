//! Guessing what was meant by a name that does not exist.

/// The known name that differs from `name` by the fewest edits, without regard to case: at most one, and one more for
/// every four characters. O(known names times the product of lengths); only the first 64 characters are looked at.
///
/// ```
/// use lanner_core::nearest;
/// assert_eq!(nearest("recievers", ["receivers", "query"]), Some("receivers"));
/// assert_eq!(nearest("MovingAvrage", ["movingAverage", "movingMax"]), Some("movingAverage"));
/// assert_eq!(nearest("zzz", ["receivers", "query"]), None);
/// ```
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let name: Vec<char> = name.chars().take(64).map(|c| c.to_ascii_lowercase()).collect();
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let letters: Vec<char> = candidate.chars().map(|c| c.to_ascii_lowercase()).collect();
        let allowed = 1 + letters.len() / 4;
        // The difference of lengths alone is as many edits.
        if name.len().abs_diff(letters.len()) > allowed {
            continue;
        }
        let needed = edits(&name, &letters);
        if needed <= allowed && best.is_none_or(|(least, _)| needed < least) {
            best = Some((needed, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Levenshtein's distance.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
