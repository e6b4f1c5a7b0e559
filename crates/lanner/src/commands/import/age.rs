//! Finds data that the server would drop because it is older than its retention, and asks what to do with it.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum;
use lanner_core::time::format_time;
use lanner_core::{Sample, SeriesKey};
use lanner_io::store::{Retention, RetentionRule, StoreOptions, format_keep};

use crate::failure::{Failure, Result, remark};
use crate::output::counted;

/// What to do with data that is older than what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TooOld {
    /// Leave it out.
    Skip,
    /// Import it all the same: a server drops it when it is next kept up, within minutes when it runs.
    Keep,
}

/// Looks at times as data is read.
#[derive(Debug)]
pub(super) struct Watch {
    retention: Retention,
    now_ms: i64,
    /// Whether what is too old is left out.
    skips: bool,
    series: HashMap<SeriesKey, Seen>,
    found: BTreeMap<String, Found>,
    n_merged: u64,
}

/// What was seen of one series.
#[derive(Debug)]
struct Seen {
    rule: usize,
    last_step: Option<(i64, i64)>,
}

/// What is too old by one rule.
#[derive(Debug)]
struct Found {
    n_items: u64,
    oldest_ms: i64,
}

/// A watch that one thread looks through while another waits for what it saw.
pub(super) type Shared = Arc<Mutex<Watch>>;

impl Watch {
    pub(super) fn new(retention: Retention, now_ms: i64, skips: bool) -> Shared {
        let (series, found) = (HashMap::new(), BTreeMap::new());
        Arc::new(Mutex::new(Self { retention, now_ms, skips, series, found, n_merged: 0 }))
    }

    /// Whether the sample is to be left out.
    pub(super) fn leaves_out(&mut self, key: &SeriesKey, sample: Sample) -> bool {
        let raw_keep_ms = StoreOptions::default().raw_keep_ms;
        let age_ms = self.now_ms.saturating_sub(sample.time_ms);
        if age_ms <= raw_keep_ms {
            return false;
        }
        if !self.series.contains_key(key) {
            let rule = self.retention.series.iter().position(|rule| rule.pattern.matches(&key.name));
            self.series.insert(key.clone(), Seen { rule: rule.unwrap_or(usize::MAX), last_step: None });
        }
        let Some(seen) = self.series.get_mut(key) else { return false };
        let Some(rule) = self.retention.series.get(seen.rule) else { return false };
        match rule.tiers.iter().find(|tier| age_ms <= tier.keep_ms) {
            _ if rule.tiers.is_empty() => false,
            Some(tier) => {
                let step = Some((tier.step_ms, sample.time_ms.div_euclid(tier.step_ms.max(1))));
                self.n_merged += u64::from(seen.last_step == step);
                seen.last_step = step;
                false
            }
            None => {
                note(&mut self.found, series_rule(rule), sample.time_ms);
                self.skips
            }
        }
    }

    /// Whether the event is to be left out.
    pub(super) fn leaves_out_event(&mut self, stream: &str, time_ms: i64) -> bool {
        let rule = self.retention.of_stream(stream);
        if self.now_ms.saturating_sub(time_ms) <= rule.keep_ms {
            return false;
        }
        let rule = format!("retention.events \"{}\": {}", rule.pattern, format_keep(rule.keep_ms));
        note(&mut self.found, rule, time_ms);
        self.skips
    }
}

fn series_rule(rule: &RetentionRule) -> String {
    format!("retention.series \"{}\": {}", rule.pattern.as_str(), rule.keep_text())
}

fn note(found: &mut BTreeMap<String, Found>, rule: String, time_ms: i64) {
    let found = found.entry(rule).or_insert(Found { n_items: 0, oldest_ms: time_ms });
    found.n_items += 1;
    found.oldest_ms = found.oldest_ms.min(time_ms);
}

/// What files hold that is too old, and what will not stay as it was written.
#[derive(Debug, Default)]
pub(super) struct Findings {
    lines: Vec<String>,
    pub(super) n_too_old: u64,
}

impl Findings {
    /// Adds what was seen in one file.
    pub(super) fn add(&mut self, path: &std::path::Path, unit: &str, watch: &Shared) {
        let watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
        let path = path.display();
        let noun = unit.trim_end_matches('s');
        for (rule, Found { n_items, oldest_ms }) in &watch.found {
            let oldest = format_time(*oldest_ms);
            let (items, are) = (counted(*n_items, noun), if *n_items == 1 { "is" } else { "are" });
            self.lines.push(format!(
                "{path}: {items} {are} older than what is kept ({rule}), the oldest of {oldest}"
            ));
            self.n_too_old += n_items;
        }
        if watch.n_merged > 0 {
            let (items, share) =
                (counted(watch.n_merged, noun), if watch.n_merged == 1 { "shares" } else { "share" });
            self.lines.push(format!(
                "{path}: {items} {share} a step of the retention with the one before, and will become one value with it"
            ));
        }
    }

    /// Says what was found.
    pub(super) fn tell(&self) {
        self.lines.iter().for_each(|line| remark(line));
    }

    /// Says what was found and asks what to do; without somebody to ask, refuses.
    pub(super) fn ask(&self) -> Result<TooOld> {
        self.tell();
        let hint = "say --too-old skip to import the others, or keep to import all the same; \
                    to keep them for good, set retention for the server (docs/retention.md)";
        let refused = || Failure::user("nothing was imported: a server drops data older than its retention");
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(refused().hint(hint));
        }
        // If the question cannot be written there is nobody to answer it.
        let _ = write!(io::stderr(), "s to skip them, k to import them anyway, anything else to stop: ");
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        match answer.trim() {
            "s" => Ok(TooOld::Skip),
            "k" => Ok(TooOld::Keep),
            _ => Err(refused().hint(hint)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanner_core::time::{DAY_MS, HOUR_MS};

    #[test]
    fn what_is_too_old_is_counted_by_rule() {
        let now_ms = 1_795_000_000_000;
        let retention = Retention {
            series: vec![RetentionRule::forever("raw.*"), RetentionRule::default()],
            ..Retention::default()
        };
        let watch = Watch::new(retention, now_ms, true);
        let mut it = watch.lock().unwrap();
        let mut sample = |name: &str, age_ms: i64| {
            let key = SeriesKey::new(name, lanner_core::Labels::default());
            it.leaves_out(&key, Sample::new(now_ms - age_ms, 1.0))
        };
        assert!(!sample("raw.a", 4000 * DAY_MS));
        assert!(sample("a", 4000 * DAY_MS));
        assert!(sample("a", 3999 * DAY_MS));
        assert!(!sample("a", 3 * HOUR_MS));
        assert!(!sample("a", 3 * HOUR_MS - 1)); // in the same step of 10 s
        assert!(!sample("a", 0));
        assert!(it.leaves_out_event("s", now_ms - 31 * DAY_MS));
        assert!(!it.leaves_out_event("s", now_ms));
        drop(it);
        let mut findings = Findings::default();
        findings.add(std::path::Path::new("f"), "samples", &watch);
        assert_eq!(findings.n_too_old, 3);
        assert_eq!(
            findings.lines,
            [
                "f: 1 sample is older than what is kept (retention.events \"*\": 30d), the oldest of 2026-10-18T11:06:40Z",
                "f: 2 samples are older than what is kept (retention.series \"*\": 10s:1d, 1m:30d, 1h:3y), the oldest of 2015-12-06T11:06:40Z",
                "f: 1 sample shares a step of the retention with the one before, and will become one value with it",
            ]
        );
    }
}
