//! What is measured of events that another server counts, as an [`EventsQuery`](lanner_core::EventsQuery) writes it.

use super::RequestError;

/// What is measured, and of which field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measured<'q> {
    /// How many events there are.
    Count,
    /// Something of the numbers in a field.
    Of(Aggregate, &'q str),
    /// How many different values there are in a field.
    Distinct(&'q str),
    /// The latest number in a field; of several at one millisecond the largest.
    Last(&'q str),
    /// The number at this share of all, by the nearest rank.
    Quantile(f64, &'q str),
}

/// What numbers come to together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Sum,
    Avg,
    Min,
    Max,
}

impl<'q> Measured<'q> {
    /// Reads `count`, `sum(amount)`, `p99(ms)`.
    pub(super) fn read(text: &'q str) -> Result<Self, RequestError> {
        let unknown =
            || RequestError::permanent(format!("\"{text}\" is not a measure that other servers count"));
        let Some((name, rest)) = text.split_once('(') else {
            return if text == "count" { Ok(Self::Count) } else { Err(unknown()) };
        };
        let field = rest.strip_suffix(')').unwrap_or(rest);
        Ok(match name {
            "sum" => Self::Of(Aggregate::Sum, field),
            "avg" => Self::Of(Aggregate::Avg, field),
            "min" => Self::Of(Aggregate::Min, field),
            "max" => Self::Of(Aggregate::Max, field),
            "distinct" => Self::Distinct(field),
            "last" => Self::Last(field),
            _ => {
                let percent = name.strip_prefix('p').and_then(|text| text.parse::<f64>().ok());
                Self::Quantile(percent.ok_or_else(unknown)? / 100.0, field)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_read() {
        let read = |text| Measured::read(text).ok();
        assert_eq!(read("count"), Some(Measured::Count));
        assert_eq!(read("avg(card.amount)"), Some(Measured::Of(Aggregate::Avg, "card.amount")));
        assert_eq!(read("p99.9(ms)"), Some(Measured::Quantile(99.9 / 100.0, "ms")));
        assert_eq!((read("median(ms)"), read("sum")), (None, None));
    }
}
