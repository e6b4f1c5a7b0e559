//! What the lines of one interval add up to.

use std::collections::{BTreeSet, HashMap};

use lanner_core::time::HOUR_MS;
use lanner_core::{Labels, Sample, SeriesKey};

use super::error::{MAX_NAME_BYTES, MAX_VALUE_BYTES, StatsdError};
use super::line::{Kind, Line, parse_line};
use super::timer;
use crate::Report;
use crate::report::shown;

/// How lines are summed up.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How long an interval is, milliseconds; intervals begin at multiples of it.
    pub interval_ms: i64,
    /// The percentiles of timers, above 0 to 100; below 0 those of the largest values.
    pub percentiles: Vec<f64>,
    /// How long a name that is not sent goes on, as a counter at 0 and a gauge at its last value, milliseconds.
    pub expire_ms: i64,
    /// So many names may be in use, each with its tags.
    pub max_names: usize,
    /// Whether counters are called as Etsy's `StatsD` does unless it is told otherwise: `stats_counts.NAME` and `stats.NAME`.
    pub legacy_names: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interval_ms: 10_000,
            percentiles: vec![90.0],
            expire_ms: HOUR_MS,
            max_names: 20_000,
            legacy_names: false,
        }
    }
}

/// What came since the last interval ended, and the names that go on.
#[derive(Debug)]
pub struct Interval {
    options: Options,
    started_ms: i64,
    /// By kind, name and tags in a form of which each set of tags has one.
    metrics: HashMap<Box<str>, Metric>,
    n_value_bytes: usize,
    /// Whether lines came in this interval.
    is_used: bool,
    report: Report,
    /// A name as it is looked up; reused, so that nothing is allocated for one that is known.
    written: String,
}

#[derive(Debug)]
struct Metric {
    seen_ms: i64,
    name: Box<str>,
    labels: Labels,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Counter(f64),
    Gauge(f64),
    /// The values that were sent, and how many these stand for.
    Timer(Vec<f64>, f64),
    Set(BTreeSet<Box<str>>),
}

impl Interval {
    /// One that begins now.
    #[must_use]
    pub fn new(options: Options, now_ms: i64) -> Self {
        Self {
            options,
            started_ms: now_ms,
            metrics: HashMap::new(),
            n_value_bytes: 0,
            is_used: false,
            report: Report::default(),
            written: String::new(),
        }
    }

    /// Takes lines, such as those of a datagram. A bad line is counted and explained, and costs only itself. Cost: O(length).
    pub fn add(&mut self, lines: &[u8], now_ms: i64) {
        for line in lines.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
        {
            self.is_used = true;
            let added = parse_line(line).and_then(|line| self.add_line(line, now_ms));
            if let Err(why) = added {
                self.report.reject(1, None, why);
            }
        }
    }

    /// Notes a line that was not even read.
    pub fn reject(&mut self, why: &str) {
        self.is_used = true;
        self.report.reject(1, None, why);
    }

    fn add_line(&mut self, line: Line<'_>, now_ms: i64) -> Result<(), StatsdError> {
        let values = match line.kind {
            Kind::Set => Values::Set(line.values),
            _ => Values::Numbers(line.values.split(':').map(number).collect::<Result<_, _>>()?),
        };
        write_key(&mut self.written, &line)?;
        let metric = match self.metrics.get_mut(&*self.written) {
            Some(metric) => metric,
            None => {
                if self.metrics.len() >= self.options.max_names {
                    return Err(StatsdError::ManyNames { limit: self.options.max_names });
                }
                self.metrics.entry(self.written.as_str().into()).or_insert_with(|| Metric::new(&line))
            }
        };
        metric.seen_ms = now_ms;
        metric.add(values, line.rate, &mut self.n_value_bytes)
    }

    /// Whether any lines came in this interval.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        self.is_used
    }

    /// When the interval ended, if it is over by now: at the latest multiple of its length.
    #[must_use]
    pub fn ended_ms(&self, now_ms: i64) -> Option<i64> {
        let ended_ms = now_ms - now_ms.rem_euclid(self.options.interval_ms);
        Some(ended_ms).filter(|ended_ms| *ended_ms > self.started_ms)
    }

    /// Ends the interval: calls `on_sample` with every series and its sample at that time, and begins the next one. Returns
    /// what was wrong with lines. Counters, timers and sets begin anew; gauges stay, and so does for a while the name of each.
    /// - `end_ms`: when; an interval lasts a millisecond at least, so that none has the time of another
    ///
    /// Cost: O(names and values).
    pub fn end(&mut self, end_ms: i64, mut on_sample: impl FnMut(&SeriesKey, Sample)) -> Report {
        let end_ms = end_ms.max(self.started_ms.saturating_add(1));
        let interval_s = (end_ms - self.started_ms) as f64 / 1e3;
        let Self { options, metrics, .. } = self;
        let mut on_value = |key: &SeriesKey, value| on_sample(key, Sample::new(end_ms, value));
        for metric in metrics.values_mut() {
            metric.tell(options, interval_s, &mut on_value);
        }
        metrics.retain(|_, metric| metric.seen_ms > end_ms.saturating_sub(options.expire_ms));
        self.n_value_bytes = 0;
        (self.started_ms, self.is_used) = (end_ms, false);
        std::mem::take(&mut self.report)
    }
}

enum Values<'a> {
    Numbers(Vec<(f64, bool)>),
    Set(&'a str),
}

/// A number, and whether it has a sign.
fn number(text: &str) -> Result<(f64, bool), StatsdError> {
    let text = text.trim();
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    let number = number.ok_or_else(|| StatsdError::NoNumber { text: shown(text) })?;
    Ok((number, text.starts_with(['+', '-'])))
}

impl Metric {
    fn new(line: &Line<'_>) -> Self {
        let held = match line.kind {
            Kind::Counter => Held::Counter(0.0),
            Kind::Gauge => Held::Gauge(0.0),
            Kind::Timer => Held::Timer(Vec::new(), 0.0),
            Kind::Set => Held::Set(BTreeSet::new()),
        };
        let (mut name, mut labels) = (String::new(), Vec::new());
        write_name(&mut name, base(line.name));
        labels.extend(tags(line));
        Self { seen_ms: 0, name: name.into(), labels: Labels::new(labels), held }
    }

    fn add(&mut self, values: Values<'_>, rate: f64, n_bytes: &mut usize) -> Result<(), StatsdError> {
        let mut room = |n: usize| {
            *n_bytes += n;
            if *n_bytes > MAX_VALUE_BYTES { Err(StatsdError::ManyValues) } else { Ok(()) }
        };
        match (&mut self.held, values) {
            (Held::Set(members), Values::Set(member)) => {
                if !members.contains(member) {
                    room(member.len() + size_of::<Box<str>>())?;
                    members.insert(member.into());
                }
            }
            (Held::Counter(sum), Values::Numbers(numbers)) => {
                numbers.iter().for_each(|(number, _)| *sum += number / rate);
            }
            (Held::Gauge(value), Values::Numbers(numbers)) => {
                for (number, is_change) in numbers {
                    *value = if is_change { *value + number } else { number };
                }
            }
            (Held::Timer(kept, count), Values::Numbers(numbers)) => {
                for (number, _) in numbers {
                    room(size_of::<f64>())?;
                    kept.push(number);
                    *count += 1.0 / rate;
                }
            }
            // A kind has its own values.
            (Held::Set(_), Values::Numbers(_)) | (_, Values::Set(_)) => {}
        }
        Ok(())
    }

    /// Tells what it came to, and begins anew.
    fn tell(&mut self, options: &Options, interval_s: f64, on_sample: &mut impl FnMut(&SeriesKey, f64)) {
        let Self { name, labels, held, .. } = self;
        let mut tell = |path: String, value: f64| {
            if value.is_finite() {
                on_sample(&SeriesKey::new(path, labels.clone()), value);
            }
        };
        match held {
            Held::Counter(sum) => {
                let sum = std::mem::take(sum);
                let [count, rate] = if options.legacy_names {
                    [format!("stats_counts.{name}"), format!("stats.{name}")]
                } else {
                    [format!("stats.counters.{name}.count"), format!("stats.counters.{name}.rate")]
                };
                tell(count, sum);
                tell(rate, sum / interval_s);
            }
            Held::Gauge(value) => tell(format!("stats.gauges.{name}"), *value),
            Held::Timer(values, count) => {
                let (mut values, count) = (std::mem::take(values), std::mem::take(count));
                timer::statistics(
                    &mut values,
                    count,
                    interval_s,
                    &options.percentiles,
                    |statistic, value| {
                        tell(format!("stats.timers.{name}.{statistic}"), value);
                    },
                );
            }
            Held::Set(members) => {
                let n_members = std::mem::take(members).len();
                tell(format!("stats.sets.{name}.count"), n_members as f64);
            }
        }
    }
}

/// What is looked up for a line: its kind, name and tags, the tags in order.
fn write_key(written: &mut String, line: &Line<'_>) -> Result<(), StatsdError> {
    if line.name.len() + line.tags.len() > MAX_NAME_BYTES {
        return Err(StatsdError::LongName { text: shown(line.name) });
    }
    written.clear();
    written.push(match line.kind {
        Kind::Counter => 'c',
        Kind::Gauge => 'g',
        Kind::Timer => 't',
        Kind::Set => 's',
    });
    write_name(written, base(line.name));
    if written.len() == 1 {
        return Err(StatsdError::Missing { part: "name", text: shown(line.name) });
    }
    if !line.tags.is_empty() || line.name.contains(';') {
        for (tag, value) in Labels::new(tags(line)).iter() {
            // No line holds a break.
            written.extend(["\n", tag, "\n", value]);
        }
    }
    Ok(())
}

/// The name before the tags that Graphite's clients write behind it.
fn base(name: &str) -> &str {
    name.split_once(';').map_or(name, |(base, _)| base)
}

/// The name as Etsy's `StatsD` has it: of letters, digits and a few marks. Empty nodes are left out.
fn write_name(written: &mut String, name: &str) {
    let name = name.trim();
    let mut is_first = true;
    let mut is_spaced = false;
    let mut is_node_open = false;
    for c in name.chars() {
        let kept = match c {
            '.' => {
                is_node_open = false;
                is_spaced = false;
                continue;
            }
            c if c.is_whitespace() => {
                if std::mem::replace(&mut is_spaced, true) {
                    continue;
                }
                '_'
            }
            '/' => '-',
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') => c,
            _ => continue,
        };
        is_spaced = c.is_whitespace();
        if !is_node_open && !is_first {
            written.push('.');
        }
        (is_first, is_node_open) = (false, true);
        written.push(kept);
    }
}

/// Tags of Graphite in the name (`;tag=value`) and of DogStatsD behind (`tag:value,tag`). One without a value is `true`.
fn tags<'a>(line: &Line<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let in_name = line.name.split(';').skip(1).map(|tag| tag.split_once('=').unwrap_or((tag, "true")));
    let behind = line.tags.split(',').map(|tag| tag.split_once(':').unwrap_or((tag, "true")));
    in_name.chain(behind).map(|(tag, value)| (tag.trim(), value.trim())).filter(|(tag, _)| !tag.is_empty())
}

#[cfg(test)]
mod tests;
