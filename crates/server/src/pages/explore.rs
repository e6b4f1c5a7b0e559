//! Any data: an expression or a measure of a stream, drawn.

use std::sync::Arc;

use axum::extract::State;
use lanner_core::time::parse_duration_ms;
use lanner_core::{Node, TimeRange};
use lanner_engine::document::Check;
use lanner_engine::source::{Gaps, Missed, read_query};
use lanner_page::chart::{Chart, Line};
use lanner_page::explore::{self as page, Asked, Explore, MAX_TARGETS, There, series_name, what_made_it};
use lanner_page::rules;
use lanner_wire::api::{ProblemView, QueryRequest, QueryResponse, QuerySeries, ReplayRequest, When};
use serde_json::{Value, json};

use super::answer::{Html, Shown};
use super::editor::{busiest, read, thinned};
use super::fields::Fields;
use super::visitor::Who;
use crate::api::{data, replay};
use crate::http::{ApiError, Json, blocking};
use crate::services::Services;

/// Lines that can be told apart.
const MAX_LINES: usize = 8;
/// Further lines, without names.
const MAX_OTHERS: usize = 200;
/// Names to choose from.
const MAX_NAMES: usize = 200;
/// Points of each that can be told apart on a narrow page.
const MAX_POINTS: i64 = 200;

/// The page.
pub(super) async fn show(State(services): State<Services>, who: Who, fields: Fields) -> Shown {
    let asked = asked(&fields);
    let there = there(&services).await?;
    let mut explore = Explore { asked, there, ..Explore::default() };
    if !explore.asked.is_empty() {
        match answered(&services, &explore.asked).await {
            Ok(answer) => explore = Explore { asked: explore.asked, there: explore.there, ..answer },
            Err(why) => explore.problem = Some(why.reasons().join("; ")),
        }
    }
    Ok(Html(page::page(&who.visitor, &explore)))
}

async fn there(services: &Services) -> Result<There, ApiError> {
    let Json(streams) = data::streams(State(Arc::clone(&services.expressions))).await?;
    let expressions = Arc::clone(&services.expressions);
    let paths = blocking(move || expressions.paths()).await??;
    Ok(There {
        streams: streams.into_iter().map(|stream| stream.name).collect(),
        series: paths.names().take(MAX_NAMES).map(str::to_owned).collect(),
        n_series: paths.names().count(),
        sources: services.expressions.sources.names(),
    })
}

fn asked(fields: &Fields) -> Asked {
    let text = |name: &str| fields.get(name).to_owned();
    let mut asked = Asked {
        targets: fields.all("target").into_iter().map(|target| target.trim().to_owned()).collect(),
        query: text("query"),
        stream: text("stream"),
        measure: fields.some("measure").unwrap_or_else(|| "count".to_owned()),
        condition: text("where"),
        by: text("by"),
        from: fields.some("from").unwrap_or_else(|| "now-6h".to_owned()),
        to: fields.some("to").unwrap_or_else(|| "now".to_owned()),
        shift: text("shift"),
        unusual: !fields.get("unusual").is_empty(),
    };
    asked.targets.retain(|target| !target.is_empty());
    asked
}

/// The queries as rules would have them.
fn queries(asked: &Asked) -> Result<Vec<Value>, ApiError> {
    let wrong = |name: &str, why: String| ApiError::problems(vec![ProblemView::at(name, why)]);
    if asked.targets.len() > MAX_TARGETS {
        return Err(wrong("target", format!("at most {MAX_TARGETS} expressions are drawn together")));
    }
    if !asked.targets.is_empty() {
        return Ok(asked.targets.iter().map(|target| json!({ "target": target })).collect());
    }
    if !asked.query.is_empty() {
        let read = Node::from_yaml(&asked.query).map_err(|why| wrong("query", why.to_string()))?;
        return Ok(vec![read.to_json()]);
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
    Ok(vec![query])
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
    let queries = queries(asked)?;
    let step = step(to_ms.saturating_sub(from_ms));
    if asked.unusual {
        return judged(services, asked, (from_ms, to_ms), step.as_deref().unwrap_or("1h")).await;
    }
    let gaps = services.evaluation.watch.gaps();
    let ask = async |shift_ms: i64, step: Option<String>| {
        let mut all: Option<QueryResponse> = None;
        for query in &queries {
            let request = QueryRequest {
                query: query.clone(),
                from: When::At(from_ms.saturating_sub(shift_ms)),
                to: Some(When::At(to_ms.saturating_sub(shift_ms))),
                step: step.clone(),
            };
            let services = (State(Arc::clone(&services.expressions)), State(Arc::clone(&services.models)));
            let Json(mut answer) = data::query(services.0, services.1, Json(request)).await?;
            if let Some(nothing) = of_nothing(query) {
                fill(&mut answer, nothing, &gaps, now_ms);
            }
            match &mut all {
                Some(all) => all.series.extend(answer.series),
                None => all = Some(answer),
            }
        }
        all.ok_or_else(|| ApiError::internal("nothing was asked"))
    };
    let answer = ask(0, step).await?;
    let earlier = match shift_ms {
        Some(shift_ms) => Some(ask(shift_ms, Some(answer.step.clone())).await?),
        None => None,
    };
    Ok(drawn(asked, answer, earlier))
}

/// What a query comes to of a group that nothing came of; `None` where that is not known.
fn of_nothing(query: &Value) -> Option<f64> {
    read_query(&Node::from_json(query), "query", &mut Check::default())?.value_when_empty()
}

/// Where nothing was counted of a group, that is its value, from the first data on and while the server was there: else a line would
/// end where all fails. A step that is not over is not counted yet.
fn fill(answer: &mut QueryResponse, nothing: f64, gaps: &Gaps, now_ms: i64) {
    let first =
        answer.series.iter().filter_map(|series| series.values.iter().position(Option::is_some)).min();
    let (start_ms, step_ms) = (answer.start.0, answer.step_ms);
    let step = |at: usize| {
        let from_ms = start_ms.saturating_add(at as i64 * step_ms);
        TimeRange::new(from_ms, from_ms.saturating_add(step_ms))
    };
    for series in &mut answer.series {
        for (at, value) in series.values.iter_mut().enumerate().skip(first.unwrap_or(0)) {
            if step(at).end_ms > now_ms {
                *value = None;
            } else if gaps.missed(step(at)) == Missed::Nothing {
                value.get_or_insert(nothing);
            }
        }
    }
}

/// The group that was most unusual, with what is usual for it.
async fn judged(
    services: &Services,
    asked: &Asked,
    (from_ms, to_ms): (i64, i64),
    step: &str,
) -> Result<Explore, ApiError> {
    let document = read(&asked.rule(step)).map_err(ApiError::problems)?;
    let request = ReplayRequest::new(vec![document.clone()], When::At(from_ms), Some(When::At(to_ms)));
    let Json(found) = replay::replay(State(Arc::clone(&services.evaluation)), Json(request)).await?;
    let group = busiest(&found);
    let name = series_name(&group);
    let chart = rules::chart(&name, &document, &thinned(found.evaluations, &group));
    Ok(Explore { chart: Some(chart), judged: Some(name), ..Explore::default() })
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
    let title = match (&asked.targets[..], &asked.query) {
        ([], query) if query.is_empty() => format!("{} of {}", asked.measure, asked.stream),
        ([], query) => query.clone(),
        (targets, _) => targets.join(", "),
    };
    let chart = Chart { title, times, lines: own.chain(before).collect(), others, ..Chart::default() };
    Explore { chart: Some(chart), n_series, parts, ..Explore::default() }
}

#[cfg(test)]
mod tests {
    use lanner_core::Labels;

    use super::*;

    #[test]
    fn nothing_is_a_value_of_what_is_counted() {
        // Steps of ten: before the first data, counted, silent, away, silent, and one that goes on.
        let series =
            |values: [Option<f64>; 6]| QuerySeries { labels: Labels::default(), values: values.to_vec() };
        let all = vec![
            series([None, Some(4.0), None, None, None, Some(1.0)]),
            series([None, None, None, Some(2.0), None, None]),
        ];
        let mut answer = QueryResponse::new(TimeRange::new(0, 60), 10, all, false);
        fill(&mut answer, 0.0, &Gaps::new(vec![TimeRange::new(25, 40)]), 55);
        let [one, other] = &answer.series[..] else { panic!("{answer:?}") };
        assert_eq!(one.values, [None, Some(4.0), None, None, Some(0.0), None]);
        assert_eq!(other.values, [None, Some(0.0), None, Some(2.0), Some(0.0), None]);
        let zero = |query: Value| of_nothing(&query);
        assert_eq!(zero(json!({ "stream": "s", "measure": "count" })), Some(0.0));
        assert_eq!(zero(json!({ "stream": "s", "measure": "max(ms)" })), None);
        assert_eq!(zero(json!({ "target": "a.b" })), None);
    }
}
