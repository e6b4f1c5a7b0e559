//! The names that a condition may use: declared fields, lists and macros.

use std::collections::HashMap;

use crate::{Expr, Literal, Schema};

/// Declared fields, lists and macros; empty by default, which allows every field and knows no names.
///
/// A bare word in a list that is a list's name stands for that list's items. A word alone that is a macro's
/// name stands for its condition. Lists and macros may use others, in any order, but not themselves.
///
/// ```
/// use lanner_conditions::{Condition, Definitions, Scope};
/// let mut names = Definitions::default();
/// names.list("shells", ["sh", "bash"]);
/// names.list("tools", ["shells", "nc"]);
/// names.define("spawned", "evt.type in (execve, execveat) and proc.name in (tools)");
/// let scope = Scope::new(&names).unwrap();
/// let condition = Condition::compile_in("spawned and not user.name == root", &scope).unwrap();
/// assert_eq!(
///     condition.expr().to_string(),
///     r#"evt.type in ("execve", "execveat") and proc.name in ("sh", "bash", "nc") and not user.name == "root""#
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub(crate) schema: Option<Schema>,
    pub(crate) lists: HashMap<String, Vec<Literal>>,
    pub(crate) macros: HashMap<String, (Expr, Size)>,
}

/// What a condition takes of the limits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) depth: usize,
    pub(crate) n_tests: usize,
    pub(crate) n_regexes: usize,
}

impl Scope {
    /// The same scope with these fields.
    #[must_use]
    pub fn with_schema(self, schema: Schema) -> Self {
        Self { schema: Some(schema), ..self }
    }

    pub(crate) fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    pub(crate) fn list(&self, name: &str) -> Option<&[Literal]> {
        self.lists.get(name).map(Vec::as_slice)
    }

    pub(crate) fn list_names(&self) -> impl Iterator<Item = &str> {
        self.lists.keys().map(String::as_str)
    }

    /// The condition behind a macro's name, and how large it is.
    pub(crate) fn named(&self, name: &str) -> Option<&(Expr, Size)> {
        self.macros.get(name)
    }
}
