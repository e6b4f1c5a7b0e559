//! The accumulators of one group, one a step, whatever their kind.

use std::any::Any;
use std::collections::VecDeque;

use lanner_core::Aggregate;
use serde::{Deserialize as _, Serialize, Serializer};
use serde_json::Value;

use super::accumulator::{Accumulator, Taken};

/// Accumulators of one kind by where their steps begin: milliseconds since the Unix epoch, or any other order.
///
/// Serialised, it is a list of pairs of a beginning and an accumulator.
#[derive(Debug)]
pub struct Steps(Box<dyn Cells>);

impl Steps {
    /// No step yet; each will begin as `empty` is.
    pub(super) fn of(empty: impl Accumulator) -> Self {
        Self(Box::new(CellsOf { empty, cells: VecDeque::new() }))
    }

    /// Adds a value to the step that begins at `start_ms`. Cost: O(1) for the newest step, else O(log steps).
    pub fn add(&mut self, start_ms: i64, time_ms: i64, taken: Taken) {
        self.0.add(start_ms, time_ms, taken);
    }

    /// Adds the samples that an aggregate was made of, where it says enough of them.
    pub(crate) fn add_aggregate(&mut self, start_ms: i64, samples: &Aggregate) {
        self.0.add_aggregate(start_ms, samples);
    }

    /// Adds what another holds of the same measure, step by step.
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(other.0.as_any());
    }

    /// What the steps that begin from `start_ms` to before `end_ms` come to together: `None` when there is none of them,
    /// and a value of `None` when they hold nothing to measure.
    #[must_use]
    pub fn value(&self, start_ms: i64, end_ms: i64) -> Option<Option<f64>> {
        self.0.value(start_ms, end_ms)
    }

    /// Where the last step before `end_ms` begins.
    #[must_use]
    pub(crate) fn last_before(&self, end_ms: i64) -> Option<i64> {
        self.0.last_before(end_ms)
    }

    /// Drops the steps that begin before `start_ms`. Returns where the last of them began, if there was one.
    pub(crate) fn drop_before(&mut self, start_ms: i64) -> Option<i64> {
        self.0.drop_before(start_ms)
    }

    /// Whether there is no step.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The steps of the same measure that were serialised to `value`.
    ///
    /// # Errors
    /// What does not fit.
    pub fn read(&self, value: &Value) -> Result<Self, serde_json::Error> {
        Ok(Self(self.0.read(value)?))
    }
}

impl Clone for Steps {
    fn clone(&self) -> Self {
        Self(self.0.boxed())
    }
}

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.written().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// [`CellsOf`] any accumulator.
trait Cells: std::fmt::Debug + Send + Sync {
    fn add(&mut self, start_ms: i64, time_ms: i64, taken: Taken);
    fn add_aggregate(&mut self, start_ms: i64, samples: &Aggregate);
    fn merge(&mut self, other: &dyn Any);
    fn value(&self, start_ms: i64, end_ms: i64) -> Option<Option<f64>>;
    fn last_before(&self, end_ms: i64) -> Option<i64>;
    fn drop_before(&mut self, start_ms: i64) -> Option<i64>;
    fn is_empty(&self) -> bool;
    fn read(&self, value: &Value) -> Result<Box<dyn Cells>, serde_json::Error>;
    fn written(&self) -> Result<Value, serde_json::Error>;
    fn boxed(&self) -> Box<dyn Cells>;
    fn as_any(&self) -> &dyn Any;
}

#[derive(Debug, Clone)]
struct CellsOf<A> {
    empty: A,
    /// In order of their beginnings.
    cells: VecDeque<(i64, A)>,
}

impl<A: Accumulator> CellsOf<A> {
    /// The one that begins at `start_ms`; values mostly come in order, so the search begins at the end.
    fn cell(&mut self, start_ms: i64) -> &mut A {
        let at = match self.cells.back() {
            Some((last_ms, _)) if *last_ms == start_ms => self.cells.len() - 1,
            Some((last_ms, _)) if *last_ms > start_ms => {
                let at = self.first_from(start_ms);
                if self.cells[at].0 != start_ms {
                    self.cells.insert(at, (start_ms, self.empty.clone()));
                }
                at
            }
            _ => {
                self.cells.push_back((start_ms, self.empty.clone()));
                self.cells.len() - 1
            }
        };
        &mut self.cells[at].1
    }

    /// The place of the first that does not begin before `start_ms`.
    fn first_from(&self, start_ms: i64) -> usize {
        self.cells.partition_point(|(other_ms, _)| *other_ms < start_ms)
    }
}

impl<A: Accumulator> Cells for CellsOf<A> {
    fn add(&mut self, start_ms: i64, time_ms: i64, taken: Taken) {
        self.cell(start_ms).add(time_ms, taken);
    }

    fn add_aggregate(&mut self, start_ms: i64, samples: &Aggregate) {
        self.cell(start_ms).add_aggregate(samples);
    }

    fn merge(&mut self, other: &dyn Any) {
        let Some(other) = other.downcast_ref::<Self>() else {
            debug_assert!(false, "steps of different measures");
            return;
        };
        for (start_ms, cell) in &other.cells {
            self.cell(*start_ms).merge(cell);
        }
    }

    fn value(&self, start_ms: i64, end_ms: i64) -> Option<Option<f64>> {
        let mut cells =
            self.cells.range(self.first_from(start_ms)..).take_while(|(other_ms, _)| *other_ms < end_ms);
        let (_, first) = cells.next()?;
        let Some((_, second)) = cells.next() else { return Some(first.value()) };
        let mut total = first.clone();
        total.merge(second);
        cells.for_each(|(_, cell)| total.merge(cell));
        Some(total.value())
    }

    fn last_before(&self, end_ms: i64) -> Option<i64> {
        let before = self.first_from(end_ms).checked_sub(1)?;
        self.cells.get(before).map(|(start_ms, _)| *start_ms)
    }

    fn drop_before(&mut self, start_ms: i64) -> Option<i64> {
        let n = self.first_from(start_ms);
        self.cells.drain(..n).next_back().map(|(start_ms, _)| start_ms)
    }

    fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn read(&self, value: &Value) -> Result<Box<dyn Cells>, serde_json::Error> {
        let mut cells: Vec<(i64, A)> = Vec::<(i64, A)>::deserialize(value)?;
        cells.sort_by_key(|(start_ms, _)| *start_ms);
        let mut read = Self { empty: self.empty.clone(), cells: VecDeque::new() };
        for (start_ms, cell) in &cells {
            read.cell(*start_ms).merge(cell);
        }
        Ok(Box::new(read))
    }

    fn written(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(&self.cells)
    }

    fn boxed(&self) -> Box<dyn Cells> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
