//! How well episodes agree with known incidents.
//!
//! An episode is right when it overlaps an incident, from its first bad window to its end; it is credited to the
//! first such incident only, because an alarm that has long been on tells nobody of the next one. So an alert that
//! always fires finds one incident.

use lanner_core::{Labels, TimeRange};

use super::record::{Episode, Record, Timeline};

/// Something that people know to have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// When.
    pub range: TimeRange,
    /// Which alerts it concerns: those that have these labels; all without.
    pub labels: Labels,
}

/// Episodes against incidents.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Accuracy {
    /// Incidents that concern the rule and lie in the time that was scored.
    pub n_incidents: u64,
    /// Those that an episode was credited to.
    pub n_found: u64,
    /// Episodes that overlap an incident.
    pub n_right: u64,
    /// Episodes that overlap none.
    pub n_false: u64,
    /// False ones a week.
    pub false_per_week: f64,
    /// The middle of the times from an incident's start to its first alarm; negative when it came before.
    pub median_delay_ms: Option<i64>,
}

impl Accuracy {
    /// The share of episodes that were right, in `[0, 1]`; none without episodes.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.n_right, self.n_right + self.n_false)
    }

    /// The share of incidents that were found, in `[0, 1]`; none without incidents.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.n_found, self.n_incidents)
    }

    /// The harmonic mean of precision and recall, in `[0, 1]`; 0 where one of them is none or 0.
    #[must_use]
    pub fn f1(&self) -> f64 {
        let (precision, recall) = (self.precision().unwrap_or(0.0), self.recall().unwrap_or(0.0));
        if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Incidents as they concern one record, made ready for many courses.
pub(super) struct Marks<'r> {
    record: &'r Record,
    is_asked: bool,
    /// Of all incidents, those that concern the rule: their starts.
    starts_ms: Vec<i64>,
    /// Those outside of the time that was scored.
    pub(super) n_outside: u64,
    /// For each group, those that concern it.
    groups: Vec<Vec<Mark>>,
}

#[derive(Clone, Copy)]
struct Mark {
    incident: usize,
    start_ms: i64,
    /// The latest end of this and those before, so that it never falls.
    latest_end_ms: i64,
}

impl<'r> Marks<'r> {
    pub(super) fn new(record: &'r Record, incidents: &[Incident], tolerance_ms: i64) -> Self {
        let (n_groups, is_asked) = (record.groups().len(), !incidents.is_empty());
        let mut marks =
            Self { record, is_asked, starts_ms: vec![], n_outside: 0, groups: vec![vec![]; n_groups] };
        let Some(span) = record.span() else { return marks };
        let mut incidents: Vec<&Incident> = incidents.iter().collect();
        incidents.sort_by_key(|incident| (incident.range.start_ms, incident.range.end_ms));
        for Incident { range, labels } in incidents {
            let has = |group: &usize| {
                labels.iter().all(|(name, value)| record.alert_labels(*group).get(name) == Some(value))
            };
            let concerned: Vec<usize> = (0..n_groups).filter(has).collect();
            let (start_ms, end_ms) =
                (range.start_ms.saturating_sub(tolerance_ms), widened(*range, tolerance_ms));
            if concerned.is_empty() {
                continue;
            }
            if end_ms <= span.start_ms || start_ms >= span.end_ms {
                marks.n_outside += 1;
                continue;
            }
            let incident = marks.starts_ms.len();
            marks.starts_ms.push(range.start_ms);
            for group in concerned {
                let before = marks.groups[group].last().map_or(i64::MIN, |mark| mark.latest_end_ms);
                let mark = Mark { incident, start_ms, latest_end_ms: before.max(end_ms) };
                marks.groups[group].push(mark);
            }
        }
        marks
    }

    pub(super) fn is_empty(&self) -> bool {
        self.starts_ms.is_empty()
    }

    /// The first incident that an episode overlaps. O(log incidents).
    fn hit(&self, episode: &Episode) -> Option<usize> {
        let of_group = &self.groups[episode.group];
        let first = of_group.partition_point(|mark| mark.latest_end_ms <= episode.from_ms);
        let end_ms = episode.end_ms.unwrap_or(i64::MAX);
        of_group.get(first).filter(|mark| mark.start_ms < end_ms).map(|mark| mark.incident)
    }

    pub(super) fn accuracy(&self, timeline: &Timeline) -> Accuracy {
        let mut first_alarms: Vec<Option<i64>> = vec![None; self.starts_ms.len()];
        let mut accuracy = Accuracy { n_incidents: self.starts_ms.len() as u64, ..Accuracy::default() };
        for episode in &timeline.episodes {
            let Some(incident) = self.hit(episode) else {
                accuracy.n_false += 1;
                continue;
            };
            accuracy.n_right += 1;
            let first = first_alarms[incident].get_or_insert(episode.alarm_ms);
            *first = episode.alarm_ms.min(*first);
        }
        let late = |(alarm, start): (&Option<i64>, &i64)| alarm.map(|alarm_ms| alarm_ms - start);
        let mut delays_ms: Vec<i64> = first_alarms.iter().zip(&self.starts_ms).filter_map(late).collect();
        delays_ms.sort_unstable();
        accuracy.n_found = delays_ms.len() as u64;
        accuracy.median_delay_ms = delays_ms.get(delays_ms.len().saturating_sub(1) / 2).copied();
        accuracy.false_per_week = per_week(accuracy.n_false, self.record.weeks());
        accuracy
    }

    /// Whether there are incidents at all, whomever they concern.
    pub(super) const fn is_asked(&self) -> bool {
        self.is_asked
    }
}

/// The end of an incident with its tolerance; that of a moment lies just behind it.
fn widened(range: TimeRange, tolerance_ms: i64) -> i64 {
    range.end_ms.max(range.start_ms.saturating_add(1)).saturating_add(tolerance_ms)
}

/// How many a week `n` in `weeks` are.
pub(super) fn per_week(n: u64, weeks: f64) -> f64 {
    if weeks > 0.0 { n as f64 / weeks } else { 0.0 }
}
