//! Extracts only the fields that conditions use from an event's JSON text.
//!
//! A context comes in as text, and building a tree of it costs far more than asking ten thousand conditions.
//! A [`Reader`] knows the fields that are asked for, goes over the text once, and notes where their values are;
//! everything else is checked and passed over.
//!
//! It reads what `serde_json` reads and refuses what that refuses: of equal keys the last counts, a number must
//! fit a float, nesting ends at 127. A property test holds it to that.
//!
//! Reading order: `trie` (which keys matter where), this file, `scan` (the text itself).

mod scan;
mod trie;

use std::collections::HashMap;

use foldhash::fast::FixedState;
use serde_json::Value;

use self::scan::{Fault, Scanner};
use self::trie::Trie;
use crate::field::{Fields, View};
use crate::source::Source;
use crate::{FieldPath, Number};

pub use self::scan::JsonError;

/// Takes some fields out of JSON texts.
///
/// ```
/// use lanner_conditions::{Buffer, Condition, Missing, Reader, Verdict};
/// let condition = Condition::compile("card.bank == ing and not amount < 100").unwrap();
/// let reader = Reader::new(&condition.fields());
/// let mut buffer = Buffer::default();
/// let fields = reader.read(r#"{"user": [1, 2], "card": {"bank": "ing"}}"#, &mut buffer).unwrap();
/// assert_eq!(condition.verdict(&fields, Missing::Kleene), Verdict::Unknown);
/// ```
#[derive(Debug)]
pub struct Reader {
    /// The number of each field: those asked for, then those whose length may be meant.
    places: HashMap<FieldPath, u32, FixedState>,
    /// For each field, the one whose length it is where nothing is called so.
    length_of: Box<[Option<u32>]>,
    trie: Trie,
}

/// Where a [`Reader`] keeps the value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u32);

/// Working memory of a [`Reader`]: keep one per thread, for one reader or many in turn.
#[derive(Debug, Default)]
pub struct Buffer {
    slots: Vec<Slot>,
    /// Slots that are not empty.
    filled: Vec<u32>,
    /// Texts that had escapes in them.
    unescaped: String,
    /// Lists and objects that are asked for as a whole.
    nested: Vec<Value>,
    /// Keys that had escapes in them.
    key: String,
}

/// What was found of a field.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// How many keys led to it. A flat key further out goes before nested ones.
    depth: u8,
    found: Stored,
}

/// A value, where it lies.
#[derive(Debug, Clone, Copy)]
enum Stored {
    Nothing,
    Null,
    Bool(bool),
    Number(Number),
    /// In the event's text.
    Text(u32, u32),
    /// In `unescaped`.
    Unescaped(u32, u32),
    /// A list or an object in the event's text.
    Whole(u32, u32),
    /// In `nested`.
    Nested(u32),
}

const EMPTY: Slot = Slot { depth: u8::MAX, found: Stored::Nothing };

/// The fields of one text.
#[derive(Debug, Clone, Copy)]
pub struct JsonFields<'t> {
    reader: &'t Reader,
    text: &'t str,
    buffer: &'t Buffer,
}

impl Reader {
    /// A reader of these fields.
    #[must_use]
    pub fn new(fields: &[FieldPath]) -> Self {
        let mut paths = fields.to_vec();
        let mut places: HashMap<_, _, FixedState> =
            (0..).zip(fields).map(|(at, path)| (path.clone(), at)).collect();
        let mut place = |path: &FieldPath| {
            *places.entry(path.clone()).or_insert_with(|| {
                paths.push(path.clone());
                paths.len() as u32 - 1
            })
        };
        let length_of = fields.iter().map(|path| path.length_of().map(&mut place)).collect();
        Self { trie: Trie::new(&paths), places, length_of }
    }

    /// Where the value of a field is found, which is quicker than by its name; `None` unless it was asked for.
    #[must_use]
    pub fn place(&self, path: &FieldPath) -> Option<Place> {
        self.places.get(path).copied().map(Place)
    }

    /// Reads `text`, a JSON object, up to its end.
    ///
    /// Cost: one pass; allocates only while `buffer` grows, and for lists and objects that are asked for as
    /// a whole.
    ///
    /// # Errors
    /// Where and why the text is no JSON object.
    pub fn read<'t>(&'t self, text: &'t str, buffer: &'t mut Buffer) -> Result<JsonFields<'t>, JsonError> {
        buffer.clear(self.places.len());
        let mut reading = Reading { trie: &self.trie, at: Scanner::new(text)?, buffer };
        reading.whole()?;
        let Reading { buffer, .. } = reading;
        buffer.parse_nested(text)?;
        Ok(JsonFields { reader: self, text, buffer })
    }
}

impl Buffer {
    fn clear(&mut self, n_slots: usize) {
        for slot in self.filled.drain(..) {
            self.slots[slot as usize] = EMPTY;
        }
        if self.slots.len() < n_slots {
            self.slots.resize(n_slots, EMPTY);
        }
        self.unescaped.clear();
        self.nested.clear();
    }

    /// Notes a value that was found under `depth` keys, unless one further out was.
    fn fill(&mut self, slot: u32, depth: u8, found: Stored) {
        let known = &mut self.slots[slot as usize];
        if known.depth < depth {
            return;
        }
        if matches!(known.found, Stored::Nothing) {
            self.filled.push(slot);
        }
        *known = Slot { depth, found };
    }

    /// Makes values of the lists and objects that were found.
    fn parse_nested(&mut self, text: &str) -> Result<(), Fault> {
        for slot in &self.filled {
            let slot = &mut self.slots[*slot as usize];
            if let Stored::Whole(start, end) = slot.found {
                let value = serde_json::from_str(&text[start as usize..end as usize]);
                self.nested.push(value.map_err(|error| JsonError::new(start as usize, error.to_string()))?);
                slot.found = Stored::Nested(self.nested.len() as u32 - 1);
            }
        }
        Ok(())
    }
}

/// One text on its way into a buffer.
struct Reading<'r, 't> {
    trie: &'r Trie,
    at: Scanner<'t>,
    buffer: &'r mut Buffer,
}

impl Reading<'_, '_> {
    fn whole(&mut self) -> Result<(), Fault> {
        self.at.skip_space();
        if self.at.peek() != Some(b'{') {
            return Err(self.at.error("expected an object"));
        }
        self.object(0, 0)?;
        self.at.skip_space();
        if self.at.peek().is_some() { Err(self.at.error("the object has ended before this")) } else { Ok(()) }
    }

    /// An object that `node` says which keys of matter.
    fn object(&mut self, node: u32, depth: u8) -> Result<(), Fault> {
        self.at.enter()?;
        let mut is_first = true;
        while self.at.next_member(b'}', &mut is_first)? {
            let trie = self.trie;
            let key = self.at.key()?;
            let target = if key.has_escapes {
                self.buffer.key.clear();
                self.at.unescape(key, &mut self.buffer.key);
                trie.key(node, &self.buffer.key)
            } else {
                trie.key(node, &self.at.text[key.range()])
            };
            self.value(target, depth)?;
        }
        self.at.leave();
        Ok(())
    }

    /// A list that `node` says which items of matter.
    fn list(&mut self, node: u32, depth: u8) -> Result<(), Fault> {
        self.at.enter()?;
        let (mut is_first, mut position) = (true, 0);
        while self.at.next_member(b']', &mut is_first)? {
            let target = self.trie.item(node, position);
            self.value(target, depth)?;
            position += 1;
        }
        self.at.leave();
        Ok(())
    }

    /// The value behind a key or a position.
    fn value(&mut self, target: Option<u32>, depth: u8) -> Result<(), Fault> {
        let Some(target) = target else { return self.at.skip_value() };
        let target = self.trie.target(target);
        // The key may stand here again: what was found inside the one before does not count.
        for &slot in &target.inside {
            let slot = &mut self.buffer.slots[slot as usize];
            if slot.depth != u8::MAX && slot.depth > depth {
                *slot = EMPTY;
            }
        }
        let start = self.at.pos() as u32;
        let found = match (self.at.peek(), target.child) {
            (Some(b'{'), Some(child)) => self.object(child, depth + 1).map(|()| None)?,
            (Some(b'['), Some(child)) => self.list(child, depth + 1).map(|()| None)?,
            (Some(b'{' | b'['), None) => self.at.skip_value().map(|()| None)?,
            _ => Some(self.scalar()?),
        };
        let found = found.unwrap_or(Stored::Whole(start, self.at.pos() as u32));
        for &slot in &target.values {
            self.buffer.fill(slot, depth, found);
        }
        Ok(())
    }

    fn scalar(&mut self) -> Result<Stored, Fault> {
        Ok(match self.at.peek() {
            Some(b'"') => {
                let text = self.at.string()?;
                if text.has_escapes {
                    let unescaped = &mut self.buffer.unescaped;
                    let before = unescaped.len() as u32;
                    self.at.unescape(text, unescaped);
                    Stored::Unescaped(before, unescaped.len() as u32)
                } else {
                    Stored::Text(text.start, text.end)
                }
            }
            Some(b't') => self.at.word("true").map(|()| Stored::Bool(true))?,
            Some(b'f') => self.at.word("false").map(|()| Stored::Bool(false))?,
            Some(b'n') => self.at.word("null").map(|()| Stored::Null)?,
            _ => Stored::Number(self.at.number()?),
        })
    }
}

impl JsonFields<'_> {
    /// The value at a place of the reader that read the text.
    #[must_use]
    #[inline]
    pub fn at(&self, place: Place) -> Option<View<'_>> {
        self.stored(place.0)
    }

    #[inline]
    fn stored(&self, slot: u32) -> Option<View<'_>> {
        let place = |start: u32, end: u32| start as usize..end as usize;
        Some(match self.buffer.slots.get(slot as usize)?.found {
            Stored::Nothing | Stored::Whole(..) => return None,
            Stored::Null => View::Null,
            Stored::Bool(value) => View::Bool(value),
            Stored::Number(number) => View::Number(number),
            Stored::Text(start, end) => View::Text(&self.text[place(start, end)]),
            Stored::Unescaped(start, end) => View::Text(&self.buffer.unescaped[place(start, end)]),
            Stored::Nested(at) => return View::of(&self.buffer.nested[at as usize]),
        })
    }
}

impl Fields for JsonFields<'_> {
    /// Cost: hashing the name; see [`Reader::place`].
    fn view(&self, path: &FieldPath) -> Option<View<'_>> {
        self.stored(*self.reader.places.get(path)?)
    }
}

impl Source for JsonFields<'_> {
    #[inline]
    fn numbered(&self, number: u32, _: &FieldPath) -> Option<View<'_>> {
        match self.stored(number) {
            Some(value) => Some(value),
            None => {
                let before = self.reader.length_of[number as usize]?;
                self.stored(before)?.length().map(View::Number)
            }
        }
    }
}
