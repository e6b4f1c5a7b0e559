//! One function as the language knows it, and all of them by name.

use std::collections::BTreeMap;

use lanner_core::nearest;

use super::parameter::Parameter;

/// One function, as the language, its manual and its clients know it.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its parameters as written in manuals: `(seriesList, n)`.
    pub signature: &'static str,
    /// What it does, in a sentence or two.
    pub about: &'static str,
    /// What can be given to it, in order.
    pub parameters: &'static [Parameter],
}

/// The functions that an expression may name.
#[derive(Debug)]
pub struct Vocabulary(BTreeMap<&'static str, &'static Function>);

impl Vocabulary {
    /// A vocabulary of these functions; of two with one name the later counts.
    pub fn new(functions: impl Iterator<Item = &'static Function>) -> Self {
        Self(functions.map(|function| (function.name, function)).collect())
    }

    /// The function called `name`, upper and lower case told apart, or `None`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'static Function> {
        self.0.get(name).copied()
    }

    /// The name that is most like `name`, if any is.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.0.keys().copied())
    }
}
