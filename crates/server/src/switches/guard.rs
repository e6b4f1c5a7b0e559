//! The guard: what would block much of what was asked lately needs `force`, or a second person.
//!
//! It goes by contexts that are known here: asked of this server, sampled by clients, or the events of a stream. Where
//! they are few it stops only what blocks whatever it is asked, as a share of little says little.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use lanner_core::time::{HOUR_MS, MINUTE_MS};
use lanner_io::store::StoreError;
use lanner_switch::{Status, Switch, SwitchSet, Tally};
use serde_json::{Map, Value};

use super::Current;
use super::preview::contexts;
use super::recent::Asked;
use crate::app::App;
use crate::http::blocking;
use crate::sync::locked;

/// Fewer contexts than this are no ground for a judgement.
const MIN_CONTEXTS: u64 = 100;
/// How many of the last contexts are looked at.
const N_CONTEXTS: usize = 10_000;

/// How much a switch may block without being asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// The share of contexts, 0 to 1; a switch that would block more is stopped. 1 never stops one.
    pub share: f64,
    /// The stream whose events are the contexts; else those that this server was asked.
    pub stream: Option<String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { share: 0.5, stream: None }
    }
}

/// What a switch was, if it was there, and what it is to be.
pub(super) type Before<'a> = (Option<&'a Value>, &'a Value);

/// A change of a switch: what it blocked before, if it did, and what it blocks then.
#[derive(Debug, Clone)]
struct Pair {
    before: Option<Arc<Switch>>,
    after: Option<Arc<Switch>>,
}

/// For so long a change counts together with the next ones, milliseconds.
const LATELY_MS: i64 = HOUR_MS;
/// So often what is in force is remembered, at most, milliseconds.
const LATELY_EVERY_MS: i64 = 5 * MINUTE_MS;
/// Of so many contexts it is asked what all switches block together.
const N_TOGETHER: usize = 1_000;

/// What was in force before the changes of the last hour: what they block together counts, not only what each does.
#[derive(Debug, Default)]
pub(crate) struct Lately(Mutex<VecDeque<(i64, Arc<Current>)>>);

impl Lately {
    /// Notes what is in force just before a change.
    pub(super) fn note(&self, before: Arc<Current>, now_ms: i64) {
        let mut lately = locked(&self.0);
        while lately.front().is_some_and(|(time_ms, _)| *time_ms <= now_ms - LATELY_MS) {
            lately.pop_front();
        }
        if lately.back().is_none_or(|(time_ms, _)| *time_ms <= now_ms - LATELY_EVERY_MS) {
            lately.push_back((now_ms, before));
        }
    }

    /// A person took a second look: what is in force now is as it should be.
    pub(super) fn accept(&self) {
        locked(&self.0).clear();
    }

    /// What was in force an hour ago, if anything changed since.
    fn before(&self, now_ms: i64) -> Option<Arc<Current>> {
        let lately = locked(&self.0);
        let mut recent = lately.iter().filter(|(time_ms, _)| *time_ms > now_ms - LATELY_MS);
        recent.next().map(|(_, current)| Arc::clone(current))
    }
}

fn can_block(switch: &Switch, now_ms: i64) -> bool {
    switch.status == Status::Active && now_ms < switch.valid.end_ms && switch.flag.is_none()
}

/// The switch, if it is on.
fn on(document: &Value, now_ms: i64) -> Option<Arc<Switch>> {
    Switch::from_json(document).ok().filter(|switch| can_block(switch, now_ms)).map(Arc::new)
}

/// Why each change wants a second look, if it does: it turns on, or widens, a switch that would block too much, alone or
/// together with the others and with those of the last hour. Holds no lock. Cost: one look into an index of the changes
/// for each context.
///
/// # Errors
/// Failures of the store.
pub(super) async fn objections(
    app: &Arc<App>,
    changes: &[Before<'_>],
) -> Result<Vec<Option<String>>, StoreError> {
    let now_ms = app.now_ms();
    let pair = |(old, new): &Before<'_>| {
        if *old == Some(*new) {
            return Pair { before: None, after: None };
        }
        let after = on(new, now_ms);
        Pair { before: after.as_ref().and_then(|_| on((*old)?, now_ms)), after }
    };
    let changes: Vec<Pair> = changes.iter().map(pair).collect();
    if app.live.get().guard.share >= 1.0 || changes.iter().all(|pair| pair.after.is_none()) {
        return Ok(vec![None; changes.len()]);
    }
    let app = Arc::clone(app);
    let judge = move || -> Result<Vec<Option<String>>, StoreError> {
        let guard = &app.live.get().guard;
        let contexts = contexts(&app, guard.stream.as_deref(), N_CONTEXTS)?;
        let now = app.switches.current();
        let before = app.switches.lately.before(now_ms).unwrap_or_else(|| Arc::clone(&now));
        let blocks =
            |set: &SwitchSet, context: &Map<String, Value>| set.evaluate(context, now_ms).is_blocked();
        let else_blocked = |text: &str| -> Option<[bool; 2]> {
            let context = serde_json::from_str(text).ok()?;
            Some([&before, &now].map(|current| blocks(&current.set, &context)))
        };
        Ok(guard.judge(&changes, &contexts, else_blocked))
    };
    let judged = blocking(judge).await;
    judged.unwrap_or_else(|panic| Err(StoreError::Database { detail: panic.to_string() }))
}

/// As [`objections`], of one change.
///
/// # Errors
/// Failures of the store.
pub(super) async fn objection(
    app: &Arc<App>,
    old: Option<&Value>,
    new: &Value,
) -> Result<Option<String>, StoreError> {
    Ok(objections(app, &[(old, new)]).await?.pop().flatten())
}

impl Guard {
    /// `else_blocked` says whether other switches blocked a context an hour ago, and do now.
    fn judge(
        &self,
        changes: &[Pair],
        contexts: &[Asked],
        else_blocked: impl Fn(&str) -> Option<[bool; 2]>,
    ) -> Vec<Option<String>> {
        let sides: Vec<_> =
            changes.iter().map(|pair| [pair.before.as_deref(), pair.after.as_deref()]).collect();
        let (every, mut n) = (contexts.len().div_ceil(N_TOGETHER).max(1), 0);
        let tally = Tally::of(&sides, contexts.iter().map(|(_, text)| &**text), |text| {
            n += 1;
            if n % every == 0 { else_blocked(text) } else { None }
        });
        let says_something = tally.n_contexts >= MIN_CONTEXTS;
        let [before, after] = tally.together;
        let together = share(after, tally.n_together);
        let is_much_together = says_something && after > before && together > self.share;
        let judge = |(pair, [before, after]): (&Pair, &[u64; 2])| {
            let switch = pair.after.as_deref()?;
            let own = share(*after, tally.n_contexts);
            if says_something && own > self.share && after > before {
                return Some(format!("it would block {}", self.of_contexts(own, tally.n_contexts)));
            }
            let rollout = switch.rollout.as_ref().map_or(1.0, |rollout| rollout.share);
            let is_wider = !pair.before.as_deref().is_some_and(Switch::matches_everything);
            if rollout > self.share && is_wider && switch.matches_everything() {
                return Some("its condition is always true".to_owned());
            }
            (is_much_together && after > before).then(|| {
                let what = self.of_contexts(together, tally.n_contexts);
                format!("together with other switches activated within the last hour it would block {what}")
            })
        };
        changes.iter().zip(&tally.blocked).map(judge).collect()
    }

    /// `80 % of the last 200 contexts, more than 50 %`
    fn of_contexts(&self, share: f64, n_contexts: u64) -> String {
        let what = match &self.stream {
            Some(stream) => format!("events of {stream}"),
            None => "contexts".to_owned(),
        };
        let (share, allowed) = (percent(share), percent(self.share));
        format!("{share} of the last {n_contexts} {what}, more than {allowed}")
    }
}

/// Which share of `all` `n` are, 0 to 1; 0 of none.
fn share(n: u64, all: u64) -> f64 {
    n as f64 / all.max(1) as f64
}

/// `3.2 %`, with as many digits as tell something.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let text = if percent < 10.0 { format!("{percent:.1}") } else { format!("{percent:.0}") };
    format!("{} %", text.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_well() {
        for (share, text) in [(0.032, "3.2 %"), (0.5, "50 %"), (0.999, "100 %"), (0.02, "2 %"), (0.0, "0 %")]
        {
            assert_eq!(percent(share), text);
        }
    }
}
