//! `lanner replay`: evaluates rules over stored data, reviews the result, and suggests thresholds.

use std::path::PathBuf;

use lanner_core::{AlertState, Labels};
use lanner_wire::api::{ReplayRequest, ReplayResponse, ReviewView, RuleView, Time, Transition, When};
use serde::Serialize;
use serde_json::Value;

use super::detect::incidents;
use super::shared::Shared;
use super::{apply, rule};
use crate::client::{self, Client};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::output::{self, counted};
use crate::progress;

/// Evaluate rules over stored data; nothing is stored or sent.
///
/// Uses the code that evaluates live. By default all rules of the server are replayed.
///
/// Below the list of episodes, a review of each rule says how often it would have fired, whether its threshold can be
/// reached at all, with --incidents how well it did, and with --alarms-per-week which threshold to write.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner replay --from now-7d
  lanner replay --from now-30d --rules new-rules.yaml
  lanner replay --from 2026-12-01 --to 2026-12-08 --rule payments-floor --transitions
  lanner replay --from now-30d --rule cpu --alarms-per-week 2
  lanner replay --from now-90d --rule cpu --incidents trouble.csv --tolerance 10m --review
  lanner replay --from now-7d --data lanner-data --format json")]
pub(crate) struct Args {
    /// Start time: 2026-12-01, or now-7d.
    #[arg(long, value_parser = When::parse, value_name = "TIME")]
    from: When,
    /// End time; by default now.
    #[arg(long, value_parser = When::parse, value_name = "TIME")]
    to: Option<When>,
    /// YAML file, or folder of files, with rules to replay instead of the server's.
    #[arg(long, value_name = "FILE|FOLDER")]
    rules: Option<PathBuf>,
    /// Only the rule with this id; repeatable.
    #[arg(long = "rule", value_name = "ID")]
    only: Vec<String>,
    /// Show every change of state instead of episodes.
    #[arg(long)]
    transitions: bool,
    /// Known incidents: from,to times as CSV, or JSON, which may list incidents per rule.
    #[arg(long, value_name = "FILE")]
    incidents: Option<PathBuf>,
    /// Tolerance for the times of incidents.
    #[arg(long, value_name = "DURATION", requires = "incidents", value_parser = duration)]
    tolerance: Option<String>,
    /// Suggest thresholds with at most this many alarms a week.
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    alarms_per_week: Option<f64>,
    /// Show only the review of each rule.
    #[arg(long, conflicts_with = "transitions")]
    review: bool,
    #[command(flatten)]
    shared: Shared,
}

fn duration(text: &str) -> std::result::Result<String, String> {
    let checked = lanner_core::time::parse_duration_ms(text);
    checked.map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn rate(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok(number),
        _ => Err("should be a number, 0 or larger".to_owned()),
    }
}

/// From the moment an alert would have fired until it was over.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Episode {
    rule: String,
    group: Labels,
    state: AlertState,
    start: Time,
    end: Option<Time>,
    value: Option<f64>,
    base: Option<f64>,
}

impl Row for Episode {
    const COLUMNS: &'static [&'static str] =
        &["start", "end", "lasted", "rule", "group", "state", "value", "base"];
    fn cells(&self) -> Vec<Cell> {
        let lasted = self.end.map(|end| lanner_core::time::format_duration(end.0 - self.start.0));
        vec![
            self.start.into(),
            self.end.map_or_else(|| "goes on".into(), Cell::from),
            lasted.into(),
            self.rule.as_str().into(),
            (&self.group).into(),
            self.state.name().into(),
            self.value.into(),
            self.base.into(),
        ]
    }
}

impl Row for Transition {
    const COLUMNS: &'static [&'static str] = &["time", "rule", "group", "from", "to", "value", "base"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.time.into(),
            self.rule.as_str().into(),
            (&self.group).into(),
            self.from.name().into(),
            self.to.name().into(),
            self.value.into(),
            self.base.into(),
        ]
    }
}

impl Row for ReviewView {
    const COLUMNS: &'static [&'static str] = &[
        "rule",
        "scored",
        "fired",
        "a week",
        "on",
        "precision",
        "recall",
        "F1",
        "detector for fewer alarms",
    ];
    fn cells(&self) -> Vec<Cell> {
        let accuracy = self.accuracy.as_ref();
        let suggested = self.suggestions.iter().find(|it| it.goal == "alarms_per_week");
        vec![
            self.rule.as_str().into(),
            self.scored.into(),
            self.fired.into(),
            self.per_week.into(),
            self.running.into(),
            accuracy.and_then(|it| it.precision).into(),
            accuracy.and_then(|it| it.recall).into(),
            accuracy.map(|it| it.f1).into(),
            suggested.map(|it| it.detector.to_string()).into(),
        ]
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let incidents = args.incidents.as_deref().map(incidents::load_of_rules).transpose()?.unwrap_or_default();
    let written = match &args.rules {
        Some(path) => {
            let document = apply::read(std::slice::from_ref(path))?.document();
            Some(document.get("rules").and_then(Value::as_array).cloned().unwrap_or_default())
        }
        None => None,
    };
    client::with(&args.shared.server, async |client| {
        let rules = rules(client, written.as_deref(), &args.only).await?;
        let request = ReplayRequest {
            incidents,
            tolerance: args.tolerance.clone(),
            alarms_per_week: args.alarms_per_week,
            ..ReplayRequest::new(rules, args.from, args.to)
        };
        let replay: ReplayResponse =
            progress::waiting("replaying", client.post(&["api", "v1", "replay"], &request)).await?;
        show(args, &replay)?;
        Ok(Outcome::Fine)
    })
}

/// The documents of the rules that were asked for.
async fn rules(client: &Client, written: Option<&[Value]>, only: &[String]) -> Result<Vec<Value>> {
    let mut rules = match written {
        Some(written) => written.to_vec(),
        None => {
            let stored: Vec<RuleView> = rule::all(client).await?;
            stored.into_iter().map(|view| view.rule.document).filter(Value::is_object).collect()
        }
    };
    if let Some(unknown) = only.iter().find(|id| !rules.iter().any(|rule| rule["id"] == **id)) {
        let message = format!("there is no rule {unknown}");
        return Err(Failure::user(message).hint("`lanner rule list` shows those of the server"));
    }
    rules.retain(|rule| only.is_empty() || only.iter().any(|id| rule["id"] == **id));
    if rules.is_empty() {
        return Err(Failure::user("there are no rules to replay").hint("name a file of rules with --rules"));
    }
    Ok(rules)
}

fn show(args: &Args, replay: &ReplayResponse) -> Result<()> {
    match args.shared.format {
        Format::Json if args.review => return output::json(&replay.reviews),
        Format::Json => return output::json(replay),
        Format::Csv if args.review => return list::list(Format::Csv, &replay.reviews, ""),
        Format::Table if args.review => return reviews(replay, output::line),
        format if args.transitions => {
            list::list(format, &replay.transitions, "No alert would have changed.")?;
        }
        format => {
            list::list(format, &episodes(&replay.transitions), "There would have been no alerts.")?;
        }
    }
    // Below a table; a list for programs stays one.
    match args.shared.format {
        Format::Table if !replay.reviews.is_empty() => {
            output::line("")?;
            reviews(replay, output::line)?;
        }
        _ => reviews(replay, |line| {
            remark(line);
            Ok(())
        })?,
    }
    let summary = &replay.summary;
    remark(&format!(
        "{}: {}, {} without data, {}; {}, {}",
        counted(summary.evaluations, "evaluation"),
        counted(summary.breaches, "breach"),
        summary.no_data,
        counted(summary.errors, "error"),
        counted(summary.episodes, "episode"),
        counted(summary.notifications, "message")
    ));
    if summary.truncated {
        remark(
            "the list is truncated, the numbers are not; replay less time or fewer rules to see everything",
        );
    }
    Ok(())
}

/// What there is to learn for each rule, in sentences.
fn reviews(replay: &ReplayResponse, mut say: impl FnMut(&str) -> Result<()>) -> Result<()> {
    for (at, review) in replay.reviews.iter().enumerate() {
        if at > 0 {
            say("")?;
        }
        say(&review.rule)?;
        for sentence in &review.text {
            say(&format!("  {sentence}"))?;
        }
    }
    Ok(())
}

/// Transitions, in order of time, as episodes.
fn episodes(transitions: &[Transition]) -> Vec<Episode> {
    let is_told = |state| matches!(state, AlertState::Firing | AlertState::NoData | AlertState::Error);
    let mut episodes: Vec<Episode> = Vec::new();
    for transition in transitions {
        let Transition { rule, group, time, to, value, base, .. } = transition;
        let open = episodes
            .iter_mut()
            .rev()
            .find(|episode| episode.end.is_none() && episode.rule == *rule && episode.group == *group);
        match open {
            Some(episode) if *to == AlertState::Normal => episode.end = Some(*time),
            None if is_told(*to) => episodes.push(Episode {
                rule: rule.clone(),
                group: group.clone(),
                state: *to,
                start: *time,
                end: None,
                value: *value,
                base: *base,
            }),
            _ => {}
        }
    }
    episodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_become_episodes() {
        use AlertState::{Firing, NoData, Normal, Pending, Recovering};
        let transition = |time, bank: &str, from, to| Transition {
            rule: "a".to_owned(),
            group: Labels::new([("bank", bank)]),
            time: Time(time),
            from,
            to,
            value: None,
            base: None,
        };
        let found = episodes(&[
            transition(1, "x", Normal, Pending),
            transition(2, "x", Pending, Firing),
            transition(3, "y", Normal, NoData),
            transition(4, "x", Firing, Recovering),
            transition(5, "x", Recovering, Firing),
            transition(6, "x", Firing, Normal),
            transition(7, "x", Normal, Pending),
            transition(8, "x", Pending, Normal),
        ]);
        let spans: Vec<(i64, Option<i64>)> =
            found.iter().map(|e| (e.start.0, e.end.map(|end| end.0))).collect();
        assert_eq!(spans, [(2, Some(6)), (3, None)]);
        assert_eq!(found[1].state, NoData);
    }
}
