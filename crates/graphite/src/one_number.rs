//! One number in a text: `cpu %d`, `%.2f ms`, as `printf` has it.

use super::number::{digits, scientific, shortest};

/// Characters that a number may be wide, and digits that it may have.
const MAX_WIDTH: usize = 64;

/// `format` with its one `%...` replaced by `value`.
///
/// # Errors
/// For people: when there is none or more than one, or it is not one for a number.
pub(super) fn with_number(format: &str, value: f64) -> Result<String, String> {
    let wrong =
        |what: &str| format!("'{format}' must have one place for a number, such as %d or %.2f: {what}");
    let mut text = String::with_capacity(format.len() + 16);
    let mut n_places = 0;
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        n_places += 1;
        if n_places > 1 {
            return Err(wrong("it has more"));
        }
        let (number, after) = place(after, value).map_err(|what| wrong(&what))?;
        text.push_str(&number);
        rest = after;
    }
    text.push_str(rest);
    if n_places == 0 { Err(wrong("it has none")) } else { Ok(text) }
}

/// The number as what follows `%` wants it, and the rest.
fn place(after: &str, value: f64) -> Result<(String, &str), String> {
    let flags = after.len() - after.trim_start_matches(['-', '+', ' ', '0', '#']).len();
    let (flags, rest) = after.split_at(flags);
    let (width, rest) = count(rest)?;
    let (precision, rest) = match rest.strip_prefix('.') {
        Some(rest) => count(rest).map(|(n, rest)| (Some(n.unwrap_or(0)), rest))?,
        None => (None, rest),
    };
    let mut chars = rest.chars();
    let kind = chars.next().ok_or("nothing follows %")?;
    let number = unsigned(kind, value.abs(), precision)?;
    let sign = match value {
        _ if value.is_sign_negative() && !(matches!(kind, 'd' | 'i' | 'u') && value.trunc() == 0.0) => "-",
        _ if flags.contains('+') => "+",
        _ if flags.contains(' ') => " ",
        _ => "",
    };
    let pad = width.unwrap_or(0).saturating_sub(sign.len() + number.len());
    let padded = match () {
        () if flags.contains('-') => format!("{sign}{number}{}", " ".repeat(pad)),
        () if flags.contains('0') && kind != 's' => format!("{sign}{}{number}", "0".repeat(pad)),
        () => format!("{}{sign}{number}", " ".repeat(pad)),
    };
    Ok((padded, chars.as_str()))
}

/// A count, if one is here.
fn count(text: &str) -> Result<(Option<usize>, &str), String> {
    let n_digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = text.split_at(n_digits);
    if number.is_empty() {
        return Ok((None, rest));
    }
    let number = number.parse().ok().filter(|n| *n <= MAX_WIDTH);
    number.map(|n| (Some(n), rest)).ok_or_else(|| format!("numbers have at most {MAX_WIDTH} characters"))
}

fn unsigned(kind: char, value: f64, precision: Option<usize>) -> Result<String, String> {
    let n = precision.unwrap_or(6);
    Ok(match kind {
        'd' | 'i' | 'u' if value.is_finite() => format!("{:.0}", value.trunc()),
        'd' | 'i' | 'u' => return Err("infinity is not a whole number".to_owned()),
        'f' | 'F' if value.is_finite() => format!("{value:.n$}"),
        'e' | 'E' if value.is_finite() => {
            let text = format!("{value:.n$e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let text = scientific(mantissa, exponent.parse().unwrap_or(0));
            if kind == 'E' { text.to_uppercase() } else { text }
        }
        'g' => digits(value, n),
        'G' => digits(value, n).to_uppercase(),
        'f' | 'F' | 'e' | 'E' | 's' | 'r' => {
            let text = shortest(value);
            precision.filter(|_| "sr".contains(kind)).map_or(text.clone(), |n| text.chars().take(n).collect())
        }
        other => return Err(format!("%{other} is not for numbers")),
    })
}

#[cfg(test)]
mod tests {
    use super::with_number;

    #[test]
    fn places() {
        #[track_caller]
        fn check(format: &str, value: f64, expected: &str) {
            assert_eq!(with_number(format, value).as_deref(), Ok(expected));
        }
        check("cpu %d", 34.9, "cpu 34");
        check("%d", -0.5, "0");
        check("%d", -34.9, "-34");
        check("%.2f ms", 1.005, "1.00 ms");
        check("%5d|", 42.0, "   42|");
        check("%-5d|", 42.0, "42   |");
        check("%05d|", -42.0, "-0042|");
        check("%+.1f", 2.0, "+2.0");
        check("%s%%", 0.1, "0.1%");
        check("%g", 1e-7, "1e-07");
        check("%e", 12345.678, "1.234568e+04");
        check("%f", 2.0, "2.000000");
        check("%f", f64::INFINITY, "inf");
    }

    #[test]
    fn what_is_refused() {
        for format in ["", "cpu", "100%%", "%d %d", "%", "%q", "%x", "%999999999d", "%.99f", "%(a)d", "%*d"] {
            assert!(with_number(format, 1.0).is_err(), "{format}");
        }
        assert_eq!(
            with_number("cpu", 1.0).unwrap_err(),
            "'cpu' must have one place for a number, such as %d or %.2f: it has none"
        );
        assert!(with_number("%d", f64::INFINITY).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text(format in "[%a0-9.+ #sdfgexé-]{0,12}", value: f64) {
            let _ = with_number(&format, value);
        }
    }
}
