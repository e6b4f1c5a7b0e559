//! `automatic`: anything unusual, without parameters but how often it may be wrong.
//!
//! See [`lanner_detect::automatic`]. The score says how improbable a value is, in units of what the budget of alarms
//! allows at the moment. Each value is judged by what at least two weeks have taught, and at most four; until then by
//! what there is. See `learning` for how that stays the same at every restart.

use jiff::civil::Date;
use lanner_core::field::{Field, Type};
use lanner_core::time::{DAY_MS, format_duration};
use lanner_core::{Outcome, Threshold};
use lanner_detect::automatic::{Budgeted, Direction, WallClock};
use lanner_detect::{NotScored, Scored, SeriesDetector};

use super::replayed::{Limit, Range, limit, number};
use super::{ABOVE, Baseline, Detector, Kind, Learner, RECOVER_AT, ScoreResult, Tuning};
use crate::document::{Check, Content, Fields, Node};
use crate::rule::schedule::Schedule;

const DIRECTIONS: &[&str] = &["both", "up", "down"];

pub(super) const KIND: Kind = Kind {
    name: "automatic",
    about: "anything unusual: a spike, a shift, a drop, a change of pattern; learns levels, days and weeks by itself",
    example: "{ alarms_per_week: 1, direction: both }",
    read,
    fields: &[
        Field::new("alarms_per_week", "1", "false alarms that are acceptable, per group and week")
            .of(Type::Number)
            .or("1"),
        Field::new("direction", "both", "what is looked for: `both`, `up` or `down`")
            .of(Type::OneOf(DIRECTIONS))
            .or("both"),
        Field::new(
            "holidays",
            "[2026-12-25, 2026-12-26]",
            "dates that are like Sundays, in the time zone of the rule",
        )
        .of(Type::List(&Type::Time)),
        ABOVE,
        RECOVER_AT,
    ],
};

/// Two weeks: a week to compare with, and the one before it.
const GENERATION_MS: i64 = 14 * DAY_MS;
/// Windows that one value may be judged by: each is read when a rule begins.
const MAX_WINDOWS: i64 = 100_000;
/// What a budget may be.
const BUDGETS: std::ops::RangeInclusive<f64> = 0.01..=1_000.0;

#[derive(Debug)]
struct Automatic {
    alarms_per_week: f64,
    direction: Direction,
    holidays: Vec<Date>,
    limit: Limit,
}

impl Detector for Automatic {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn tuning(&self) -> &dyn Tuning {
        &self.limit
    }

    fn learner(&self) -> Option<&dyn Learner> {
        Some(self)
    }

    fn validate_for(&self, every_ms: i64) -> Result<(), String> {
        let n_windows = 2 * GENERATION_MS / every_ms;
        if n_windows <= MAX_WINDOWS {
            return Ok(());
        }
        Err(format!(
            "four weeks of windows every {} are {n_windows}, and at most {MAX_WINDOWS} are allowed; make every longer",
            format_duration(every_ms)
        ))
    }

    fn score(&self, _: f64, _: &[Baseline], _: bool) -> ScoreResult {
        ScoreResult::none(Outcome::HistoryShort)
    }

    /// Scores come in units of the limit.
    fn threshold(&self) -> Threshold {
        Threshold::above(1.0)
    }
}

impl Learner for Automatic {
    fn generation_ms(&self) -> i64 {
        GENERATION_MS
    }

    fn fresh(&self, schedule: &Schedule, start_ms: i64) -> Option<Box<dyn SeriesDetector + Send>> {
        let clock = WallClock::new(schedule.tz.clone(), self.holidays.iter().copied());
        let detector = Budgeted::new(schedule.every_ms, start_ms, self.alarms_per_week, self.direction);
        Some(Box::new(detector.by(clock).found_above(self.limit.fires())))
    }

    fn score_result(&self, judged: Result<Scored, NotScored>, firing: bool) -> ScoreResult {
        match judged {
            Ok(judged) => self.limit.judge(judged, firing),
            Err(_) => ScoreResult::none(Outcome::HistoryShort),
        }
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let alarms_per_week = number(fields, "alarms_per_week", 1.0, check)?;
    if !BUDGETS.contains(&alarms_per_week) {
        let message = format!("should be from 0.01 to 1000, found {alarms_per_week}");
        check.problem(fields.node, &fields.path_of("alarms_per_week"), message);
        return None;
    }
    let direction = direction(fields, check)?;
    let holidays = holidays(fields, check)?;
    let limit = limit(fields, check)?.ranging(Range::Told);
    Some(Box::new(Automatic { alarms_per_week, direction, holidays, limit }))
}

/// All problems of the list are told; `None` after one.
fn holidays(fields: &mut Fields<'_>, check: &mut Check) -> Option<Vec<Date>> {
    let Some(node) = fields.get("holidays") else { return Some(Vec::new()) };
    let path = fields.path_of("holidays");
    let mut date = |node: &Node| {
        let text = node.scalar_text().unwrap_or_default();
        let date = text.parse::<Date>().ok();
        if date.is_none() {
            check.problem(node, &path, format!("should be a date such as 2026-12-25, found {}", found(node)));
        }
        date
    };
    let dates: Vec<Option<Date>> = match &node.content {
        Content::List(items) => items.iter().map(&mut date).collect(),
        Content::Null => Vec::new(),
        _ => vec![date(node)],
    };
    dates.into_iter().collect()
}

/// What stands there, for a message.
fn found(node: &Node) -> String {
    node.scalar_text().map_or_else(|| node.content.kind().to_owned(), |text| format!("\"{text}\""))
}

/// `None` after a problem.
fn direction(fields: &mut Fields<'_>, check: &mut Check) -> Option<Direction> {
    if fields.get("direction").is_none() {
        return Some(Direction::Both);
    }
    fields.read("direction", check, |node| match node.scalar_text().as_deref() {
        Some("both") => Ok(Direction::Both),
        Some("up") => Ok(Direction::Up),
        Some("down") => Ok(Direction::Down),
        _ => Err(format!("should be one of {}", DIRECTIONS.join(", "))),
    })
}
