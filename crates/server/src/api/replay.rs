//! Replay: evaluates rules over stored data with the code that evaluates live, and reviews the result.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::State;
use lanner_core::{AlertState, Answer, Ask, Evaluation, Group, RemoteAsk, SourceError, TimeRange};
use lanner_engine::document::{Node, Problem, Problems};
use lanner_engine::lookback::{self, Record, Review, Terms};
use lanner_engine::replay::{self, Replay};
use lanner_engine::rule::Status;
use lanner_engine::source::{
    Data, Elsewhere, Fetched, Recorded, RowScorer, SeriesQuery, Stored, StreamQuery,
};
use lanner_engine::{Config, Engine, Rule};
use lanner_io::store::StoreError;
use lanner_wire::api::{
    EvaluationView, NotificationView, ProblemView, ReplayRequest, ReplayResponse, ReplaySummary, Time,
    Transition,
};
use serde_json::Value;

use super::review;
use crate::evaluate::read::Live;
use crate::evaluate::service::EvaluationService;
use crate::expressions::StoreSource;
use crate::http::{ApiError, Json, blocking};
use crate::models::service::ModelService;
use crate::rules::stored;
use crate::sources::Sources;

/// Evaluations and messages of one answer; the summary counts all.
const MAX_SHOWN: usize = 100_000;

/// Windows of all rules together that one request may evaluate: five rules of a minute over seven years.
const MAX_WINDOWS: i64 = 20_000_000;

/// Replay rules over stored data: those sent or, without any, all that are stored. With incidents or a wanted number of
/// alarms a week, also how well that agrees, and which limits would do better.
///
/// # Errors
/// 400, 422.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/replay", tag = "rules", operation_id = "replay", request_body = ReplayRequest,
    responses((status = 200, body = ReplayResponse))
))]
pub(crate) async fn replay(
    State(service): State<Arc<EvaluationService>>,
    Json(request): Json<ReplayRequest>,
) -> Result<Json<ReplayResponse>, ApiError> {
    let now_ms = service.now_ms();
    let to_ms = request.to.map_or(now_ms, |to| to.resolve(now_ms)).min(now_ms);
    let range = TimeRange::new(request.from.resolve(now_ms), to_ms);
    if range.length_ms() == 0 {
        return Err(ApiError::problems(vec![ProblemView::at("to", "is not after from")]));
    }
    let terms = review::terms(&request).map_err(ApiError::problems)?;
    let stored = stored::stored_config(&*service.state)?;
    let rules = rules(&request.rules, &stored, service.sources.streams())?;
    refuse_endless(&rules, range)?;
    let done = blocking(move || {
        let (replay, reviews) = look_back(&service, rules, &stored, range, &terms)?;
        Ok::<_, StoreError>(response(&replay, reviews))
    });
    Ok(Json(done.await??))
}

/// Refuses a range that nobody would wait for the end of.
fn refuse_endless(rules: &[Rule], range: TimeRange) -> Result<(), ApiError> {
    let active = rules.iter().filter(|rule| rule.status == Status::Active);
    let windows =
        active.map(|rule| range.end_ms.saturating_sub(range.start_ms) / rule.schedule.every_ms.max(1));
    let n_windows = windows.fold(0, i64::saturating_add);
    if n_windows <= MAX_WINDOWS {
        return Ok(());
    }
    let message = format!(
        "is too early: {n_windows} windows would be evaluated, more than {MAX_WINDOWS}; choose a later time, or fewer rules"
    );
    Err(ApiError::problems(vec![ProblemView::at("from", message)]))
}

fn rules(written: &[Value], stored: &Config, streams: &Elsewhere) -> Result<Vec<Rule>, ApiError> {
    let stored = || stored.rules.iter().map(Rule::document).collect();
    let documents: Vec<Value> = if written.is_empty() { stored() } else { written.to_vec() };
    let mut rules = Vec::new();
    let mut problems: Vec<Problem> = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        // What is stored may be written as an older release took it.
        let read = Rule::from_json(document, 1)
            .or_else(|_| Rule::check(&Node::from_json(document), &format!("rules[{at}]"), 1));
        match read {
            Ok(rule) => match rule.located(streams) {
                Ok(rule) => rules.push(rule),
                Err(problem) => problems.push(problem),
            },
            Err(Problems(more)) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(rules) } else { Err(Problems(problems).into()) }
}

/// Replays, and reviews what each rule did.
fn look_back(
    service: &EvaluationService,
    rules: Vec<Rule>,
    stored: &Config,
    range: TimeRange,
    terms: &Terms,
) -> Result<(Replay, Vec<Review>), StoreError> {
    let ids: Vec<Arc<str>> = rules.iter().map(|rule| rule.id.clone()).collect();
    let wants_limits = terms.alarms_per_week.is_some() || terms.tries_limits || !terms.incidents.is_empty();
    // Where scores before limits cannot be told from those after, they are asked for separately.
    let bare = rules.iter().filter(|_| wants_limits).filter_map(lookback::bare);
    let bare: Vec<Rule> = bare.filter_map(|rule| rule.located(service.sources.streams()).ok()).collect();
    // Windows that end by `to` are due a little later.
    let active = rules.iter().filter(|rule| rule.status == Status::Active);
    let end_ms =
        range.end_ms + active.map(|rule| rule.delay_ms + rule.spread_ms(rules.len())).max().unwrap_or(0);
    let (replay, mut rules) = walk(service, rules, stored, range, end_ms)?;
    let (bare_replay, bare_rules) =
        if bare.is_empty() { Default::default() } else { walk(service, bare, stored, range, end_ms)? };
    let (evaluations, bare_evaluations) = (replay.by_rule(), bare_replay.by_rule());
    let mut reviews = Vec::new();
    for rule in ids.iter().filter_map(|id| rules.remove(id)) {
        let bare_own = of_rule(&bare_evaluations, &rule);
        let bare = bare_rules.get(&rule.id).map(|bare| (&**bare, &bare_own[..]));
        let record = Record::new(&rule, &of_rule(&evaluations, &rule), bare);
        let step_s = rule.query.step_s(&mut Live::new(service), range.end_ms);
        reviews.push(lookback::review(&rule, &record, &Terms { step_s, ..terms.clone() }));
    }
    Ok((replay, reviews))
}

fn of_rule<'e>(evaluations: &BTreeMap<&str, Vec<&'e Evaluation>>, rule: &Rule) -> Vec<&'e Evaluation> {
    evaluations.get(&*rule.id).cloned().unwrap_or_default()
}

type Walked = (Replay, HashMap<Arc<str>, Arc<Rule>>);

fn walk(
    service: &EvaluationService,
    rules: Vec<Rule>,
    stored: &Config,
    range: TimeRange,
    end_ms: i64,
) -> Result<Walked, StoreError> {
    let mut record = Recorded::new(&rules, service.state.secret());
    load(service, &rules, range, &mut record)?;
    let sources = Arc::clone(&service.sources);
    let (models, away) = (Arc::clone(&service.models), service.watch.away());
    let mut past = Past { record, stored: service.expressions.source()?, sources, models, away };
    let mut engine = Engine::new();
    engine.configure(stored.routes.clone(), stored.inhibitions.clone());
    engine.set_gaps(service.watch.gaps());
    engine.set_rules(rules, range.start_ms);
    let replay =
        replay::run(&mut engine, &mut past, range.start_ms, end_ms, |_| !service.shutdown.has_begun());
    let rules = engine.rules().map(|(rule, _)| (rule.id.clone(), Arc::clone(rule))).collect();
    Ok((replay, rules))
}

/// Events and samples as they were loaded; for expressions, the store itself, as when rules are evaluated live.
struct Past {
    record: Recorded,
    stored: StoreSource,
    sources: Arc<Sources>,
    models: Arc<ModelService>,
    away: Vec<TimeRange>,
}

impl Data for Past {
    fn stream(&mut self, ask: &Ask, query: &Arc<StreamQuery>) -> Answer {
        self.record.stream(ask, query)
    }

    fn series(&mut self, ask: &Ask, query: &SeriesQuery) -> Answer {
        self.record.series(ask, query)
    }

    fn graphite(&mut self) -> Result<Box<dyn Stored + '_>, SourceError> {
        Ok(Box::new(self.stored.clone()))
    }

    fn fetch(&mut self, source: &str, ask: &RemoteAsk) -> Fetched {
        self.sources.ask(source, ask).map(Arc::new)
    }

    fn model(&mut self, name: &str) -> Result<Arc<dyn RowScorer>, SourceError> {
        self.models.detector(name)
    }

    fn away(&mut self) -> Vec<TimeRange> {
        self.away.clone()
    }
}

/// Reads what the rules look at: the range, and as far before it as windows and comparisons reach.
fn load(
    service: &EvaluationService,
    rules: &[Rule],
    range: TimeRange,
    record: &mut Recorded,
) -> Result<(), StoreError> {
    let mut streams: HashMap<Arc<str>, i64> = HashMap::new();
    for rule in rules {
        let rows = rule.query.model().and_then(|name| service.models.detector(name).ok());
        let rows_ms = rows.map_or(0, |scorer| scorer.n_rows() as i64 * rule.schedule.window_ms);
        let from_ms = range.start_ms - rule.reach_ms() - rows_ms - rule.schedule.window_ms;
        for query in rule.query.streams() {
            let known = streams.entry(query.stream.clone()).or_insert(from_ms);
            *known = from_ms.min(*known);
        }
        for query in rule.query.series() {
            for (id, key) in service.data.select(&query.name, &query.labels)? {
                let first_ms = service.data.first_ms(id)?;
                let samples = service.data.samples(id, TimeRange::new(from_ms, range.end_ms))?;
                record.samples((*key).clone(), samples);
                record.began(first_ms);
            }
        }
    }
    for (stream, from_ms) in streams {
        service.data.events(&stream, TimeRange::new(from_ms, range.end_ms), &mut |time_ms, json| {
            if let Ok(fields) = serde_json::from_slice(json) {
                record.event(&stream, time_ms, &fields);
            }
            if service.shutdown.has_begun() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        record.stream_began(&stream, service.intake.counting.first_ms(&stream));
    }
    Ok(())
}

fn response(replay: &Replay, reviews: Vec<Review>) -> ReplayResponse {
    let mut states: HashMap<(Arc<str>, Group), AlertState> = HashMap::new();
    let mut transitions = Vec::new();
    let mut summary = ReplaySummary {
        evaluations: replay.evaluations.len() as u64,
        notifications: replay.notifications.len() as u64,
        truncated: replay.evaluations.len() > MAX_SHOWN || replay.notifications.len() > MAX_SHOWN,
        ..ReplaySummary::default()
    };
    for evaluation in &replay.evaluations {
        match evaluation.outcome {
            lanner_core::Outcome::Breach => summary.breaches += 1,
            lanner_core::Outcome::NoData => summary.no_data += 1,
            lanner_core::Outcome::Error => summary.errors += 1,
            _ => {}
        }
        let key = (evaluation.rule.clone(), evaluation.group.clone());
        let before = states.insert(key, evaluation.state).unwrap_or(AlertState::Normal);
        if before != evaluation.state {
            let is_told =
                |state| matches!(state, AlertState::Firing | AlertState::NoData | AlertState::Error);
            let quiet = |state| matches!(state, AlertState::Normal | AlertState::Pending);
            summary.episodes += u64::from(is_told(evaluation.state) && quiet(before));
            transitions.push(Transition {
                rule: evaluation.rule.to_string(),
                group: evaluation.group.labels().clone(),
                time: Time(evaluation.window.end_ms),
                from: before,
                to: evaluation.state,
                value: evaluation.value,
                base: evaluation.base,
            });
        }
    }
    ReplayResponse {
        evaluations: replay.evaluations.iter().take(MAX_SHOWN).map(EvaluationView::from).collect(),
        transitions,
        notifications: replay.notifications.iter().take(MAX_SHOWN).map(NotificationView::from).collect(),
        summary,
        reviews: reviews.into_iter().map(review::view).collect(),
    }
}
