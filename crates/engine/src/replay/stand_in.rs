//! What stands in for a trained detector in written tests: a value is as strange as it is far from the middle of what is usual.

use std::sync::Arc;

use lanner_core::reading;

use crate::document::{Check, Content, Node};
use crate::source::RowScorer;

/// A stand-in: the score of a row is that of its strangest value, where 1 is the end of what is usual; of several rows, their mean.
#[derive(Debug, Clone)]
pub(super) struct StandIn {
    pub(super) name: String,
    columns: Vec<String>,
    usual: Vec<[f64; 2]>,
    n_rows: usize,
    /// The label whose values have a detector each, and these values.
    by: Option<(String, Vec<String>)>,
}

impl StandIn {
    pub(super) fn read(node: &Node, path: &str, check: &mut Check) -> Option<Self> {
        let mut fields = check.map(node, path)?;
        let name = fields.read("model", check, |node| reading::id(node, "_-."));
        let rows = fields.read("rows", check, |node| match node.number() {
            Some(rows) if (1.0..=1_000.0).contains(&rows) && rows.fract() == 0.0 => Ok(rows as usize),
            _ => Err("should be a whole number from 1 to 1000".to_owned()),
        });
        let usual = fields.require("usual", "{ cpu: [0, 1] }", check);
        let usual = usual.and_then(|node| read_usual(node, &fields.path_of("usual"), check));
        let by = fields.read("by", check, |node| reading::id(node, "_-."));
        let entities = fields.get("entities").map(|node| check.items(node)).unwrap_or_default();
        let entities: Vec<String> = entities.into_iter().filter_map(Node::scalar_text).collect();
        if by.is_some() == entities.is_empty() {
            check.problem(node, path, "by and entities belong together: by: host, entities: [a, b]");
        }
        fields.finish(&["model", "rows", "usual", "by", "entities"], check);
        let (columns, usual) = usual?.into_iter().unzip();
        Some(Self { name: name?, columns, usual, n_rows: rows.unwrap_or(1), by: by.map(|by| (by, entities)) })
    }

    pub(super) fn scorer(&self) -> Arc<dyn RowScorer> {
        Arc::new(self.clone())
    }

    /// How far each value of a row is from the middle; a gap is not far.
    fn distances(&self, row: &[f64]) -> Vec<f64> {
        let distance = |(value, [low, high]): (&f64, &[f64; 2])| {
            let distance = (value - 0.5 * (low + high)).abs() / (0.5 * (high - low));
            if distance.is_finite() { distance } else { 0.0 }
        };
        row.iter().zip(&self.usual).map(distance).collect()
    }
}

fn read_usual(node: &Node, path: &str, check: &mut Check) -> Option<Vec<(String, [f64; 2])>> {
    let Content::Map(entries) = &node.content else {
        check.problem(node, path, "should be a map of columns to ranges, for example { cpu: [0, 1] }");
        return None;
    };
    let mut usual = Vec::new();
    for (key, node) in entries {
        let bounds: Vec<f64> = check.items(node).into_iter().filter_map(Node::number).collect();
        match bounds[..] {
            [low, high] if low < high => usual.push((key.name.clone(), [low, high])),
            _ => {
                let message = "should be the lower and the upper end of what is usual, for example [0, 1]";
                check.problem(node, &format!("{path}.{}", key.name), message);
            }
        }
    }
    Some(usual)
}

impl RowScorer for StandIn {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn row_ms(&self) -> Option<i64> {
        None
    }

    fn score(&self, rows: &[f64]) -> Option<f64> {
        let last = rows.get(rows.len().checked_sub(self.columns.len())?..)?;
        let highest = |row: &[f64]| self.distances(row).into_iter().fold(0.0, f64::max);
        let sum: f64 = rows.chunks_exact(self.columns.len()).map(highest).sum();
        last.iter().any(|value| value.is_finite()).then(|| sum / self.n_rows as f64)
    }

    fn contributions(&self, rows: &[f64]) -> Vec<f64> {
        rows.chunks_exact(self.columns.len()).next_back().map(|row| self.distances(row)).unwrap_or_default()
    }

    fn usual(&self, column: usize) -> Option<[f64; 2]> {
        self.usual.get(column).copied()
    }

    fn by(&self) -> Option<&str> {
        self.by.as_ref().map(|(by, _)| by.as_str())
    }

    fn of(&self, entity: &str) -> Option<&dyn RowScorer> {
        let (_, entities) = self.by.as_ref()?;
        entities.iter().any(|known| known == entity).then_some(self)
    }
}
