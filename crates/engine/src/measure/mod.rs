//! What a rule measures: `count`, `sum(amount)`, `p99(latency)`, `distinct(user)` and their kin.
//!
//! A measure is kept per step in a [`Bucket`]; buckets merge, so a window is the merge of its steps. For
//! counts, sums of whole numbers, minima, maxima and distinct counts the order of arrival does not matter.

mod distinct;
mod indexed;
mod member;
mod quantile;
mod readers;
pub(crate) mod seen;
pub mod stream;
mod stretches;

use lanner_core::{Aggregate, Sample};

pub use distinct::Distinct;
pub use quantile::Quantiles;
pub use seen::Remembers;

/// How many values become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// How many.
    Count,
    /// Their sum.
    Sum,
    /// Their arithmetic mean.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The latest.
    Last,
    /// The value below which this share of them lies, in `(0, 1)`.
    Quantile(f64),
    /// How many different ones.
    Distinct,
}

/// A kind, and the field of an event that it looks at; samples of a series have only their value.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// How many values become one.
    pub kind: Kind,
    /// The field; `None` for `count` and for series.
    pub field: Option<String>,
}

const NAMES: [(&str, Kind); 7] = [
    ("count", Kind::Count),
    ("sum", Kind::Sum),
    ("avg", Kind::Avg),
    ("min", Kind::Min),
    ("max", Kind::Max),
    ("last", Kind::Last),
    ("distinct", Kind::Distinct),
];

impl Measure {
    /// Reads a measure on a stream: `count`, or a kind with a field in parentheses.
    ///
    /// # Errors
    /// A sentence that says what to write instead.
    ///
    /// ```
    /// use lanner_engine::measure::Measure;
    /// assert_eq!(Measure::of_stream("p99.9( latency )").unwrap().to_string(), "p99.9(latency)");
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
        let kind = kind(name).ok_or_else(|| unknown(text))?;
        if let Some(field) = field.as_ref().filter(|_| kind != Kind::Count) {
            check_field(name, field)?;
        }
        match (kind, &field) {
            (Kind::Count, Some(_)) => {
                Err("count takes no field; use where to count some events only".to_owned())
            }
            (Kind::Count, None) | (_, Some(_)) => Ok(Self { kind, field }),
            (_, None) => Err(format!("{name} needs a field; write for example {name}(amount)")),
        }
    }

    /// Reads a measure on a series: a kind alone.
    ///
    /// # Errors
    /// A sentence that says what to write instead.
    pub fn of_series(text: &str) -> Result<Self, String> {
        match kind(text.trim()) {
            Some(Kind::Distinct) | None => Err(format!(
                "\"{}\" is not a measure of a series; known are count, sum, avg, min, max, last, and p50 to p99.9",
                text.chars().take(40).collect::<String>()
            )),
            Some(kind) => Ok(Self { kind, field: None }),
        }
    }

    /// What a window without any event or sample comes to: 0 for counts and sums of events.
    #[must_use]
    pub const fn value_when_empty(&self) -> Option<f64> {
        match self.kind {
            Kind::Count | Kind::Sum | Kind::Distinct => Some(0.0),
            _ => None,
        }
    }

    /// Whether it counts, so that no value is below 0.
    #[must_use]
    pub const fn counts(&self) -> bool {
        matches!(self.kind, Kind::Count | Kind::Distinct)
    }

    /// Whether a part of a window comes to less than the whole, as a count does and an average does not.
    #[must_use]
    pub const fn is_total(&self) -> bool {
        matches!(self.kind, Kind::Count | Kind::Sum | Kind::Distinct)
    }

    /// Whether the whole of a window comes to as much as a part at least.
    #[must_use]
    pub const fn only_grows(&self) -> bool {
        matches!(self.kind, Kind::Count | Kind::Distinct | Kind::Max)
    }

    /// An empty bucket.
    #[must_use]
    pub fn bucket(&self) -> Bucket {
        match self.kind {
            Kind::Quantile(_) => Bucket::Quantiles(Quantiles::default()),
            Kind::Distinct => Bucket::Distinct(Distinct::default()),
            _ => Bucket::Plain(None),
        }
    }

    /// What a bucket comes to; `None` when it holds nothing and [`Self::value_when_empty`] does not apply.
    #[must_use]
    pub fn value(&self, bucket: &Bucket) -> Option<f64> {
        match (bucket, self.kind) {
            (Bucket::Plain(None), _) => self.value_when_empty(),
            (Bucket::Plain(Some(all)), Kind::Count) => Some(all.count as f64),
            (Bucket::Plain(Some(all)), Kind::Sum) => Some(all.sum),
            (Bucket::Plain(Some(all)), Kind::Min) => Some(all.min),
            (Bucket::Plain(Some(all)), Kind::Max) => Some(all.max),
            (Bucket::Plain(Some(all)), Kind::Last) => Some(all.last),
            (Bucket::Plain(Some(all)), _) => Some(all.mean()),
            (Bucket::Quantiles(values), Kind::Quantile(share)) => values.quantile(share),
            (Bucket::Quantiles(_), _) => None,
            (Bucket::Distinct(values), _) => Some(values.estimate()),
        }
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

fn kind(name: &str) -> Option<Kind> {
    if let Some((_, kind)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*kind);
    }
    let percent: f64 = name
        .strip_prefix('p')
        .filter(|p| p.bytes().all(|b| b.is_ascii_digit() || b == b'.'))?
        .parse()
        .ok()?;
    (0.0 < percent && percent < 100.0).then_some(Kind::Quantile(percent / 100.0))
}

fn unknown(text: &str) -> String {
    let text: String = text.chars().take(40).collect();
    format!(
        "\"{text}\" is not a measure; known are count, sum(f), avg(f), min(f), max(f), last(f), p50(f) to p99.9(f), distinct(f)"
    )
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            // Rounded to what `kind` reads: the share is a hundredth of what was written.
            Kind::Quantile(share) => write!(f, "p{}", (share * 1e8).round() / 1e6)?,
            kind => {
                f.write_str(NAMES.iter().find(|(_, known)| *known == kind).map_or("", |(name, _)| name))?;
            }
        }
        self.field.as_ref().map_or(Ok(()), |field| write!(f, "({field})"))
    }
}

/// What one step of a measure holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Bucket {
    /// For count, sum, avg, min, max, last.
    Plain(Option<Aggregate>),
    /// For quantiles.
    Quantiles(Quantiles),
    /// For distinct counts.
    Distinct(Distinct),
}

impl Bucket {
    /// Adds one number at one time.
    pub fn add(&mut self, sample: Sample) {
        match self {
            Self::Plain(Some(all)) => all.merge(&Aggregate::of(sample)),
            Self::Plain(empty) => *empty = Some(Aggregate::of(sample)),
            Self::Quantiles(values) => values.add(sample.value),
            Self::Distinct(values) => values.add(sample.value.to_bits()),
        }
    }

    /// Adds what another bucket of the same measure holds.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Plain(Some(all)), Self::Plain(Some(more))) => all.merge(more),
            (Self::Plain(empty), Self::Plain(more)) => *empty = empty.or(*more),
            (Self::Quantiles(values), Self::Quantiles(more)) => values.merge(more),
            (Self::Distinct(values), Self::Distinct(more)) => values.merge(more),
            _ => debug_assert!(false, "buckets of different measures"),
        }
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
    }

    #[test]
    fn buckets_merge_to_the_whole() {
        #[track_caller]
        fn check(measure: &str, expected: Option<f64>) {
            let measure = Measure::of_stream(measure).unwrap();
            let (mut left, mut right) = (measure.bucket(), measure.bucket());
            for (at, value) in [4.0, 1.0, 4.0].into_iter().enumerate() {
                left.add(Sample::new(at as i64, value));
            }
            right.add(Sample::new(9, 3.0));
            left.merge(&right);
            assert_eq!(measure.value(&left), expected, "{measure}");
            let nothing = measure.bucket();
            assert_eq!(measure.value(&nothing), measure.value_when_empty(), "{measure} of nothing");
        }
        check("count", Some(4.0));
        check("sum(x)", Some(12.0));
        check("avg(x)", Some(3.0));
        check("min(x)", Some(1.0));
        check("max(x)", Some(4.0));
        check("last(x)", Some(3.0));
        check("p50(x)", Some(3.0));
        check("distinct(x)", Some(3.0));
    }
}
