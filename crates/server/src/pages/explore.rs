//! Any data: an expression or a measure of a stream, drawn.

use std::sync::Arc;

use axum::extract::State;
use lanner_core::time::parse_duration_ms;
use lanner_page::chart::{Chart, Line};
use lanner_page::explore::{self as page, Asked, Explore, series_name, what_made_it};
use lanner_wire::api::{ProblemView, QueryRequest, QueryResponse, QuerySeries, When};
use serde_json::{Value, json};

use super::answer::{Html, Shown};
use super::fields::Fields;
use super::visitor::Who;
use crate::api::data;
use crate::http::{ApiError, Json};
use crate::services::Services;

/// Lines that can be told apart.
const MAX_LINES: usize = 8;
/// Further lines, without names.
const MAX_OTHERS: usize = 200;
/// Points of each that can be told apart on a narrow page.
const MAX_POINTS: i64 = 200;

/// The page.
pub(super) async fn show(State(services): State<Services>, who: Who, fields: Fields) -> Shown {
    let asked = asked(&fields);
    let Json(streams) = data::streams(State(Arc::clone(&services.expressions))).await?;
    let streams = streams.into_iter().map(|stream| stream.name).collect();
    let mut explore = Explore { asked, streams, ..Explore::default() };
    if !explore.asked.is_empty() {
        match answered(&services, &explore.asked).await {
            Ok(answer) => explore = Explore { asked: explore.asked, streams: explore.streams, ..answer },
            Err(why) => explore.problem = Some(why.reasons().join("; ")),
        }
    }
    Ok(Html(page::page(&who.visitor, &explore)))
}

fn asked(fields: &Fields) -> Asked {
    let text = |name: &str| fields.get(name).to_owned();
    Asked {
        target: text("target"),
        stream: text("stream"),
        measure: fields.some("measure").unwrap_or_else(|| "count".to_owned()),
        condition: text("where"),
        by: text("by"),
        from: fields.some("from").unwrap_or_else(|| "now-6h".to_owned()),
        to: fields.some("to").unwrap_or_else(|| "now".to_owned()),
        shift: text("shift"),
    }
}

/// The query as a rule would have it.
fn query(asked: &Asked) -> Value {
    if !asked.target.is_empty() {
        return json!({ "target": asked.target });
    }
    let mut query = json!({ "stream": asked.stream, "measure": asked.measure });
    if let Some(fields) = query.as_object_mut() {
        let by: Vec<&str> = asked.by.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if !by.is_empty() {
            fields.insert("by".to_owned(), json!(by));
        }
        if !asked.condition.is_empty() {
            fields.insert("where".to_owned(), json!(asked.condition));
        }
    }
    query
}

/// A step that leaves so few points that a line can be seen; `None` where none of these is long enough.
fn step(length_ms: i64) -> Option<String> {
    const STEPS: [&str; 11] = ["1s", "5s", "10s", "30s", "1m", "5m", "10m", "30m", "1h", "6h", "1d"];
    let fits = |step: &&str| parse_duration_ms(step).is_ok_and(|step_ms| length_ms / step_ms <= MAX_POINTS);
    STEPS.into_iter().find(fits).map(str::to_owned)
}

async fn answered(services: &Services, asked: &Asked) -> Result<Explore, ApiError> {
    let now_ms = services.evaluation.now_ms();
    let wrong = |name: &str, why: String| ApiError::problems(vec![ProblemView::at(name, why)]);
    let when = |name: &str, text: &str| {
        When::parse(text).map(|when| when.resolve(now_ms)).map_err(|why| wrong(name, why))
    };
    let (from_ms, to_ms) = (when("from", &asked.from)?, when("to", &asked.to)?);
    let shift_ms = Some(asked.shift.as_str()).filter(|shift| !shift.is_empty()).map(parse_duration_ms);
    let shift_ms =
        shift_ms.transpose().map_err(|why| wrong("shift", why.to_string()))?.filter(|shift_ms| *shift_ms > 0);
    let ask = async |shift_ms: i64, step: Option<String>| {
        let request = QueryRequest {
            query: query(asked),
            from: When::At(from_ms.saturating_sub(shift_ms)),
            to: Some(When::At(to_ms.saturating_sub(shift_ms))),
            step,
        };
        let services = (State(Arc::clone(&services.expressions)), State(Arc::clone(&services.models)));
        data::query(services.0, services.1, Json(request)).await.map(|Json(answer)| answer)
    };
    let answer = ask(0, step(to_ms.saturating_sub(from_ms))).await?;
    let earlier = match shift_ms {
        Some(shift_ms) => Some(ask(shift_ms, Some(answer.step.clone())).await?),
        None => None,
    };
    Ok(drawn(asked, answer, earlier))
}

fn drawn(asked: &Asked, answer: QueryResponse, earlier: Option<QueryResponse>) -> Explore {
    let n_series = answer.series.len();
    let n_steps = answer.series.iter().map(|series| series.values.len()).max().unwrap_or(0);
    let times = (0..n_steps as i64).map(|at| answer.start.0.saturating_add(at * answer.step_ms)).collect();
    let named = |series: QuerySeries| (series_name(&series.labels), series.values);
    let mut all: Vec<_> = answer.series.into_iter().map(named).collect();
    let adds_up = !asked.stream.is_empty() && (asked.measure == "count" || asked.measure.starts_with("sum("));
    let parts = if adds_up { what_made_it(&all) } else { Vec::new() };
    let size = |values: &[Option<f64>]| values.iter().flatten().map(|value| value.abs()).sum::<f64>();
    all.sort_by(|one, other| size(&other.1).total_cmp(&size(&one.1)));
    let before = earlier.into_iter().flat_map(|earlier| earlier.series).map(named);
    let before: Vec<_> =
        before.filter(|(name, _)| all.iter().take(MAX_LINES / 2).any(|(own, _)| own == name)).collect();
    // Beside an earlier time, further lines would be one tangle.
    let (n_own, n_others) = if before.is_empty() { (MAX_LINES, MAX_OTHERS) } else { (MAX_LINES / 2, 0) };
    let others = all.split_off(n_own.min(all.len()));
    let others = others.into_iter().take(n_others).map(|(_, values)| values).collect();
    let own = all.into_iter().map(|(name, values)| Line { name, values });
    let before = before
        .into_iter()
        .map(|(name, values)| Line { name: format!("{name}, {} earlier", asked.shift), values });
    let title = if asked.target.is_empty() {
        format!("{} of {}", asked.measure, asked.stream)
    } else {
        asked.target.clone()
    };
    let chart = Chart { title, times, lines: own.chain(before).collect(), others, ..Chart::default() };
    Explore { chart: Some(chart), n_series, parts, ..Explore::default() }
}
