//! What files of other programs come to: documents, and remarks about what is not in them.

use std::collections::BTreeSet;

use lanner_core::document::{Node, Position};
use serde_json::{Map, Value, json};

use super::tree::lines;

/// One kind of file that can be moved.
pub(crate) struct Program {
    /// What the command line calls it.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) about: &'static str,
    /// What one of its entries is called.
    pub(crate) noun: &'static str,
    /// The name of the source that moved rules ask, unless another one is given; empty where none is asked.
    pub(crate) source: &'static str,
    /// Takes one document of a file.
    pub(super) take: fn(&Node, &Names, &mut Moving),
}

/// The names that moved rules refer to.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// The source that queries ask.
    pub(crate) source: String,
    /// The stream of events, where the file does not name one.
    pub(crate) stream: Option<String>,
    /// Who is notified, where the file does not say.
    pub(crate) receivers: Vec<String>,
}

/// Something that was not taken, or not as it was, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) at: Option<Position>,
    /// The entry it is about; empty for the file itself.
    pub(crate) entry: String,
    pub(crate) text: String,
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(at) = self.at {
            write!(f, "{}: ", at.line)?;
        }
        if !self.entry.is_empty() {
            write!(f, "{}: ", self.entry)?;
        }
        f.write_str(&self.text)
    }
}

/// What a file comes to.
#[derive(Debug, Default)]
pub(crate) struct Moving {
    /// The sections of the configuration: `rules`, `receivers` and others, each a list.
    sections: Map<String, Value>,
    ids: BTreeSet<String>,
    /// Entries found, and those of them that were taken.
    pub(crate) n_found: usize,
    pub(crate) n_taken: usize,
    /// Entries that stay where they are, and that what is taken may ask for: recording rules.
    pub(super) n_staying: usize,
    /// Entries that were left out.
    pub(crate) left: Vec<Remark>,
    /// Parts that were left out of entries that were taken, and what changes.
    pub(crate) notes: Vec<Remark>,
}

/// Why an entry is left out.
pub(super) type Reason = (Option<Position>, String);

impl Moving {
    /// Takes the documents of a file.
    pub(crate) fn take(&mut self, program: &Program, text: &str, names: &Names) {
        let n_before = self.notes.len();
        let n_said =
            |moving: &Self| moving.n_found + moving.n_staying + moving.left.len() + moving.notes.len();
        let n_said_before = n_said(self);
        for (first_line, text) in documents(text) {
            match Node::from_yaml(text) {
                Ok(node) => (program.take)(&lines(node, first_line), names, self),
                Err(problem) => {
                    let at = problem.at.map(|at| Position { line: at.line + first_line, ..at });
                    self.n_found += 1;
                    self.left.push(Remark { at, entry: String::new(), text: problem.message });
                }
            }
        }
        if n_said(self) == n_said_before {
            self.note(None, "", format!("no {} in it", program.noun));
        }
        // Notes are read beside the file.
        if let Some(notes) = self.notes.get_mut(n_before..) {
            notes.sort_by_key(|note| note.at);
        }
    }

    /// Everything that was taken, as one configuration.
    pub(crate) fn configuration(&self) -> Value {
        Value::Object(self.sections.clone())
    }

    /// Adds an entry to a section, or says why it is left out.
    pub(super) fn entry(&mut self, section: &str, entry: &str, made: Result<Value, Reason>) {
        self.n_found += 1;
        match made {
            Ok(document) => {
                self.n_taken += 1;
                self.push(section, document);
            }
            Err((at, text)) => self.left.push(Remark { at, entry: entry.to_owned(), text }),
        }
    }

    /// Says why an entry is left out.
    pub(super) fn leave(&mut self, at: Option<Position>, entry: &str, text: String) {
        self.left.push(Remark { at, entry: entry.to_owned(), text });
    }

    pub(super) fn push(&mut self, section: &str, document: Value) {
        let list = self.sections.entry(section).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(document);
        }
    }

    pub(super) fn note(&mut self, at: Option<Position>, entry: &str, text: impl Into<String>) {
        self.notes.push(Remark { at, entry: entry.to_owned(), text: text.into() });
    }

    /// A name that Lanner takes for an id, and that nothing else here has.
    pub(super) fn id(&mut self, name: &str) -> String {
        let fit = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let mut id: String = name.trim().chars().map(fit).collect();
        while id.contains("--") {
            id = id.replace("--", "-");
        }
        let id = match id.trim_matches('-') {
            "" => "unnamed".to_owned(),
            id => id.chars().take(100).collect(),
        };
        let numbered = (2_u32..).map(|n| format!("{id}-{n}"));
        let free = std::iter::once(id.clone()).chain(numbered).find(|id| !self.ids.contains(id));
        let free = free.unwrap_or(id);
        self.ids.insert(free.clone());
        free
    }
}

/// The YAML documents of a file, each with the number of lines before it.
fn documents(text: &str) -> Vec<(u32, &str)> {
    let (mut documents, mut start, mut first_line) = (Vec::new(), 0, 0);
    let (mut at, mut line) = (0, 0);
    for text_line in text.split_inclusive('\n') {
        if text_line.trim_end() == "---" {
            documents.push((first_line, text.get(start..at).unwrap_or_default()));
            (start, first_line) = (at + text_line.len(), line + 1);
        }
        at += text_line.len();
        line += 1;
    }
    documents.push((first_line, text.get(start..).unwrap_or_default()));
    let says_something =
        |text: &str| text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    documents.retain(|(_, text)| says_something(text));
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_their_lines() {
        assert_eq!(documents("a: 1\n---\n# only a remark\n---\nb: 2\n"), [(0, "a: 1\n"), (4, "b: 2\n")]);
        let mut moving = Moving::default();
        let program = Program { name: "p", about: "", noun: "", source: "", take: |_, _, _| {} };
        let names = Names { source: String::new(), stream: None, receivers: Vec::new() };
        moving.take(&program, "a: 1\n---\nb: [\n", &names);
        assert!(moving.left.iter().any(|remark| remark.at.is_some_and(|at| at.line >= 3)), "{moving:?}");
    }

    /// Of many files one may be of another kind; whoever converts them learns which.
    #[test]
    fn a_file_without_entries_is_named() {
        let program = Program { name: "p", about: "", noun: "alerts", source: "", take: |_, _, _| {} };
        let names = Names { source: String::new(), stream: None, receivers: Vec::new() };
        for text in ["", "a: 1\n", "# only a remark\n"] {
            let mut moving = Moving::default();
            moving.take(&program, text, &names);
            assert_eq!(moving.notes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["no alerts in it"]);
        }
        let staying = Program { take: |_, _, moving| moving.n_staying += 1, ..program };
        let mut moving = Moving::default();
        moving.take(&staying, "a: 1\n", &names);
        assert_eq!(moving.notes, []);
    }

    #[test]
    fn names_become_ids_that_are_free() {
        let mut moving = Moving::default();
        let ids = ["High CPU (90%)", "High CPU (90%)", "", "é"].map(|name| moving.id(name));
        assert_eq!(ids, ["High-CPU-90", "High-CPU-90-2", "unnamed", "unnamed-2"]);
    }
}
