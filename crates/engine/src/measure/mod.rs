//! What a rule measures: `count`, `sum(amount)`, `p99(latency)`, `distinct(user)` and their kin.
//!
//! Reading order: [`Measure`] (what is written), [`Accumulator`] (what keeps it), [`Kind`] and [`MEASURES`] (one file a
//! kind), [`Steps`] (accumulators step by step; a window is the merge of its steps), [`stream`] (all measures of a
//! stream, kept up to date as events arrive).

mod accumulator;
mod avg;
mod count;
mod distinct;
mod indexed;
mod kind;
mod kinds;
mod last;
mod max;
mod member;
mod min;
mod quantile;
mod rate;
mod readers;
pub(crate) mod seen;
mod steps;
pub mod stream;
mod stretches;
mod sum;

pub use accumulator::{Accumulator, Taken};
pub use distinct::Distinct;
pub use kind::{Kind, Read, Reads, Takes};
pub use kinds::MEASURES;
pub use quantile::Quantiles;
pub use rate::Run;
pub use seen::Remembers;
pub use steps::Steps;

/// A kind of measure, and the field of an event that it looks at; samples of a series have only their value.
#[derive(Debug, Clone)]
pub struct Measure {
    /// What is known of its kind.
    pub kind: &'static Kind,
    /// The field; `None` for `count` and for series.
    pub field: Option<String>,
    name: String,
    empty: Steps,
}

impl Measure {
    /// Reads a measure on a stream: `count`, or a kind with a field in parentheses.
    ///
    /// # Errors
    /// A sentence that says what to write instead.
    ///
    /// ```
    /// use lanner_engine::measure::Measure;
    /// assert_eq!(Measure::of_stream("p99.90( latency )").unwrap().to_string(), "p99.9(latency)");
    /// assert!(Measure::of_stream("sum").unwrap_err().contains("sum(amount)"));
    /// ```
    pub fn of_stream(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, field) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let field = rest.strip_suffix(')').map(str::trim).filter(|field| !field.is_empty());
                (name.trim(), Some(field.ok_or_else(|| unknown(text))?.to_owned()))
            }
        };
        let measure = Self::named(name, field).ok_or_else(|| unknown(text))?;
        let Some(takes) = measure.kind.of_events else {
            return Err(format!(
                "{name} measures counters, which are series; of the events of a stream write sum(f), or count"
            ));
        };
        match (takes, &measure.field) {
            (Takes::Presence, Some(_)) => {
                return Err(format!("{name} takes no field; use where to count some events only"));
            }
            (Takes::Presence, None) => {}
            (_, Some(field)) => check_field(name, field)?,
            (_, None) => return Err(format!("{name} needs a field; write for example {name}(amount)")),
        }
        Ok(measure)
    }

    /// Reads a measure on a series: a kind alone.
    ///
    /// # Errors
    /// A sentence that says what to write instead.
    pub fn of_series(text: &str) -> Result<Self, String> {
        let measure = Self::named(text.trim(), None).filter(|measure| measure.kind.of_series.is_some());
        measure.ok_or_else(|| {
            let known = MEASURES.iter().filter(|kind| kind.of_series.is_some()).map(|kind| kind.name);
            format!(
                "\"{}\" is not a measure of a series; known are {}",
                text.chars().take(40).collect::<String>(),
                listed(known.map(str::to_owned))
            )
        })
    }

    fn named(name: &str, field: Option<String>) -> Option<Self> {
        let (kind, read) = MEASURES.iter().find_map(|kind| Some((kind, (kind.read)(name)?)))?;
        let Read { name, empty } = read;
        Some(Self { kind, field, name, empty })
    }

    /// Nothing counted yet.
    #[must_use]
    pub fn steps(&self) -> Steps {
        self.empty.clone()
    }
}

/// Whether a field can be called so; a calculation or a condition in its place would be a field that no event has.
fn check_field(name: &str, field: &str) -> Result<(), String> {
    let holds = |signs: &[&str]| signs.iter().any(|sign| field.contains(sign));
    let shown: String = field.chars().take(40).collect();
    if field.parse::<f64>().is_ok() {
        return Err(format!("{shown} is a number, not a field; write count to count events"));
    }
    if holds(&["=", "<", ">", "&&", "||", " and ", " or ", " in "]) {
        let example = if name == "avg" { "count" } else { "sum(amount)" };
        return Err(format!(
            "\"{shown}\" is a condition, and {name} takes a field; write it under where, beside a measure such as {example}"
        ));
    }
    if field.starts_with(['"', '\'']) {
        return Err(format!("{shown} stands in quotes; write the name of the field without them"));
    }
    if is_calculation(field) {
        return Err(format!(
            "\"{shown}\" is not the name of a field; {name} takes one field as it is, for example {name}(amount)"
        ));
    }
    Ok(())
}

/// Whether something is to be calculated here, where the name of a field is expected.
pub(crate) fn is_calculation(field: &str) -> bool {
    let signs = ["*", "+", "(", ")", "!", "^", "?", ",", ";", "|", "&", "=", "<", ">", " - ", " / ", " % "];
    signs.iter().any(|sign| field.contains(sign))
}

fn unknown(text: &str) -> String {
    let text: String = text.chars().take(40).collect();
    let known = MEASURES.iter().filter(|kind| kind.of_events.is_some()).map(|kind| match kind.of_events {
        Some(Takes::Number | Takes::AnyValue) => kind.name.replace(" to ", "(f) to ") + "(f)",
        _ => kind.name.to_owned(),
    });
    format!("\"{text}\" is not a measure; known are {}", listed(known))
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        self.field.as_ref().map_or(Ok(()), |field| write!(f, "({field})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_read_as_written() {
        for text in ["count", "sum(amount)", "p99(a.b)", "p99.9(x)", "p99.99(x)", "distinct(user)", "last(v)"]
        {
            assert_eq!(Measure::of_stream(text).map(|m| m.to_string()).as_deref(), Ok(text));
        }
        for text in
            ["", "sum", "sum(", "sum()", "count(x)", "p0(x)", "p100(x)", "pNaN(x)", "p(x)", "median(x)"]
        {
            assert!(Measure::of_stream(text).is_err(), "{text}");
        }
        for text in [
            "sum(usage_idle)",
            "sum(user-agent)",
            "sum($.a)",
            "sum(l[0].x)",
            "avg(% Processor Time)",
            "max(ns:x/y@z)",
        ] {
            assert!(Measure::of_stream(text).is_ok(), "{text}");
        }
        assert_eq!(Measure::of_series("p50").unwrap().to_string(), "p50");
        assert!(Measure::of_series("distinct").is_err());
        assert!(Measure::of_series("sum(x)").is_err());
        assert_eq!(Measure::of_series(" rate ").unwrap().to_string(), "rate");
    }

    #[test]
    fn what_is_no_field_says_what_can_be_written() {
        #[track_caller]
        fn check(text: &str, part: &str) {
            let message = Measure::of_stream(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
        check("sum(amount * 2)", "sum takes one field as it is, for example sum(amount)");
        check("sum(amount - fee)", "takes one field");
        check("sum(a+b)", "takes one field");
        check("max(abs(x))", "takes one field");
        check("avg(status == 500)", "write it under where, beside a measure such as count");
        check("sum(amount>5)", "under where");
        check("distinct(a and b)", "under where");
        check("sum(1)", "write count to count events");
        check("sum(\"amount\")", "stands in quotes");
        check("rate(x)", "measures counters, which are series");
        check("rate", "of the events of a stream write sum(f)");
    }

    #[test]
    fn values_come_to_what_the_measure_says() {
        #[track_caller]
        fn check(measure: &str, expected: f64) {
            let mut steps = Measure::of_stream(measure).unwrap().steps();
            for (at, value) in [4.0, 1.0, 4.0, 3.0, 2.0].into_iter().enumerate() {
                let at = at as i64;
                steps.add(at / 2 * 2, at.min(3), Taken::Number(value)); // the last two at one time
            }
            assert_eq!(steps.value(0, 6), Some(Some(expected)), "{measure}");
            assert_eq!(steps.value(6, 9), None, "{measure} of nothing");
        }
        check("count", 5.0);
        check("sum(x)", 14.0);
        check("avg(x)", 2.8);
        check("min(x)", 1.0);
        check("max(x)", 4.0);
        check("last(x)", 3.0);
        check("p50(x)", 3.0);
        check("distinct(x)", 4.0);
    }
}
