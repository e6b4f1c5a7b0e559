//! Macros in conditions: each name becomes the tree of its macro.

use std::collections::BTreeSet;

use crate::falco::tree::{Filter, Name};

/// A condition with its macros may have so many checks.
const MAX_CHECKS: usize = 100_000;
/// And be so many levels deep.
const MAX_DEPTH: usize = 500;

/// A macro that can be put in place of its name.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: String,
    /// `None` where its condition is refused, which was said already.
    pub(super) filter: Option<Filter>,
    /// When it was first defined: only what comes later sees it.
    pub(super) first: usize,
}

/// Why the macros of a condition cannot be resolved.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    /// There is no macro of this name here.
    Unknown(Name),
    /// This macro leads back to itself.
    Loop(Name),
    /// This macro is refused itself.
    Refused,
    /// Too many checks, or too deep.
    TooLarge,
}

/// The condition with all macros in it that were defined before `visible`, and the names of those.
///
/// # Errors
/// The first macro that is unknown, or leads back to itself.
pub(super) fn resolve(
    filter: &Filter,
    macros: &[Known],
    visible: usize,
) -> Result<(Filter, BTreeSet<String>), Unresolved> {
    let mut resolver = Resolver { macros, visible, path: Vec::new(), used: BTreeSet::new(), n_checks: 0 };
    let resolved = resolver.resolved(filter, 1)?;
    Ok((resolved, resolver.used))
}

struct Resolver<'m> {
    macros: &'m [Known],
    visible: usize,
    /// The macros in which it is, the innermost last.
    path: Vec<&'m str>,
    used: BTreeSet<String>,
    n_checks: usize,
}

impl<'m> Resolver<'m> {
    fn resolved(&mut self, filter: &Filter, depth: usize) -> Result<Filter, Unresolved> {
        if depth > MAX_DEPTH {
            return Err(Unresolved::TooLarge);
        }
        match filter {
            Filter::And(members) => self.all(members, depth).map(Filter::And),
            Filter::Or(members) => self.all(members, depth).map(Filter::Or),
            Filter::Not(inner) => self.resolved(inner, depth + 1).map(|inner| Filter::Not(Box::new(inner))),
            Filter::Macro(name) => self.substitute(name, depth),
            Filter::Check(check) => {
                self.n_checks += 1;
                if self.n_checks > MAX_CHECKS {
                    Err(Unresolved::TooLarge)
                } else {
                    Ok(Filter::Check(check.clone()))
                }
            }
        }
    }

    fn all(&mut self, members: &[Filter], depth: usize) -> Result<Vec<Filter>, Unresolved> {
        members.iter().map(|member| self.resolved(member, depth + 1)).collect()
    }

    fn substitute(&mut self, name: &Name, depth: usize) -> Result<Filter, Unresolved> {
        let macros: &'m [Known] = self.macros;
        let known = macros.iter().find(|known| known.name == name.text && known.first < self.visible);
        let Some(known) = known else { return Err(Unresolved::Unknown(name.clone())) };
        if self.path.contains(&known.name.as_str()) {
            return Err(Unresolved::Loop(name.clone()));
        }
        let Some(filter) = &known.filter else { return Err(Unresolved::Refused) };
        self.path.push(&known.name);
        let resolved = self.resolved(filter, depth + 1)?;
        self.path.pop();
        self.used.insert(known.name.clone());
        Ok(resolved)
    }
}
