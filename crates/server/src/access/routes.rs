//! The scope that each route needs: one table; routes missing from it are open to administrators only.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use axum::http::Method;

use crate::http::Scope;

/// What a route asks of its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: it tells nothing worth protecting.
    Nothing,
    /// A token with this scope, where tokens are wanted.
    Scope(Scope),
}

use Need::Nothing;
const INGEST: Need = Need::Scope(Scope::Ingest);
const READ: Need = Need::Scope(Scope::Read);
const EVALUATE: Need = Need::Scope(Scope::Evaluate);
const OPERATE: Need = Need::Scope(Scope::Operate);
const ADMIN: Need = Need::Scope(Scope::Admin);

/// Methods and paths as the router has them, less a `/` at the end. `ANY` is every method.
const TABLE: &[(Need, &[&str])] = &[
    // For load balancers.
    (Nothing, &["GET /healthz", "GET /readyz"]),
    (
        INGEST,
        &[
            "POST /write",
            "POST /api/v1/write",
            "POST /api/v2/write",
            "POST /api/v2/alerts",
            "POST /v1/metrics",
            "POST /v1/logs",
            "POST /v1/traces",
            "POST /api/v1/events/{stream}",
            "GET /api/v1/profiles/{id}/terms",
            "POST /api/v1/profiles/{id}/hosts/{host}",
            "POST /api/v1/findings/scans",
            "POST /api/v1/findings/scans/{id}",
            "POST /api/v1/findings/scans/{id}/end",
            "POST /api/v1/findings/lists/{list}",
            "POST /events",
            "POST /tags/tagSeries",
            "POST /tags/tagMultiSeries",
        ],
    ),
    // Data and what became of it.
    (
        READ,
        &[
            "GET /metrics",
            "GET /metrics/alerts",
            "GET /api/openapi.json",
            "GET /api/v1/streams",
            "GET /api/v1/series",
            "GET /api/v1/series/unlike",
            "POST /api/v1/query",
            "GET /api/v1/export",
            "GET /api/v1/export/events/{stream}",
            "GET /api/v1/status",
            "GET /api/v1/shards",
            "GET /api/v1/audit",
            "GET /api/v1/audit/verify",
            "POST /api/v1/check",
            "GET /api/v1/processors",
            "GET /api/v1/profiles",
            "GET /api/v1/profiles/{id}",
            "POST /api/v1/profiles/{id}/explain",
            "GET /api/v1/sessions/labels",
            "GET /api/v1/sessions/drift",
            "GET /api/v1/sessions/{id}",
            "GET /api/v1/rules",
            "GET /api/v1/rules/{id}",
            "GET /api/v1/rules/{id}/history",
            "POST /api/v1/replay",
            "GET /api/v1/alerts",
            "GET /api/v1/evaluations",
            "GET /api/v1/silences",
            "GET /api/v1/receivers",
            "GET /api/v1/outbox",
            "GET /api/v1/findings",
            "GET /api/v1/findings/{key}",
            "GET /api/v1/findings/counts",
            "GET /api/v1/findings/overview",
            "GET /api/v1/findings/accepted",
            "GET /api/v1/models",
            "GET /api/v1/models/{id}",
            "GET /api/v1/models/{id}/file",
            "GET /api/v1/models/{id}/detector",
        ],
    ),
    // Kill switches as documents.
    (
        READ,
        &[
            "GET /api/v1/switches",
            "GET /api/v1/switches/{id}",
            "GET /api/v1/switches/{id}/history",
            "GET /api/v1/switches/audit",
            "GET /api/v1/switches/clients",
            "GET /api/v1/switches/requests",
            "GET /api/v1/switches/{id}/dry-run",
            "POST /api/v1/switches/preview",
        ],
    ),
    // Graphite and Seyren.
    (
        READ,
        &[
            "GET /render",
            "POST /render",
            "GET /metrics/find",
            "POST /metrics/find",
            "GET /metrics/expand",
            "POST /metrics/expand",
            "GET /metrics/index.json",
            "GET /functions",
            "GET /functions/{name}",
            "GET /version",
            "GET /tags",
            "GET /tags/{tag}",
            "GET /tags/findSeries",
            "POST /tags/findSeries",
            "GET /tags/autoComplete/tags",
            "POST /tags/autoComplete/tags",
            "GET /tags/autoComplete/values",
            "POST /tags/autoComplete/values",
            "GET /events/get_data",
            "GET /api/checks",
            "GET /api/checks/{id}",
            "GET /api/checks/{id}/alerts",
            "GET /api/checks/{id}/image",
            "GET /api/alerts",
            "GET /api/chart/{target}",
            "GET /api/config",
            "GET /api/metrics/{target}/total",
        ],
    ),
    // Alertmanager.
    (
        READ,
        &[
            "GET /api/v2/status",
            "GET /api/v2/receivers",
            "GET /api/v2/alerts",
            "GET /api/v2/alerts/groups",
            "GET /api/v2/silences",
            "GET /api/v2/silence/{id}",
        ],
    ),
    (
        EVALUATE,
        &[
            "GET /api/v1/switches/snapshot",
            "GET /api/v1/switches/stream",
            "GET /api/v1/switches/key",
            "GET /crowdsec/v1/decisions",
            "GET /crowdsec/v1/decisions/stream",
            "POST /api/v1/switches/counts",
            "POST /api/v1/switches/clients",
            "POST /api/v1/switches/evaluate",
            "POST /ks/validate",
            "POST /api/v1/score",
            "POST /ofrep/v1/evaluate/flags",
            "POST /ofrep/v1/evaluate/flags/{key}",
            "GET /ofrep/v1/stream",
            "ANY /gate",
            "ANY /gate/{*path}",
        ],
    ),
    (
        OPERATE,
        &[
            "POST /api/v1/silences",
            "POST /api/v1/findings/accepted",
            "DELETE /api/v1/findings/accepted/{id}",
            "POST /api/v1/alerts/{fingerprint}/ack",
            "DELETE /api/v1/alerts/{fingerprint}/ack",
            "DELETE /api/v1/silences/{id}",
            "POST /api/v2/silences",
            "DELETE /api/v2/silence/{id}",
            "POST /api/v1/receivers/{name}/test",
            "POST /api/v1/outbox/{key}/retry",
            "POST /api/v1/sessions/{id}/label",
            "DELETE /api/v1/sessions/{id}/label",
            "POST /api/v1/profiles/{id}/hold",
            "POST /api/v1/profiles/{id}/unlearn",
            "POST /api/v1/profiles/{id}/learned",
            "POST /api/v1/models",
            "POST /api/v1/models/{id}/promote",
            "POST /api/v1/models/rollback",
            "POST /api/v1/switches/{id}/activate",
            "POST /api/v1/switches/{id}/deactivate",
            "POST /api/v1/switches/{id}/request",
            "POST /api/v1/switches/{id}/approve",
            "POST /api/v1/switches/{id}/deny",
            "POST /api/v1/switches/{id}/dry-run",
            "POST /api/v1/switches/{id}/enforce",
            "PUT /api/checks/{id}/subscriptions/{sid}/test",
        ],
    ),
    (
        ADMIN,
        &[
            "POST /api/v1/apply",
            "POST /api/v1/reload",
            "POST /api/v1/switches/bump",
            "DELETE /api/v1/rules",
            "DELETE /api/v1/receivers",
            "DELETE /api/v1/receivers/{name}",
            "DELETE /api/v1/switches",
            "DELETE /api/v1/rules/{id}",
            "DELETE /api/v1/processors/{id}",
            "DELETE /api/v1/models/{id}",
            "GET /api/v1/backup",
            "GET /api/v1/tokens",
            "POST /api/v1/tokens",
            "DELETE /api/v1/tokens/{name}",
            "GET /api/v1/users",
            "POST /api/v1/users",
            "DELETE /api/v1/users/{name}",
            "POST /api/v1/users/{name}/password",
            "POST /api/v1/users/{name}/scopes",
            "POST /api/v1/switches",
            "PUT /api/v1/switches/{id}",
            "DELETE /api/v1/switches/{id}",
            "POST /api/v1/switches/{id}/revert",
            "POST /tags/delSeries",
            "POST /api/checks",
            "PUT /api/checks/{id}",
            "DELETE /api/checks/{id}",
            "DELETE /api/checks/{id}/alerts",
            "POST /api/checks/{id}/subscriptions",
            "PUT /api/checks/{id}/subscriptions/{sid}",
            "DELETE /api/checks/{id}/subscriptions/{sid}",
        ],
    ),
];

/// Pages for people, in the same form: their browsers show cookies and send forms.
const PAGES: &[(Need, &[&str])] = &[
    (
        Nothing,
        &[
            "GET /sign-in",
            "POST /sign-in",
            "GET /sign-in/openid",
            "GET /sign-in/openid/done",
            "GET /assets/{file}",
        ],
    ),
    (
        READ,
        &[
            "GET /",
            "GET /live",
            "GET /alerts/{fingerprint}",
            "GET /rules",
            "GET /rules/{id}",
            "GET /edit",
            "GET /switches",
            "GET /switches/test",
            "GET /switches/{id}",
            "GET /silences",
            "GET /silences/new",
            "GET /explore",
            "GET /explore/unlike",
            "GET /vulnerabilities",
            "GET /vulnerabilities/{key}",
            "GET /sessions",
            "GET /sessions/{id}",
            "GET /detectors",
            "GET /detectors/{name}",
            "GET /profiles",
            "GET /profiles/{id}",
            "GET /more",
            "POST /sign-out",
            "GET /account",
            "POST /account/password",
        ],
    ),
    (
        OPERATE,
        &[
            "POST /alerts/{fingerprint}/acknowledge",
            "POST /sessions/{id}/label",
            "POST /models/rollback",
            "POST /models/{id}/promote",
            "POST /switches/{id}/activate",
            "POST /switches/{id}/deactivate",
            "POST /switches/{id}/decide",
            "POST /silences/new",
            "POST /silences/{id}/end",
        ],
    ),
    (
        ADMIN,
        &[
            "POST /alerts/{fingerprint}/block",
            "POST /edit",
            "GET /access",
            "POST /access/users",
            "GET /access/users/{name}",
            "POST /access/users/{name}/scopes",
            "POST /access/users/{name}/password",
            "POST /access/users/{name}/remove",
            "POST /access/tokens",
            "POST /access/tokens/{name}/revoke",
        ],
    ),
];

static BY_PATH: LazyLock<HashMap<&str, Vec<(&str, Need)>>> = LazyLock::new(|| {
    let mut by_path: HashMap<&str, Vec<(&str, Need)>> = HashMap::new();
    for (need, routes) in TABLE.iter().chain(PAGES) {
        for (method, path) in routes.iter().filter_map(|route| route.split_once(' ')) {
            by_path.entry(path).or_default().push((method, *need));
        }
    }
    by_path
});

/// What a route needs; a route that the table lacks, an administrator.
pub(super) fn need(method: &Method, path: &str) -> Need {
    // What answers GET answers HEAD.
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    let needs = BY_PATH.get(path).map_or(&[][..], Vec::as_slice);
    needs.iter().find(|(known, _)| *known == method || *known == "ANY").map_or(ADMIN, |(_, need)| *need)
}

/// Whether people look here, and not programs.
pub(super) fn is_page(path: &str) -> bool {
    static PATHS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let routes = PAGES.iter().flat_map(|(_, routes)| routes.iter());
        routes.filter_map(|route| Some(route.split_once(' ')?.1)).collect()
    });
    PATHS.contains(path)
}

/// Whether forms are sent here: those of pages, those by which Graphite's clients ask, and those for a model, which change
/// nothing.
pub(super) fn takes_forms(path: &str, need: Need) -> bool {
    let is_graphite = || ["/render", "/metrics/", "/tags/"].iter().any(|start| path.starts_with(start));
    is_page(path) || (need == READ && is_graphite()) || path == "/api/v1/score"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Methods and paths of the router itself, as it shows them.
    fn routed() -> Vec<(String, String)> {
        let shown = format!("{:?}", crate::router::all(None));
        // What answers where there is no route stands in a router of its own.
        let shown = shown.split("fallback_router").next().unwrap_or_default();
        let paths = regex::Regex::new(r#"RouteId\((\d+)\): "([^"]+)""#).unwrap();
        let methods = regex::Regex::new(
            r"RouteId\((\d+)\): MethodRouter\(MethodRouter \{ get: (\w+).*?, head: (\w+).*?, delete: (\w+).*?, options: (\w+).*?, patch: (\w+).*?, post: (\w+).*?, put: (\w+).*?, trace: (\w+).*?, connect: (\w+).*?, fallback: (\w+)",
        )
        .unwrap();
        let names = ["GET", "HEAD", "DELETE", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "CONNECT", "ANY"];
        let paths: HashMap<&str, &str> =
            paths.captures_iter(shown).map(|it| it.extract()).map(|(_, [id, path])| (id, path)).collect();
        let mut routed = Vec::new();
        for found in methods.captures_iter(shown) {
            for (name, at) in names.iter().zip(2..) {
                if !matches!(&found[at], "None" | "Default") {
                    routed.push(((*name).to_owned(), paths[&found[1]].to_owned()));
                }
            }
        }
        assert_eq!(
            paths.len(),
            methods.captures_iter(shown).count(),
            "the router shows itself otherwise: {shown}"
        );
        routed
    }

    #[test]
    fn every_route_is_in_the_table_and_the_table_holds_nothing_else() {
        let trimmed = |path: &str| if path.len() > 1 { path.trim_end_matches('/') } else { path }.to_owned();
        let routed: BTreeSet<String> =
            routed().iter().map(|(method, path)| format!("{method} {}", trimmed(path))).collect();
        let listed: Vec<&str> =
            TABLE.iter().chain(PAGES).flat_map(|(_, routes)| routes.iter().copied()).collect();
        let known: BTreeSet<String> = listed.iter().map(|it| (*it).to_owned()).collect();
        assert!(routed.len() > 100, "{routed:#?}");
        assert_eq!(routed.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "without a scope");
        assert_eq!(known.difference(&routed).collect::<Vec<_>>(), Vec::<&String>::new(), "without a route");
        assert_eq!(known.len(), listed.len(), "a route stands in the table twice");
    }

    /// Methods and paths of the OpenAPI document that is served.
    fn described() -> BTreeSet<String> {
        let document: serde_json::Value = serde_json::from_str(crate::api::routes::DOCUMENT).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, operations)| {
            let methods = operations.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_ascii_uppercase()))
        });
        operations.collect()
    }

    #[test]
    fn the_served_document_describes_every_route_and_nothing_else() {
        let described = described();
        let mut routes = BTreeSet::new();
        // Pages are no part of the API.
        for (method, path) in routed().into_iter().filter(|(_, path)| !is_page(path)) {
            let path = path.replace("{*", "{");
            let methods = match method.as_str() {
                "ANY" => &["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"][..],
                method => &[method],
            };
            for method in methods {
                // The document says of all of Graphite's paths that a slash may follow.
                let unslashed = format!("{method} {}", path.trim_end_matches('/'));
                let route = format!("{method} {path}");
                let is_alias = !described.contains(&route) && described.contains(&unslashed);
                routes.insert(if is_alias { unslashed } else { route });
            }
        }
        assert_eq!(routes.difference(&described).collect::<Vec<_>>(), Vec::<&String>::new(), "not described");
        assert_eq!(
            described.difference(&routes).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "without a route"
        );
    }

    /// The rows of the table in `SECURITY.md`.
    fn rows() -> String {
        let row = |need: Need, name: &str| {
            let of_need = TABLE.iter().filter(|(of, _)| *of == need).flat_map(|(_, routes)| routes.iter());
            let routes: Vec<String> = of_need.map(|route| format!("`{route}`")).collect();
            format!("| {name} | {} |\n", routes.join(", "))
        };
        let scopes = [Scope::Ingest, Scope::Read, Scope::Evaluate, Scope::Operate, Scope::Admin];
        let scopes = scopes.map(|scope| row(Need::Scope(scope), &format!("`{}`", scope.name())));
        row(Nothing, "none") + &scopes.concat()
    }

    #[test]
    fn the_page_on_security_lists_what_each_scope_opens() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../SECURITY.md");
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains(&rows()), "SECURITY.md should have these rows:\n{}", rows());
    }

    #[test]
    fn what_changes_something_needs_more_than_reading() {
        for (need, routes) in TABLE.iter().chain(PAGES) {
            for route in routes.iter().filter(|route| !route.starts_with("GET ")) {
                let reads = [
                    "/sign-",
                    "/query",
                    "/check",
                    "/replay",
                    "/preview",
                    "/explain",
                    "/render",
                    "/metrics/",
                    "/tags/",
                ];
                // One's own password is everybody's own affair.
                let is_own = *route == "POST /account/password";
                let may_read = is_own || reads.iter().any(|part| route.contains(part));
                assert!(![Nothing, READ].contains(need) || may_read, "{route}");
            }
        }
    }

    #[test]
    fn unknown_routes_and_methods_need_an_administrator() {
        assert_eq!(need(&Method::GET, "/render/"), READ);
        assert_eq!(need(&Method::HEAD, "/healthz"), Nothing);
        assert_eq!(need(&Method::PATCH, "/gate/{*path}"), EVALUATE);
        assert_eq!(need(&Method::PATCH, "/api/v1/rules"), ADMIN);
        assert_eq!(need(&Method::GET, "/api/v1/new"), ADMIN);
    }
}
