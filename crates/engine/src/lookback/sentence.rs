//! A review in plain sentences, for the command line and readers of the API's response.

use lanner_core::time::{format_duration, format_time};
use lanner_graphite::six_digits;
use serde_json::Value;

use super::accuracy::{Accuracy, Marks};
use super::ahead::Expected;
use super::suggest::{Goal, Nothing, Suggestion};
use super::{Limit, Review, n_others};

/// Everything worth a sentence, the most important first.
pub(super) fn all(
    review: &Review,
    marks: &Marks<'_>,
    remarks: &[String],
    rests_on_little: bool,
) -> Vec<String> {
    let mut said = vec![what(review)];
    said.extend(review.limits.iter().filter_map(reach));
    said.extend(incidents(review, marks));
    said.extend(review.suggestions.iter().map(|suggestion| suggested(suggestion, review.kind)));
    said.extend(remarks.iter().cloned());
    if rests_on_little
        && review.span.is_some()
        && !(review.suggestions.is_empty() && review.accuracy.is_none())
    {
        said.push(
            "That is less than two weeks: a week has days of several kinds, so look back further before you rely on it."
                .to_owned(),
        );
    }
    said
}

/// `8 episodes`, `1 episode`.
fn counted(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if percent == 0.0 || percent >= 10.0 => format!("{percent:.0} %"),
        _ if percent >= 0.1 => format!("{percent:.1} %"),
        _ => "less than 0.1 %".to_owned(),
    }
}

fn rate(per_week: f64) -> String {
    format!("{} a week", rounded(per_week))
}

fn rounded(per_week: f64) -> String {
    if per_week >= 10.0 { format!("{per_week:.0}") } else { format!("{per_week:.1}") }
}

/// A length of time, without what nobody reads off a long one.
fn long(duration_ms: i64) -> String {
    let unit_ms = if duration_ms >= 172_800_000 { 3_600_000 } else { 1_000 };
    format_duration(duration_ms - duration_ms % unit_ms)
}

fn what(review: &Review) -> String {
    let Some(span) = review.span else {
        let evaluations = counted(review.n_evaluations, "evaluation");
        return format!("Nothing was scored in {evaluations}, so there is nothing to learn from.");
    };
    let n_episodes = review.episodes.len() as u64;
    let fired = match n_episodes {
        0 => "It would not have fired".to_owned(),
        1 => format!("It would have fired once ({})", rate(review.per_week)),
        n => format!("It would have fired {n} times ({})", rate(review.per_week)),
    };
    let others = match n_others(&review.episodes) {
        0 => String::new(),
        n if n as u64 == n_episodes => {
            ", for missing data or an error, which no threshold changes,".to_owned()
        }
        n => format!(", {n} of them for missing data or an error, which no threshold changes,"),
    };
    let scored = counted(review.n_scored, "scored window");
    let groups = match review.groups.len() {
        0 | 1 => String::new(),
        n => format!(" of {n} groups"),
    };
    let running = match n_episodes {
        0 => String::new(),
        _ => format!(", and an alert would have been on {} of the time", percent(review.running)),
    };
    format!(
        "{fired}{others} in {scored}{groups} over {}, from {} to {}{running}.",
        long(span.length_ms()),
        format_time(span.start_ms),
        format_time(span.end_ms)
    )
}

/// Nothing to say of a limit that was passed and can be.
fn reach(limit: &Limit) -> Option<String> {
    let Limit { field, at, unit, farthest, was_passed, unreachable } = limit;
    let came = farthest.filter(|_| !was_passed).map(|farthest| match farthest {
        _ if *unit == "%" && farthest <= 0.0 => "no value moved in that direction".to_owned(),
        _ => format!("the closest value was {}{unit}", six_digits(farthest)),
    });
    match (unreachable, came) {
        (Some(found), Some(came)) => Some(format!("{}; {came}.", found.message)),
        (Some(found), None) => Some(format!("{}.", found.message)),
        (None, came) => Some(format!("{field}: {}{unit} was never reached: {}.", six_digits(*at), came?)),
    }
}

fn incidents(review: &Review, marks: &Marks<'_>) -> Vec<String> {
    let mut said: Vec<String> = review.accuracy.iter().map(agreement).collect();
    if marks.n_outside > 0 {
        let outside = counted(marks.n_outside, "incident");
        said.push(format!("{outside} outside the scored time did not count."));
    } else if said.is_empty() && marks.is_asked() && review.span.is_some() {
        said.push("None of the incidents concerns this rule.".to_owned());
    }
    said
}

fn agreement(accuracy: &Accuracy) -> String {
    let Accuracy { n_incidents, n_found, n_right, n_false, .. } = *accuracy;
    let recall = percent(accuracy.recall().unwrap_or(0.0));
    let found = format!("It found {n_found} of {} (recall {recall})", counted(n_incidents, "incident"));
    let right = accuracy.precision().map_or_else(String::new, |precision| {
        let of = counted(n_right + n_false, "episode");
        let (precision, f1) = (percent(precision), accuracy.f1());
        let wrong = match n_false {
            0 => "none was false".to_owned(),
            n => format!("{n} false ({})", rate(accuracy.false_per_week)),
        };
        format!("; {n_right} of {of} right (precision {precision}, F1 {f1:.2}), {wrong}")
    });
    format!("{found}{right}{}.", delay(accuracy))
}

fn delay(accuracy: &Accuracy) -> String {
    match accuracy.median_delay_ms {
        None => String::new(),
        Some(late_ms) if late_ms < 0 => {
            format!("; alarms came {} before an incident's start", long(-late_ms))
        }
        Some(late_ms) => format!("; alarms came {} after an incident's start", long(late_ms)),
    }
}

fn suggested(suggestion: &Suggestion, kind: &str) -> String {
    let Suggestion { goal, settings, detector, n_episodes, per_week, running, .. } = suggestion;
    let nouns = if suggestion.errors_only { "error" } else { "alarm" };
    let goal = match goal {
        Goal::AlarmsPerWeek(wanted) => format!("For {}", at_most(*wanted, nouns)),
        Goal::BestF1 => "For the best agreement with the incidents".to_owned(),
        Goal::Choice => "To choose from".to_owned(),
    };
    let fields: Vec<String> = settings
        .iter()
        .map(|setting| format!("{kind}.{}: {}{}", setting.field, setting.value, setting.unit))
        .collect();
    let whole = match detector {
        Value::Object(fields) if fields.len() > settings.len() => format!(" ({kind}: {})", flow(detector)),
        _ => String::new(),
    };
    let times = match n_episodes {
        0 => "it would not have fired".to_owned(),
        n => format!("{} ({}), on {} of the time", counted(*n, nouns), rate(*per_week), percent(*running)),
    };
    let agrees = suggestion.accuracy.map_or_else(String::new, |accuracy| {
        let precision = accuracy.precision().map_or_else(|| "none".to_owned(), percent);
        format!(
            "; {} of {} found, precision {precision}, F1 {:.2}{}",
            accuracy.n_found,
            counted(accuracy.n_incidents, "incident"),
            accuracy.f1(),
            delay(&accuracy)
        )
    });
    let ahead = suggestion.expected.map_or_else(String::new, |found| format!("; {}", expected(found)));
    format!("{goal} write {}{whole}: {times}{agrees}{ahead}.", fields.join(" and "))
}

fn expected(found: Expected) -> String {
    let Expected { per_week, range: (least, most) } = found;
    format!("expect about {} from now on, {} to {}", rate(per_week), rounded(least), rounded(most))
}

fn at_most(wanted: f64, noun: &str) -> String {
    let plural = if wanted == 1.0 { "" } else { "s" };
    format!("at most {} {noun}{plural} a week", six_digits(wanted))
}

/// A map as it stands in a rule.
fn flow(map: &Value) -> String {
    let fields = map.as_object().into_iter().flatten().map(|(name, value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        Value::Object(_) => format!("{name}: {}", flow(value)),
        value => format!("{name}: {value}"),
    });
    format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
}

/// Why there is no suggestion.
pub(super) fn nothing(why: &Nothing, fields: &[String], wanted: f64) -> String {
    let (fields, wanted) = (fields.join(" and "), at_most(wanted, "alarm"));
    match why {
        Nothing::Unscored => format!("No {fields} can be suggested: nothing was scored."),
        Nothing::NotByLimits(n) => format!(
            "No {fields} gives {wanted}: {n} came from missing data and other windows without a score; \
             see no_data, error and for."
        ),
        Nothing::AlwaysMore => {
            format!("No {fields} that the rule accepts gives {wanted}; look at for and recover_for.")
        }
    }
}
