//! What comes of each field of another program's file. A converter lists the fields that it knows; whatever else was written
//! is named with its line, so that nothing is left out silently.

use lanner_core::document::{Content, Node};

use super::moved::Moving;
use super::span;
use super::tree::{entries, get, items};

/// What comes of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use {
    /// It is converted.
    Read,
    /// It holds a map, or a list of maps, with fields of their own.
    In(&'static [Field]),
    /// It changes neither when a rule fires, nor whom it tells, nor what it says.
    Idle,
    /// With one of these values it says what Lanner does anyway.
    As(&'static [&'static str]),
    /// It is not converted, and why, or what to do instead.
    Not(&'static str),
}

/// A field, and what comes of it.
pub(super) type Field = (&'static str, Use);

impl Moving {
    /// Names what none of the lists has, or what they say is not converted, in a map and in the maps below it.
    pub(super) fn unread(&mut self, node: &Node, lists: &[&[Field]], entry: &str) {
        self.unread_below(node, lists, "", entry);
    }

    fn unread_below(&mut self, node: &Node, lists: &[&[Field]], path: &str, entry: &str) {
        for (key, value) in entries(node).iter().filter(|(_, value)| value.content != Content::Null) {
            let known = lists.iter().copied().flatten().find(|(name, _)| *name == key.name);
            let name = format!("{path}{}", key.name);
            let why = match known.map(|(_, comes_of_it)| comes_of_it) {
                Some(Use::Read | Use::Idle) => continue,
                Some(Use::As(values)) if value.scalar_text().is_some_and(|text| values.contains(&&*text)) => {
                    continue;
                }
                Some(Use::In(fields)) => {
                    for item in items(Some(value)) {
                        self.unread_below(item, &[fields], &format!("{name}."), entry);
                    }
                    continue;
                }
                Some(Use::Not(why)) => format!("{name}: {why}"),
                Some(Use::As(_)) | None => format!("{name} is not converted"),
            };
            self.note(key.at, entry, why);
        }
    }

    /// Milliseconds of a duration, as text or as a map of units; one that cannot be read is named.
    pub(super) fn duration_ms(&mut self, node: &Node, name: &str, entry: &str) -> Option<i64> {
        let value = get(node, name)?;
        let of_text = value.scalar_text().and_then(|text| span::of_text(&text));
        let ms = of_text.or_else(|| span::of_map(value));
        if ms.is_none() {
            let written = value.scalar_text().map(|text| format!("\"{text}\""));
            let what =
                written.unwrap_or_else(|| format!("this {}", value.content.kind().trim_start_matches("a ")));
            self.note(value.at, entry, format!("{name}: {what} is not a duration; left out"));
        }
        ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_named_where_it_stands() {
        const INNER: &[Field] = &[("known", Use::Read), ("kind", Use::As(&["a", "b"]))];
        const OUTER: &[Field] =
            &[("list", Use::In(INNER)), ("id", Use::Idle), ("alert", Use::Not("write it"))];
        #[track_caller]
        fn check(text: &str, expected: &[&str]) {
            let mut moving = Moving::default();
            moving.unread(&Node::from_yaml(text).unwrap(), &[OUTER, &[("more", Use::Read)]], "it");
            let said: Vec<String> = moving.notes.iter().map(ToString::to_string).collect();
            assert_eq!(said, expected);
        }
        check("id: 1\nmore: 2\nlist: {known: 1, kind: a}\nnothing:\n", &[]);
        check(
            "id: 1\nother: {id: 1}\nalert: x",
            &["2: it: other is not converted", "3: it: alert: write it"],
        );
        check(
            "list:\n- known: 1\n  kind: c\n- id: 3\n",
            &["3: it: list.kind is not converted", "4: it: list.id is not converted"],
        );
    }
}
