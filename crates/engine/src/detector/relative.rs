//! `relative`: a value that dropped or rose compared with the same window some time ago.
//!
//! The score is the change in units of the change that is allowed, so the threshold is 1: a drop rule of
//! 25 % fires when `value < base * (1 - 25/100)`, and 150 against 200 is on the limit, hence allowed.
//! Formed as `(base - value) * 100 / (base * percent)`, numerator and denominator are exact for whole
//! numbers below 2^53, and their quotient exceeds 1 exactly when the numerator is larger.

use lanner_core::field::{Field, Type};
use lanner_core::reading::percent;
use lanner_core::{Outcome, Score, Shift, Threshold};

use super::{
    Baseline, Baselines, Detector, Kind, MEDIAN_OF, Measured, ScoreResult, ScoredValue, TO, Tunable, Tuning,
};
use crate::document::{Check, Fields, Node};
use crate::source::Ceiling;

const DROP: &str = "drop";
const RISE: &str = "rise";

pub(super) const KIND: Kind = Kind {
    name: "relative",
    about: "a value that dropped or rose compared with the same window hours, days, weeks or months ago",
    example: "{ to: 1w, drop: 25%, median_of: 3, min_base: 50, min_delta: 10, recover_at: 15% }",
    read,
    fields: &[
        TO.required(),
        Field::new(DROP, "25%", "fires if the value dropped by more").of(Type::Percent),
        Field::new(RISE, "50%", "fires if the value rose by more").of(Type::Percent),
        Field::new("change", "25%", "fires if the value dropped or rose by more").of(Type::Percent),
        MEDIAN_OF,
        Field::new("min_base", "50", "smaller baselines are not evaluated").of(Type::Number).or("0"),
        Field::new("min_delta", "10", "smaller differences are ignored").of(Type::Number).or("0"),
        Field::new("recover_at", "15%", "change that a firing alert must return to").of(Type::Percent),
    ],
};

/// Allowed changes in percent; infinite where a direction is not watched.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Allowed {
    drop: f64,
    rise: f64,
}

impl Allowed {
    /// The same directions, allowed to `percent` at most.
    fn tightened(self, percent: f64) -> Self {
        let tighter = |own: f64| if own.is_finite() { own.min(percent) } else { own };
        Self { drop: tighter(self.drop), rise: tighter(self.rise) }
    }
}

#[derive(Debug)]
struct Relative {
    shift: Shift,
    count: u32,
    fires: Allowed,
    recovers: Allowed,
    /// Drop and rise are written as one.
    is_change: bool,
    min_base: f64,
    min_delta: f64,
}

impl Detector for Relative {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn tuning(&self) -> &dyn Tuning {
        self
    }

    fn baselines(&self) -> Option<Baselines> {
        Some(Baselines::Shifted { shift: self.shift, count: self.count })
    }

    fn score(&self, value: f64, baselines: &[Baseline], firing: bool) -> ScoreResult {
        let base = match self.base(baselines) {
            Ok(base) => base,
            Err(why) => return ScoreResult::none(why),
        };
        let score = if base.abs() < self.min_base {
            Err(Outcome::BelowMinBase)
        } else if base == 0.0 {
            let is_small = value.abs() < self.min_delta;
            if is_small { Ok(Score::ZERO) } else { Err(Outcome::BaseZero) }
        } else {
            Ok(self.score_against(base, value, firing))
        };
        ScoreResult::against(Some(base), score)
    }

    fn threshold(&self) -> Threshold {
        Threshold::above(1.0)
    }

    fn watches_rises(&self) -> bool {
        self.fires.rise.is_finite()
    }

    fn is_too_much(&self, value: f64, base: Option<f64>) -> bool {
        base.is_some_and(|base| value > base)
    }
}

impl Tuning for Relative {
    fn tunables(&self) -> Vec<Vec<Tunable>> {
        let tunable = |field, at| Tunable { unit: "%", ..Tunable::above(field, at) };
        let Allowed { drop, rise } = self.fires;
        if self.is_change {
            return vec![vec![tunable("change", drop)]];
        }
        vec![
            [tunable(DROP, drop), tunable(RISE, rise)]
                .into_iter()
                .filter(|tunable| tunable.at.is_finite())
                .collect(),
        ]
    }

    /// The change in percent, in the direction of the limit.
    fn limit_at(&self, tunable: &Tunable, &ScoredValue { value, baseline, .. }: &ScoredValue) -> f64 {
        let base = baseline.unwrap_or(f64::NAN);
        let rise = (value - base) * 100.0 / base.abs();
        match tunable.field {
            _ if (value - base).abs() < self.min_delta => f64::NEG_INFINITY,
            _ if value == base => 0.0,
            DROP => -rise,
            RISE => rise,
            _ => rise.abs(),
        }
    }

    fn rescore(&self, scored: &ScoredValue, firing: bool) -> Score {
        scored.baseline.map_or(Score::ZERO, |base| self.score_against(base, scored.value, firing))
    }

    fn ceiling(&self, tunable: &Tunable, measured: &Measured<'_>) -> Option<Ceiling> {
        let of = if measured.query.counts() { "what is counted" } else { "a value that keeps its sign" };
        (tunable.field == DROP).then(|| Ceiling::never(100.0, format!("{of} drops by 100 % at most")))
    }
}

impl Relative {
    /// The score against a base that can be compared with.
    fn score_against(&self, base: f64, value: f64, firing: bool) -> Score {
        if (value - base).abs() < self.min_delta || value == base {
            return Score::ZERO;
        }
        let allowed = if firing { self.recovers } else { self.fires };
        let (drop, rise) =
            (in_units(base - value, base, allowed.drop), in_units(value - base, base, allowed.rise));
        Score::new(drop.max(rise))
    }

    /// The median of the values there are, when at least half of those asked for are there.
    fn base(&self, baselines: &[Baseline]) -> Result<f64, Outcome> {
        let mut values: Vec<f64> = baselines
            .iter()
            .filter_map(|base| if let Baseline::Value(value) = base { Some(*value) } else { None })
            .collect();
        if values.len() * 2 < self.count as usize || values.is_empty() {
            let too_early = baselines.iter().any(|base| matches!(base, Baseline::TooEarly));
            return Err(if too_early { Outcome::HistoryShort } else { Outcome::BaseMissing });
        }
        values.sort_by(f64::total_cmp);
        let upper = values[values.len() / 2];
        let lower = values[(values.len() - 1) / 2];
        Ok(if values.len() % 2 == 1 { upper } else { lower / 2.0 + upper / 2.0 })
    }
}

/// A change in units of the allowed percentage of the base's magnitude.
fn in_units(change: f64, base: f64, percent: f64) -> f64 {
    change * 100.0 / (base.abs() * percent)
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Detector>> {
    let shift = super::time_shift::shift(fields, check);
    let count = fields.read("median_of", check, |node| match node.number() {
        Some(n) if (1.0..=60.0).contains(&n) && n.fract() == 0.0 => Ok(n as u32),
        _ => Err("should be a whole number from 1 to 60".to_owned()),
    });
    let drop = fields.read(DROP, check, percent);
    let rise = fields.read(RISE, check, percent);
    let either = fields.read("change", check, percent);
    if either.is_some() && (drop.is_some() || rise.is_some()) {
        check.problem(
            fields.node,
            &fields.path,
            "change means drop and rise alike; write it alone, or those two",
        );
        return None;
    }
    // What is written wrongly has been said.
    if [DROP, RISE, "change"].iter().all(|name| fields.get(name).is_none()) {
        check.problem(
            fields.node,
            &fields.path,
            "needs drop, rise or change, for example { to: 1w, drop: 25% }",
        );
    }
    let watched = |percent: Option<f64>| percent.or(either).unwrap_or(f64::INFINITY);
    let fires = Allowed { drop: watched(drop), rise: watched(rise) };
    let recover_at = fields.read("recover_at", check, percent);
    let at_least_zero = |node: &Node| match node.number() {
        Some(n) if n >= 0.0 => Ok(n),
        _ => Err("should be a number, 0 or larger".to_owned()),
    };
    let min_base = fields.read("min_base", check, at_least_zero).unwrap_or(0.0);
    let min_delta = fields.read("min_delta", check, at_least_zero).unwrap_or(0.0);
    let recovers = recover_at.map_or(fires, |at| fires.tightened(at));
    Some(Box::new(Relative {
        shift: shift?,
        count: count.unwrap_or(1),
        fires,
        recovers,
        is_change: either.is_some(),
        min_base,
        min_delta,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_and_named_outcomes() {
        #[track_caller]
        fn check(
            written: &str,
            value: f64,
            baselines: &[Baseline],
            firing: bool,
            expected: Result<bool, Outcome>,
        ) {
            let node = Node::from_yaml(written).unwrap();
            let mut check = Check::default();
            let mut fields = check.map(&node, "relative").unwrap();
            let detector = read(&mut fields, &mut check).unwrap();
            assert_eq!(check.problems, []);
            let judged = detector.score(value, baselines, firing);
            let actual = judged.score.map(|score| detector.threshold().exceeded_by(score));
            assert_eq!(actual, expected, "{written}: {value} against {baselines:?}");
        }
        use Baseline::{Missing, TooEarly, Value};
        let drop = "{ to: 1d, drop: 25% }";
        check(drop, 150.0, &[Value(200.0)], false, Ok(false)); // exactly on the limit is allowed
        check(drop, 149.0, &[Value(200.0)], false, Ok(true));
        check(drop, 260.0, &[Value(200.0)], false, Ok(false)); // a rise never breaches a drop rule
        check(drop, 0.0, &[Value(0.0)], false, Err(Outcome::BaseZero));
        check(drop, 1.0, &[Missing], false, Err(Outcome::BaseMissing));
        check(drop, 1.0, &[TooEarly], false, Err(Outcome::HistoryShort));
        check("{ to: 1d, rise: 10% }", 220.0, &[Value(200.0)], false, Ok(false));
        check("{ to: 1d, rise: 10% }", 221.0, &[Value(200.0)], false, Ok(true));
        check("{ to: 1d, change: 50% }", 301.0, &[Value(200.0)], false, Ok(true));
        check("{ to: 1d, change: 50% }", 99.0, &[Value(200.0)], false, Ok(true));
        check("{ to: 1d, drop: 10%, min_base: 50 }", 1.0, &[Value(49.0)], false, Err(Outcome::BelowMinBase));
        check("{ to: 1d, drop: 10%, min_delta: 20 }", 81.0, &[Value(100.0)], false, Ok(false));
        check("{ to: 1d, drop: 10%, min_delta: 20 }", 80.0, &[Value(100.0)], false, Ok(true));
        // Hysteresis: fires below 75 %, recovers only from 85 % on.
        check("{ to: 1d, drop: 25%, recover_at: 15% }", 160.0, &[Value(200.0)], true, Ok(true));
        check("{ to: 1d, drop: 25%, recover_at: 15% }", 170.0, &[Value(200.0)], true, Ok(false));
        // The median of what is there, when at least half is.
        let median = "{ to: 1w, drop: 25%, median_of: 4 }";
        check(median, 74.0, &[Value(100.0), Value(900.0), Missing, Value(90.0)], false, Ok(true));
        check(median, 74.0, &[Value(100.0), Value(98.0), TooEarly, Missing], false, Ok(true));
        check(median, 74.0, &[Value(100.0), Missing, TooEarly, Missing], false, Err(Outcome::HistoryShort));
        check("{ to: 1d, drop: 25% }", -1.3, &[Value(-1.0)], false, Ok(true)); // of the magnitude
    }
}
