//! What alerts decided about switches, over HTTP: how a dry run stands, whether it is enforced, and the decisions in force, also
//! as bouncers of CrowdSec ask for them.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_core::time::DAY_MS;
use lanner_core::{Cause, WrongBudget, content};
use lanner_io::state::Author;
use lanner_io::store::StoreError;
use lanner_wire::api::{
    ChangeSwitch, CrowdsecDecision, CrowdsecStream, DecisionValue, DecisionView, DryRunView, Time,
};
use serde::Deserialize;

use super::budget::Account;
use super::current::Current;
use super::decisions::Decision;
use super::enforcement::{self, Mode, budgets, mode, recent};
use super::service::SwitchService;
use crate::http::{ApiError, Json, Path, Principal, Query, blocking};

/// So many decisions are shown.
const MAX_SHOWN: usize = 100;

/// Show how a dry run stands: what alerts would have blocked, how much of it wrongly, and whether it is enforced.
///
/// # Errors
/// 404 where no receiver with a dry run names the switch.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches/{id}/dry-run", tag = "switches", operation_id = "show_dry_run",
    params(("id" = String, Path, description = "the switch that a receiver with `dry_run` names")),
    responses((status = 200, body = DryRunView))
))]
pub(crate) async fn show(
    State(service): State<Arc<SwitchService>>,
    Path(id): Path<String>,
) -> Result<Json<DryRunView>, ApiError> {
    blocking(move || stands(&service, &id)).await?.map(Json)
}

/// Enforce what alerts do with a switch: from now on what they activate blocks. It steps back to a dry run by itself when more of it
/// is wrong than the receiver's `wrong_per_day` allows.
///
/// # Errors
/// 404, 409 when more wrong activations are to be expected, or the dry run is too short, and it is not forced.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/{id}/enforce", tag = "switches", operation_id = "enforce_switch",
    request_body = ChangeSwitch, params(("id" = String, Path)), responses((status = 200, body = DryRunView))
))]
pub(crate) async fn enforce(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(request): Json<ChangeSwitch>,
) -> Result<Json<DryRunView>, ApiError> {
    let (shared, wanted) = (Arc::clone(&service), id.clone());
    let now = blocking(move || stands(&shared, &wanted)).await??;
    let mut message = request.message.unwrap_or_default();
    if let Some(why) = now.objection {
        if !request.force {
            let message =
                format!("the switch \"{id}\" stays in a dry run: {why}; enforce it all the same (--force)");
            return Err(ApiError::new(StatusCode::CONFLICT, message));
        }
        let gap = if message.is_empty() { "" } else { " " };
        message = format!("{message}{gap}(forced: {why})");
    }
    change(service, principal, id, message, true).await
}

/// End enforcement: what alerts activated, and will, only reports.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/switches/{id}/dry-run", tag = "switches", operation_id = "begin_dry_run",
    request_body = ChangeSwitch, params(("id" = String, Path)), responses((status = 200, body = DryRunView))
))]
pub(crate) async fn begin(
    State(service): State<Arc<SwitchService>>,
    principal: Principal,
    Path(id): Path<String>,
    Json(request): Json<ChangeSwitch>,
) -> Result<Json<DryRunView>, ApiError> {
    let (shared, wanted) = (Arc::clone(&service), id.clone());
    blocking(move || stands(&shared, &wanted)).await??;
    change(service, principal, id, request.message.unwrap_or_default(), false).await
}

async fn change(
    service: Arc<SwitchService>,
    principal: Principal,
    id: String,
    message: String,
    is_enforced: bool,
) -> Result<Json<DryRunView>, ApiError> {
    let (actor, now_ms) = (principal.name().to_owned(), service.now_ms());
    let author = Author { actor, message, cause: Cause::Person, now_ms };
    enforcement::set(&service, &id, is_enforced, author).await?;
    blocking(move || stands(&service, &id)).await?.map(Json)
}

fn stands(service: &SwitchService, id: &str) -> Result<DryRunView, ApiError> {
    let budget = budgets(service)?.remove(id);
    let budget = budget.ok_or_else(|| ApiError::not_found("receiver with a dry_run about the switch", id))?;
    let Mode { is_enforced, said } = mode(service, id)?;
    let decisions = recent(service, Some(id), budget.n_days)?;
    let account = Account::of(&decisions, budget, service.now_ms());
    let WrongBudget { per_day, n_days } = budget;
    let since_ms = service.now_ms() - i64::from(n_days) * DAY_MS;
    let shown = decisions.iter().rev().filter(|decision| decision.began_ms >= since_ms).take(MAX_SHOWN);
    let mut ids: Vec<&str> = decisions.iter().map(|decision| &*decision.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let count = |id: &&str| {
        let counts = service.counts.of(id);
        counts.blocked.saturating_add(counts.shadow)
    };
    Ok(DryRunView {
        id: id.to_owned(),
        enforced: is_enforced,
        since: said.as_ref().map(|stored| Time(stored.changed_ms)),
        by: said.as_ref().map(|stored| stored.actor.clone()),
        message: said.map(|stored| stored.message).filter(|message| !message.is_empty()),
        wrong_per_day: per_day,
        days: n_days,
        decisions: account.n as u64,
        wrong: account.n_wrong as u64,
        right: account.n_right as u64,
        expected_wrong_per_day: account.expected_per_day(),
        contexts: ids.iter().map(count).sum(),
        objection: account.objection(budget).filter(|_| !is_enforced),
        last: shown.map(view).collect(),
    })
}

fn view(decision: &Decision) -> DecisionView {
    let review = decision.review.as_ref();
    let value =
        |(field, value): &(String, String)| DecisionValue { field: field.clone(), value: value.clone() };
    DecisionView {
        id: decision.id.clone(),
        rule: decision.rule.clone(),
        values: decision.values.iter().map(value).collect(),
        began: Time(decision.began_ms),
        ends: Time(decision.end_ms),
        enforced: decision.is_enforced,
        blocks: decision.blocks,
        review: review.map(|review| if review.is_wrong { "wrong" } else { "right" }.to_owned()),
        reviewed_by: review.map(|review| review.by.clone()),
    }
}

/// Which decisions are asked for; bouncers ask in many more words.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    #[serde(alias = "value")]
    ip: Option<String>,
    scope: Option<String>,
    #[serde(default)]
    simulated: bool,
}

/// List decisions of alerts that block now, as CrowdSec's API does. Only those about one field are listed.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/crowdsec/v1/decisions", tag = "switches", operation_id = "crowdsec_decisions",
    params(
        ("ip" = Option<String>, Query, description = "only decisions about this address, or another value; also written `value`"),
        ("scope" = Option<String>, Query, description = "only decisions of this scope, such as `Ip`"),
        ("simulated" = Option<bool>, Query, description = "also those of dry runs"),
    ),
    responses((status = 200, body = Vec<CrowdsecDecision>))
))]
pub(crate) async fn crowdsec(
    State(service): State<Arc<SwitchService>>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<CrowdsecDecision>>, ApiError> {
    let list = move || -> Result<Vec<CrowdsecDecision>, StoreError> {
        let is_wanted = |it: &CrowdsecDecision| {
            let is = |wanted: &Option<String>, found: &str| {
                wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
            };
            is(&wanted.ip, &it.value) && is(&wanted.scope, &it.scope) && (wanted.simulated || !it.simulated)
        };
        let now_ms = service.now_ms();
        let decisions = recent(&service, None, MAX_DECISION_DAYS)?;
        let lasts = decisions.iter().filter(|decision| decision.end_ms > now_ms);
        let current = service.current();
        let known = |decision: &Decision| in_crowdsec(decision, kind(&current, &decision.id), now_ms);
        Ok(lasts.filter_map(known).filter(is_wanted).collect())
    };
    Ok(Json(blocking(list).await??))
}

/// A decision holds no longer than that, or is not listed.
const MAX_DECISION_DAYS: u32 = 7;

/// List what blocks now, and what does no longer, as bouncers of CrowdSec ask for it. Each answer is whole, so none depends on those before.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/crowdsec/v1/decisions/stream", tag = "switches", operation_id = "crowdsec_stream",
    responses((status = 200, body = CrowdsecStream))
))]
pub(crate) async fn crowdsec_stream(
    State(service): State<Arc<SwitchService>>,
) -> Result<Json<CrowdsecStream>, ApiError> {
    let list = move || -> Result<CrowdsecStream, StoreError> {
        let now_ms = service.now_ms();
        let decisions = recent(&service, None, MAX_DECISION_DAYS)?;
        let blocks = |decision: &&Decision| decision.blocks && decision.end_ms > now_ms;
        let current = service.current();
        let known = |decision: &Decision| in_crowdsec(decision, kind(&current, &decision.id), now_ms);
        let new: Vec<_> = decisions.iter().filter(blocks).filter_map(known).collect();
        let was_there = |decision: &&Decision| {
            decision.is_enforced && !blocks(decision) && decision.end_ms > now_ms - DAY_MS
        };
        let deleted = decisions.iter().filter(was_there).filter_map(known);
        // Who is blocked again is not let go.
        let blocked: HashSet<_> = new.iter().map(|it| (&it.scope, &it.value)).collect();
        let deleted = deleted.filter(|it| !blocked.contains(&(&it.scope, &it.value))).collect();
        Ok(CrowdsecStream { deleted, new })
    };
    Ok(Json(blocking(list).await??))
}

/// What a switch does to whom it matches, in CrowdSec's words.
fn kind(current: &Current, id: &str) -> &'static str {
    match current.set.get(id) {
        Some(switch) if switch.tag.is_some() => "tag",
        Some(switch) if switch.limit.is_some() => "throttle",
        _ => "ban",
    }
}

/// As CrowdSec has it; `None` if it is about more than one field, as one of them alone would block too much.
fn in_crowdsec(decision: &Decision, kind: &str, now_ms: i64) -> Option<CrowdsecDecision> {
    let [(field, value)] = &decision.values[..] else { return None };
    let is_range = || value.split_once('/').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok());
    let scope = match value.parse::<IpAddr>() {
        Ok(_) => "Ip",
        Err(_) if is_range() => "Range",
        Err(_) => field,
    };
    let hash = content::sha256(format!("{} {}", decision.id, decision.version).as_bytes());
    Some(CrowdsecDecision {
        // As many bits as every language's integers have.
        id: hash.get(..13).and_then(|digits| u64::from_str_radix(digits, 16).ok())?,
        origin: "lanner".to_owned(),
        kind: kind.to_owned(),
        scope: scope.to_owned(),
        value: value.clone(),
        duration: go_duration(decision.end_ms.saturating_sub(now_ms)),
        scenario: decision.rule.clone(),
        simulated: !decision.blocks,
    })
}

/// A duration as Go writes it.
fn go_duration(ms: i64) -> String {
    let (sign, s) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs().div_ceil(1_000));
    let (hours, minutes, seconds) = (s / 3_600, s / 60 % 60, s % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_go_reads_them() {
        for (ms, text) in [
            (899_001, "15m0s"),
            (59_000, "59s"),
            (3_600_000, "1h0m0s"),
            (90_061_000, "25h1m1s"),
            (-5_000, "-5s"),
            (0, "0s"),
        ] {
            assert_eq!(go_duration(ms), text);
        }
    }

    #[test]
    fn crowdsec_is_told_of_one_field() {
        #[track_caller]
        fn check(values: &[(&str, &str)], expected: Option<(&str, &str)>) {
            let decision = Decision {
                id: "block.a".to_owned(),
                version: 1,
                rule: "misuse".to_owned(),
                values: values
                    .iter()
                    .map(|(field, value)| ((*field).to_owned(), (*value).to_owned()))
                    .collect(),
                began_ms: 0,
                end_ms: 60_000,
                is_enforced: true,
                blocks: true,
                review: None,
            };
            let found = in_crowdsec(&decision, "ban", 0);
            assert_eq!(found.as_ref().map(|it| (&*it.scope, &*it.value)), expected);
        }
        check(&[("client", "203.0.113.7")], Some(("Ip", "203.0.113.7")));
        check(&[("client", "2001:db8::1")], Some(("Ip", "2001:db8::1")));
        check(&[("client", "203.0.113.0/24")], Some(("Range", "203.0.113.0/24")));
        check(&[("user", "ann")], Some(("user", "ann")));
        check(&[("client", "203.0.113.7"), ("agent", "x")], None);
        check(&[], None);
    }
}
