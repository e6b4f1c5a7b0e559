//! `lanner query`: a measure or a series over a time range, one value per step.

use std::collections::BTreeSet;

use lanner_core::Node;
use lanner_wire::api::{QueryRequest, QueryResponse, QuerySeries, Time, When};
use serde_json::{Map, Value, json};

use super::shared::{Shared, must_exist};
use crate::client;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format};
use crate::output;
use crate::progress;

/// The most characters of a curve.
const CURVE_WIDTH: usize = 40;

/// Query a measure or a series over a time range, one value per step.
///
/// The query is that of a rule: it shows the values that a rule with this query would see.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("measured").required(true).args(["written", "stream", "series"])))]
#[command(after_help = "\
Examples:
  lanner query --stream payments --by bank --from now-1d
  lanner query --stream payments --measure 'p99(latency_ms)' --where 'status == \"ok\"' --step 5m
  lanner query --series 'cpu.*' --label host=a --by '*' --from now-6h
  lanner query --series queue.length --measure max --from 2026-12-01 --to 2026-12-02 --format csv
  lanner query '{ formula: bad / all, of: { bad: { stream: web, measure: count, where: status >= 500 }, all: { stream: web, \
measure: count } }, by: [path] }'")]
pub(crate) struct Args {
    /// A whole query in YAML, as rules have it.
    #[arg(value_name = "QUERY", conflicts_with_all = ["stream", "series", "measure", "condition", "labels", "by"])]
    written: Option<String>,
    /// Stream of events to measure.
    #[arg(long)]
    stream: Option<String>,
    /// Series to measure; * stands for any characters.
    #[arg(long, value_name = "NAME")]
    series: Option<String>,
    /// Measure: count, sum(f), avg(f), min(f), max(f), p99(f), distinct(f) of a stream (default count); avg, sum, min, max,
    /// last, count, p99 of series (default avg).
    #[arg(long)]
    measure: Option<String>,
    /// Only events that match this condition.
    #[arg(long = "where", value_name = "CONDITION", requires = "stream")]
    condition: Option<String>,
    /// Only series with this label, as name=value; repeatable.
    #[arg(long = "label", value_name = "NAME=VALUE", conflicts_with = "stream")]
    labels: Vec<String>,
    /// Group by this field or label; repeatable. '*' makes each series a group.
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    by: Vec<String>,
    /// Start time: 2026-12-01, or now-1h.
    #[arg(long, value_parser = When::parse, value_name = "TIME", default_value = "now-1h")]
    from: When,
    /// End time; by default now.
    #[arg(long, value_parser = When::parse, value_name = "TIME")]
    to: Option<When>,
    /// Step, such as 1m; by default a few hundred steps over the range.
    #[arg(long, value_parser = super::shared::duration, value_name = "DURATION")]
    step: Option<String>,
    #[command(flatten)]
    shared: Shared,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let request = QueryRequest { query: query(args)?, from: args.from, to: args.to, step: args.step.clone() };
    client::with(&args.shared.server, async |client| {
        let answer: QueryResponse =
            progress::waiting("querying", client.post(&["api", "v1", "query"], &request)).await?;
        if answer.series.is_empty() {
            for (stream, series) in names(&request.query) {
                must_exist(client, stream, series).await?;
            }
        }
        match args.shared.format {
            Format::Json => output::json(&answer)?,
            Format::Csv => csv(&answer)?,
            Format::Table => table(&answer)?,
        }
        if answer.truncated {
            remark("there are more groups than are shown; narrow the query");
        }
        Ok(Outcome::Fine)
    })
}

/// The streams and the series that a query names, of a formula those of its parts.
fn names(query: &Value) -> impl Iterator<Item = (Option<&str>, Option<&str>)> {
    let parts = query["of"].as_object().into_iter().flat_map(Map::values);
    std::iter::once(query).chain(parts).map(|query| (query["stream"].as_str(), query["series"].as_str()))
}

/// The query as a rule has it.
fn query(args: &Args) -> Result<Value> {
    if let Some(written) = &args.written {
        let node =
            Node::from_yaml(written).map_err(|problem| Failure::user(format!("the query: {problem}")))?;
        return Ok(node.to_json());
    }
    let mut query = Map::new();
    if let Some(stream) = &args.stream {
        query.insert("stream".to_owned(), stream.as_str().into());
        query.insert("measure".to_owned(), args.measure.as_deref().unwrap_or("count").into());
    }
    if let Some(series) = &args.series {
        query.insert("series".to_owned(), series.as_str().into());
        query.extend(args.measure.as_ref().map(|measure| ("measure".to_owned(), measure.as_str().into())));
    }
    query.extend(args.condition.as_ref().map(|condition| ("where".to_owned(), condition.as_str().into())));
    let mut labels = Map::new();
    for label in &args.labels {
        let (name, value) = label.split_once('=').ok_or_else(|| {
            Failure::user(format!("--label {label} has no value")).hint("write for example --label host=a")
        })?;
        labels.insert(name.to_owned(), value.trim_matches('"').into());
    }
    if !labels.is_empty() {
        query.insert("labels".to_owned(), labels.into());
    }
    if !args.by.is_empty() {
        query.insert("by".to_owned(), json!(args.by));
    }
    Ok(query.into())
}

fn table(answer: &QueryResponse) -> Result<()> {
    if answer.series.is_empty() {
        return output::line("No data in this range.");
    }
    let columns = ["group", "last", "min", "mean", "max", "curve"];
    list::table(&columns, &mut answer.series.iter().map(row))?;
    let (start, end) = (list::time_text(answer.start), list::time_text(answer.end));
    remark(&format!("from {start} to {end}, a value every {}", answer.step));
    Ok(())
}

fn row(series: &QuerySeries) -> Vec<Cell> {
    let values: Vec<f64> = series.values.iter().flatten().copied().collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    vec![
        (&series.labels).into(),
        values.last().copied().into(),
        values.iter().copied().reduce(f64::min).into(),
        (!values.is_empty()).then_some(mean).into(),
        values.iter().copied().reduce(f64::max).into(),
        curve(&series.values).into(),
    ]
}

/// Values as a line of characters, from the smallest to the largest; a gap is a space.
///
/// More values than [`CURVE_WIDTH`] are averaged, neighbour with neighbour.
fn curve(values: &[Option<f64>]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let n_points = values.len().min(CURVE_WIDTH);
    let points: Vec<Option<f64>> = (0..n_points)
        .map(|at| {
            let part = &values[at * values.len() / n_points..(at + 1) * values.len() / n_points];
            let present: Vec<f64> = part.iter().flatten().copied().collect();
            (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
        })
        .collect();
    let min = points.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let max = points.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let level = |value: f64| {
        let share = if max > min { (value - min) / (max - min) } else { 0.0 };
        LEVELS[((share * 8.0) as usize).min(7)]
    };
    points.into_iter().map(|point| point.map_or(' ', level)).collect()
}

/// A row for each value there is: `time,value` and a column for each label.
fn csv(answer: &QueryResponse) -> Result<()> {
    let names: BTreeSet<&str> =
        answer.series.iter().flat_map(|series| series.labels.iter().map(|(name, _)| name)).collect();
    let columns: Vec<&str> = ["time"].into_iter().chain(names.iter().copied()).chain(["value"]).collect();
    let mut rows = answer.series.iter().flat_map(|series| {
        let labels: Vec<Cell> =
            names.iter().map(|name| series.labels.get(name).unwrap_or_default().into()).collect();
        series.values.iter().enumerate().filter_map(move |(at, value)| {
            let time = Time(answer.start.0 + at as i64 * answer.step_ms);
            let cells = [time.into()].into_iter().chain(labels.iter().cloned());
            value.map(|value| cells.chain([value.into()]).collect::<Vec<Cell>>())
        })
    });
    list::csv(&columns, &mut rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_a_curve() {
        #[track_caller]
        fn check(values: &[Option<f64>], expected: &str) {
            assert_eq!(curve(values), expected);
        }
        check(&[], "");
        check(&[None, Some(5.0), None], " ▁ ");
        check(&[Some(0.0), Some(7.0), None, Some(3.0)], "▁█ ▄");
        let many: Vec<Option<f64>> = (0..400).map(|n| Some(f64::from(n / 50))).collect();
        check(&many, "▁▁▁▁▁▂▂▂▂▂▃▃▃▃▃▄▄▄▄▄▅▅▅▅▅▆▆▆▆▆▇▇▇▇▇█████");
    }
}
