//! How a threshold is set, as the user says it.

use lanner_deep::Rule;

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
}

impl LimitArgs {
    /// The rule, if one was given.
    pub(super) fn rule(&self) -> Option<Rule> {
        let epsilon = self.epsilon.then_some(Rule::Epsilon);
        self.alarms_per_day.map(Rule::AlarmsPerDay).or(self.risk.map(Rule::PeaksOverThreshold)).or(epsilon)
    }
}

/// The rule in words.
pub(super) fn in_words(rule: Rule) -> String {
    match rule {
        Rule::PeaksOverThreshold(risk) => format!("risk {risk}"),
        Rule::Epsilon => "epsilon".to_owned(),
        Rule::AlarmsPerDay(budget) => format!("{budget} alarms a day"),
    }
}

fn above_zero(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("should be a number above 0".to_owned()),
    }
}
