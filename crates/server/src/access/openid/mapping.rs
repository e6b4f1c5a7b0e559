//! What a provider's claims mean here: a name in the audit, and scopes.

use std::collections::{BTreeMap, BTreeSet};

use lanner_io::openid::Claims;
use serde_json::Value;

use crate::access::tokens::check_name;
use crate::http::{Principal, Scope};
use crate::settings::openid::OpenId;

/// What a provider's claims mean here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    /// The claim that is a person's name.
    name: String,
    /// The names that lead to the claim that lists a person's groups.
    groups: Vec<String>,
    /// The groups of each scope; `*` is everybody.
    scopes: BTreeMap<Scope, Vec<String>>,
}

impl From<&OpenId> for Mapping {
    fn from(settings: &OpenId) -> Self {
        let scopes = settings.scopes.iter();
        let scopes = scopes.filter_map(|(name, groups)| Some((Scope::parse(name).ok()?, groups.clone())));
        Self { name: settings.name.clone(), groups: settings.groups.clone(), scopes: scopes.collect() }
    }
}

impl Mapping {
    /// Whether anybody may do everything.
    pub(super) fn has_admin(&self) -> bool {
        self.scopes.contains_key(&Scope::Admin)
    }
}

/// Who somebody is.
///
/// # Errors
/// Why they cannot come in, with what an administrator can change.
pub(super) fn person(mapping: &Mapping, claims: &Claims) -> Result<Principal, String> {
    let name = claims.get(&mapping.name).and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err(format!(
            "the provider does not say your \"{}\", by which changes are kept; an administrator has it sent, or names another claim in \
             server.openid.name",
            mapping.name
        ));
    }
    // Who may write any address into their own account could be anybody.
    // Some providers write truths as text.
    let is_verified = |said: &Value| *said == true || said.as_str().is_some_and(|said| said == "true");
    if mapping.name == "email" && claims.get("email_verified").is_some_and(|said| !is_verified(said)) {
        return Err(format!("the provider has not verified that \"{}\" is your address", shown(name)));
    }
    check_name(name).map_err(|_| format!("\"{}\" cannot be a name in the audit log, which has 1 to 64 letters, digits and . _ @ + -; an administrator names another claim in server.openid.name", shown(name)))?;
    let groups = groups(mapping, claims);
    let is_in = |wanted: &String| wanted == "*" || groups.contains(&wanted.as_str());
    let scopes =
        mapping.scopes.iter().filter(|(_, wanted)| wanted.iter().any(is_in)).map(|(scope, _)| *scope);
    let principal = Principal::named(name, scopes.collect::<BTreeSet<_>>());
    if !principal.may(Scope::Read) {
        return Err(format!(
            "\"{name}\" is in no group that may see these pages; an administrator adds one to server.openid.scopes, or you to a group there"
        ));
    }
    Ok(principal)
}

/// The groups that a person is in. Some providers send a single one as text.
fn groups<'c>(mapping: &Mapping, claims: &'c Claims) -> Vec<&'c str> {
    // A claim may have a dot, or a colon and slashes, in its own name.
    let whole = claims.get(&mapping.groups.join("."));
    let mut names = mapping.groups.iter();
    let first = names.next().and_then(|name| claims.get(name));
    match whole.or_else(|| names.try_fold(first?, |value, name| value.get(name))) {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => Vec::new(),
    }
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapping(name: &str, groups: &str) -> Mapping {
        let scopes = [(Scope::Read, "staff"), (Scope::Operate, "on-call"), (Scope::Admin, "platform")];
        Mapping {
            name: name.to_owned(),
            groups: groups.split('.').map(str::to_owned).collect(),
            scopes: scopes.map(|(scope, group)| (scope, vec![group.to_owned()])).into(),
        }
    }

    #[test]
    fn claims_become_a_name_and_scopes() {
        #[track_caller]
        fn check(mapping: &Mapping, claims: &Value, expected: Result<(&str, &[Scope]), &str>) {
            let claims = claims.as_object().unwrap();
            match (person(mapping, claims), expected) {
                (Ok(found), Ok((name, scopes))) => {
                    assert_eq!(found, Principal::named(name, scopes.iter().copied().collect()), "{claims:?}");
                }
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (found, expected) => panic!("{claims:?}: {found:?}, not {expected:?}"),
            }
        }
        let by_email = mapping("email", "groups");
        let ann = |groups: Value| json!({ "email": "ann@example.org", "groups": groups });
        check(&by_email, &ann(json!(["staff"])), Ok(("ann@example.org", &[Scope::Read])));
        check(
            &by_email,
            &ann(json!(["staff", "on-call", 7])),
            Ok(("ann@example.org", &[Scope::Read, Scope::Operate])),
        );
        check(&by_email, &ann(json!("platform")), Ok(("ann@example.org", &[Scope::Admin])));
        // Operating alone opens no page.
        check(&by_email, &ann(json!(["on-call"])), Err("in no group"));
        check(&by_email, &ann(json!(["Staff", "staff "])), Err("in no group"));
        check(&by_email, &ann(json!({ "staff": true })), Err("in no group"));
        check(&by_email, &ann(Value::Null), Err("in no group"));
        check(&by_email, &json!({ "sub": "1", "groups": ["staff"] }), Err("does not say your \"email\""));
        check(&by_email, &json!({ "email": ["ann"], "groups": ["staff"] }), Err("does not say"));
        let said =
            |verified: Value| json!({ "email": "ann", "email_verified": verified, "groups": ["staff"] });
        for unverified in [json!(false), json!("false"), Value::Null, json!("False"), json!(0)] {
            check(&by_email, &said(unverified), Err("has not verified"));
        }
        for verified in [json!(true), json!("true")] {
            check(&by_email, &said(verified), Ok(("ann", &[Scope::Read])));
        }
        for name in ["config", "server.token", "Ann Lee", "<ann>", "anonymous"] {
            check(&by_email, &json!({ "email": name, "groups": ["staff"] }), Err("cannot be a name"));
        }
        let roles = json!({ "preferred_username": "ann", "realm_access": { "roles": ["staff"] } });
        check(&mapping("preferred_username", "realm_access.roles"), &roles, Ok(("ann", &[Scope::Read])));
        let named = json!({ "email": "ann", "https://example.org/groups": ["staff"] });
        check(&mapping("email", "https://example.org/groups"), &named, Ok(("ann", &[Scope::Read])));
        let mut open = mapping("email", "groups");
        open.scopes.insert(Scope::Read, vec!["*".to_owned()]);
        check(&open, &json!({ "email": "ann" }), Ok(("ann", &[Scope::Read])));
    }
}
