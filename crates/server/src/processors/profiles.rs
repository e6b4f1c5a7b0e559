//! Profiles that processors learn, over the API: looked at, asked, and told by the hosts of a fleet.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lanner_core::TimeRange;
use lanner_engine::processor::{Behaviours, Configured};
use lanner_profile::{Hosts, Profile};
use lanner_wire::api::{
    BehaviourView, ForgottenView, PartView, ProfileAnswer, ProfileDetail, ProfileHostView, ProfileTerms,
    ProfileTimes, ProfileView, Time,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::service::ProcessorService;
use crate::http::{ApiError, Json, Path, Query, Received, blocking};

type Service = State<Arc<ProcessorService>>;

/// Behaviours that are listed as frequent.
const N_FREQUENT: usize = 100;

impl ProcessorService {
    /// Looks at a profile that is in force, away from requests that must not wait.
    async fn at_profile<T: Send + 'static>(
        self: &Arc<Self>,
        id: String,
        work: impl FnOnce(&Configured, &Behaviours, i64) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let service = Arc::clone(self);
        let done = blocking(move || {
            let (in_force, now_ms) = (service.in_force(), service.now_ms());
            let one = in_force.all().iter().find(|one| *one.id == *id);
            let found = one.and_then(|one| Some(work(one, one.processor.behaviours()?, now_ms)));
            found.ok_or_else(|| ApiError::not_found("processor with a profile", &id))
        });
        done.await?
    }
}

/// List the profiles that processors learn.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/profiles", tag = "profiles", operation_id = "list_profiles",
    responses((status = 200, body = Vec<ProfileView>))
))]
pub(crate) async fn list(State(service): Service) -> Result<Json<Vec<ProfileView>>, ApiError> {
    let views = blocking(move || {
        let (in_force, now_ms) = (service.in_force(), service.now_ms());
        let all = in_force.all().iter().filter_map(|one| Some((one, one.processor.behaviours()?)));
        all.map(|(one, it)| it.with(|profile, hosts| view(one, it.field(), profile, hosts, now_ms))).collect()
    });
    Ok(Json(views.await?))
}

/// Show a profile: its frequent behaviours, and the hosts of its fleet.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/profiles/{id}", tag = "profiles", operation_id = "show_profile",
    params(("id" = String, Path, description = "id of the processor")), responses((status = 200, body = ProfileDetail))
))]
pub(crate) async fn show(
    State(service): Service,
    Path(id): Path<String>,
) -> Result<Json<ProfileDetail>, ApiError> {
    let detail = service.at_profile(id, |one, it, now_ms| {
        it.with(|profile, hosts| ProfileDetail {
            profile: view(one, it.field(), profile, hosts, now_ms),
            frequent: frequent(profile),
            hosts: hosts.all().map(|(name, host)| host_view(name, host)).collect(),
        })
    });
    Ok(Json(detail.await?))
}

fn view(one: &Configured, into: &str, profile: &Profile, hosts: &Hosts, now_ms: i64) -> ProfileView {
    let (advice, times) = (profile.advice(), profile.times_ms());
    ProfileView {
        id: one.id.to_string(),
        stream: one.stream.to_string(),
        into: into.to_owned(),
        fields: profile.spec().parts.iter().map(ToString::to_string).collect(),
        status: profile.status(now_ms).name().to_owned(),
        learned: profile.progress(now_ms),
        events: advice.n_events,
        behaviours: advice.n_behaviours,
        novelty_rate: profile.novelty_rate(),
        flags_per_day: advice.flags_per_day.get(profile.spec().rare as usize - 1).copied(),
        first: times.map(|(first_ms, _)| Time(first_ms)),
        latest: times.map(|(_, latest_ms)| Time(latest_ms)),
        full: profile.fill(),
        memory_bytes: profile.n_bytes() as u64,
        hosts: hosts.all().count() as u64,
    }
}

fn frequent(profile: &Profile) -> Vec<BehaviourView> {
    let top = profile.top(N_FREQUENT).into_iter();
    top.map(|row| BehaviourView { behaviour: row.key, at_least: row.at_least, at_most: row.at_most })
        .collect()
}

fn host_view(name: &str, host: &lanner_profile::Host) -> ProfileHostView {
    ProfileHostView {
        host: name.to_owned(),
        status: host.status.name().to_owned(),
        events: host.n_events,
        behaviours: host.n_behaviours,
        novelty_rate: host.novelty_rate,
        heard: Time(host.heard_ms),
    }
}

/// Ask a profile about an event, which it does not learn: how usual it is, and which part makes it new.
///
/// # Errors
/// 404, 422 for an event that the profile does not learn from.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/profiles/{id}/explain", tag = "profiles", operation_id = "explain_event",
    request_body(content = Value, content_type = "application/json", example = json!({ "evt.type": "execve", "proc.exepath": "/usr/bin/nc", "proc.pname": "nginx" })),
    params(("id" = String, Path, description = "id of the processor")), responses((status = 200, body = ProfileAnswer))
))]
pub(crate) async fn explain(
    State(service): Service,
    Path(id): Path<String>,
    Json(event): Json<Map<String, Value>>,
) -> Result<Json<ProfileAnswer>, ApiError> {
    let asked = service.at_profile(id, move |_, it, now_ms| it.explain(event, now_ms)).await?;
    let Some((answer, parts)) = asked else {
        let message = "the profile does not learn from such events; see its condition `where`";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    };
    let part = |it: lanner_profile::PartSeen| PartView {
        part: it.part,
        value: it.value,
        seen: it.seen,
        seen_without: it.seen_without,
    };
    Ok(Json(ProfileAnswer { answer: Value::Object(answer), parts: parts.into_iter().map(part).collect() }))
}

/// Learn nothing of a time, such as that of an attack or of a test: events are judged as before, and are no more usual for it.
///
/// # Errors
/// 404, 422 for a time that ends before it begins.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/profiles/{id}/hold", tag = "profiles", operation_id = "hold_profile",
    params(("id" = String, Path, description = "id of the processor")), request_body = ProfileTimes, responses((status = 204))
))]
pub(crate) async fn hold(
    State(service): Service,
    Path(id): Path<String>,
    Json(times): Json<ProfileTimes>,
) -> Result<StatusCode, ApiError> {
    let range = range(times)?;
    service.at_profile(id, move |_, it, _| it.with(|profile, _| profile.hold(range))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forget what was learned in a time, as far as that is still told apart: whole days, of the last two.
///
/// # Errors
/// 404, 422 for a time that ends before it begins.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/profiles/{id}/unlearn", tag = "profiles", operation_id = "unlearn_profile",
    params(("id" = String, Path, description = "id of the processor")), request_body = ProfileTimes,
    responses((status = 200, body = ForgottenView))
))]
pub(crate) async fn unlearn(
    State(service): Service,
    Path(id): Path<String>,
    Json(times): Json<ProfileTimes>,
) -> Result<Json<ForgottenView>, ApiError> {
    let range = range(times)?;
    let forgotten =
        service.at_profile(id, move |_, it, _| it.with(|profile, _| profile.unlearn(range))).await?;
    let (from, to) = (forgotten.from_ms.map(Time), forgotten.to_ms.map(Time));
    Ok(Json(ForgottenView { from, to, all: forgotten.is_all }))
}

fn range(times: ProfileTimes) -> Result<TimeRange, ApiError> {
    if times.from >= times.to {
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "to: is not after from"));
    }
    Ok(TimeRange::new(times.from.0, times.to.0))
}

/// Take what was learned elsewhere in the place of what the processor learned, so that it need not learn first.
///
/// The body is a file that `lanner profile learn` wrote, with the same fields, condition and memory.
///
/// # Errors
/// 404, 413, 422 for what is damaged or was learned with other fields.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/profiles/{id}/learned", tag = "profiles", operation_id = "teach_profile",
    request_body(content = String, content_type = "application/octet-stream", description = "a file of `lanner profile learn`"),
    params(("id" = String, Path, description = "id of the processor")), responses((status = 200, body = ProfileView))
))]
pub(crate) async fn teach(
    State(service): Service,
    Path(id): Path<String>,
    Received(body): Received,
) -> Result<Json<ProfileView>, ApiError> {
    let taught = service.at_profile(id, move |one, it, now_ms| {
        it.teach(&body)?;
        Ok(it.with(|profile, hosts| view(one, it.field(), profile, hosts, now_ms)))
    });
    let refused = |why: String| {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, format!("this profile cannot be taken up: {why}"))
    };
    taught.await?.map(Json).map_err(refused)
}

/// Get what a host has to learn so that its profile can be compared with those of others.
///
/// # Errors
/// 404.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/profiles/{id}/terms", tag = "profiles", operation_id = "get_profile_terms",
    params(("id" = String, Path, description = "id of the processor")), responses((status = 200, body = ProfileTerms))
))]
pub(crate) async fn terms(
    State(service): Service,
    Path(id): Path<String>,
) -> Result<Json<ProfileTerms>, ApiError> {
    let terms = service.at_profile(id.clone(), |_, it, _| it.with(|profile, _| profile.terms())).await?;
    // By the processor's name hosts know which of their profiles is told.
    let mut document = terms.document;
    if let Some(document) = document.as_object_mut() {
        document.insert("id".to_owned(), id.into());
    }
    Ok(Json(ProfileTerms { document, seed: terms.seed }))
}

/// What a host knows of its fleet already.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// When that last changed, milliseconds since 1970, as the last answer said.
    changed: Option<i64>,
}

/// Tell what a host saw, in the place of what it told before; the answer is what all hosts of the fleet saw.
///
/// Agents send this: `lanner profile watch --fleet` and the plugin for Falco. Answers 204 when the host knows the fleet as it is.
///
/// # Errors
/// 404, 413, 422 for what is damaged or was learned with other fields or another seed.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/profiles/{id}/hosts/{host}", tag = "profiles", operation_id = "tell_profile",
    request_body(content = String, content_type = "application/octet-stream", description = "what an agent writes"),
    params(
        ("id" = String, Path, description = "id of the processor"),
        ("host" = String, Path, description = "name of the host"),
        ("changed" = Option<i64>, Query, description = "when the fleet last changed, as far as the host knows; milliseconds since 1970"),
    ),
    responses((status = 200, body = String, content_type = "application/octet-stream"), (status = 204))
))]
pub(crate) async fn tell(
    State(service): Service,
    Path((id, host)): Path<(String, String)>,
    Query(known): Query<Known>,
    Received(body): Received,
) -> Result<Response, ApiError> {
    let name: String = host.chars().take(100).collect();
    let heard =
        service.at_profile(id, move |_, it, now_ms| it.hear(&host, &body, now_ms, known.changed)).await?;
    match heard {
        Ok(Some(fleet)) => Ok(([(header::CONTENT_TYPE, "application/octet-stream")], fleet).into_response()),
        Ok(None) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(why) => {
            Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, format!("the host \"{name}\" {why}")))
        }
    }
}
