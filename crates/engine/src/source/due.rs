//! Evaluations that are due, and whoever answers them.

use std::sync::Arc;

use lanner_core::{Answer, Ask};

use super::data::Data;
use crate::rule::Rule;

/// One evaluation that is due.
#[derive(Debug, Clone)]
pub struct Due {
    /// The rule.
    pub rule: Arc<Rule>,
    /// What it asks its source.
    pub ask: Ask,
    /// When it was due, milliseconds since the Unix epoch.
    pub due_ms: i64,
    /// Whether it comes so late that Lanner must have been down.
    pub late: bool,
}

/// Something that answers what is due.
pub trait Source {
    /// Measures what `due` asks for.
    ///
    /// # Errors
    /// Why it cannot be measured, and whether trying again helps.
    fn answer(&mut self, due: &Due) -> Answer;
}

impl<D: Data> Source for D {
    fn answer(&mut self, due: &Due) -> Answer {
        due.rule.query.answer(&due.ask, self)
    }
}
