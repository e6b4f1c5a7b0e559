//! What a word in a text means.

use serde_json::Value;

/// A word as a value: a number as it is written in decimal becomes one, `true` and `false` become truths, all else stays
/// text. So do numbers with an exponent or a leading zero, which are rather parts of identifiers, and those that a number
/// could not hold to the last digit.
pub(super) fn typed(word: &str) -> Value {
    match word {
        "true" => true.into(),
        "false" => false.into(),
        _ => number(word).unwrap_or_else(|| word.into()),
    }
}

fn number(word: &str) -> Option<Value> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let is_decimal = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_decimal(whole) || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    match fraction {
        None => word.parse::<i64>().ok().map(Value::from),
        Some(fraction) if is_decimal(fraction) && whole.len() <= 15 && fraction.len() <= 20 => {
            word.parse::<f64>().ok().map(Value::from)
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words() {
        #[track_caller]
        fn check(word: &str, expected: &Value) {
            assert_eq!(typed(word), *expected, "{word}");
        }
        check("500", &json!(500));
        check("-3", &json!(-3));
        check("0", &json!(0));
        check("0.25", &json!(0.25));
        check("9223372036854775807", &json!(9_223_372_036_854_775_807_i64));
        check("true", &json!(true));
        for text in
            ["", "-", "007", "1e5", "1.", ".5", "9223372036854775808", "1.2.3", "0x10", "NaN", "12ms", "TRUE"]
        {
            check(text, &json!(text));
        }
    }
}
