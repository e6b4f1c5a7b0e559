//! A use case as text, made of a few answers, and what to propose for them: the fields that documents have.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lanner_deep::Method;
use serde_json::Value;

use super::times::granularity;
use super::use_case::feature;

/// Different fields that are counted at most.
const MAX_FIELDS: usize = 2_000;

const DAY_MS: f64 = 86_400_000.0;

/// A column and what becomes of its values in a unit of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnChoice {
    pub(crate) field: String,
    pub(crate) methods: Vec<String>,
}

/// What a use case is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choices {
    pub(crate) name: String,
    /// Dates of indices, such as `2026-11-*`.
    pub(crate) index_date: String,
    /// The field and the value of whom alone is looked at.
    pub(crate) entity: Option<(String, String)>,
    /// The field whose values have a detector each.
    pub(crate) by: Option<String>,
    pub(crate) columns: Vec<ColumnChoice>,
    pub(crate) granularity: String,
    pub(crate) window: usize,
    pub(crate) epochs: usize,
    /// False alarms a day that are accepted.
    pub(crate) alarms_per_day: f64,
    /// When is predicted; `None` for training only.
    pub(crate) mode: Option<String>,
}

/// `data.cpu_usage_%=average,max`, or a field alone.
pub(crate) fn column(text: &str) -> Result<ColumnChoice, String> {
    let (field, methods) = text.rsplit_once('=').unwrap_or((text, "average,max"));
    let field = field.trim();
    let methods: Vec<String> = methods.split(',').map(|method| method.trim().to_owned()).collect();
    let known = "average, max, min, count, sum or cardinality";
    match methods.iter().find(|method| feature(field, method).is_none()) {
        _ if field.is_empty() => {
            Err(format!("\"{text}\" names no field; write for example rule.level=max,count"))
        }
        Some(method) => Err(format!("\"{method}\" in \"{text}\" should be {known}")),
        None => Ok(ColumnChoice { field: field.to_owned(), methods }),
    }
}

/// `agent.name=web`
pub(crate) fn entity(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.trim().is_empty() && !value.trim().is_empty() => {
            Ok((field.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(format!("\"{text}\" should be a field and its value, for example agent.name=web")),
    }
}

/// The share of units that may be false alarms, for a number of them a day.
pub(crate) fn risk(alarms_per_day: f64, unit: &str) -> Result<f64, String> {
    let n_units = DAY_MS / granularity(unit)? as f64;
    let risk = alarms_per_day / n_units;
    // Beyond that there is no tail to look at.
    if risk > 0.0 && risk <= 0.05 {
        return Ok(risk);
    }
    let most = n_units * 0.05;
    Err(format!(
        "{alarms_per_day} alarms a day should be above 0, and at most {most:.3} with units of {unit}"
    ))
}

impl Choices {
    /// The use case.
    ///
    /// # Errors
    /// So many alarms a day are not possible with units of that length.
    pub(crate) fn to_yaml(&self) -> Result<String, String> {
        let risk = risk(self.alarms_per_day, &self.granularity)?;
        let mut text =
            String::from("# Made by lanner detector new. Run it with: lanner detector run FILE\ntraining:\n");
        let mut put = |line: std::fmt::Arguments<'_>| _ = writeln!(text, "{line}");
        put(format_args!("  display_name: {}", quoted(&self.name)));
        put(format_args!("  index_date: {}", quoted(&self.index_date)));
        if let Some((field, value)) = &self.entity {
            put(format_args!("  # Whose alerts are looked at."));
            put(format_args!("  alert_filter: {{ term: {{ {}: {} }} }}", quoted(field), quoted(value)));
        }
        if let Some(field) = &self.by {
            put(format_args!("  # Each value of this field has a detector of its own."));
            put(format_args!("  by: {}", quoted(field)));
        }
        put(format_args!("  columns:"));
        self.columns.iter().for_each(|column| put(format_args!("    - {}", quoted(&column.field))));
        put(format_args!("  aggregation_config:"));
        put(format_args!("    granularity: {}", quoted(&self.granularity)));
        put(format_args!("    fill_na_method: Zero"));
        put(format_args!("    features:"));
        for column in &self.columns {
            let methods: Vec<String> = column.methods.iter().map(|method| quoted(method)).collect();
            put(format_args!("      {}: [{}]", quoted(&column.field), methods.join(", ")));
        }
        put(format_args!("  train_config:"));
        put(format_args!("    window_size: {}", self.window));
        put(format_args!("    epochs: {}", self.epochs));
        put(format_args!(
            "    # The share of units that may be false alarms: {} a day.",
            self.alarms_per_day
        ));
        put(format_args!("    q: {risk}"));
        put(format_args!("    level: {}", (1.0 - 10.0 * risk).clamp(0.5, 0.99)));
        if let Some(mode) = &self.mode {
            put(format_args!("prediction:"));
            put(format_args!("  run_mode: {}", quoted(mode)));
        }
        Ok(text)
    }
}

/// Text in quotes, as YAML and JSON both read it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A field that documents have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldSeen {
    pub(crate) name: String,
    /// Documents that have it, and those of them in which it is a number.
    pub(crate) n: u64,
    pub(crate) n_numbers: u64,
}

impl FieldSeen {
    /// What suggests itself: numbers are averaged, other values counted.
    pub(crate) fn choice(&self) -> ColumnChoice {
        let methods: &[&str] =
            if self.n_numbers * 10 >= self.n * 9 { &["average", "max"] } else { &["count", "cardinality"] };
        ColumnChoice {
            field: self.name.clone(),
            methods: methods.iter().map(|&method| method.to_owned()).collect(),
        }
    }
}

/// The fields of documents, as they are counted.
#[derive(Debug, Default)]
pub(crate) struct FieldsSeen(BTreeMap<String, (u64, u64)>);

impl FieldsSeen {
    pub(crate) fn add(&mut self, document: &Value) {
        self.walk("", document);
    }

    fn walk(&mut self, path: &str, value: &Value) {
        let first = value.as_array().map_or(Some(value), |items| items.first());
        let is_number = match first {
            Some(Value::Object(fields)) => {
                for (name, value) in fields {
                    let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.walk(&inner, value);
                }
                return;
            }
            Some(Value::Number(_)) => true,
            Some(Value::String(text)) => text.trim().parse::<f64>().is_ok(),
            Some(Value::Bool(_)) => false,
            _ => return,
        };
        if self.0.len() < MAX_FIELDS || self.0.contains_key(path) {
            let counts = self.0.entry(path.to_owned()).or_default();
            *counts = (counts.0 + 1, counts.1 + u64::from(is_number));
        }
    }

    /// The fields, numbers and frequent ones first; what tells one document from all others is left out.
    pub(crate) fn found(&self) -> Vec<FieldSeen> {
        let is_time_or_id =
            |name: &str| matches!(name, "timestamp" | "@timestamp" | "id" | "_id" | "full_log");
        let seen = |(name, (n, n_numbers)): (&String, &(u64, u64))| FieldSeen {
            name: name.clone(),
            n: *n,
            n_numbers: *n_numbers,
        };
        let mut all: Vec<FieldSeen> =
            self.0.iter().map(seen).filter(|field| !is_time_or_id(&field.name)).collect();
        all.sort_by(|a, b| (b.n_numbers, b.n).cmp(&(a.n_numbers, a.n)).then(a.name.cmp(&b.name)));
        all
    }
}

/// Whether a method needs numbers.
pub(crate) fn needs_numbers(field: &str, method: &str) -> bool {
    let method = feature(field, method).map(|feature| feature.method);
    !matches!(method, Some(Method::Count | Method::Distinct))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::adbox::entity::By;
    use crate::adbox::scenario::from_yaml;

    fn choices() -> Choices {
        Choices {
            name: "web: \"1\"".to_owned(),
            index_date: "2026-11-*".to_owned(),
            entity: Some(("agent.name".to_owned(), "web #1".to_owned())),
            by: Some("data.srcip".to_owned()),
            columns: vec![column("data.cpu_usage_%").unwrap(), column("rule.level = count , max").unwrap()],
            granularity: "5min".to_owned(),
            window: 12,
            epochs: 20,
            alarms_per_day: 1.0,
            mode: Some("realtime".to_owned()),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = choices().to_yaml().unwrap();
        let read = from_yaml(&text).unwrap();
        assert_eq!(read.remarks, Vec::<String>::new(), "{text}");
        let training = read.training.unwrap();
        assert_eq!((training.display_name.as_deref(), training.unit_ms), (Some("web: \"1\""), 300_000));
        assert_eq!(training.filter, Some(json!({ "term": { "agent.name": "web #1" } })));
        assert_eq!(training.by, Some(By { field: "data.srcip".to_owned(), most: 20 }));
        let names: Vec<&str> = training.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(
            names,
            ["data.cpu_usage_%_average", "data.cpu_usage_%_max", "rule.level_count", "rule.level_max"]
        );
        // One in 288 units.
        assert!((training.settings.q - 1.0 / 288.0).abs() < 1e-12 && training.settings.level < 0.97);
        assert_eq!((training.settings.window_size, training.settings.epochs), (12, 20));
        assert_eq!(read.prediction.unwrap().mode.name(), "REALTIME");
        assert!(
            Choices { mode: None, entity: None, ..choices() }
                .to_yaml()
                .is_ok_and(|text| !text.contains("prediction"))
        );
    }

    #[test]
    fn answers_are_checked() {
        #[track_caller]
        fn check<T: std::fmt::Debug>(found: Result<T, String>, part: &str) {
            let found = found.unwrap_err();
            assert!(found.contains(part), "{found}");
        }
        check(column("rule.level=mean"), "\"mean\" in \"rule.level=mean\" should be average");
        check(column("=max"), "names no field");
        check(entity("agent.name"), "for example agent.name=web");
        check(entity("agent.name="), "for example");
        check(risk(100.0, "1h"), "at most 1.200");
        check(risk(f64::NAN, "1h"), "above 0");
        check(risk(1.0, "1week"), "is no unit of time");
    }

    #[test]
    fn fields_are_proposed() {
        let mut seen = FieldsSeen::default();
        for n in 0..10 {
            seen.add(&json!({ "timestamp": n, "rule": { "level": n, "groups": ["ssh"] }, "data": { "cpu": "5.5", "odd": null } }));
        }
        let found = seen.found();
        let names: Vec<&str> = found.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["data.cpu", "rule.level", "rule.groups"]);
        assert_eq!(found[2].choice().methods, ["count", "cardinality"]);
        assert_eq!(found[0].choice().methods, ["average", "max"]);
    }
}
