//! As much of `PromQL` as it takes to find the limit that an alert compares with.

/// What an alert asks.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asks {
    /// A value above or below a number: the query of the value, and the limit.
    Limit { value: String, is_above: bool, limit: f64 },
    /// Whether the expression gives anything.
    Anything,
}

/// Finds the one comparison with a number that an expression ends with, if that is what it is.
pub(super) fn asks(expr: &str) -> Asks {
    let limit = comparison(expr).and_then(|(value, operator, number)| {
        let is_above = match operator {
            ">" => true,
            "<" => false,
            // A limit in Lanner is one that may be reached.
            _ => return None,
        };
        let value = unwrapped(value.trim()).to_owned();
        Some(Asks::Limit { value, is_above, limit: number_of(number)? })
    });
    limit
        .filter(|asks| !matches!(asks, Asks::Limit { value, .. } if number_of(value).is_some()))
        .unwrap_or(Asks::Anything)
}

/// Both sides of the only operator between values outside all brackets, if it compares.
fn comparison(expr: &str) -> Option<(&str, &str, &str)> {
    let mut found = None;
    for (at, piece) in top_level(unwrapped(expr.trim())) {
        match piece {
            "and" | "or" | "unless" => return None,
            ">" | "<" | ">=" | "<=" | "==" | "!=" => {
                if found.is_some() {
                    return None;
                }
                found = Some((at, piece));
            }
            _ => {}
        }
    }
    let expr = unwrapped(expr.trim());
    let (at, operator) = found?;
    Some((expr.get(..at)?, operator, expr.get(at + operator.len()..)?))
}

/// Words and operators outside brackets and quotes, with their places.
fn top_level(expr: &str) -> Vec<(usize, &str)> {
    let (mut pieces, mut depth, mut at) = (Vec::new(), 0_usize, 0);
    while let Some(c) = expr.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = expr.get(at..).unwrap_or_default();
        let n_bytes = match c {
            '"' | '\'' | '`' => quoted(rest, c),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '(' | '[' | '{' => {
                depth += 1;
                1
            }
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                1
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let n = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
                n.unwrap_or(rest.len())
            }
            '>' | '<' | '=' | '!' => 1 + usize::from(rest.get(1..2).is_some_and(|next| next == "=")),
            c => c.len_utf8(),
        };
        if depth == 0
            && let Some(piece) = rest.get(..n_bytes)
        {
            pieces.push((at, piece));
        }
        at += n_bytes;
    }
    pieces
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' && quote != '`' {
            is_escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    rest.len()
}

/// Without the brackets around all of it.
fn unwrapped(expr: &str) -> &str {
    let inner = expr.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    match inner {
        // They belong together only if nothing lies outside of them.
        Some(inner) if top_level(expr).iter().all(|(at, _)| *at == 0 || *at + 1 == expr.len()) => {
            unwrapped(inner.trim())
        }
        _ => expr,
    }
}

/// The value of an expression of numbers, such as `60 * 60` or `-1e3`.
fn number_of(text: &str) -> Option<f64> {
    let mut product = 1.0;
    let mut is_divided = false;
    for (at, factor) in text.split_inclusive(['*', '/']).enumerate() {
        let (digits, next) = match factor.strip_suffix(['*', '/']) {
            Some(digits) => (digits, factor.ends_with('/')),
            None => (factor, false),
        };
        let number: f64 = digits.trim().trim_start_matches('(').trim_end_matches(')').parse().ok()?;
        product = match (at, is_divided) {
            (0, _) => number,
            (_, true) => product / number,
            (_, false) => product * number,
        };
        is_divided = next;
    }
    let ends_well = !text.trim().is_empty() && !text.trim_end().ends_with(['*', '/']);
    (ends_well && product.is_finite()).then_some(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_found() {
        #[track_caller]
        fn check(expr: &str, value: &str, is_above: bool, limit: f64) {
            assert_eq!(asks(expr), Asks::Limit { value: value.to_owned(), is_above, limit }, "{expr}");
        }
        check("up < 1", "up", false, 1.0);
        check(
            "(sum by (job) (rate(e[5m]))\n / sum by (job) (rate(r[5m])) * 100) > 5",
            "sum by (job) (rate(e[5m]))\n / sum by (job) (rate(r[5m])) * 100",
            true,
            5.0,
        );
        check("(a) / (b) > 0.5", "(a) / (b)", true, 0.5);
        check("((a > 3))", "a", true, 3.0);
        check("time() - t > 60 * 60 * 24", "time() - t", true, 86_400.0);
        check("a{x=\"(>\", y!=\"b\"} > -1e3", "a{x=\"(>\", y!=\"b\"}", true, -1_000.0);
        check("count(a == 0) > 2", "count(a == 0)", true, 2.0);
    }

    #[test]
    fn everything_else_is_asked_whether_it_gives_anything() {
        for expr in [
            "absent(up)",
            "a > 5 # with a remark",
            "a > b",
            "a >= 5",
            "a == 0",
            "a > 5 and b < 3",
            "a > 5 unless on (x) b",
            "5 < a",
            "a > bool 5",
            "1 > 0",
            "a > 3 > 5",
            "",
            "((",
            "a >",
            "a > 5 *",
            "a{b=\"",
            "a > 5 or vector(1)",
        ] {
            assert_eq!(asks(expr), Asks::Anything, "{expr}");
        }
    }
}
