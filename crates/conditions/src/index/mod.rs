//! Evaluates many conditions on one event at once.
//!
//! A loop over ten thousand conditions asks ten thousand times. Here an event's values are looked up, and
//! only the conditions found that way are asked the rest: see `build` for how the look-ups are chosen.
//! Each field is fetched and each distinct test asked at most once per event, however many conditions
//! share it.
//!
//! Reading order: `forest` (conditions as trees over shared tests), `build` (what is looked up), `tables`
//! (the look-ups), this file (what an index is), `call` (one event), `stats` (what people are shown).
//!
//! Invariant, held by a property test: an index answers what asking each condition in turn would.

mod build;
mod call;
mod forest;
mod parts;
mod stats;
mod tables;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use self::build::{Access, Builder, Item};
use self::forest::{Forest, NEVER, Tree, TreeId};
use self::parts::{Code, Entry, Field, IndexedTest, Kind};
use self::tables::Span;
use crate::json::{JsonError, Reader};
use crate::source::ByName;
use crate::{Condition, Fields, Missing};

pub use self::call::Scratch;
pub use self::parts::Index;
pub use self::stats::IndexStats;

impl Index {
    /// Builds an index over conditions with numbers of the caller's own. Equal conditions are asked once.
    pub fn build<C: Borrow<Condition>>(conditions: impl IntoIterator<Item = (u32, C, Missing)>) -> Self {
        let conditions = conditions.into_iter();
        let mut forest = Forest::with_capacity(conditions.size_hint().0);
        let mut condition_of = HashMap::<TreeId, u32, FixedState>::default();
        let (mut items, mut pairs) = (Vec::new(), Vec::new());
        for (id, condition, missing) in conditions {
            let tree = forest.add(condition.borrow().root(), missing, false);
            let next = items.len() as u32;
            let at = *condition_of.entry(tree).or_insert(next);
            if at == next {
                items.push(Item { condition: at, tree });
            }
            pairs.push((at, id));
        }
        items.retain(|item| item.tree != NEVER);
        let ids = Ids::new(pairs);
        let mut builder = Builder::new(forest);
        let linear = builder.root(&items);
        let of_lists = builder.of_lists(&items);
        let mut unindexed: Vec<u32> = linear.into_iter().flat_map(|at| ids.of(at)).copied().collect();
        unindexed.sort_unstable();
        finish(builder, ids, unindexed, &of_lists)
    }

    /// The numbers of the conditions that hold for `fields`, in ascending order; `found` is emptied first.
    ///
    /// Exactly those for which [`Condition::matches`] is true. Allocates only while `scratch` and `found`
    /// grow to their size, and what functions such as `tolower` make.
    ///
    /// Cost: one look-up for each field that conditions are found by, and asking the rest of those found.
    pub fn matches<F: Fields>(&self, fields: &F, scratch: &mut Scratch, found: &mut Vec<u32>) {
        self.look_up(&ByName(fields), scratch, found);
    }

    /// As [`Self::matches`], for an event that is still a text: only the fields that conditions read are taken
    /// out of it, and no tree is built. The whole text is checked all the same.
    ///
    /// ```
    /// use lanner_conditions::{Condition, Index, Missing, Scratch};
    /// let condition = Condition::compile("card.bank == ing and amount > 5").unwrap();
    /// let index = Index::build([(7, condition, Missing::Kleene)]);
    /// let (mut scratch, mut found) = (Scratch::default(), Vec::new());
    /// index.matches_json(r#"{"card": {"bank": "ing"}, "amount": 6}"#, &mut scratch, &mut found).unwrap();
    /// assert_eq!(found, [7]);
    /// let error = index.matches_json(r#"{"amount": 6"#, &mut scratch, &mut found).unwrap_err();
    /// assert_eq!(error.to_string(), "byte 12: the text ends inside an object or a list: expected `,` or `}`");
    /// ```
    ///
    /// Cost: one pass over the text, then that of [`Self::matches`].
    ///
    /// # Errors
    /// Where and why the text is no JSON object. `found` is empty then.
    pub fn matches_json(
        &self,
        text: &str,
        scratch: &mut Scratch,
        found: &mut Vec<u32>,
    ) -> Result<(), JsonError> {
        found.clear();
        let mut buffer = std::mem::take(&mut scratch.buffer);
        let read = self.reader.read(text, &mut buffer);
        let outcome = read.map(|fields| self.look_up(&fields, scratch, found));
        scratch.buffer = buffer;
        outcome
    }

    /// The numbers of the conditions that no look-up finds, so that every event asks them; ascending.
    ///
    /// Conditions without `==`, `in`, `intersects`, `startswith`, `pmatch`, a glob with a fixed start or a comparison
    /// with a number or a time, or with those in only one branch of an `or`.
    #[must_use]
    pub fn unindexed(&self) -> &[u32] {
        &self.unindexed
    }

    /// How many conditions it holds, equal ones counted each.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Freezes what was built.
fn finish(builder: Builder, ids: Ids, unindexed: Vec<u32>, of_lists: &[Vec<Item>]) -> Index {
    let Builder { forest, access, values, nodes, points, filed, .. } = builder;
    let mut program =
        Program { forest: &forest, access: &access, codes: Vec::new(), done: HashMap::default() };
    let mut entries = Vec::with_capacity(filed.len());
    let mut file = |items: &[Item]| {
        let start = entries.len() as u32;
        entries.extend(
            items.iter().map(|item| Entry { condition: item.condition, rest: program.code(item.tree) }),
        );
        Span { start, end: entries.len() as u32 }
    };
    file(&filed);
    let of_lists: Vec<Span> = of_lists.iter().map(|items| file(items)).collect();
    let codes = program.codes.into();
    let tests = forest.atoms.iter().zip(access).map(|((atom, field), access)| {
        let kind = match access {
            Access::Points(points) => Kind::OneOf(points, Arc::clone(atom)),
            _ => Kind::Other(Arc::clone(atom)),
        };
        IndexedTest { field: *field, kind }
    });
    let tests = tests.collect();
    let reader = Reader::new(&forest.fields);
    let fields = forest.fields.into_iter().zip(values).zip(of_lists);
    let fields = fields.map(|((path, values), of_lists)| Field { path, values, of_lists }).collect();
    Index {
        ids: ids.flat.into(),
        conditions: ids.spans.into(),
        tests,
        fields,
        codes,
        entries: entries.into(),
        nodes: nodes.into(),
        points,
        unindexed: unindexed.into(),
        reader,
    }
}

/// The callers' numbers by distinct condition.
struct Ids {
    flat: Vec<u32>,
    spans: Vec<Span>,
}

impl Ids {
    /// From pairs of condition and number, each condition from 0 on at least once.
    fn new(mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable();
        let mut ids = Self { flat: Vec::with_capacity(pairs.len()), spans: Vec::new() };
        for run in pairs.chunk_by(|a, b| a.0 == b.0) {
            let start = ids.flat.len() as u32;
            ids.flat.extend(run.iter().map(|(_, id)| id));
            ids.spans.push(Span { start, end: ids.flat.len() as u32 });
        }
        ids
    }

    fn of(&self, condition: u32) -> &[u32] {
        let Span { start, end } = self.spans[condition as usize];
        &self.flat[start as usize..end as usize]
    }
}

/// Trees on their way into an index; those that nothing refers to stay behind.
struct Program<'b> {
    forest: &'b Forest,
    access: &'b [Access],
    codes: Vec<Code>,
    done: HashMap<TreeId, Code, FixedState>,
}

impl Program<'_> {
    fn code(&mut self, tree: TreeId) -> Code {
        match self.forest.tree(tree) {
            Tree::Always => Code::Done,
            Tree::Never => Code::Any(Span { start: 0, end: 0 }),
            Tree::Literal(literal) => match &self.access[literal.atom as usize] {
                Access::Point(value) => {
                    let field = self.forest.atoms[literal.atom as usize].1;
                    Code::Equal { field, value: *value, accept: literal.accept }
                }
                _ => Code::Literal(*literal),
            },
            Tree::All(members) => self.joined(tree, members, Code::All),
            Tree::Any(members) => self.joined(tree, members, Code::Any),
        }
    }

    fn joined(&mut self, tree: TreeId, members: &[TreeId], join: fn(Span) -> Code) -> Code {
        if let Some(code) = self.done.get(&tree) {
            return *code;
        }
        let codes: Vec<Code> = members.iter().map(|&member| self.code(member)).collect();
        let start = self.codes.len() as u32;
        self.codes.extend(codes);
        let code = join(Span { start, end: self.codes.len() as u32 });
        self.done.insert(tree, code);
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_look_up_finds() {
        #[track_caller]
        fn check(text: &str, is_indexed: bool) {
            let condition = Condition::compile(text).unwrap();
            let index = Index::build([(1, &condition, Missing::Kleene)]);
            assert_eq!(index.unindexed().is_empty(), is_indexed, "{text}");
        }
        check("a == 1", true);
        check("a == null and b contains x", true);
        check("not a != 1", true);
        check("a in (1, x) or b startswith x", true);
        check("a > 5", true);
        check("a glob \"x*\"", true);
        check("a iglob \"1*\"", true);
        check("a startswith anyof (x, y)", true);
        check("a startswith allof (x, b)", true);
        check("a == anyof (1, 2)", true);
        check("a intersects (1, 2)", true);
        check("a pmatch (/etc, \"/usr/*/lib\")", true);
        check("a < d\"2026-01-01\" or a == d\"2027-01-01\"", true);
        check("a startswith anyof (x, \"\")", false);
        check("a pmatch (\"*/lib\")", false);
        check("a == val(b)", false);
        check("tolower(a) == x", false);
        check("a == 10.0.0.0/8", true);
        check("a in (x, 10.0.0.0/8, d\"2026-01-01\") or a intersects (::1)", true);
        check("a != 10.0.0.0/8", false);
        check("a == oneof (1, 2)", false);
        check("not (a != 1 and b != 2)", true);
        check("(a == 1 or b contains x) and c < 5", true);
        check("true", true); // nothing to ask
        check("a glob \"*x\"", false);
        check("a != 1", false);
        check("a == 1 or b contains x", false);
        check("a exists", false);
        check("a > \"x\"", false);
    }
}
