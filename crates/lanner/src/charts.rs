//! Charts as one HTML file, to zoom into; nothing is loaded from anywhere.
//!
//! The page is `charts/page.html` with `style.css` and `script.js`; here its data is written, as JSON in which no text can end the
//! script. Two commands show their results so: `lanner detect` and `lanner detector evaluate`.
//!
//! | Of the head | Meaning |
//! | --- | --- |
//! | `title`, `note` | the heading, and the end of the line below it |
//! | `summary` | that line; without it, findings and rows are counted |
//! | `facts` | pairs of names and values, as a table; may be missing |
//! | `has_times`, `zone` | whether moments are milliseconds since 1970, and by which clocks they are shown |
//! | `threshold`, `rows` | the score that decides, and how many rows there were |
//!
//! | Of a series | Meaning |
//! | --- | --- |
//! | `name`, `caption` | its name, and what the lower curve is called, `score` if missing |
//! | `steps` | from each moment to the next, the first from 0 |
//! | `together` | rows that one point stands for |
//! | `least`, `greatest` | the value, from and to; the second may be missing |
//! | `expected`, `lower`, `upper`, `score` | a number for each moment, or nothing |
//! | `limit` | the line through the lower curve; the threshold if missing, none if null |
//! | `holes`, `incidents` | from when to when nothing is there, or something is known to be wrong |
//! | `findings`, `listed` | from, to, score and words; whether they are in the list, true if missing |

use std::io::Write;

use serde_json::Value;

const PAGE: &str = include_str!("charts/page.html");
pub(crate) const STYLE: &str = include_str!("charts/style.css");
const SCRIPT: &str = include_str!("charts/script.js");

/// Points of all series together.
const MAX_POINTS: usize = 300_000;

/// Findings of a series that are drawn; a page is for people.
pub(crate) const MAX_FINDINGS: usize = 2_000;

/// Points drawn of each of `n_series` series; longer ones are thinned.
pub(crate) fn points_each(n_series: usize) -> usize {
    (MAX_POINTS / n_series.max(1)).clamp(200, 20_000)
}

/// Writes the page.
pub(crate) fn write(
    to: &mut impl Write,
    head: &Value,
    series: impl Iterator<Item = Value>,
) -> std::io::Result<()> {
    let (before, after) = PAGE.split_once("{{data}}").unwrap_or((PAGE, ""));
    to.write_all(filled(before).as_bytes())?;
    write!(to, "{{\"head\":{},\"series\":[", harmless(head))?;
    for (index, one) in series.enumerate() {
        let comma = if index == 0 { "" } else { ",\n" };
        write!(to, "{comma}{}", harmless(&one))?;
    }
    to.write_all(b"]}")?;
    to.write_all(filled(after).as_bytes())
}

fn filled(part: &str) -> String {
    part.replace("{{style}}", STYLE).replace("{{script}}", SCRIPT)
}

/// Seven digits; nothing where there is no number, and `infinite` where it is beyond all measure.
pub(crate) fn number(number: f64, infinite: f64) -> Value {
    if number.is_nan() {
        return Value::Null;
    }
    let number = number.clamp(-1e300, 1e300);
    let number = if number >= 1e300 { infinite } else { number };
    format!("{number:.6e}").parse::<f64>().map_or(Value::Null, Value::from)
}

/// JSON in which nothing looks like HTML.
fn harmless(value: &Value) -> String {
    // These can only stand within texts.
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_stay_texts() {
        let name = "</script><script>alert(1)</script>&amp;\u{2028}\"'{{style}}";
        let mut page = Vec::new();
        write(&mut page, &json!({ "title": name }), [json!({ "name": name })].into_iter()).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert_eq!(page.matches("<script").count(), PAGE.matches("<script").count());
        let (_, data) = page.split_once("type=\"application/json\">").unwrap();
        let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
        assert_eq!((&data["series"][0]["name"], &data["head"]["title"]), (&name.into(), &name.into()));
    }

    #[test]
    fn the_page_loads_nothing() {
        for word in ["http:", "https:", "//cdn", "src=", "@import", "url(", "innerHTML", "eval("] {
            assert!([PAGE, STYLE, SCRIPT].iter().all(|part| !part.contains(word)), "{word}");
        }
    }

    #[test]
    fn numbers_have_seven_digits() {
        assert_eq!(number(1.0 / 3.0, 9.0), json!(0.333_333_3));
        assert_eq!((number(f64::NAN, 9.0), number(f64::INFINITY, 9.0)), (Value::Null, json!(9.0)));
    }
}
