//! Events that lie in an index of OpenSearch, counted there: its mappings are asked for first, because what a condition means depends on
//! how fields are indexed; and whether fields hold several values, of which each would be asked by itself.

use std::collections::{BTreeMap, BTreeSet};

use lanner_conditions::Condition;
use lanner_conditions::export::Refused;
use lanner_conditions::export::search::{Fields, Mapping};
use lanner_core::{EventsQuery, Instants, SearchQuery};
use serde::Deserialize;
use serde_json::{Value, json};

use super::RequestError;
use super::counting::{compiled, refusal};
use super::endpoint::Server;
use super::measured::{Aggregate, Measured};

/// The query as one of documents: fields by the names under which they can be asked, which may be beside those that they have.
pub(super) async fn search_query(
    server: &Server,
    query: &EventsQuery,
    instants: Instants,
) -> Result<SearchQuery, RequestError> {
    let condition = query.condition.as_deref().map(compiled).transpose()?;
    let measured = Measured::read(&query.measure)?;
    let mappings = mappings(server, query, measured, condition.as_ref()).await?;
    let asked: Vec<String> = mappings.iter().map(|(name, mapping)| mapping.field(name).to_owned()).collect();
    let fields = Fields::Of { index: query.table.clone(), mappings };
    let search =
        translated(query, measured, condition.as_ref(), &fields).map_err(|refused| refusal(&refused))?;
    if !asked.is_empty() {
        let body = counts_of_values(&search, &asked, instants);
        let body = server.ask_json(&[query.table.as_str(), "_search"], &[], &body).await?;
        let answer: Counts =
            serde_json::from_slice(&body).map_err(|error| server.strange("OpenSearch's JSON", &error))?;
        answer.check(&asked).map_err(|refused| refusal(&refused))?;
    }
    Ok(search)
}

/// Asks how many documents have each field, and how many values these hold.
fn counts_of_values(query: &SearchQuery, asked: &[String], instants: Instants) -> Value {
    let mut counts = serde_json::Map::new();
    for (at, field) in asked.iter().enumerate() {
        let values = json!({ "values": { "value_count": { "field": field } } });
        counts.insert(at.to_string(), json!({ "filter": { "exists": { "field": field } }, "aggs": values }));
    }
    let range = json!({
        "gte": (instants.first_ms + 1).saturating_sub(query.window_ms).to_string(),
        "lt": (instants.last_ms + 1).to_string(),
        "format": "epoch_millis",
    });
    let range = json!({ "range": { query.time.as_str(): range } });
    json!({ "size": 0, "track_total_hits": false, "query": { "bool": { "filter": [range] } }, "aggs": counts })
}

#[derive(Debug, Deserialize)]
struct Counts {
    aggregations: BTreeMap<String, OfValues>,
}

#[derive(Debug, Deserialize)]
struct OfValues {
    doc_count: f64,
    values: NumberOf,
}

#[derive(Debug, Deserialize)]
struct NumberOf {
    value: f64,
}

impl Counts {
    /// Refuses fields with several values in one document.
    fn check(&self, asked: &[String]) -> Result<(), Refused> {
        let holds_several = |at: &usize| {
            self.aggregations
                .get(&at.to_string())
                .is_some_and(|counts| counts.values.value > counts.doc_count)
        };
        match (0..asked.len()).find(holds_several) {
            None => Ok(()),
            Some(at) => Err(Refused::new(
                format!(
                    "some documents hold several values of `{}`, and each would count by itself",
                    asked[at]
                ),
                "index one value, or write the query as `opensearch`",
            )),
        }
    }
}

fn translated(
    query: &EventsQuery,
    measured: Measured<'_>,
    condition: Option<&Condition>,
    fields: &Fields,
) -> Result<SearchQuery, Refused> {
    let measure = match measured {
        Measured::Count => None,
        Measured::Of(aggregate, field) => Some((name(aggregate), fields.number(field)?)),
        Measured::Distinct(field) => Some(("distinct", fields.exact(field)?)),
        Measured::Last(_) | Measured::Quantile(..) => {
            return Err(Refused::new(
                format!("{} is not what OpenSearch has under that name", query.measure),
                "measure max or avg, or write the query as `opensearch`",
            ));
        }
    };
    let mut filters = Vec::new();
    // A document without a number is not there, and nor is a group without a document.
    filters.extend(measure.iter().map(|(_, field)| json!({ "exists": { "field": field } })));
    if let Some(condition) = condition {
        filters.push(fields.condition(condition.expr())?);
    }
    Ok(SearchQuery {
        index: query.table.clone(),
        time: query.time.clone(),
        window_ms: query.window_ms,
        measure: measure.map_or_else(|| "count".to_owned(), |(name, field)| format!("{name}({field})")),
        filter: if filters.is_empty() { Value::Null } else { json!({ "bool": { "filter": filters } }) },
        by: query.by.iter().map(|name| fields.exact(name)).collect::<Result<_, _>>()?,
    })
}

const fn name(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Sum => "sum",
        Aggregate::Avg => "avg",
        Aggregate::Min => "min",
        Aggregate::Max => "max",
    }
}

/// How the fields that are asked about are indexed.
async fn mappings(
    server: &Server,
    query: &EventsQuery,
    measured: Measured<'_>,
    condition: Option<&Condition>,
) -> Result<BTreeMap<String, Mapping>, RequestError> {
    let mut names: BTreeSet<String> = query.by.iter().cloned().collect();
    match measured {
        Measured::Count => {}
        Measured::Of(_, field)
        | Measured::Distinct(field)
        | Measured::Last(field)
        | Measured::Quantile(_, field) => {
            names.insert(field.to_owned());
        }
    }
    let paths = condition.map(Condition::fields).unwrap_or_default();
    names.extend(paths.iter().filter_map(|path| path.holders().next()).map(str::to_owned));
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names = names.into_iter().collect::<Vec<_>>().join(",");
    let body = server.get_json(&[query.table.as_str(), "_mapping", "field", &names]).await?;
    let answer: BTreeMap<String, OfIndex> =
        serde_json::from_slice(&body).map_err(|error| server.strange("OpenSearch's JSON", &error))?;
    Ok(merged(answer))
}

/// What an index answers.
#[derive(Debug, Deserialize)]
struct OfIndex {
    mappings: BTreeMap<String, OfField>,
}

/// A field by its last name alone.
#[derive(Debug, Deserialize)]
struct OfField {
    mapping: BTreeMap<String, Indexed>,
}

#[derive(Debug, Deserialize)]
struct Indexed {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    normalizer: Option<String>,
    #[serde(default)]
    index: Option<bool>,
    #[serde(default)]
    doc_values: Option<bool>,
    /// The same values indexed in other ways.
    #[serde(default)]
    fields: BTreeMap<String, Indexed>,
}

impl Indexed {
    fn mapping(&self, name: &str) -> Mapping {
        if self.index == Some(false) || self.doc_values == Some(false) {
            return Mapping::Other(format!("{} that is not indexed", self.kind));
        }
        match self.kind.as_str() {
            "keyword" if self.normalizer.is_some() => Mapping::Other("keyword with a normalizer".to_owned()),
            "keyword" => Mapping::Keyword(name.to_owned()),
            "long" | "integer" | "short" | "byte" => Mapping::Whole,
            "double" => Mapping::Double,
            "boolean" => Mapping::Truth,
            "text" => {
                let beside =
                    self.fields.iter().map(|(beside, indexed)| indexed.mapping(&format!("{name}.{beside}")));
                let keyword = beside.into_iter().find(|mapping| matches!(mapping, Mapping::Keyword(_)));
                keyword.unwrap_or_else(|| Mapping::Other("text".to_owned()))
            }
            other => Mapping::Other(other.to_owned()),
        }
    }
}

/// The mappings of all indices together; what differs is no mapping that can be asked.
fn merged(answer: BTreeMap<String, OfIndex>) -> BTreeMap<String, Mapping> {
    let mut merged: BTreeMap<String, Mapping> = BTreeMap::new();
    for (name, of_field) in answer.into_values().flat_map(|index| index.mappings) {
        let Some(mapping) = of_field.mapping.values().next().map(|indexed| indexed.mapping(&name)) else {
            continue;
        };
        match merged.get(&name) {
            Some(known) if *known != mapping => {
                merged.insert(name, Mapping::Other("different things in several indices".to_owned()));
            }
            _ => _ = merged.insert(name, mapping),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OpenSearch 2.19 answers for a field that it has mapped by itself, and others.
    #[test]
    fn mappings_are_read() {
        let body = r#"{"a":{"mappings":{
            "bank":{"full_name":"bank","mapping":{"bank":{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}}}},
            "card.n":{"full_name":"card.n","mapping":{"n":{"type":"long"}}},
            "ratio":{"full_name":"ratio","mapping":{"ratio":{"type":"float"}}}}},
            "b":{"mappings":{"ratio":{"full_name":"ratio","mapping":{"ratio":{"type":"double"}}}}},"c":{"mappings":{}}}"#;
        let found = merged(serde_json::from_str(body).unwrap());
        let expected = [
            ("bank", Mapping::Keyword("bank.keyword".to_owned())),
            ("card.n", Mapping::Whole),
            ("ratio", Mapping::Other("different things in several indices".to_owned())),
        ];
        assert_eq!(found, expected.map(|(name, mapping)| (name.to_owned(), mapping)).into());
    }

    #[test]
    fn measures_need_a_number_in_each_document() {
        let fields =
            Fields::Of { index: "p".to_owned(), mappings: [("n".to_owned(), Mapping::Whole)].into() };
        let query = |measure: &str| EventsQuery {
            table: "p".to_owned(),
            time: "at".to_owned(),
            counted: None,
            window_ms: 1,
            measure: measure.to_owned(),
            condition: None,
            by: Vec::new(),
        };
        let of = |measure: &str| translated(&query(measure), Measured::read(measure).unwrap(), None, &fields);
        assert_eq!(of("count").unwrap().filter, Value::Null);
        assert_eq!(of("sum(n)").unwrap().filter["bool"]["filter"][0]["exists"]["field"], "n");
        assert!(of("p99(n)").is_err() && of("last(n)").is_err() && of("sum(m)").is_err());
    }

    #[test]
    fn several_values_of_a_field_are_refused() {
        let asked = ["n".to_owned(), "bank.keyword".to_owned()];
        let counts = |of_banks: f64| -> Counts {
            serde_json::from_value(json!({ "aggregations": {
                "0": { "doc_count": 3, "values": { "value": 3 } }, "1": { "doc_count": 3, "values": { "value": of_banks } },
            } }))
            .unwrap()
        };
        assert_eq!(counts(3.0).check(&asked), Ok(()));
        let why = counts(4.0).check(&asked).unwrap_err().to_string();
        assert!(why.contains("several values of `bank.keyword`"), "{why}");
    }
}
