//! Profiles as bytes: learned on one host, shipped with an image, merged with those of others.
//!
//! A profile is a row of sketches in the form of [`lanner_sketch::file`]. The first holds what is no sketch: the document, the
//! seed, the counters. Several profiles stand one after the other.

use lanner_core::document::{Check, Node};
use lanner_sketch::file::{Kept, is_sketch, read, write};
use lanner_sketch::{FileError, Seed};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::books::Books;
use crate::groups::Groups;
use crate::known::Known;
use crate::notes::{Notes, Record};
use crate::profile::Profile;
use crate::spec::{ReadFilter, Spec};

/// Why profiles cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A part of the file is wrong.
    #[error("{what} {error}")]
    File {
        /// Which part.
        what: String,
        /// What is wrong with it.
        error: FileError,
    },
    /// What a profile learns cannot be read.
    #[error("what the profile learns cannot be read: {0}")]
    Document(String),
    /// There is nothing.
    #[error("holds no profile")]
    Empty,
}

/// Whether these bytes begin as a file of profiles does, of whatever version.
#[must_use]
pub fn is_profile(bytes: &[u8]) -> bool {
    is_sketch(bytes)
}

/// What is no sketch.
#[derive(Serialize, Deserialize)]
struct Head {
    document: Value,
    /// The seed's number, in hexadecimal digits.
    seed: String,
    notes: Record,
    /// When it was written, milliseconds since 1970.
    saved_ms: i64,
}

/// Bytes in the form of a sketch.
pub(crate) struct Text(pub(crate) Vec<u8>);

impl Kept for Text {
    const KIND: u16 = 200;

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend(&self.0);
    }

    fn read_body(_: u64, body: &[u8]) -> Option<Self> {
        Some(Self(body.to_owned()))
    }
}

impl Profile {
    /// Appends the profile as bytes, as of `now_ms`. Threads that learn something rare wait meanwhile.
    pub fn write(&self, now_ms: i64, out: &mut Vec<u8>) {
        let books = self.books();
        let Known { spec, seed, panes, counts, first, last, notes, .. } = &self.known;
        let head = Head {
            saved_ms: now_ms,
            document: spec.to_json(),
            seed: format!("{:x}", seed.number()),
            notes: notes.record(&books.novelty),
        };
        let text = serde_json::to_vec(&head).unwrap_or_default();
        write(&Text(text), &Seed::new(0), 0, out);
        let fingerprint = fingerprint(spec);
        write(panes, seed, fingerprint, out);
        write(counts, seed, fingerprint, out);
        write(first, seed, fingerprint, out);
        write(last, seed, fingerprint, out);
        write(&books.top, seed, fingerprint, out);
        let groups: Vec<u8> = books.groups.0.keys().flat_map(|group| group.to_le_bytes()).collect();
        write(&Text(groups), seed, fingerprint, out);
        books.groups.0.values().for_each(|distinct| write(distinct, seed, fingerprint, out));
    }

    /// Reads a profile from the start of `bytes`, and moves them behind it.
    ///
    /// # Errors
    /// Whatever is wrong; it is read completely or not at all.
    pub fn read(bytes: &mut &[u8], read_filter: ReadFilter<'_>) -> Result<Self, StateError> {
        let mut rest = *bytes;
        let part = |what: &str| {
            let what = what.to_owned();
            move |error| StateError::File { what, error }
        };
        let Text(text) = read(&mut rest, &Seed::new(0), 0).map_err(part("the file"))?;
        let unreadable = |error: &dyn std::fmt::Display| StateError::Document(error.to_string());
        let head: Head = serde_json::from_slice(&text).map_err(|error| unreadable(&error))?;
        let number = u128::from_str_radix(&head.seed, 16).map_err(|error| unreadable(&error))?;
        let spec = read_spec(&head.document, read_filter)?;
        let (seed, fingerprint) = (Seed::new(number), fingerprint(&spec));
        let of = |what: &str| part(&format!("{what} of the profile {}", spec.id));
        let panes = read(&mut rest, &seed, fingerprint).map_err(of("the windows"))?;
        let counts = read(&mut rest, &seed, fingerprint).map_err(of("the counts"))?;
        let first = read(&mut rest, &seed, fingerprint).map_err(of("the first sightings"))?;
        let last = read(&mut rest, &seed, fingerprint).map_err(of("the last sightings"))?;
        let top = read(&mut rest, &seed, fingerprint).map_err(of("the names"))?;
        let Text(keys) = read(&mut rest, &seed, fingerprint).map_err(of("the groups"))?;
        let mut groups = Groups::default();
        for key in keys.as_chunks().0 {
            let distinct = read(&mut rest, &seed, fingerprint).map_err(of("a group"))?;
            groups.0.insert(u64::from_le_bytes(*key), distinct);
        }
        *bytes = rest;
        let books = Books { novelty: head.notes.novelty.clone(), top, groups };
        let sketches = (panes, counts, first, last);
        let known = Known::of(spec, seed, sketches, Notes::of(head.notes), &books.groups);
        Ok(Self::of(known, books, Some(head.saved_ms)))
    }

    /// Reads all profiles of a file.
    ///
    /// # Errors
    /// Whatever is wrong with one of them.
    pub fn read_all(mut bytes: &[u8], read_filter: ReadFilter<'_>) -> Result<Vec<Self>, StateError> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            all.push(Self::read(&mut bytes, read_filter)?);
        }
        if all.is_empty() { Err(StateError::Empty) } else { Ok(all) }
    }
}

pub(crate) fn read_spec(document: &Value, read_filter: ReadFilter<'_>) -> Result<Spec, StateError> {
    let mut check = Check::default();
    let spec = Spec::read_document(&Node::from_json(document), "", read_filter, &mut check);
    let problems: Vec<String> = check.problems.iter().map(ToString::to_string).collect();
    spec.filter(|_| problems.is_empty()).ok_or_else(|| StateError::Document(problems.join("; ")))
}

/// Of what the keys of a profile are made.
pub(crate) fn fingerprint(spec: &Spec) -> u64 {
    Seed::new(0).hash(spec.identity().as_bytes()).number()
}
