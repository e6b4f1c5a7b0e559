//! A use case with a detector for each entity, such as each agent: one use case for each value of a field.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use lanner_core::{TimeRange, content};
use lanner_deep::Cell;
use serde_json::{Value, json};

use super::columns::cell;
use super::documents::time_ms;
use super::entity::{By, Entity};
use super::use_case::TrainingCase;
use super::wazuh::{Asked, DataArgs};
use crate::failure::{Result, remark};
use crate::output::counted;
use crate::tables::few;

/// Different values that are counted at most.
const MAX_VALUES: usize = 10_000;

/// A training for one entity: the same, on its documents alone.
pub(crate) fn training_of(case: &TrainingCase, entity: Entity) -> TrainingCase {
    let only = json!({ "term": { entity.field.as_str(): entity.value } });
    let filter = match &case.filter {
        Some(filter) => json!({ "bool": { "filter": [filter, only] } }),
        None => only,
    };
    let display_name = Some(format!("{} {}", entity.set, entity.value));
    TrainingCase { filter: Some(filter), display_name, by: None, entity: Some(entity), ..case.clone() }
}

/// The number of a use case for one entity, which files are named by.
pub(crate) fn number_of(number: &str, value: &str) -> String {
    let plain: String =
        value.chars().take(40).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    // Two names may look alike without their signs.
    let hash = content::sha256(value.as_bytes());
    if plain == value { format!("{number}_{value}") } else { format!("{number}_{plain}-{}", &hash[..8]) }
}

/// The value of a field, as text.
fn value_of(document: &Value, field: &str) -> Option<String> {
    match cell(document, field)? {
        Cell::Number(number) => Some(number.to_string()),
        Cell::Text(text) => Some(text.to_owned()).filter(|text| !text.is_empty()),
    }
}

/// How many documents of each value there are.
fn counts(data: &DataArgs, asked: &Asked, field: &str) -> Result<BTreeMap<String, u64>> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    data.read(asked, &mut |document| {
        let is_within = |range: TimeRange| time_ms(document).is_some_and(|time_ms| range.contains(time_ms));
        if asked.range.is_none_or(is_within)
            && let Some(value) = value_of(document, field)
            && (counts.len() < MAX_VALUES || counts.contains_key(&value))
        {
            *counts.entry(value).or_default() += 1;
        }
    })?;
    Ok(counts)
}

/// The entities that have the most documents, in order; says which are left out.
pub(crate) fn entities(data: &DataArgs, asked: &Asked, by: &By) -> Result<Vec<String>> {
    let asked = Asked { fields: vec![by.field.clone()], ..asked.clone() };
    let counts = counts(data, &asked, &by.field)?;
    let mut by_count: Vec<(String, u64)> = counts.into_iter().collect();
    by_count.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let left_out: Vec<String> = by_count.iter().skip(by.most).map(|(value, _)| value.clone()).collect();
    if !left_out.is_empty() {
        remark(&format!(
            "{} has {}, and max_entities is {}; left out are those with the fewest documents: {}",
            by.field,
            counted(by_count.len() as u64, "value"),
            by.most,
            few(&left_out)
        ));
    }
    let mut found: Vec<String> = by_count.into_iter().take(by.most).map(|(value, _)| value).collect();
    found.sort();
    Ok(found)
}

/// Looks for entities that came after training.
#[derive(Debug)]
pub(crate) struct Watch {
    field: String,
    known: Vec<String>,
    /// Which documents the detectors look at, whosesoever they are.
    filter: Option<Value>,
    told: Mutex<BTreeSet<String>>,
}

impl Watch {
    pub(crate) fn new(field: &str, known: Vec<String>, filter: Option<Value>) -> Self {
        Self { field: field.to_owned(), known, filter, told: Mutex::default() }
    }

    /// Says whose documents of a stretch nobody judges, once of each.
    pub(crate) fn tell(&self, data: &DataArgs, range: Option<TimeRange>) -> Result<()> {
        let others = json!({ "bool": {
            "filter": self.filter.iter().collect::<Vec<_>>(),
            "must_not": [{ "terms": { self.field.as_str(): self.known } }],
        } });
        let asked = Asked { index_date: None, range, filter: Some(others), fields: vec![self.field.clone()] };
        let found = counts(data, &asked, &self.field)?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<String> = found.into_keys().filter(|value| !told.contains(value)).collect();
        if !new.is_empty() && told.len() < MAX_VALUES {
            let n = if new.len() == 1 { "1 value".to_owned() } else { format!("{} values", new.len()) };
            remark(&format!(
                "{n} of {} without a detector, which nobody judges: {}; train again with their documents",
                self.field,
                few(&new)
            ));
            told.extend(new);
        }
        Ok(())
    }
}

/// The filter of one entity's detector without what selects the entity.
pub(crate) fn filter_of_all(filter: Option<&Value>) -> Option<Value> {
    filter?.pointer("/bool/filter/0").cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entity_has_files_of_its_own() {
        assert_eq!(number_of("15", "web1"), "15_web1");
        let (a, b) = (number_of("15", "web/1"), number_of("15", "web:1"));
        assert!(a != b && a.starts_with("15_web-1-") && b.starts_with("15_web-1-"), "{a} {b}");
        let long = number_of("15", &"ä".repeat(500));
        assert!(long.len() < 60 && long.is_ascii());
    }

    #[test]
    fn filters_are_taken_apart_again() {
        let only = json!({ "term": { "agent.name": "web" } });
        assert_eq!(filter_of_all(Some(&only)), None);
        let both = json!({ "bool": { "filter": [{ "exists": { "field": "a" } }, only] } });
        assert_eq!(filter_of_all(Some(&both)), Some(json!({ "exists": { "field": "a" } })));
        assert_eq!(filter_of_all(None), None);
    }
}
