//! The guard: what would block much of what was asked lately needs `force`, or a second person.
//!
//! It goes by contexts that are known here: asked of this server, sampled by clients, or the events of a stream. Where
//! they are few it stops only what blocks whatever it is asked, as a share of little says little.

use std::sync::Arc;

use lanner_io::store::StoreError;
use lanner_switch::{Status, Switch, SwitchSet, Tally};
use serde_json::{Map, Value};

use super::preview::contexts;
use super::recent::Asked;
use super::service::SwitchService;
use crate::http::blocking;
use crate::settings::Guard;

/// Fewer contexts than this are no ground for a judgement.
const MIN_CONTEXTS: u64 = 100;
/// How many of the last contexts are looked at.
const N_CONTEXTS: usize = 10_000;

/// What a switch was, if it was there, and what it is to be.
pub(super) type Before<'a> = (Option<&'a Value>, &'a Value);

/// A change of a switch: what it blocked before, if it did, and what it blocks then.
#[derive(Debug, Clone)]
struct Pair {
    before: Option<Arc<Switch>>,
    after: Option<Arc<Switch>>,
}

/// Of so many contexts it is asked what all switches block together.
const N_TOGETHER: usize = 1_000;

fn can_block(switch: &Switch, now_ms: i64) -> bool {
    let blocks = switch.flag.is_none() && switch.tag.is_none();
    switch.status == Status::Active && now_ms < switch.valid.end_ms && blocks
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
    service: &Arc<SwitchService>,
    changes: &[Before<'_>],
) -> Result<Vec<Option<String>>, StoreError> {
    let now_ms = service.now_ms();
    let pair = |(old, new): &Before<'_>| {
        if *old == Some(*new) {
            return Pair { before: None, after: None };
        }
        let after = on(new, now_ms);
        Pair { before: after.as_ref().and_then(|_| on((*old)?, now_ms)), after }
    };
    let changes: Vec<Pair> = changes.iter().map(pair).collect();
    if service.live.get().guard.share >= 1.0 || changes.iter().all(|pair| pair.after.is_none()) {
        return Ok(vec![None; changes.len()]);
    }
    let service = Arc::clone(service);
    let judge = move || -> Result<Vec<Option<String>>, StoreError> {
        let guard = &service.live.get().guard;
        let contexts = contexts(&service, guard.stream.as_deref(), N_CONTEXTS)?;
        let now = service.current();
        let before = service.lately.before(now_ms).unwrap_or_else(|| Arc::clone(&now));
        let blocks =
            |set: &SwitchSet, context: &Map<String, Value>| set.evaluate_apart(context, now_ms).is_blocked();
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
    service: &Arc<SwitchService>,
    old: Option<&Value>,
    new: &Value,
) -> Result<Option<String>, StoreError> {
    Ok(objections(service, &[(old, new)]).await?.pop().flatten())
}

/// How changes are judged.
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
