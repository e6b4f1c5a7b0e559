//! Statistics of an index, to see what conditions cost.

use super::parts::Index;

/// Sizes of an index.
///
/// `Display` writes the first few as one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexStats {
    /// Conditions, equal ones counted each.
    pub n_conditions: usize,
    /// Conditions that differ in more than the order of their members.
    pub n_distinct: usize,
    /// Conditions that no look-up finds, so that every event asks them; see [`Index::unindexed`].
    pub n_unindexed: usize,
    /// Fields that conditions read.
    pub n_fields: usize,
    /// Tests that differ; each is asked at most once per event.
    pub n_tests: usize,
    /// Values that single look-ups find something under.
    pub n_values: usize,
    /// Sets of look-ups: one at the root, and one under each value that many conditions share.
    pub n_nodes: usize,
}

impl Index {
    /// What it is made of.
    ///
    /// ```
    /// use lanner_conditions::{Condition, Index, Missing};
    /// let conditions = ["a == 1", "a != 1", "b in (1, 2)"].map(|text| Condition::compile(text).unwrap());
    /// let index = Index::build((0..).zip(conditions).map(|(id, condition)| (id, condition, Missing::Kleene)));
    /// assert_eq!(index.stats().to_string(), "3 conditions (3 distinct), 1 of them asked of every event; 2 fields, 2 tests");
    /// ```
    #[must_use]
    pub fn stats(&self) -> IndexStats {
        IndexStats {
            n_conditions: self.ids.len(),
            n_distinct: self.conditions.len(),
            n_unindexed: self.unindexed.len(),
            n_fields: self.fields.len(),
            n_tests: self.tests.len(),
            n_values: self.points.len(),
            n_nodes: self.nodes.len(),
        }
    }
}

impl std::fmt::Display for IndexStats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { n_conditions, n_distinct, n_unindexed, n_fields, n_tests, .. } = self;
        write!(
            f,
            "{n_conditions} conditions ({n_distinct} distinct), {n_unindexed} of them asked of every event; \
             {n_fields} fields, {n_tests} tests"
        )
    }
}
