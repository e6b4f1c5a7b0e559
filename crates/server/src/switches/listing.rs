//! Lists the switches that match a query, page by page.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use lanner_switch::Phase;
use lanner_wire::api::SwitchView;
use serde_json::Value;

use super::service::SwitchService;
use super::view::{UNREADABLE, view};
use crate::documents::SWITCH;
use crate::http::{ApiError, Json, blocking};

/// So many switches are answered at once, if nothing is said, and at most.
const PAGE: usize = 1_000;
const MAX_PAGE: usize = 10_000;

/// What is asked for.
#[derive(Debug, Default)]
struct Wanted {
    limit: Option<usize>,
    after: Option<String>,
    text: Option<String>,
    phase: Option<String>,
    labels: Vec<(String, String)>,
}

impl Wanted {
    fn read(query: &str) -> Result<Self, ApiError> {
        let (mut wanted, mut problems) = (Self::default(), Vec::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if let Err(why) = wanted.set(&name, &value) {
                problems
                    .push(format!("the parameter \"{}\" {why}", name.chars().take(50).collect::<String>()));
            }
        }
        if problems.is_empty() {
            Ok(wanted)
        } else {
            Err(ApiError::new(StatusCode::BAD_REQUEST, problems.join("; ")))
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
                self.limit = Some(limit.ok_or_else(|| format!("should be a number from 1 to {MAX_PAGE}"))?);
            }
            "after" => self.after = Some(value.to_owned()),
            "text" => self.text = Some(value.to_lowercase()),
            "phase" => {
                let mut known = Phase::ALL.iter().map(|phase| phase.name()).chain([UNREADABLE]);
                if !known.any(|name| name == value) {
                    let known: Vec<&str> = Phase::ALL.iter().map(|phase| phase.name()).collect();
                    return Err(format!("should be one of {}, {UNREADABLE}", known.join(", ")));
                }
                self.phase = Some(value.to_owned());
            }
            "label" => {
                let label = value.split_once('=').ok_or("should be NAME=VALUE, such as team=payments")?;
                self.labels.push((label.0.to_owned(), label.1.to_owned()));
            }
            _ => return Err("is not known; there are limit, after, text, phase and label".to_owned()),
        }
        Ok(())
    }

    fn takes(&self, view: &SwitchView) -> bool {
        let document = &view.switch.document;
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let holds = |text: &String| {
            let fields = ["description", "when", "reason", "owner"];
            let fields = fields.iter().filter_map(|name| document.get(*name)).map(shown);
            fields.chain([view.switch.id.clone()]).any(|field| field.to_lowercase().contains(text.as_str()))
        };
        let has = |(name, value): &(String, String)| {
            let label = document.get("labels").and_then(|labels| labels.get(name));
            label.map(shown).as_ref() == Some(value)
        };
        self.phase.as_ref().is_none_or(|phase| view.phase == *phase)
            && self.labels.iter().all(has)
            && self.text.as_ref().is_none_or(holds)
    }
}

fn found(service: &SwitchService, wanted: &Wanted) -> Result<Vec<SwitchView>, ApiError> {
    let limit = wanted.limit.unwrap_or(PAGE);
    let (mut found, mut after) = (Vec::new(), wanted.after.clone());
    while found.len() < limit {
        let page = service.state.documents_after(SWITCH, after.as_deref(), PAGE)?;
        let is_last = page.len() < PAGE;
        let last = page.last().map(|stored| stored.id.clone());
        let page = service.unwritten.over(SWITCH, after.as_deref(), !is_last, page);
        after = last;
        found.extend(page.into_iter().map(|stored| view(service, stored)).filter(|view| wanted.takes(view)));
        if is_last {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// List switches by id, with what each does now. A page that is full may have a next one: `after` the last id of this.
///
/// # Errors
/// 400, 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/switches", tag = "switches", operation_id = "list_switches",
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "maximum number; default 1000"),
        ("after" = Option<String>, Query, description = "only switches with a later id than this"),
        ("text" = Option<String>, Query, description = "only switches whose id, description, condition, reason or owner \
            contains this, ignoring case"),
        ("phase" = Option<String>, Query, description = "only switches in this phase, such as `blocking`"),
        ("label" = Option<String>, Query, description = "only switches with this label, `NAME=VALUE`; may be repeated"),
    ),
    responses((status = 200, body = Vec<SwitchView>))
))]
pub(crate) async fn list(
    State(service): State<Arc<SwitchService>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<SwitchView>>, ApiError> {
    let wanted = Wanted::read(query.as_deref().unwrap_or_default())?;
    blocking(move || found(&service, &wanted)).await?.map(Json)
}
