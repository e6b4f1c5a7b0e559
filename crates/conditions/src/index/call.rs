//! The look-up of one event.

use super::forest::Accept;
use super::parts::{Code, Field, Index, IndexedTest, Kind, Node, Posting, point_key};
use super::tables::{LIST, NO_VALUE, Span};
use crate::Verdict;
use crate::atom::Atom;
use crate::field::View;
use crate::json::Buffer;
use crate::network::address;
use crate::source::Source;
use crate::time::{as_f64, read_time};

/// Working memory of [`Index::matches`]: keep one per thread, for one index or many in turn.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The number of the current event; what carries an older one is stale.
    generation: u32,
    states: Vec<FieldState>,
    /// Generation and verdict of each test.
    verdicts: Vec<u32>,
    /// The generation in which a condition was last found to hold.
    told: Vec<u32>,
    /// Empty between calls; kept for its memory.
    values: Vec<View<'static>>,
    /// What is read from an event's text.
    pub(super) buffer: Buffer,
}

/// What is known of a field of the current event.
#[derive(Debug, Clone, Copy, Default)]
struct FieldState {
    generation: u32,
    /// Where its value lies, or [`MISSING`].
    slot: u32,
    /// The number of its value among those that rules mention, [`LIST`], or [`NO_VALUE`].
    value: u32,
}

const MISSING: u32 = u32::MAX;
/// Generations leave two bits for a verdict.
const MAX_GENERATION: u32 = u32::MAX >> 2;

impl Scratch {
    /// Makes room for `index` and begins a new event.
    #[inline]
    fn begin(&mut self, index: &Index) {
        if self.generation == MAX_GENERATION {
            let (values, buffer) = (std::mem::take(&mut self.values), std::mem::take(&mut self.buffer));
            *self = Self { values, buffer, ..Self::default() };
        }
        self.generation += 1;
        fit(&mut self.states, index.fields.len());
        fit(&mut self.verdicts, index.tests.len());
        fit(&mut self.told, index.conditions.len());
    }
}

/// Makes `slots` at least `n` long; new slots are of no generation.
#[inline]
fn fit<T: Clone + Default>(slots: &mut Vec<T>, n: usize) {
    if slots.len() < n {
        slots.resize(n, T::default());
    }
}

/// The memory of a list of values, for values that live elsewhere.
///
/// Collecting an emptied list into one of the same layout reuses its memory; a test holds that.
fn recycle<'b>(mut values: Vec<View<'_>>) -> Vec<View<'b>> {
    values.clear();
    values.into_iter().map(|_| View::Null).collect()
}

impl Index {
    /// Finds the conditions that hold for `source`.
    #[inline]
    pub(super) fn look_up<S: Source>(&self, source: &S, scratch: &mut Scratch, found: &mut Vec<u32>) {
        found.clear();
        scratch.begin(self);
        let values = recycle(std::mem::take(&mut scratch.values));
        let mut call = Call { index: self, source, values, scratch, found };
        call.visit(0);
        let values = call.values;
        scratch.values = recycle(values);
        if found.len() > 1 {
            found.sort_unstable();
        }
    }
}

struct Call<'c, S> {
    index: &'c Index,
    source: &'c S,
    /// The values of the fields fetched so far.
    values: Vec<View<'c>>,
    scratch: &'c mut Scratch,
    found: &'c mut Vec<u32>,
}

impl<S: Source> Call<'_, S> {
    fn visit(&mut self, node: u32) {
        let index = self.index;
        let Node { linear, steps } = &index.nodes[node as usize];
        self.ask(*linear);
        for step in steps {
            let state = self.state(step.field);
            if state.slot == MISSING {
                continue;
            }
            if step.has_points && state.value < LIST {
                match index.points.get(&point_key(node, state.value)) {
                    Some(Posting::List(span)) => self.ask(*span),
                    Some(Posting::Node(inner)) => self.visit(*inner),
                    None => {}
                }
            }
            match self.values[state.slot as usize] {
                View::Text(text) => {
                    if let Some(prefixes) = &step.prefixes {
                        prefixes.visit(text, |span| self.ask(span));
                    }
                    if let Some(networks) = &step.networks
                        && let Some(address) = address(text)
                    {
                        networks.visit(address, |span| self.ask(span));
                    }
                    if let Some(times) = &step.times
                        && let Some(time) = read_time(text)
                    {
                        times.visit(as_f64(time), |span| self.ask(span));
                    }
                }
                View::Number(number) => {
                    if let Some(numbers) = &step.numbers {
                        numbers.visit(number.to_f64(), |span| self.ask(span));
                    }
                }
                // A list has no number to be looked up by: whoever asks for its items is asked.
                View::List(_) if step.has_points || step.times.is_some() => {
                    self.ask(index.fields[step.field as usize].of_lists);
                }
                _ => {}
            }
        }
    }

    /// Asks the rest of each condition in a list.
    #[inline]
    fn ask(&mut self, span: Span) {
        let index = self.index;
        for entry in &index.entries[span.start as usize..span.end as usize] {
            if self.holds(entry.rest) {
                self.tell(entry.condition);
            }
        }
    }

    fn tell(&mut self, condition: u32) {
        let told = &mut self.scratch.told[condition as usize];
        if *told != self.scratch.generation {
            *told = self.scratch.generation;
            let Span { start, end } = self.index.conditions[condition as usize];
            self.found.extend_from_slice(&self.index.ids[start as usize..end as usize]);
        }
    }

    /// The common cases, inlined where they are asked.
    #[inline]
    fn holds(&mut self, code: Code) -> bool {
        match code {
            Code::Done => true,
            Code::Equal { field, value, accept } => self.is_equal(field, value, accept),
            Code::Literal(literal) => literal.accept.has(self.verdict(literal.atom)),
            Code::All(_) | Code::Any(_) => self.joined_holds(code),
        }
    }

    fn joined_holds(&mut self, code: Code) -> bool {
        let index = self.index;
        let members = |span: Span| index.codes[span.start as usize..span.end as usize].iter();
        match code {
            Code::All(span) => members(span).all(|&member| self.holds(member)),
            Code::Any(span) => members(span).any(|&member| self.holds(member)),
            other => self.holds(other),
        }
    }

    #[inline]
    fn is_equal(&mut self, field: u32, value: u32, accept: Accept) -> bool {
        let state = self.state(field);
        accept.has(if state.slot == MISSING { Verdict::Unknown } else { (state.value == value).into() })
    }

    #[inline]
    fn verdict(&mut self, test: u32) -> Verdict {
        let index = self.index;
        let IndexedTest { field, kind } = &index.tests[test as usize];
        match kind {
            Kind::OneOf(values, atom) => {
                let state = self.state(*field);
                match state.value {
                    _ if state.slot == MISSING => Verdict::Unknown,
                    LIST => self.remembered(test, *field, atom),
                    NO_VALUE => Verdict::False,
                    value => values.binary_search(&value).is_ok().into(),
                }
            }
            Kind::Other(atom) => self.remembered(test, *field, atom),
        }
    }

    /// The verdict of a test, asked only the first time.
    fn remembered(&mut self, test: u32, field: u32, atom: &Atom) -> Verdict {
        let remembered = self.scratch.verdicts[test as usize];
        if remembered >> 2 == self.scratch.generation {
            return match remembered & 3 {
                0 => Verdict::False,
                1 => Verdict::True,
                _ => Verdict::Unknown,
            };
        }
        let verdict = match atom.of_field() {
            Some((_, test)) => {
                let state = self.state(field);
                test.verdict((state.slot != MISSING).then(|| self.values[state.slot as usize]))
            }
            None => atom.verdict(self.source),
        };
        let bits = match verdict {
            Verdict::False => 0,
            Verdict::True => 1,
            Verdict::Unknown => 2,
        };
        self.scratch.verdicts[test as usize] = self.scratch.generation << 2 | bits;
        verdict
    }

    /// What is known of a field, fetched only the first time.
    #[inline]
    fn state(&mut self, field: u32) -> FieldState {
        let state = self.scratch.states[field as usize];
        if state.generation == self.scratch.generation { state } else { self.fetch(field) }
    }

    fn fetch(&mut self, field: u32) -> FieldState {
        let index = self.index;
        let Field { path, values, .. } = &index.fields[field as usize];
        let mut state = FieldState { generation: self.scratch.generation, slot: MISSING, value: NO_VALUE };
        if let Some(view) = self.source.numbered(field, path) {
            state.slot = self.values.len() as u32;
            state.value = values.id(view);
            self.values.push(view);
        }
        self.scratch.states[field as usize] = state;
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Condition, Missing};

    #[test]
    fn memory_is_recycled() {
        let mut values: Vec<View<'static>> = Vec::with_capacity(37);
        values.push(View::Text("x"));
        let at = values.as_ptr() as usize;
        let recycled = recycle(values);
        assert!(recycled.is_empty());
        assert_eq!((recycled.capacity(), recycled.as_ptr() as usize), (37, at));
    }

    #[test]
    fn generations_begin_again() {
        let condition = Condition::compile("a == 1 or b contains x").unwrap();
        let index = Index::build([(3, condition, Missing::Kleene)]);
        let event = serde_json::json!({"a": 1, "b": "x"});
        let mut scratch = Scratch { generation: MAX_GENERATION - 2, ..Scratch::default() };
        let mut found = Vec::new();
        for _ in 0..5 {
            index.matches(event.as_object().unwrap(), &mut scratch, &mut found);
            assert_eq!(found, [3]);
        }
        assert!(scratch.generation < 5);
    }
}
