//! A source that holds recorded series.

use std::collections::BTreeMap;
use std::sync::Mutex;

use lanner_graphite::{EventTags, Glob, Points, Source, TagCondition, slots};
use serde_json::Value;

/// The series and events of one data set.
#[derive(Default)]
pub(crate) struct Memory {
    series: BTreeMap<String, Stored>,
    events: Vec<(i64, Vec<String>)>,
}

struct Stored {
    start_s: i64,
    step_s: i64,
    values: Vec<f64>,
}

/// The data sets by name.
pub(crate) fn datasets(lines: &[Value]) -> BTreeMap<String, Memory> {
    let mut datasets: BTreeMap<String, Memory> = BTreeMap::new();
    for line in lines {
        let data = datasets.entry(line["dataset"].as_str().unwrap().to_owned()).or_default();
        for event in line["events"].as_array().into_iter().flatten() {
            let tags = event["tags"].as_str().map_or_else(
                || {
                    event["tags"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect()
                },
                |tags| tags.split_whitespace().map(str::to_owned).collect(),
            );
            data.events.push((event["when"].as_i64().unwrap(), tags));
        }
        if let Some(name) = line["name"].as_str() {
            let values =
                line["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN));
            let (start_s, step_s) = (line["start"].as_i64().unwrap(), line["step"].as_i64().unwrap());
            data.series.insert(name.to_owned(), Stored { start_s, step_s, values: values.collect() });
        }
    }
    datasets
}

/// A source that remembers the largest absolute value that was read from it.
pub(crate) struct Recorder<'a> {
    data: &'a Memory,
    largest: Mutex<f64>,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(data: &'a Memory) -> Self {
        Self { data, largest: Mutex::new(0.0) }
    }

    pub(crate) fn largest(&self) -> f64 {
        *self.largest.lock().unwrap()
    }
}

impl Source for Recorder<'_> {
    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        self.data.find(pattern)
    }

    fn find_tagged(&self, conditions: &[&str]) -> Result<Vec<String>, String> {
        self.data.find_tagged(conditions)
    }

    fn read(&self, name: &str, from_s: i64, until_s: i64, now_s: i64) -> Result<Option<Points>, String> {
        let points = self.data.read(name, from_s, until_s, now_s)?;
        let values = points.iter().flat_map(|points| &points.values);
        let largest = values.fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let mut known = self.largest.lock().unwrap();
        *known = known.max(largest);
        Ok(points)
    }

    fn events(&self, tags: EventTags<'_>, from_s: i64, until_s: i64) -> Result<Vec<i64>, String> {
        self.data.events(tags, from_s, until_s)
    }
}

impl Source for Memory {
    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        let glob = Glob::new(pattern);
        Ok(self.series.keys().filter(|name| !name.contains(';') && glob.matches(name)).cloned().collect())
    }

    fn find_tagged(&self, conditions: &[&str]) -> Result<Vec<String>, String> {
        let conditions = TagCondition::parse_all(conditions)?;
        let wanted = |name: &&String| {
            let mut parts = name.split(';');
            let mut tags = BTreeMap::from([("name".to_owned(), parts.next().unwrap().to_owned())]);
            tags.extend(
                parts
                    .map(|part| part.split_once('=').unwrap())
                    .map(|(tag, value)| (tag.into(), value.into())),
            );
            conditions.iter().all(|condition| condition.matches(&tags))
        };
        Ok(self.series.keys().filter(wanted).cloned().collect())
    }

    fn read(&self, name: &str, from_s: i64, until_s: i64, _now_s: i64) -> Result<Option<Points>, String> {
        let Some(Stored { start_s, step_s, values }) = self.series.get(name) else { return Ok(None) };
        let (first_s, count) = slots(from_s, until_s, *step_s)?;
        let value = |slot: usize| {
            let index = (first_s - start_s) / step_s + i64::try_from(slot).unwrap();
            usize::try_from(index).ok().and_then(|index| values.get(index)).copied().unwrap_or(f64::NAN)
        };
        Ok(Some(Points { start_s: first_s, step_s: *step_s, values: (0..count).map(value).collect() }))
    }

    fn events(&self, tags: EventTags<'_>, from_s: i64, until_s: i64) -> Result<Vec<i64>, String> {
        let within = |when: i64| (from_s..=until_s).contains(&when);
        Ok(self
            .events
            .iter()
            .filter(|(when, carried)| within(*when) && tags.want(carried))
            .map(|(when, _)| *when)
            .collect())
    }
}
