//! `stream`: a measure on the events of a stream, kept up to date as they arrive.

use std::sync::Arc;

use lanner_conditions::Condition;
use lanner_conditions::export::Refused;
use lanner_core::reading::{self, text};
use lanner_core::{Answer, Ask};

use super::data::{Data, StreamQuery};
use super::elsewhere::Elsewhere;
use super::events::Events;
use super::fields::{BY, MEASURE, STREAM, WHERE, read_by};
use super::query::{Kind, Query, fingerprint};
use crate::document::{Check, Fields};
use crate::measure::{Measure, Remembers, is_calculation};

pub(super) const KIND: Kind = Kind {
    name: "stream",
    about: "a measure on the events of a stream",
    example: "{ stream: payments, measure: sum(amount), where: 'status == \"ok\"', by: [bank] }",
    read,
    fields: &[STREAM, MEASURE, WHERE, BY],
};

impl Query for Arc<StreamQuery> {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn by(&self) -> &[String] {
        &self.by
    }

    fn answer(&self, ask: &Ask, data: &mut dyn Data) -> Answer {
        data.stream(ask, self)
    }

    fn measure(&self) -> Option<&Measure> {
        Some(&self.measure)
    }

    fn value_when_empty(&self) -> Option<f64> {
        self.measure.kind.value_when_empty
    }

    fn streams(&self) -> &[Arc<StreamQuery>] {
        std::slice::from_ref(self)
    }

    fn located(&self, streams: &Elsewhere) -> Result<Option<Box<dyn Query>>, Refused> {
        let Some(place) = streams.place(&self.stream) else { return Ok(None) };
        place.check(self)?;
        Ok(Some(Box::new(Events::new(self, place))))
    }

    fn remembering(&self, remembers: &Remembers) -> Option<Box<dyn Query>> {
        let mut with_values = StreamQuery::clone(self);
        let known = format!("new {} {}", self.fingerprint, remembers.over_ms);
        with_values.by.push(remembers.field.clone());
        with_values.fingerprint = fingerprint(&[&known], &with_values.by);
        with_values.remembers = Some(remembers.clone());
        Some(Box::new(Arc::new(with_values)))
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Query>> {
    let by = read_by(fields, check);
    Some(Box::new(read_query(fields, by, check)?))
}

/// Reads a query whose groups are known.
pub(super) fn read_query(
    fields: &mut Fields<'_>,
    by: Vec<String>,
    check: &mut Check,
) -> Option<Arc<StreamQuery>> {
    let stream = fields.read("stream", check, reading::name);
    fields.require("measure", "count", check);
    let measure = fields.read("measure", check, |node| Measure::of_stream(&text(node)?));
    let condition = match fields.get("where") {
        None => Some(None),
        Some(node) => Condition::read(node, &fields.path_of("where"), check).map(Some),
    };
    for name in by.iter().filter(|name| is_calculation(name)) {
        let message = format!(
            "\"{name}\" is not the name of a field; by takes fields as they are, for example by: [bank]"
        );
        check.problem(fields.node, &fields.path_of("by"), message);
    }
    let (stream, measure, condition) = (stream?, measure?, condition?);
    let written = condition.as_ref().map(|condition| condition.expr().to_string());
    let fingerprint =
        fingerprint(&["stream", &stream, &measure.to_string(), written.as_deref().unwrap_or("")], &by);
    let stream = stream.into();
    Some(Arc::new(StreamQuery { stream, measure, condition, by, remembers: None, fingerprint }))
}
