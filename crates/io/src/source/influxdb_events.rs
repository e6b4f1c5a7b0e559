//! Events that lie in a measurement of an InfluxDB, counted there: its keys are asked for first, because what a condition means depends on which
//! of them are tags, and on the types of the others.

use std::collections::BTreeMap;

use lanner_conditions::Condition;
use lanner_conditions::export::Refused;
use lanner_conditions::export::influxql::{Keys, Kind, Said, quoted};
use lanner_core::{EventsQuery, WindowQuery};
use serde_json::Value;

use super::RequestError;
use super::counting::{compiled, refusal};
use super::measured::{Aggregate, Measured};

/// The keys of a measurement by name.
pub(super) type Kinds = BTreeMap<String, Kind>;

/// Asks for the fields of a measurement, and then for its tags.
pub(super) fn asks_for_keys(measurement: &str) -> String {
    let measurement = quoted(measurement);
    format!("SHOW FIELD KEYS FROM {measurement};SHOW TAG KEYS FROM {measurement}")
}

/// The keys, as the rows of both answers say them.
pub(super) fn kinds<'r, R: Iterator<Item = &'r Vec<Value>>>(
    answers: impl Iterator<Item = R>,
) -> Result<Kinds, RequestError> {
    let mut kinds = Kinds::new();
    for row in answers.flatten() {
        let strange = || RequestError::permanent("answers something other than the keys of a measurement");
        let name = row.first().and_then(Value::as_str).ok_or_else(strange)?;
        let kind = match row.get(1).and_then(Value::as_str) {
            None => Kind::Tag,
            Some("integer") => Kind::Integer,
            Some("float") => Kind::Float,
            Some("string") => Kind::Text,
            Some("boolean") => Kind::Truth,
            Some(_) => Kind::Mixed,
        };
        // Of several types, or a tag and a field of one name.
        kinds.entry(name.to_owned()).and_modify(|known| *known = Kind::Mixed).or_insert(kind);
    }
    Ok(kinds)
}

/// The query as one in InfluxQL; `None` where no event counts.
///
/// # Errors
/// What cannot be said with the same meaning.
pub(super) fn query(query: &EventsQuery, kinds: Kinds) -> Result<Option<WindowQuery>, RequestError> {
    let condition = query.condition.as_deref().map(compiled).transpose()?;
    let measured = Measured::read(&query.measure)?;
    // Nothing was ever written: there are no events.
    if kinds.is_empty() {
        return Ok(None);
    }
    let counted = query.counted.clone().unwrap_or_default();
    let keys = Keys { measurement: query.table.clone(), counted, kinds: Some(kinds) };
    let said = written(query, measured, condition.as_ref(), &keys).map_err(|refused| refusal(&refused))?;
    Ok(said.map(|query_text| WindowQuery { query: query_text, window_ms: query.window_ms }))
}

fn written(
    query: &EventsQuery,
    measured: Measured<'_>,
    condition: Option<&Condition>,
    keys: &Keys,
) -> Result<Option<String>, Refused> {
    let value = match measured {
        Measured::Count => format!("count({})", keys.value(&keys.counted)?),
        Measured::Of(aggregate, field) => format!("{}({})", name(aggregate), keys.number(field)?),
        Measured::Distinct(field) => format!("count(distinct({}))", keys.value(field)?),
        Measured::Last(_) | Measured::Quantile(..) => {
            return Err(Refused::new(
                format!("{} is something else under that name in InfluxQL", query.measure),
                "measure max or avg, or write the query as `influxql`",
            ));
        }
    };
    let condition = match condition.map(|condition| keys.condition(condition.expr())).transpose()? {
        Some(Said::Never) => return Ok(None),
        Some(Said::Where(condition)) => format!(" AND {}", without_bounds(&condition)?),
        Some(Said::Always) | None => String::new(),
    };
    let by = query.by.iter().map(|name| keys.tag(name)).collect::<Result<Vec<_>, _>>()?;
    let by = if by.is_empty() { String::new() } else { format!(" GROUP BY {}", by.join(", ")) };
    let measurement = quoted(&query.table);
    Ok(Some(format!(
        "SELECT {value} FROM {measurement} WHERE time >= :from AND time < :until{condition}{by}"
    )))
}

/// The times of a window are put in where they are named.
fn without_bounds(condition: &str) -> Result<&str, Refused> {
    match [":from", ":until"].iter().find(|bound| condition.contains(**bound)) {
        Some(bound) => Err(Refused::new(format!("the condition holds {bound}"), "leave it out")),
        None => Ok(condition),
    }
}

const fn name(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Sum => "sum",
        Aggregate::Avg => "mean",
        Aggregate::Min => "min",
        Aggregate::Max => "max",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Kinds {
        let fields = [
            json!(["n", "integer"]),
            json!(["m", "float"]),
            json!(["m", "string"]),
            json!(["note", "string"]),
        ];
        let rows =
            |rows: &[Value]| rows.iter().map(|row| row.as_array().unwrap().clone()).collect::<Vec<_>>();
        let answers = [rows(&fields), rows(&[json!(["bank"]), json!(["note"])])];
        kinds(answers.iter().map(|rows| rows.iter())).unwrap()
    }

    fn asked(measure: &str, condition: Option<&str>, by: &[&str]) -> Result<Option<String>, RequestError> {
        let events = EventsQuery {
            table: "pay\"ments".to_owned(),
            time: "time".to_owned(),
            counted: Some("n".to_owned()),
            window_ms: 60_000,
            measure: measure.to_owned(),
            condition: condition.map(str::to_owned),
            by: by.iter().map(|name| (*name).to_owned()).collect(),
        };
        Ok(query(&events, known())?.map(|query| query.query))
    }

    #[test]
    fn keys_are_read() {
        let expected = [("bank", Kind::Tag), ("m", Kind::Mixed), ("n", Kind::Integer), ("note", Kind::Mixed)];
        assert_eq!(known(), expected.map(|(name, kind)| (name.to_owned(), kind)).into());
    }

    #[test]
    fn measures_are_written_in_influxql() {
        #[track_caller]
        fn check(measure: &str, condition: Option<&str>, by: &[&str], expected: &str) {
            assert_eq!(asked(measure, condition, by).unwrap().as_deref(), Some(expected));
        }
        const FROM: &str = r#"FROM "pay\"ments" WHERE time >= :from AND time < :until"#;
        check("count", None, &[], &format!(r#"SELECT count("n") {FROM}"#));
        check(
            "avg(n)",
            Some("bank == a"),
            &["bank"],
            &format!(r#"SELECT mean("n"::float) {FROM} AND "bank" = 'a' GROUP BY "bank""#),
        );
        check("distinct(n)", None, &[], &format!(r#"SELECT count(distinct("n")) {FROM}"#));
        assert_eq!(asked("count", Some(r#"bank == """#), &[]), Ok(None));
    }

    #[test]
    fn what_is_counted_differently_is_refused_by_name() {
        #[track_caller]
        fn check(measure: &str, condition: Option<&str>, by: &[&str], expected: &str) {
            let why = asked(measure, condition, by).unwrap_err();
            assert!(!why.is_temporary() && why.message.contains(expected), "{why}");
        }
        check("p99(n)", None, &[], "p99(n) is something else under that name in InfluxQL");
        check("sum(m)", None, &[], "`m` is of different types in different points, and no number");
        check("count", None, &["n"], "`n` is a field of integers, and its values form no groups");
        check("count", Some(r#"bank == ":from""#), &[], "the condition holds :from");
        check("count", Some("bnak == a"), &[], "has no tag or field `bnak`; did you mean `bank`?");
    }
}
