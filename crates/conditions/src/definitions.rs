//! Lists and macros as they are written, read into a scope.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::parse::parse_sized;
use crate::scan::{Escapes, Scanner};
use crate::words::{is_name, is_reserved};
use crate::{Literal, MAX_LIST_ITEMS, Op, Operand, Problem, Scope};

/// Most macros of one scope.
pub const MAX_MACROS: usize = 1_000;
/// Most lists of one scope.
pub const MAX_LISTS: usize = 1_000;

/// Lists and macros as they are written.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    lists: BTreeMap<String, Vec<String>>,
    macros: BTreeMap<String, String>,
}

impl Definitions {
    /// Declares a list; each item is a value as in a condition (`5`, `/etc`, `"a b"`) or another list's name.
    pub fn list<I: Into<String>>(&mut self, name: &str, items: impl IntoIterator<Item = I>) {
        self.lists.insert(name.to_owned(), items.into_iter().map(Into::into).collect());
    }

    /// Declares a macro.
    pub fn define(&mut self, name: &str, condition: &str) {
        self.macros.insert(name.to_owned(), condition.to_owned());
    }
}

/// What is wrong with a list or a macro.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct DefinitionProblem {
    /// The list or macro.
    pub name: String,
    /// What is wrong, with its place in the macro's text or the list's item.
    pub problem: Problem,
}

impl Scope {
    /// Reads lists and macros.
    ///
    /// Cost: each is read once; memory is bounded by the limits of a single condition and list for each.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn new(definitions: &Definitions) -> Result<Self, Vec<DefinitionProblem>> {
        Self::default().with(definitions)
    }

    /// The same scope with these lists and macros, whose conditions are held against its schema.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn with(self, definitions: &Definitions) -> Result<Self, Vec<DefinitionProblem>> {
        let mut reading = Reading {
            definitions,
            scope: self,
            open: Vec::new(),
            done: HashSet::new(),
            problems: Vec::new(),
        };
        reading.check_names();
        for name in definitions.lists.keys() {
            reading.list(name);
        }
        for name in definitions.macros.keys() {
            reading.define(name);
        }
        if reading.problems.is_empty() { Ok(reading.scope) } else { Err(reading.problems) }
    }
}

/// Definitions on their way into a scope.
struct Reading<'d> {
    definitions: &'d Definitions,
    scope: Scope,
    /// The names being read, each used by the one before.
    open: Vec<&'d str>,
    done: HashSet<&'d str>,
    problems: Vec<DefinitionProblem>,
}

impl<'d> Reading<'d> {
    fn problem(&mut self, name: &str, message: impl Into<String>, hint: impl Into<String>) {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        let problem = Problem { offset: 0, column: 1, length: 0, message: message.into(), hint };
        self.problems.push(DefinitionProblem { name: name.to_owned(), problem });
    }

    fn check_names(&mut self) {
        let Definitions { lists, macros } = self.definitions;
        for (name, is_macro) in
            lists.keys().map(|name| (name, false)).chain(macros.keys().map(|name| (name, true)))
        {
            // A list's name only has to end where a value does.
            let is_bare = !is_macro && !name.is_empty() && !name.contains(crate::words::ends_bare);
            if is_reserved(name) || !is_bare && !is_name(name) {
                self.problem(name, "this cannot be a name", "use letters, digits and `_`");
            }
        }
        for (n, most, what) in [(lists.len(), MAX_LISTS, "lists"), (macros.len(), MAX_MACROS, "macros")] {
            if n > most {
                self.problem(what, format!("there are {n} {what}"), format!("at most {most}"));
            }
        }
    }

    /// Begins to read `name`; says so where it would be used by itself.
    fn begin(&mut self, name: &'d str) -> bool {
        if self.done.contains(name) {
            return false;
        }
        if self.open.contains(&name) {
            let way = self.open.join(" -> ");
            self.problem(name, format!("`{name}` uses itself ({way} -> {name})"), "");
            self.done.insert(name);
            return false;
        }
        self.open.push(name);
        true
    }

    fn end(&mut self, name: &'d str) {
        self.open.pop();
        self.done.insert(name);
    }

    fn list(&mut self, name: &'d str) {
        let Some((name, items)) = self.definitions.lists.get_key_value(name) else { return };
        if !self.begin(name) {
            return;
        }
        let mut read = Vec::new();
        for item in items {
            self.list(item);
            match self.scope.list(item) {
                Some(inner) => read.extend_from_slice(inner),
                None => self.item(name, item, &mut read),
            }
            if read.len() > MAX_LIST_ITEMS {
                let message = format!("the list has more than {MAX_LIST_ITEMS} items");
                self.problem(name, message, "split it");
                read.clear();
                break;
            }
        }
        self.scope.lists.insert(name.clone(), read);
        self.end(name);
    }

    /// A list's item: a value as in a condition. What cannot stand there without quotes is a text.
    fn item(&mut self, name: &str, item: &str, read: &mut Vec<Literal>) {
        let mut at = Scanner::new(item);
        match at.value(None, Escapes::Text) {
            Some(value) if at.at_end() => read.push(value.literal),
            _ if item.starts_with(['"', '\'']) => {
                let found = at.problems.into_sorted().into_iter();
                let name = name.to_owned();
                self.problems.extend(found.map(|problem| DefinitionProblem { name: name.clone(), problem }));
            }
            _ => read.push(Literal::Text(item.to_owned())),
        }
    }

    fn define(&mut self, name: &'d str) {
        let Some((name, text)) = self.definitions.macros.get_key_value(name) else { return };
        if !self.begin(name) {
            return;
        }
        // Those that it uses come first. Read alone they look like fields.
        let alone = Scope { schema: None, lists: self.scope.lists.clone(), macros: HashMap::new() };
        match parse_sized(text, &alone) {
            Ok((expr, _)) => {
                expr.each_test(&mut |predicate| {
                    if let (Operand::Field(field), Op::Truthy) = (&predicate.left, &predicate.op)
                        && let Some((used, _)) = self.definitions.macros.get_key_value(field.as_str())
                    {
                        self.define(used);
                    }
                });
                match parse_sized(text, &self.scope) {
                    Ok(read) => _ = self.scope.macros.insert(name.clone(), read),
                    Err(problems) => self.refuse(name, problems),
                }
            }
            Err(problems) => self.refuse(name, problems),
        }
        self.end(name);
    }

    fn refuse(&mut self, name: &str, problems: Vec<Problem>) {
        let named = problems.into_iter().map(|problem| DefinitionProblem { name: name.to_owned(), problem });
        self.problems.extend(named);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lists: &[(&str, &[&str])], macros: &[(&str, &str)]) -> Result<Scope, Vec<String>> {
        let mut definitions = Definitions::default();
        lists.iter().for_each(|(name, items)| definitions.list(name, items.iter().copied()));
        macros.iter().for_each(|(name, text)| definitions.define(name, text));
        Scope::new(&definitions).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn names_stand_for_what_they_mean() {
        #[track_caller]
        fn check(text: &str, meant: &str) {
            let lists: [(&str, &[&str]); 3] =
                [("shells", &["sh", "\"a b\"", "5"]), ("all-tools", &["shells", "nc", "a b"]), ("none", &[])];
            let macros = [
                ("container", "container.id != host"), // a field may begin like the macro that uses it
                ("inner", "a == 1 or b"),
                ("outer", "inner and not container"),
            ];
            let scope = read(&lists, &macros).unwrap();
            assert_eq!(crate::parse_in(text, &scope).unwrap().to_string(), meant, "{text}");
        }
        check("outer", r#"(a == 1 or b) and not container.id != "host""#);
        check("inner or c", "a == 1 or b or c");
        check("inner == 1 or inner.x", "inner == 1 or inner.x"); // a field after all
        check("x in shells", r#"x in ("sh", "a b", 5)"#);
        check("x in (all-tools, z)", r#"x in ("sh", "a b", 5, "nc", "a b", "z")"#);
        check("x in (\"shells\")", r#"x in ("shells")"#);
        check("x intersects none", "x intersects ()");
        check("x startswith anyof shells", r#"x startswith anyof ("sh", "a b", "5")"#);
    }

    #[test]
    fn definitions_that_are_refused() {
        #[track_caller]
        fn check(lists: &[(&str, &[&str])], macros: &[(&str, &str)], says: &[&str]) {
            let problems = read(lists, macros).unwrap_err();
            assert_eq!(problems.len(), says.len(), "{problems:?}");
            for (problem, says) in problems.iter().zip(says) {
                assert!(problem.contains(says), "{problem}");
            }
        }
        check(
            &[],
            &[("a", "b and x == 1"), ("b", "not c"), ("c", "a or y == 2")],
            &["`a` uses itself (a -> b -> c -> a)"],
        );
        check(&[], &[("a", "a")], &["uses itself"]);
        check(&[("l", &["m"]), ("m", &["l"])], &[], &["`l` uses itself"]);
        check(&[], &[("a b", "x"), ("in", "x")], &["cannot be a name", "cannot be a name"]);
        check(&[], &[("a", "x ==")], &["a: column 5: expected a value"]);
        check(&[("l", &["\"x"])], &[], &["l: column 1: this text is never closed"]);
        // Nine macros, each ten times the one before: too many tests, not too much memory.
        let text = |n: usize| vec![format!("m{n}"); 10].join(" or ");
        let macros: Vec<(String, String)> = (0..9).map(|n| (format!("m{}", n + 1), text(n))).collect();
        let mut macros: Vec<(&str, &str)> = macros.iter().map(|(n, t)| (&**n, &**t)).collect();
        macros.push(("m0", "x == 1"));
        assert!(read(&[], &macros).unwrap_err()[0].contains("more than 20000 tests"));
        let many: Vec<String> = (0..1_001).map(|n| format!("m{n}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (&**name, "x")).collect();
        check(&[], &many, &["there are 1001 macros"]);
    }
}
