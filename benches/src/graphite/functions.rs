//! Functions of the language on one series in memory: no store, no HTTP.

use std::collections::BTreeMap;
use std::time::Instant;

use jiff::tz::TimeZone;
use lanner_graphite::{EventTags, Expr, Points, Request, Source, parse, slots};

use super::data::{self, DAY_S, Data, N_POINTS, STEP_S};
use super::peer::Timed;
use crate::table::{Row, Target};

/// The series that the peer takes: the first ones by name.
const N_SERIES: usize = 4;
/// Rounds of some milliseconds; the best one counts, as it was disturbed least.
const N_ROUNDS: usize = 200;
const CALLS_OF_A_ROUND: usize = 10;

/// What is asked of `bench.hostNNNN`, how many times faster it should be, and the row's words.
struct Function {
    name: &'static str,
    arguments: &'static str,
    length_s: i64,
    target: Target,
    what: &'static str,
}

const WEEK_S: i64 = 7 * DAY_S;
const FUNCTIONS: [Function; 5] = [
    Function {
        name: "holtWintersConfidenceBands",
        arguments: "",
        length_s: DAY_S,
        target: Target::AtMost(0.2),
        what: "Holt-Winters bands of a series, 8 days of minutes, in memory",
    },
    Function {
        name: "movingAverage",
        arguments: ",10",
        length_s: WEEK_S,
        target: Target::TimesFaster(100.0),
        what: "movingAverage(10) of a week of minutes, in memory",
    },
    Function {
        name: "summarize",
        arguments: ",'1h'",
        length_s: WEEK_S,
        target: Target::TimesFaster(100.0),
        what: "summarize(1h) of the same",
    },
    Function {
        name: "stdev",
        arguments: ",10",
        length_s: WEEK_S,
        target: Target::TimesFaster(100.0),
        what: "stdev(10) of the same",
    },
    Function {
        name: "movingMedian",
        arguments: ",10",
        length_s: WEEK_S,
        target: Target::Smaller,
        what: "movingMedian(10) of the same",
    },
];

pub(super) fn run(data: &Data, peer: Option<&BTreeMap<String, Timed>>) -> Vec<Row> {
    let memory = Memory::of(data);
    let row = |function: &Function| {
        let ours = memory.timed(function);
        let theirs = peer.map(|peer| peer[function.name]);
        if let Some(theirs) = theirs {
            let apart = (ours.sum - theirs.sum).abs() / theirs.sum.abs();
            assert!(apart < 1e-9, "{}: sums of {} and {}", function.name, ours.sum, theirs.sum);
        }
        Row::new(function.what, "ms", function.target, ours.seconds * 1e3)
            .beside(theirs.map(|theirs| theirs.seconds * 1e3))
    };
    FUNCTIONS.iter().map(row).collect()
}

/// A few series in memory.
struct Memory {
    series: BTreeMap<String, Vec<f64>>,
    end_s: i64,
}

impl Memory {
    fn of(data: &Data) -> Self {
        let values = |n| data::values(n, data.end_s).map(|(_, value)| value).collect();
        let series = (0..N_SERIES).map(|n| (format!("bench.host{n:04}"), values(n))).collect();
        Self { series, end_s: data.end_s }
    }

    fn timed(&self, function: &Function) -> Timed {
        let Function { name, arguments, length_s, .. } = function;
        let expressions: Vec<Expr> = self
            .series
            .keys()
            .map(|series| parse(&format!("{name}({series}{arguments})")).unwrap())
            .collect();
        let ask = |expression: &Expr| {
            let request = Request::new(self, self.end_s, TimeZone::UTC);
            request.evaluate(expression, self.end_s - length_s, self.end_s).unwrap()
        };
        let answers = expressions.iter().flat_map(ask);
        let sum = answers.flat_map(|series| series.values.to_vec()).filter(|value| !value.is_nan()).sum();
        let mut seconds = f64::INFINITY;
        for _ in 0..N_ROUNDS {
            let started = Instant::now();
            let n: usize = expressions
                .iter()
                .cycle()
                .take(CALLS_OF_A_ROUND)
                .map(|expression| std::hint::black_box(ask(expression)).len())
                .sum();
            assert!(n >= CALLS_OF_A_ROUND);
            seconds = seconds.min(started.elapsed().as_secs_f64() / CALLS_OF_A_ROUND as f64);
        }
        Timed { seconds, sum }
    }
}

impl Source for Memory {
    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        Ok(vec![pattern.to_owned()])
    }

    fn find_tagged(&self, _: &[&str]) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn read(&self, name: &str, from_s: i64, until_s: i64, _: i64) -> Result<Option<Points>, String> {
        let (start_s, n) = slots(from_s, until_s, STEP_S)?;
        let first = N_POINTS - ((self.end_s - start_s) / STEP_S) as usize - 1;
        let values = self.series[name][first..first + n].to_vec();
        Ok(Some(Points { start_s, step_s: STEP_S, values }))
    }

    fn events(&self, _: EventTags<'_>, _: i64, _: i64) -> Result<Vec<i64>, String> {
        Ok(Vec::new())
    }
}
