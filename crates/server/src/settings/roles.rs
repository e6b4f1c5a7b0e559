//! Which part of the work a server does.

use lanner_core::field::Type;
use lanner_core::reading::text;
use lanner_engine::document::{Check, Node};

/// What `roles` may hold.
pub(super) const ROLES: Type = Type::List(&Type::OneOf(&["all", "api", "notify", "worker"]));

/// Which part of the work a server does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Roles {
    /// All of it. Of several servers on one state the others wait.
    #[default]
    All,
    /// Serves the API and the page, receives data, notifies people, and evaluates rules of the data that it holds. Of
    /// several on one state the others wait.
    ApiNotify,
    /// Answers for switches, and hands all other requests on to the server that notifies, beside any number of others.
    Api,
    /// Evaluates rules of sources elsewhere, beside any number of others.
    Worker,
}

impl Roles {
    /// The roles with these names.
    ///
    /// # Errors
    /// Why they cannot be together.
    pub fn of(names: &[impl AsRef<str>]) -> Result<Self, String> {
        let mut names: Vec<&str> = names.iter().map(|name| name.as_ref().trim()).collect();
        names.sort_unstable();
        names.dedup();
        if let Some(unknown) = names.iter().find(|name| !["all", "api", "notify", "worker"].contains(name)) {
            return Err(format!(
                "\"{unknown}\" is not a role; write all, or api and notify, or api, or worker"
            ));
        }
        match names[..] {
            ["all"] => Ok(Self::All),
            ["api", "notify"] => Ok(Self::ApiNotify),
            ["api"] => Ok(Self::Api),
            ["worker"] => Ok(Self::Worker),
            ["notify"] => Err(
                "notify alone is no part of the work: who notifies is told of changes; write api and notify, or all".to_owned()
            ),
            _ => Err(format!(
                "{} cannot be one server; write all, or api and notify, or api, or worker",
                names.join(" and ")
            )),
        }
    }
}

/// `all`, `worker` or `[api, notify]`.
pub(super) fn read(node: &Node, check: &mut Check) -> Option<Roles> {
    let n_before = check.problems.len();
    let items = if node.scalar_text().is_some() { vec![node] } else { check.items(node) };
    let mut names = Vec::new();
    for item in items {
        match text(item) {
            Ok(name) => names.push(name),
            Err(why) => check.problem(item, "server.roles", why),
        }
    }
    if check.problems.len() > n_before {
        return None;
    }
    Roles::of(&names).map_err(|why| check.problem(node, "server.roles", why)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named() {
        for (names, expected) in [
            (&["all"][..], Ok(Roles::All)),
            (&["notify", "api"], Ok(Roles::ApiNotify)),
            (&["worker", "worker"], Ok(Roles::Worker)),
            (&["api"], Ok(Roles::Api)),
            (&["notify"], Err("notify alone is no part of the work")),
            (&["worker", "api"], Err("api and worker cannot be one server")),
            (&["wroker"], Err("\"wroker\" is not a role")),
            (&[], Err(" cannot be one server")),
        ] {
            match (Roles::of(names), expected) {
                (Err(why), Err(expected)) => assert!(why.starts_with(expected), "{why}"),
                (roles, expected) => assert_eq!(roles, expected.map_err(str::to_owned)),
            }
        }
    }
}
