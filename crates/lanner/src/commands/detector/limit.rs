//! How a threshold is set, and goes on, as the user says it.

use clap::ValueEnum;
use lanner_core::time::parse_duration_ms;
use lanner_deep::{Follow, Rule};

const DAY_MS: f64 = 86_400_000.0;

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Threshold")]
pub(super) struct LimitArgs {
    /// Alarms a day that are acceptable where nothing is wrong; alarms close together count once. The default is 0.3.
    #[arg(long, value_name = "NUMBER", value_parser = above_zero, group = "limit")]
    alarms_per_day: Option<f64>,
    /// Probability with which a usual row may exceed the threshold, by the distribution of the highest scores.
    #[arg(long, value_name = "PROBABILITY", value_parser = above_zero, group = "limit")]
    risk: Option<f64>,
    /// Take what separates the highest scores from the others best.
    #[arg(long, group = "limit")]
    epsilon: bool,
    /// Share of scores below the highest ones that --risk looks at, such as 0.98, which is the default.
    #[arg(long, value_name = "SHARE", requires = "risk")]
    level: Option<f64>,
    /// How the threshold goes on after training.
    #[arg(long, value_enum, value_name = "WHAT")]
    follow: Option<Followed>,
    /// How much of the past --follow level (by default 4d) and --follow drift (1d) look at.
    #[arg(long, value_name = "DURATION", value_parser = days, requires = "follow")]
    over: Option<f64>,
}

/// What a threshold follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Followed {
    /// It rises with the usual score of the last days, so what lasts becomes usual: the default.
    Level,
    /// It stays.
    Stay,
    /// It learns from high scores that are no alarms; needs --risk.
    Peaks,
    /// The same, around the mean of what were no alarms; needs --risk.
    Drift,
}

impl LimitArgs {
    /// The rule, if one was given.
    pub(super) fn rule(&self) -> Option<Rule> {
        let epsilon = self.epsilon.then_some(Rule::Epsilon);
        let peaks = self.risk.map(|risk| Rule::PeaksOverThreshold { risk, level: self.level });
        self.alarms_per_day.map(Rule::AlarmsPerDay).or(peaks).or(epsilon)
    }

    /// How the threshold goes on, if it was said; `rows_per_day` come in a day.
    pub(super) fn follow(&self, rows_per_day: f64) -> Option<Follow> {
        Some(match self.follow? {
            Followed::Level => Follow::Level { days: self.over.unwrap_or(4.0) },
            Followed::Stay => Follow::Stay,
            Followed::Peaks => Follow::Peaks,
            Followed::Drift => {
                Follow::Drift { rows: (self.over.unwrap_or(1.0) * rows_per_day).round().max(1.0) as usize }
            }
        })
    }
}

/// The threshold in words.
pub(super) fn in_words(rule: Rule, follow: Follow) -> String {
    let rule = match rule {
        Rule::PeaksOverThreshold { risk, level: None } => format!("risk {risk}"),
        Rule::PeaksOverThreshold { risk, level: Some(level) } => format!("risk {risk} above {level}"),
        Rule::Epsilon => "epsilon".to_owned(),
        Rule::AlarmsPerDay(budget) => format!("{budget} alarms a day"),
    };
    match follow {
        Follow::Stay => rule,
        Follow::Level { days } => format!("{rule}, following the level of {days} days"),
        Follow::Peaks => format!("{rule}, following peaks"),
        Follow::Drift { rows } => format!("{rule}, following the mean of {rows} rows"),
    }
}

fn above_zero(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("should be a number above 0".to_owned()),
    }
}

fn days(text: &str) -> Result<f64, String> {
    match parse_duration_ms(text) {
        Ok(ms) if ms > 0 => Ok(ms as f64 / DAY_MS),
        Ok(_) => Err("should be a duration above 0".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
