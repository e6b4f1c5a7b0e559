//! The described routes: one list, from which the router is made, and the OpenAPI document.
//!
//! The document is made when tests run (feature `openapi`) and kept as `openapi.json`, which is served as it is: a running
//! server holds no descriptions, whoever builds it waits for none, and whoever changes the API sees it in the file's diff.

use axum::Router;
use axum::routing::{delete, get, post, put};

use super::{alerts, data, messages, operations, replay, sharing, unlike};
use crate::access::{handlers as tokens, user_handlers as users};
use crate::configuration::handlers as configuration;
use crate::findings::handlers as findings;
use crate::intake::handlers as intake;
use crate::models::{handlers as models, scoring};
use crate::processors::{handlers as processors, profiles, sessions};
use crate::rules::handlers as rules;
use crate::services::Services;
use crate::silences::handlers as silences;
use crate::switches::client_handlers as switch_clients;
use crate::switches::{deliver, documents, dry_run, evaluate, listing, ofrep, preview, requests};

/// What the server says of itself.
pub(crate) const DOCUMENT: &str = include_str!("../../openapi.json");

macro_rules! routes {
    ($($method:ident $path:literal $module:ident :: $handler:ident)*) => {
        /// Every described route.
        pub(crate) fn described() -> Router<Services> {
            Router::new()$(.route($path, $method($module::$handler)))*
        }

        /// The OpenAPI document: what stands beside the handlers, made whole.
        #[cfg(feature = "openapi")]
        #[must_use]
        pub fn document() -> serde_json::Value {
            use utoipa::OpenApi as _;
            let described = utoipa_axum::router::OpenApiRouter::<Services>::with_openapi(Document::openapi())
                $(.routes(utoipa_axum::routes!($module::$handler)))*
                .into_openapi();
            super::describe::whole(serde_json::to_value(described).unwrap_or_default())
        }
    };
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Lanner",
        description = "Finds anomalies in metrics and events, notifies people, and limits the damage.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(lanner_wire::api::ErrorBody, lanner_wire::api::WriteReport))
)]
struct Document;

routes! {
    // Data comes in, and is asked for.
    post   "/api/v2/write"                      intake::write_samples
    post   "/api/v1/events/{stream}"            intake::write_events
    get    "/api/v1/streams"                    data::streams
    get    "/api/v1/series"                     data::series
    get    "/api/v1/series/unlike"              unlike::rank
    post   "/api/v1/query"                      data::query
    get    "/api/v1/export"                     data::export
    get    "/api/v1/export/events/{stream}"     data::export_events

    // The server itself.
    get    "/api/v1/backup"                     operations::backup
    get    "/api/v1/audit"                      operations::audit
    get    "/api/v1/audit/verify"               documents::verify_audit
    get    "/api/v1/status"                     operations::status
    get    "/api/v1/shards"                     sharing::shards
    post   "/api/v1/reload"                     configuration::reload
    get    "/api/v1/tokens"                     tokens::list
    post   "/api/v1/tokens"                     tokens::make
    delete "/api/v1/tokens/{name}"              tokens::revoke
    get    "/api/v1/users"                      users::list
    post   "/api/v1/users"                      users::add
    delete "/api/v1/users/{name}"               users::remove
    post   "/api/v1/users/{name}/password"      users::set_password
    post   "/api/v1/users/{name}/scopes"        users::set_scopes

    // Rules.
    post   "/api/v1/apply"                      configuration::apply
    post   "/api/v1/check"                      configuration::check
    get    "/api/v1/rules"                      rules::list
    get    "/api/v1/rules/{id}"                 rules::show
    delete "/api/v1/rules/{id}"                 rules::delete
    get    "/api/v1/rules/{id}/history"         rules::history
    post   "/api/v1/replay"                     replay::replay

    // What becomes of events before they are stored.
    get    "/api/v1/processors"                 processors::list
    delete "/api/v1/processors/{id}"            processors::delete

    // What profiles of behaviour learned, here and on hosts.
    get    "/api/v1/profiles"                   profiles::list
    get    "/api/v1/profiles/{id}"              profiles::show
    get    "/api/v1/profiles/{id}/terms"        profiles::terms
    post   "/api/v1/profiles/{id}/explain"      profiles::explain
    post   "/api/v1/profiles/{id}/hold"         profiles::hold
    post   "/api/v1/profiles/{id}/unlearn"      profiles::unlearn
    post   "/api/v1/profiles/{id}/learned"      profiles::teach
    post   "/api/v1/profiles/{id}/hosts/{host}" profiles::tell

    // Sessions of API clients, and what people say of them.
    get    "/api/v1/sessions/labels"            sessions::labels
    get    "/api/v1/sessions/drift"             sessions::drift
    get    "/api/v1/sessions/{id}"              sessions::show
    post   "/api/v1/sessions/{id}/label"        sessions::label
    delete "/api/v1/sessions/{id}/label"        sessions::unlabel

    // What they found, and who is notified.
    get    "/api/v1/alerts"                     alerts::list
    post   "/api/v1/alerts/{fingerprint}/ack"   alerts::acknowledge
    delete "/api/v1/alerts/{fingerprint}/ack"   alerts::give_back
    get    "/api/v1/evaluations"                alerts::evaluations
    get    "/api/v1/silences"                   silences::list
    post   "/api/v1/silences"                   silences::add
    delete "/api/v1/silences/{id}"              silences::expire
    get    "/api/v1/receivers"                  messages::receivers
    delete "/api/v1/receivers/{name}"           messages::delete_receiver
    post   "/api/v1/receivers/{name}/test"      messages::test
    get    "/api/v1/outbox"                     messages::outbox
    post   "/api/v1/outbox/{key}/retry"         messages::retry

    // Findings of vulnerability scanners.
    post   "/api/v1/findings/scans"             findings::begin
    post   "/api/v1/findings/scans/{id}"        findings::take
    post   "/api/v1/findings/scans/{id}/end"    findings::finish
    get    "/api/v1/findings"                   findings::list
    get    "/api/v1/findings/{key}"             findings::show
    get    "/api/v1/findings/counts"            findings::counts
    get    "/api/v1/findings/overview"          findings::overview
    get    "/api/v1/findings/accepted"          findings::list_accepted
    post   "/api/v1/findings/accepted"          findings::accept
    delete "/api/v1/findings/accepted/{id}"     findings::end_acceptance
    post   "/api/v1/findings/lists/{list}"      findings::take_list

    // Trained models.
    get    "/api/v1/models"                     models::list
    post   "/api/v1/models"                     models::put
    post   "/api/v1/models/rollback"            models::roll_back
    get    "/api/v1/models/{id}"                models::show
    get    "/api/v1/models/{id}/file"           models::file
    get    "/api/v1/models/{id}/detector"       models::detector
    delete "/api/v1/models/{id}"                models::delete
    post   "/api/v1/models/{id}/promote"        models::promote
    post   "/api/v1/score"                      scoring::score

    // Kill switches: changed,
    get    "/api/v1/switches"                   listing::list
    post   "/api/v1/switches"                   documents::apply
    get    "/api/v1/switches/{id}"              documents::show
    put    "/api/v1/switches/{id}"              documents::put
    delete "/api/v1/switches/{id}"              documents::delete
    post   "/api/v1/switches/{id}/activate"     documents::activate
    post   "/api/v1/switches/{id}/deactivate"   documents::deactivate
    post   "/api/v1/switches/{id}/revert"       documents::revert
    get    "/api/v1/switches/{id}/history"      documents::history
    get    "/api/v1/switches/audit"             documents::audit
    post   "/api/v1/switches/preview"           preview::preview
    get    "/api/v1/switches/requests"          requests::list
    post   "/api/v1/switches/{id}/request"      requests::request
    post   "/api/v1/switches/{id}/approve"      requests::approve
    post   "/api/v1/switches/{id}/deny"         requests::deny
    get    "/api/v1/switches/{id}/dry-run"      dry_run::show
    post   "/api/v1/switches/{id}/dry-run"      dry_run::begin
    post   "/api/v1/switches/{id}/enforce"      dry_run::enforce
    get    "/crowdsec/v1/decisions"             dry_run::crowdsec
    get    "/crowdsec/v1/decisions/stream"      dry_run::crowdsec_stream

    // and asked.
    get    "/api/v1/switches/snapshot"          deliver::snapshot
    get    "/api/v1/switches/stream"            deliver::stream
    get    "/api/v1/switches/key"               deliver::key
    post   "/api/v1/switches/counts"            switch_clients::tell
    get    "/api/v1/switches/clients"           switch_clients::list
    post   "/api/v1/switches/clients"           switch_clients::report
    post   "/api/v1/switches/bump"              switch_clients::bump
    post   "/api/v1/switches/evaluate"          evaluate::evaluate
    post   "/ks/validate"                       evaluate::validate
    post   "/ofrep/v1/evaluate/flags"           ofrep::bulk
    post   "/ofrep/v1/evaluate/flags/{key}"     ofrep::single
    get    "/ofrep/v1/stream"                   ofrep::stream
}
