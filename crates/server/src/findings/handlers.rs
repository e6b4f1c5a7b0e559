//! Findings over the API.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use lanner_conditions::{Condition, Missing};
use lanner_io::findings::FindingFilter;
use lanner_io::store::StoreError;
use lanner_vuln::{Key, Standing};
use lanner_wire::api::{
    AcceptanceView, FindingCount, FindingOverview, FindingPage, FindingScanResult, FindingScanView,
    FindingView, FindingsTaken, NewAcceptance, NewFindingScan, ProblemView, VulnerabilityList,
    VulnerabilityListTaken,
};
use serde::Deserialize;

use super::accepted::{self, Accepted};
use super::glance::Glance;
use super::import::{self, ImportError};
use super::known::{Known, List};
use super::lists;
use super::service::FindingService;
use super::view::Shown;
use crate::http::{ApiError, Json, Limit, Path, Principal, Query, Received, blocking};

type Service = State<Arc<FindingService>>;

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::UnknownScan => Self::new(
                StatusCode::NOT_FOUND,
                "no such scan is coming in; begin it with POST /api/v1/findings/scans",
            ),
            ImportError::Busy => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too many scans are coming in").retry_after(5)
            }
            ImportError::Line(line, why) => {
                let line = u64::try_from(line).ok();
                Self::problems(vec![ProblemView { line, message: why, ..ProblemView::default() }])
            }
            ImportError::Store(error) => error.into(),
        }
    }
}

/// Runs work that reads the store.
async fn work<T: Send + 'static, E: Into<ApiError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError> {
    let done = blocking(work).await.map_err(|panic| StoreError::Database { detail: panic.to_string() })?;
    done.map_err(Into::into)
}

/// Begin a scan, whose findings are sent next.
///
/// # Errors
/// 422, 429.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/findings/scans", tag = "findings", operation_id = "begin_scan", request_body = NewFindingScan,
    responses((status = 200, body = FindingScanView))
))]
pub(crate) async fn begin(
    State(service): Service,
    Json(new): Json<NewFindingScan>,
) -> Result<Json<FindingScanView>, ApiError> {
    let scan = serde_json::from_value(new.scan)
        .map_err(|error| ApiError::problems(vec![ProblemView::at("scan", error.to_string())]))?;
    let ran = new.ran.into_iter().collect();
    Ok(Json(work(move || import::begin(&service, &new.id, scan, ran)).await?))
}

/// Send findings of a scan that was begun, as JSON lines of the normal form.
///
/// # Errors
/// 404, 413, 422 with the line that is no finding.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/findings/scans/{id}", tag = "findings", operation_id = "send_findings",
    request_body(content = String, content_type = "application/x-ndjson", example = "{\"scanner\":\"nessus\",\"check\":\"42873\",\"title\":\"SSL\",\"host\":{\"target\":\"192.0.2.7\"},\"rated\":{\"severity\":\"medium\",\"source\":\"nessus\"}}"),
    params(("id" = String, Path, description = "the scan's id")), responses((status = 200, body = FindingsTaken))
))]
pub(crate) async fn take(
    State(service): Service,
    Path(id): Path<String>,
    Received(body): Received,
) -> Result<Json<FindingsTaken>, ApiError> {
    let accepted = work(move || import::take(&service, &id, &body)).await?;
    Ok(Json(FindingsTaken { accepted }))
}

/// End a scan: open findings that it should have seen and did not are fixed.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/findings/scans/{id}/end", tag = "findings", operation_id = "end_scan",
    params(("id" = String, Path, description = "the scan's id")), responses((status = 200, body = FindingScanResult))
))]
pub(crate) async fn finish(
    State(service): Service,
    Path(id): Path<String>,
) -> Result<Json<FindingScanResult>, ApiError> {
    Ok(Json(work(move || import::finish(&service, &id)).await?))
}

/// What to list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default)]
    filter: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    limit: Limit<100, 10_000>,
    #[serde(default)]
    offset: usize,
}

/// Which findings pass, with what is needed to say so.
struct Chosen {
    condition: Option<Condition>,
    status: String,
    known: Arc<Known>,
    accepted: Accepted,
}

impl Chosen {
    fn read(service: &FindingService, filter: &str, status: &str) -> Result<Self, ApiError> {
        let compile = |text: &str| {
            let problem =
                |problem: &lanner_conditions::Problem| ProblemView::at("filter", problem.to_string());
            Condition::compile(text)
                .map_err(|problems| ApiError::problems(problems.iter().map(problem).collect()))
        };
        let condition = (!filter.trim().is_empty()).then(|| compile(filter)).transpose()?;
        if !["", "open", "fixed", "set aside", "any"].contains(&status) {
            let message = format!("{status:?} is no status; there are open, fixed, set aside and any");
            return Err(ApiError::problems(vec![ProblemView::at("status", message)]));
        }
        let status = if status.is_empty() { "open" } else { status }.to_owned();
        Ok(Self { condition, status, known: service.known()?, accepted: accepted::in_force(service)? })
    }

    /// Hands out the findings that pass, each with the decision that sets it aside.
    fn each(
        &self,
        service: &FindingService,
        each: &mut dyn FnMut(Shown, Option<&AcceptanceView>),
    ) -> Result<(), ApiError> {
        let now_ms = service.now_ms();
        service.findings.each_finding(FindingFilter::default(), &mut |row| {
            let Some(shown) = Shown::read(row, &self.known, now_ms) else { return true };
            let decision = self.accepted.of(&shown);
            let status = shown.status(decision.is_some());
            let passes = self
                .condition
                .as_ref()
                .is_none_or(|condition| condition.matches(&shown.fields, Missing::False));
            if passes && (self.status == "any" || self.status == status) {
                each(shown, decision);
            }
            true
        })?;
        Ok(())
    }
}

/// List findings, the worst first.
///
/// # Errors
/// 400, 422 for a condition that cannot be read.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/findings", tag = "findings", operation_id = "list_findings",
    params(
        ("filter" = Option<String>, Query, description = "a condition, such as severity == \"critical\" and port == 443"),
        ("status" = Option<String>, Query, description = "open (default), fixed, set aside or any"),
        ("limit" = Option<usize>, Query, description = "how many: 1 to 10000, by default 100"),
        ("offset" = Option<usize>, Query, description = "how many to leave out at the begin"),
    ),
    responses((status = 200, body = FindingPage))
))]
pub(crate) async fn list(
    State(service): Service,
    Query(wanted): Query<Wanted>,
) -> Result<Json<FindingPage>, ApiError> {
    Ok(Json(work(move || page(&service, &wanted)).await?))
}

fn page(service: &FindingService, wanted: &Wanted) -> Result<FindingPage, ApiError> {
    let chosen = Chosen::read(service, &wanted.filter, &wanted.status)?;
    let mut order = Vec::new();
    chosen.each(service, &mut |shown, _| {
        let place = shown.row.place;
        order.push((std::cmp::Reverse(place.level), place.host, place.key));
    })?;
    order.sort_unstable();
    let total = order.len() as u64;
    let keys: Vec<_> =
        order.into_iter().skip(wanted.offset).take(wanted.limit.0).map(|(_, _, key)| key).collect();
    let rows = service.findings.findings(&keys)?;
    let shown = rows.into_iter().filter_map(|row| Shown::read(row, &chosen.known, service.now_ms()));
    let findings = shown.map(|shown| {
        let decision = chosen.accepted.of(&shown).cloned();
        shown.view(decision)
    });
    Ok(FindingPage { total, findings: findings.collect() })
}

/// Show a finding.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/findings/{key}", tag = "findings", operation_id = "show_finding",
    params(("key" = String, Path, description = "32 hexadecimal digits")), responses((status = 200, body = FindingView))
))]
pub(crate) async fn show(
    State(service): Service,
    Path(key): Path<String>,
) -> Result<Json<FindingView>, ApiError> {
    let unknown = || ApiError::new(StatusCode::NOT_FOUND, format!("no finding has the key {key:?}"));
    let parsed = Key::parse(&key).ok_or_else(unknown)?;
    let found = work(move || {
        let row = service.findings.findings(&[parsed.bytes()])?.pop();
        let (known, accepted) = (service.known()?, accepted::in_force(&service)?);
        let shown = row.and_then(|row| Shown::read(row, &known, service.now_ms()));
        Ok::<_, StoreError>(shown.map(|shown| {
            let decision = accepted.of(&shown).cloned();
            shown.view(decision)
        }))
    });
    found.await?.map(Json).ok_or_else(unknown)
}

/// What to count by.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counted {
    #[serde(default)]
    by: String,
    #[serde(default)]
    filter: String,
}

const PROPERTIES: [&str; 9] =
    ["severity", "host", "check", "scanner", "port", "package", "status", "rated_by", "family"];

/// Count findings by a property, those with most open findings first.
///
/// # Errors
/// 400, 422 for a condition that cannot be read, or a property that does not exist.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/findings/counts", tag = "findings", operation_id = "count_findings",
    params(
        ("by" = Option<String>, Query, description = "severity (default), host, check, scanner, port, package, status, rated_by or family"),
        ("filter" = Option<String>, Query, description = "a condition"),
    ),
    responses((status = 200, body = Vec<FindingCount>))
))]
pub(crate) async fn counts(
    State(service): Service,
    Query(wanted): Query<Counted>,
) -> Result<Json<Vec<FindingCount>>, ApiError> {
    Ok(Json(work(move || count(&service, &wanted)).await?))
}

fn count(service: &FindingService, wanted: &Counted) -> Result<Vec<FindingCount>, ApiError> {
    let by = if wanted.by.is_empty() { "severity" } else { &wanted.by };
    if !PROPERTIES.contains(&by) {
        let message = format!("{by:?} is no property to count by; there are {}", PROPERTIES.join(", "));
        return Err(ApiError::problems(vec![ProblemView::at("by", message)]));
    }
    let mut counts: BTreeMap<String, FindingCount> = BTreeMap::new();
    Chosen::read(service, &wanted.filter, "any")?.each(service, &mut |shown, decision| {
        let name = match shown.fields.get(by) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        };
        let count = counts.entry(name.clone()).or_insert_with(|| nothing(name));
        match (shown.standing, decision) {
            (Standing::Fixed, _) => count.fixed += 1,
            (Standing::Open, Some(_)) => count.set_aside += 1,
            (Standing::Open, None) => {
                count.open += 1;
                count.critical += u64::from(shown.row.place.level == 4);
                count.high += u64::from(shown.row.place.level == 3);
            }
        }
    })?;
    let mut counts: Vec<FindingCount> = counts.into_values().collect();
    counts.sort_by(|a, b| {
        (b.critical, b.high, b.open).cmp(&(a.critical, a.high, a.open)).then_with(|| a.name.cmp(&b.name))
    });
    Ok(counts)
}

/// Show all findings at a glance: by severity and age, the worst hosts, and what the last scans changed.
///
/// # Errors
/// 422 for a condition that cannot be read.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/findings/overview", tag = "findings", operation_id = "show_findings_overview",
    params(("filter" = Option<String>, Query, description = "a condition")),
    responses((status = 200, body = FindingOverview))
))]
pub(crate) async fn overview(
    State(service): Service,
    Query(wanted): Query<OverviewOf>,
) -> Result<Json<FindingOverview>, ApiError> {
    let look = move || {
        let chosen = Chosen::read(&service, &wanted.filter, "any")?;
        let mut glance = Glance::new(&*service.findings, service.now_ms())?;
        chosen.each(&service, &mut |shown, decision| glance.add(&shown, decision.is_some()))?;
        Ok::<_, ApiError>(glance.into_view())
    };
    Ok(Json(work(look).await?))
}

/// Of which findings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverviewOf {
    #[serde(default)]
    filter: String,
}

impl OverviewOf {
    /// Of those that a condition lets pass.
    pub(crate) fn filter(filter: &str) -> Self {
        Self { filter: filter.to_owned() }
    }
}

impl Wanted {
    /// A page of a list: those that a condition lets pass, of a status.
    pub(crate) fn page(filter: &str, status: &str, offset: usize) -> Self {
        Self { filter: filter.to_owned(), status: status.to_owned(), limit: Limit::default(), offset }
    }
}

fn nothing(name: String) -> FindingCount {
    FindingCount { name, open: 0, critical: 0, high: 0, fixed: 0, set_aside: 0 }
}

/// List the decisions by which findings are set aside, those that end last first.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/findings/accepted", tag = "findings", operation_id = "list_accepted",
    responses((status = 200, body = Vec<AcceptanceView>))
))]
pub(crate) async fn list_accepted(State(service): Service) -> Result<Json<Vec<AcceptanceView>>, ApiError> {
    Ok(Json(work(move || accepted::list(&service)).await?))
}

/// Set findings aside until a time, with a reason. The same decision again takes the place of the one before.
///
/// # Errors
/// 400, 422 with every problem.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/findings/accepted", tag = "findings", operation_id = "accept_findings", request_body = NewAcceptance,
    responses((status = 201, body = AcceptanceView))
))]
pub(crate) async fn accept(
    State(service): Service,
    principal: Principal,
    Json(new): Json<NewAcceptance>,
) -> Result<Response, ApiError> {
    let added = work(move || accepted::add(&service, principal.name(), new)).await?;
    Ok((StatusCode::CREATED, Json(added.map_err(ApiError::problems)?)).into_response())
}

/// End a decision now: its findings count again.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/findings/accepted/{id}", tag = "findings", operation_id = "end_acceptance",
    params(("id" = String, Path, description = "the decision's id")), responses((status = 204))
))]
pub(crate) async fn end_acceptance(
    State(service): Service,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let message = format!("no decision has the id {id:?}");
    let ended = work(move || accepted::end(&service, principal.name(), &id)).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::new(StatusCode::NOT_FOUND, message)) }
}

/// Send a part of a list of vulnerabilities: `epss`, predictions of exploitation, or `kev`, those known to be exploited.
///
/// # Errors
/// 400, 404, 413, 422 with the entry that cannot be read.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/findings/lists/{list}", tag = "findings", operation_id = "send_list", request_body = VulnerabilityList,
    params(("list" = String, Path, description = "epss or kev")), responses((status = 200, body = VulnerabilityListTaken))
))]
pub(crate) async fn take_list(
    State(service): Service,
    Path(list): Path<String>,
    Json(part): Json<VulnerabilityList>,
) -> Result<Json<VulnerabilityListTaken>, ApiError> {
    let Some(list) = List::ALL.into_iter().find(|known| known.name() == list) else {
        let message =
            format!("there is no list {list:?}; there are {}", List::ALL.map(List::name).join(" and "));
        return Err(ApiError::new(StatusCode::NOT_FOUND, message));
    };
    let taken = work(move || lists::take(&service, list, part)).await?;
    taken.map(Json).map_err(|why| ApiError::problems(vec![ProblemView::at("entries", why)]))
}
