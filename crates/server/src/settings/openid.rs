//! The settings of signing in through a provider of OpenID Connect.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lanner_core::field::{Field, Type};
use lanner_core::reading::{names, text};
use lanner_engine::document::{Check, Fields, Node};
use lanner_io::openid::{OpenIdConfig, check_issuer};
use lanner_io::receiver::Secret;

/// `openid`.
pub(crate) const OPENID: &[Field] = &[
    Field::new(
        "issuer",
        "https://login.example.org/realms/staff",
        "issuer of the provider, as it names itself; HTTPS, or on this machine",
    )
    .required(),
    Field::new("client_id", "lanner", "what the provider calls Lanner").required(),
    Field::new("client_secret", "{ file: /etc/lanner/openid }", "secret of a confidential client")
        .of(Type::Secret),
    Field::new(
        "scopes",
        "{ read: ['*'], operate: [on-call], admin: [platform] }",
        "who may do what: the groups of each scope; `*` is everybody who signs in",
    )
    .of(Type::Map(SCOPES))
    .required(),
    Field::new(
        "groups",
        "realm_access.roles",
        "claim that lists the groups of a person; a dot leads into a map",
    )
    .or("groups"),
    Field::new(
        "name",
        "preferred_username",
        "claim that is the name of a person in the audit log; people must not be able to choose it",
    )
    .or("email"),
    Field::new("request", "[email, groups]", "scopes of OAuth that are asked for besides `openid`")
        .of(Type::List(&Type::Text))
        .or("[email, profile]"),
    Field::new("ca_file", "/etc/ssl/own-ca.pem", "certificates to trust besides the system's, PEM"),
];

/// `openid.scopes`.
pub(crate) const SCOPES: &[Field] = &[
    Field::new("ingest", "[senders]", "groups that may write samples and events").of(Type::List(&Type::Text)),
    Field::new("read", "['*']", "groups that may see everything but secrets; pages need it")
        .of(Type::List(&Type::Text)),
    Field::new("evaluate", "[shop]", "groups that may ask kill switches and models")
        .of(Type::List(&Type::Text)),
    Field::new("operate", "[on-call]", "groups that may silence alerts and turn switches on and off")
        .of(Type::List(&Type::Text)),
    Field::new("admin", "[platform]", "groups that may do everything").of(Type::List(&Type::Text)),
];

/// People sign in through a provider, which says who they are and which groups they are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenId {
    /// The provider.
    pub provider: OpenIdConfig,
    /// The claim that is a person's name.
    pub name: String,
    /// The claim that lists a person's groups: the names that lead to it.
    pub groups: Vec<String>,
    /// The groups of each scope, by its name; `*` is everybody.
    pub scopes: BTreeMap<&'static str, Vec<String>>,
}

/// Reads `openid`.
/// - `secret`: reads a secret
pub(super) fn read(
    node: &Node,
    secret: impl Fn(&Node) -> Result<Secret, String>,
    check: &mut Check,
) -> Option<OpenId> {
    const PATH: &str = "server.openid";
    let mut fields = check.map(node, PATH)?;
    for field in OPENID.iter().filter(|field| field.is_required) {
        fields.require(field.name, field.example, check);
    }
    let issuer = fields.read("issuer", check, |node| {
        let issuer = text(node)?;
        check_issuer(&issuer).map(|()| issuer)
    });
    let client_id = fields.read("client_id", check, text);
    let client_secret = fields.read("client_secret", check, secret);
    let name = fields.read("name", check, text).unwrap_or_else(|| "email".to_owned());
    let groups = fields.read("groups", check, text).unwrap_or_else(|| "groups".to_owned());
    let groups: Vec<String> = groups.split('.').map(str::to_owned).collect();
    let is_asked = fields.get("request").is_some();
    let request = if is_asked {
        names(&mut fields, "request", check)
    } else {
        vec!["email".to_owned(), "profile".to_owned()]
    };
    let ca_file = fields.read("ca_file", check, |node| {
        let path = text(node)?;
        let is_whole = Path::new(&path).is_absolute();
        is_whole
            .then(|| PathBuf::from(&path))
            .ok_or_else(|| format!("\"{path}\" is relative; write the whole path, starting with /"))
    });
    let scopes = fields.get("scopes").and_then(|node| read_scopes(node, check));
    fields.finish_of(OPENID, check);
    let scopes = scopes?;
    let claims =
        [name.clone()].into_iter().chain(groups.first().filter(|_| asks_for_groups(&scopes)).cloned());
    let provider = OpenIdConfig {
        issuer: issuer?,
        client_id: client_id?,
        client_secret,
        request,
        claims: claims.collect(),
        ca_file,
    };
    Some(OpenId { provider, name, groups, scopes })
}

/// Whether any scope depends on a group.
fn asks_for_groups(scopes: &BTreeMap<&'static str, Vec<String>>) -> bool {
    scopes.values().flatten().any(|group| group != "*")
}

fn read_scopes(node: &Node, check: &mut Check) -> Option<BTreeMap<&'static str, Vec<String>>> {
    const PATH: &str = "server.openid.scopes";
    let mut fields: Fields<'_> = check.map(node, PATH)?;
    let mut scopes = BTreeMap::new();
    for scope in SCOPES {
        let groups = names(&mut fields, scope.name, check);
        if !groups.is_empty() {
            scopes.insert(scope.name, groups);
        }
    }
    fields.finish_of(SCOPES, check);
    if !scopes.contains_key("read") && !scopes.contains_key("admin") {
        check.problem(node, PATH, "lets nobody see a page; write for example read: ['*']");
        return None;
    }
    Some(scopes)
}
