//! Exceptions of rules: what a condition says beside its own.

use super::report::Code;
use crate::falco::tree::{HowMany, Operator};

/// An exception as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exception {
    pub(super) name: String,
    pub(super) fields: Option<Entry>,
    pub(super) comps: Option<Entry>,
    pub(super) values: Vec<Entry>,
}

/// One text, or a list of more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    One(String),
    List(Vec<Entry>),
}

type Refused<T> = Result<T, (Code, String)>;

fn refuse<T>(message: impl Into<String>) -> Refused<T> {
    Err((Code::Validate, message.into()))
}

impl Entry {
    fn text(&self) -> &str {
        match self {
            Self::One(text) => text,
            Self::List(_) => "",
        }
    }
}

impl Exception {
    /// Checks fields and operators, and adds the operators that were left out.
    pub(super) fn complete(&mut self, is_source_known: bool, is_field: &dyn Fn(&str) -> bool) -> Refused<()> {
        let supported = |field: &str| match is_source_known && !is_field(field) {
            true => refuse(format!("'{field}' is not a supported filter field")),
            false => Ok(()),
        };
        match (&self.fields, &mut self.comps) {
            (Some(Entry::List(fields)), comps) => {
                let equal = || Entry::List(vec![Entry::One("=".to_owned()); fields.len()]);
                let Entry::List(comps) = comps.get_or_insert_with(equal) else {
                    return refuse("Fields and comps lists must have equal length");
                };
                if comps.len() != fields.len() {
                    return refuse("Fields and comps lists must have equal length");
                }
                for comp in comps {
                    trim(comp);
                    if !is_operator(comp.text()) && !is_modified(comp.text()) {
                        return refuse(format!("'{}' is not a supported comparison operator", comp.text()));
                    }
                }
                fields.iter().try_for_each(|field| supported(field.text()))
            }
            (Some(Entry::One(field)), comps) => {
                let comp = comps.get_or_insert_with(|| Entry::One("in".to_owned()));
                trim(comp);
                match comp {
                    Entry::List(_) => return refuse("Fields and comps must both be strings"),
                    Entry::One(comp) if !is_list_operator(comp) => {
                        return refuse(
                            "When fields is a single value, comps must be one of (in, pmatch, intersects) or a \
                             modifier operator (e.g. startswith oneof)",
                        );
                    }
                    Entry::One(_) => {}
                }
                supported(field)
            }
            (None, _) => Ok(()),
        }
    }
}

fn trim(comp: &mut Entry) {
    if let Entry::One(text) = comp {
        *text = text.trim_matches([' ', '\t', '\r', '\n']).to_owned();
    }
}

fn is_operator(word: &str) -> bool {
    let all = [&Operator::OF_TEXT[..], &Operator::OF_ORDER, &Operator::OF_LIST, &[Operator::Exists]];
    all.iter().any(|operators| operators.iter().any(|op| op.word() == word))
}

/// Whether it is an operator with `oneof`, `anyof` or `allof`.
fn is_modified(words: &str) -> bool {
    words.split_once(' ').is_some_and(|(op, how_many)| {
        Operator::OF_TEXT.iter().any(|known| known.word() == op)
            && HowMany::ALL.iter().any(|known| known.word() == how_many)
    })
}

/// Whether a list stands on its right.
fn is_list_operator(word: &str) -> bool {
    is_modified(word) || Operator::OF_LIST.iter().any(|op| op.word() == word)
}

/// A condition with its exceptions: `(condition) and not (...) and not (...)`.
pub(super) fn with_exceptions(condition: &str, exceptions: &[Exception]) -> Refused<String> {
    let mut whole = format!("({condition})");
    for exception in exceptions {
        let but = match (&exception.fields, &exception.comps) {
            (Some(Entry::One(field)), Some(Entry::One(comp))) => {
                of_one_field(field, comp, &exception.values)?
            }
            (Some(Entry::List(fields)), Some(Entry::List(comps))) => {
                of_fields(fields, comps, &exception.values)?
            }
            _ => String::new(),
        };
        if !but.is_empty() {
            whole.push_str(" and not ");
            whole.push_str(&but);
        }
    }
    Ok(whole)
}

/// `(field in (a, b))`
fn of_one_field(field: &str, comp: &str, values: &[Entry]) -> Refused<String> {
    let mut items = Vec::new();
    for value in values {
        match value {
            Entry::One(value) => items.push(quoted(value)),
            Entry::List(_) => return refuse("Expected values array to contain a list of strings"),
        }
    }
    Ok(if items.is_empty() { String::new() } else { format!("({field} {comp} ({}))", items.join(", ")) })
}

/// `((a = 1 and b = 2) or (a = 3 and b = 4))`
fn of_fields(fields: &[Entry], comps: &[Entry], values: &[Entry]) -> Refused<String> {
    let mut cases = Vec::new();
    for case in values {
        let of_case = match case {
            Entry::List(of_case) if of_case.len() == fields.len() => of_case,
            _ => return refuse("Fields and values lists must have equal length"),
        };
        let tests = fields.iter().zip(comps).zip(of_case).map(|((field, comp), value)| {
            let comp = comp.text();
            let right = match value {
                Entry::List(items) => {
                    let items: Vec<_> = items.iter().map(|item| quoted(item.text())).collect();
                    format!("({})", items.join(", "))
                }
                Entry::One(value) if is_list_operator(comp) => in_parentheses(value),
                Entry::One(value) => quoted(value),
            };
            format!("{} {comp} {right}", field.text())
        });
        cases.push(format!("({})", tests.collect::<Vec<_>>().join(" and ")));
    }
    Ok(if cases.is_empty() { String::new() } else { format!("({})", cases.join(" or ")) })
}

/// In quotes if it has blanks and no quotes yet.
pub(super) fn quoted(value: &str) -> String {
    if value.contains(' ') && !value.starts_with(['"', '\'']) {
        format!("\"{value}\"")
    } else {
        value.to_owned()
    }
}

fn in_parentheses(value: &str) -> String {
    if value.starts_with('(') { value.to_owned() } else { format!("({value})") }
}
