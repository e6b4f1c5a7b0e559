//! Findings of vulnerability scanners: the list with all of them at a glance, and one in full.

use std::sync::Arc;

use axum::extract::State;
use lanner_page::vulnerabilities::{self as page, List};
use lanner_wire::api::FindingPage;

use super::answer::{Html, Shown};
use super::fields::Fields;
use super::visitor::Who;
use crate::findings::handlers::{self, OverviewOf, Wanted};
use crate::http::{Json, Path, Query};
use crate::services::Services;

/// The list.
pub(super) async fn list(State(services): State<Services>, who: Who, fields: Fields) -> Shown {
    let filter = fields.get("filter").to_owned();
    let status = fields.some("status").unwrap_or_else(|| "open".to_owned());
    let offset = fields.get("offset").parse().unwrap_or(0);
    let service = || State(Arc::clone(&services.findings));
    let overview =
        async |filter: &str| handlers::overview(service(), Query(OverviewOf::filter(filter))).await;
    let wanted = Wanted::page(&filter, &status, offset);
    let list = match (overview(&filter).await, handlers::list(service(), Query(wanted)).await) {
        (Ok(Json(overview)), Ok(Json(page))) => {
            List { overview, page, filter, status, offset, problem: None }
        }
        // A condition that cannot be read is told beside the form, over everything.
        (Err(why), _) | (_, Err(why)) => {
            let Json(overview) = overview("").await?;
            let page = FindingPage { total: 0, findings: Vec::new() };
            let problem = Some(why.reasons().join("; "));
            List { overview, page, filter, status: "open".to_owned(), offset: 0, problem }
        }
    };
    Ok(Html(page::list(&who.visitor, &list)))
}

/// One of them.
pub(super) async fn show(State(services): State<Services>, who: Who, Path(key): Path<String>) -> Shown {
    let Json(view) = handlers::show(State(Arc::clone(&services.findings)), Path(key)).await?;
    Ok(Html(page::one(&who.visitor, &view)))
}
