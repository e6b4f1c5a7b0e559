//! The options of a command line, as Falco's `getopt` finds them.
//!
//! It follows getopt(3) for short options: reading ends at `--` and at the first word that is no option. Words such as
//! `--long` are passed over, for they are no short options.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::Chars;

use serde_json::Value;

use crate::field::{Fields, View};
use crate::operand::{Argument, Held};

/// What stands for a letter that is no option.
const UNKNOWN: &str = "?";

/// The value of the option `key`, or all options and their values in a list.
///
/// An option that takes no value has its letter for one, and one whose value is missing an empty text. Of several values
/// the last one counts. In the list each option stands before its value, one without the value it needs is an empty text,
/// and letters that are no options are `?`.
pub(crate) fn getopt(words: &[Cow<'_, str>], spec: &str, key: Option<&str>) -> Option<Held<'static>> {
    let Some(key) = key else { return Some(Held::List(listed(words, spec))) };
    let asked = |found: &Found<'_>| key.chars().eq([found.letter]);
    let last = read(words, spec).into_iter().filter(|found| found.is_known).rfind(asked)?;
    Some(Held::Text(match last.value {
        Given::Nothing => last.letter.to_string(),
        Given::Missing => String::new(),
        Given::Value(value) => value.to_owned(),
    }))
}

fn listed(words: &[Cow<'_, str>], spec: &str) -> Vec<Value> {
    let mut list = Vec::new();
    for Found { letter, is_known, value } in read(words, spec) {
        match value {
            _ if !is_known => list.push(UNKNOWN.into()),
            Given::Nothing => list.push(letter.to_string().into()),
            Given::Missing => list.push("".into()),
            Given::Value(value) => list.extend([letter.to_string().into(), value.into()]),
        }
    }
    list
}

/// A letter behind a `-`.
struct Found<'w> {
    letter: char,
    is_known: bool,
    value: Given<'w>,
}

/// What came with an option.
enum Given<'w> {
    /// It takes nothing.
    Nothing,
    /// It needs a value, and the words ended.
    Missing,
    Value(&'w str),
}

fn read<'w>(words: &'w [Cow<'_, str>], spec: &str) -> Vec<Found<'w>> {
    let (options, mut found) = (options(spec), Vec::new());
    let mut words = words.iter().map(|word| &**word);
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty() && *letters != "-")
        else {
            break;
        };
        if letters.starts_with('-') {
            continue;
        }
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let takes_value = options.get(&letter).copied();
            let value = match takes_value {
                Some(true) => value_of(&mut rest, &mut words),
                _ => Given::Nothing,
            };
            found.push(Found { letter, is_known: takes_value.is_some(), value });
        }
    }
    found
}

/// What follows an option within its word, or else the next word.
fn value_of<'w>(rest: &mut Chars<'w>, words: &mut impl Iterator<Item = &'w str>) -> Given<'w> {
    let after = std::mem::replace(rest, "".chars()).as_str();
    if !after.is_empty() {
        return Given::Value(after);
    }
    words.next().map_or(Given::Missing, Given::Value)
}

/// The options, and whether each takes a value.
fn options(spec: &str) -> BTreeMap<char, bool> {
    let mut options = BTreeMap::new();
    let mut letters = spec.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != ':' {
            *options.entry(letter).or_default() |= letters.next_if_eq(&':').is_some();
        }
    }
    options
}

/// The words of a command line: a text's words, a list's texts, or `("-n", field)`.
pub(crate) fn words<'v>(argument: &'v Argument, fields: &'v impl Fields) -> Option<Vec<Cow<'v, str>>> {
    let mut words = Vec::new();
    match argument {
        Argument::List(members) => {
            for member in members {
                add(member.value(fields)?, &mut words)?;
            }
        }
        one => match one.value(fields)? {
            Held::View(View::Text(text)) => words.extend(text.split_whitespace().map(Cow::Borrowed)),
            Held::Text(text) => words.extend(text.split_whitespace().map(|word| Cow::Owned(word.to_owned()))),
            Held::Number(_) | Held::View(View::Number(_)) => return None,
            list => add(list, &mut words)?,
        },
    }
    Some(words)
}

/// Adds a member of a list: a text or a number is a word, a list of texts is several.
fn add<'v>(member: Held<'v>, words: &mut Vec<Cow<'v, str>>) -> Option<()> {
    match member {
        Held::View(View::Text(text)) => words.push(Cow::Borrowed(text)),
        Held::Text(text) => words.push(Cow::Owned(text)),
        Held::Number(number) | Held::View(View::Number(number)) => words.push(Cow::Owned(number.to_string())),
        Held::View(View::List(items)) => {
            words.extend(items.iter().map_while(Value::as_str).map(Cow::Borrowed));
        }
        Held::List(items) => {
            words.extend(items.iter().filter_map(Value::as_str).map(|word| Cow::Owned(word.to_owned())));
        }
        Held::View(View::Null | View::Bool(_) | View::Object(_)) => return None,
    }
    Some(())
}
