//! Reviews of a replay, in the types of the API.

use lanner_core::time::parse_duration_ms;
use lanner_core::{Labels, TimeRange};
use lanner_engine::lookback::{self, Accuracy, Goal, Limit, Review, Spread, Suggestion, Terms};
use lanner_wire::api::{
    AccuracyView, EpisodeView, ExpectedView, Incident, LimitView, ProblemView, ReplayRequest, ReviewView,
    SettingView, SpreadView, SuggestionView, Time,
};

/// Episodes that one review shows; its numbers count all.
const MAX_EPISODES: usize = 100_000;

/// Incidents that one request may name.
const MAX_INCIDENTS: usize = 100_000;

/// What is asked of the past, checked.
pub(super) fn terms(request: &ReplayRequest) -> Result<Terms, Vec<ProblemView>> {
    let mut problems = Vec::new();
    if request.incidents.len() > MAX_INCIDENTS {
        let message = format!("has {} incidents, at most {MAX_INCIDENTS} can be", request.incidents.len());
        problems.push(ProblemView::at("incidents", message));
    }
    for (at, incident) in request.incidents.iter().enumerate() {
        if incident.end < incident.start {
            problems.push(ProblemView::at(format!("incidents[{at}].end"), "is before start"));
        }
    }
    let tolerance = request.tolerance.as_deref().map(parse_duration_ms).transpose();
    let tolerance_ms = tolerance.unwrap_or_else(|error| {
        problems.push(ProblemView::at("tolerance", error.to_string()));
        None
    });
    if request.alarms_per_week.is_some_and(|wanted| !(wanted.is_finite() && wanted >= 0.0)) {
        problems.push(ProblemView::at("alarms_per_week", "should be a number, 0 or larger"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let incident = |Incident { start, end, labels }: &Incident| lookback::Incident {
        range: TimeRange::new(start.0, end.0),
        labels: Labels::new(labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
    };
    Ok(Terms {
        incidents: request.incidents.iter().map(incident).collect(),
        tolerance_ms: tolerance_ms.unwrap_or(0),
        alarms_per_week: request.alarms_per_week,
        tries_limits: request.try_limits,
        step_s: None,
    })
}

/// A review as the API shows it.
pub(super) fn view(review: Review) -> ReviewView {
    let groups = &review.groups;
    let episode = |episode: &lookback::Episode| EpisodeView {
        group: groups[episode.group].clone(),
        state: episode.kind,
        from: Time(episode.from_ms),
        alarm: Time(episode.alarm_ms),
        end: episode.end_ms.map(Time),
    };
    ReviewView {
        rule: review.rule.to_string(),
        span: review.span.map(Into::into),
        evaluations: review.n_evaluations,
        scored: review.n_scored,
        breaches: review.n_breaches,
        fired: review.episodes.len() as u64,
        per_week: review.per_week,
        running: review.running,
        episodes: review.episodes.iter().take(MAX_EPISODES).map(episode).collect(),
        values: review.values.map(spread),
        scores: review.scores.map(spread),
        limits: review.limits.into_iter().map(limit).collect(),
        accuracy: review.accuracy.as_ref().map(accuracy),
        suggestions: review.suggestions.into_iter().map(|it| suggestion(it, review.kind)).collect(),
        tried: review.tried.into_iter().map(|it| suggestion(it, review.kind)).collect(),
        text: review.sentences,
    }
}

fn spread(Spread { min, median, p95, p99, max }: Spread) -> SpreadView {
    SpreadView { min, median, p95, p99, max }
}

fn limit(limit: Limit) -> LimitView {
    let unreachable = limit.unreachable;
    LimitView {
        field: limit.field,
        at: limit.at,
        unit: limit.unit.to_owned(),
        farthest: limit.farthest.filter(|farthest| farthest.is_finite()),
        was_passed: limit.was_passed,
        can_fire: !unreachable.as_ref().is_some_and(|found| found.is_never),
        ceiling: unreachable.as_ref().map(|found| found.ceiling),
        reason: unreachable.map(|found| found.message),
    }
}

fn accuracy(accuracy: &Accuracy) -> AccuracyView {
    AccuracyView {
        incidents: accuracy.n_incidents,
        found: accuracy.n_found,
        right: accuracy.n_right,
        wrong: accuracy.n_false,
        precision: accuracy.precision(),
        recall: accuracy.recall(),
        f1: accuracy.f1(),
        false_per_week: accuracy.false_per_week,
        median_delay_s: accuracy.median_delay_ms.map(|late_ms| late_ms as f64 / 1000.0),
    }
}

fn expected(expected: lookback::Expected) -> ExpectedView {
    let (least, most) = expected.range;
    ExpectedView { per_week: expected.per_week, least, most }
}

fn suggestion(suggestion: Suggestion, kind: &str) -> SuggestionView {
    let (goal, wanted) = match suggestion.goal {
        Goal::AlarmsPerWeek(wanted) => ("alarms_per_week", Some(wanted)),
        Goal::BestF1 => ("best_f1", None),
        Goal::Choice => ("choice", None),
    };
    let setting = |setting: &lookback::Setting| SettingView {
        field: format!("{kind}.{}", setting.field),
        was: setting.was,
        value: setting.value,
        unit: setting.unit.to_owned(),
    };
    SuggestionView {
        goal: goal.to_owned(),
        wanted,
        settings: suggestion.settings.iter().map(setting).collect(),
        detector: suggestion.detector,
        errors_only: suggestion.errors_only,
        fired: suggestion.n_episodes,
        per_week: suggestion.per_week,
        expected: suggestion.expected.map(expected),
        running: suggestion.running,
        accuracy: suggestion.accuracy.as_ref().map(accuracy),
    }
}
