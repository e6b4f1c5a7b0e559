//! Switches that alerts throw: on while the alert lasts and at most for a while, off when it is over.
//!
//! With values from the alert, what is thrown is a switch of its own, made after the one that was named and called
//! after the values: `block-bank.HSBC` blocks what `block-bank` would where `BANK` is `HSBC`. Where a switch of that name
//! tests something else, it is called after a hash as well.
//!
//! A program that blocks by itself must not run away, so `decide` holds it to this: nothing is extended; what a
//! person turned off or denied while the alert lasts stays off; what was taken back is not thrown again within the
//! cooldown; and one alert throws a switch once. If the alert still lasts when the switch has ended, then blocking
//! does not help, or it hides what the rule counts, and only a person can throw it again. The same goes for more
//! switches than the receiver may throw in an hour, and for what the guard objects to. Where a receiver has a dry run, what is
//! thrown only reports until a person enforces it; then nobody is asked.

use std::sync::Arc;

use lanner_core::{Cause, SwitchAction};
use lanner_io::receiver::SendError;
use lanner_io::store::{Author, StoreError, StoredDocument};
use lanner_switch::{Document, Status, Switch, change};
use serde_json::{Value, json};

use super::decisions::{THROWN_BY, THROWN_FOR, thrown_for};
use super::enact::{Otherwise, enact};
use super::enforcement;
use super::guard;
use super::labelled;
use super::requests::{self, Wanted};
use super::service::SwitchService;
use super::thrown::{is_off, only_reports};
use super::unwritten::{Change, RequestChange};
use crate::documents::{REQUEST, SWITCH, cause};

/// Why a switch was activated, as people read it.
const FIRES: &str = "the alert fires";
/// People are asked for so many switches made after one at a time: nobody decides on thousands.
const MAX_WAITING: usize = 100;
/// Why it was taken back.
const OVER: &str = "the alert is over";

/// The label of a switch that an alert throws: after which switch it was made.
const MADE_AFTER: &str = "made_after";

/// So often an action is judged anew because something changed meanwhile; then while everybody waits.
const MAX_TRIES: usize = 3;

/// The switch that an action is about, and what happened to it.
struct Target {
    id: String,
    /// The latest version of the switch.
    thrown: Option<StoredDocument>,
    /// The latest version of the request for it; without a document where none waits.
    request: Option<StoredDocument>,
    /// The latest version of the switch that it is made after.
    model: Option<StoredDocument>,
    /// How many switches the receiver has thrown within the last hour.
    n_thrown: usize,
    /// Whether it only reports what it would block: in a dry run, and where it is made after a switch in shadow.
    is_shadow: bool,
}

impl Target {
    fn look(service: &SwitchService, action: &SwitchAction) -> Result<Self, StoreError> {
        let (id, thrown) = named(action, |id| service.latest(SWITCH, id))?;
        let model = service.latest(SWITCH, &action.switch)?;
        let is_dry_run = action.budget.is_some() && !enforcement::mode(service, &action.switch)?.is_enforced;
        let document = model.as_ref().and_then(|stored| stored.document.as_ref());
        Ok(Self {
            thrown,
            request: service.latest(REQUEST, &id)?,
            is_shadow: is_dry_run || id != action.switch && document.is_some_and(only_reports),
            model,
            n_thrown: service.thrown.count(&*service.state, &action.switch, service.now_ms())?,
            id,
        })
    }

    /// What changes with everything that a judgement goes by.
    fn state(&self) -> ([Option<u32>; 3], usize, bool) {
        let versions = [&self.thrown, &self.request, &self.model];
        let versions = versions.map(|stored| stored.as_ref().map(|stored| stored.version));
        (versions, self.n_thrown, self.is_shadow)
    }
}

/// What is done about an action.
struct Deed {
    change: Change,
    /// Whether the alert activates a switch by it.
    is_thrown: bool,
    /// What is noted of it, if it is not what was wanted.
    note: Option<String>,
}

/// Does what an alert wants. `is_kept` says whether another alert of the rule wants the same switch on.
///
/// # Errors
/// Why it is not done, and whether to try again.
pub(crate) async fn act(
    service: &Arc<SwitchService>,
    action: &SwitchAction,
    is_kept: &(dyn Fn(&SwitchAction) -> bool + Sync),
) -> Result<(), SendError> {
    for n_tries in 1.. {
        // Judged while others go on, and again if they changed what was judged.
        let lock = if n_tries > MAX_TRIES { Some(service.lock().await) } else { None };
        let target = Target::look(service, action).map_err(later)?;
        let deed = if action.is_over {
            take_back(service, action, &target, is_kept)?
        } else {
            judged(service, action, &target).await?
        };
        let Some(Deed { change, is_thrown, note }) = deed else { return Ok(()) };
        let lock = match lock {
            Some(lock) => lock,
            None => service.lock().await,
        };
        if Target::look(service, action).map_err(later)?.state() != target.state() {
            continue;
        }
        let now_ms = change.author.now_ms;
        let enacted = enact(service, lock, None, change, Otherwise::Kept).await;
        let (lock, recording) = enacted.map_err(later)?;
        if is_thrown {
            service.thrown.note(&target.id, now_ms);
        }
        drop(lock);
        recording.done().await.map_err(|error| SendError::retry(error.to_string()))?;
        return note.map_or(Ok(()), |note| Err(SendError::noted(note)));
    }
    Ok(()) // not reached: with the lock, what was judged holds
}

/// What is done about an alert that fires.
async fn judged(
    service: &Arc<SwitchService>,
    action: &SwitchAction,
    target: &Target,
) -> Result<Option<Deed>, SendError> {
    let model = target.model.as_ref().and_then(|stored| stored.document.as_ref());
    let model = model
        .filter(|model| model.is_object())
        .ok_or_else(|| SendError::permanent(format!("there is no switch \"{}\" to throw", action.switch)))?;
    let id = &target.id;
    match decide(action, target, service.now_ms()) {
        Step::Nothing(ON) => Ok(None),
        Step::Nothing(why) => {
            tracing::info!(switch = id, "is not activated: {why}");
            Err(SendError::noted(format!("the switch {id} is not activated: {why}")))
        }
        Step::Throw => throw(service, action, target, model, None).await.map(Some),
        Step::Ask(because) => throw(service, action, target, model, Some(because)).await.map(Some),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn later(error: StoreError) -> SendError {
    SendError::retry(error.to_string())
}

fn take_back(
    service: &SwitchService,
    action: &SwitchAction,
    target: &Target,
    is_kept: &(dyn Fn(&SwitchAction) -> bool + Sync),
) -> Result<Option<Deed>, SendError> {
    let Target { id, thrown, request, .. } = target;
    let own_request =
        request.as_ref().is_some_and(|stored| stored.document.is_some() && is_own(stored, &action.rule));
    let own = thrown.as_ref().filter(|stored| is_own(stored, &action.rule));
    let own = own.and_then(|stored| stored.document.as_ref()).filter(|document| !is_off(document));
    if !own_request && own.is_none() {
        return Ok(None);
    }
    if is_kept(action) {
        return Err(SendError::noted(format!(
            "another alert of {} keeps the switch {id} as it is",
            action.rule
        )));
    }
    let off = own.map(|document| (id.clone(), Some(Document::new(change::deactivate(document)))));
    let end = RequestChange { id: id.clone(), document: None, message: OVER.to_owned() };
    let change = Change {
        request: own_request.then_some(end),
        ..Change::of(author(service, action, OVER), off.into_iter().collect())
    };
    Ok(Some(Deed { change, is_thrown: false, note: None }))
}

/// The alert, as it stands in history and audit.
fn author(service: &SwitchService, action: &SwitchAction, message: &str) -> Author {
    Author {
        actor: format!("alert of {}", action.rule),
        message: message.to_owned(),
        cause: Cause::Alert { rule: action.rule.clone(), episode_ms: action.since_ms },
        now_ms: service.now_ms(),
    }
}

/// What is done about an alert that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Nothing, and why.
    Nothing(&'static str),
    /// The switch is thrown.
    Throw,
    /// A person is asked, and why.
    Ask(String),
}

fn decide(action: &SwitchAction, target: &Target, now_ms: i64) -> Step {
    let Target { thrown, request, n_thrown, is_shadow, .. } = target;
    let mut was_on_for_this = false;
    let thrown = thrown.as_ref().and_then(|stored| Some((stored, stored.document.as_ref()?)));
    // What was only reported before it was enforced does not count.
    let thrown = thrown.filter(|(_, document)| *is_shadow || !only_reports(document));
    if let Some((stored, document)) = thrown {
        let (is_own, is_off) = (is_own(stored, &action.rule), is_off(document));
        let is_for_this = stored.changed_ms >= action.since_ms;
        let end_ms = if is_off { stored.changed_ms } else { end_ms(document) };
        if !is_off && is_active_or_shadow(document) && now_ms < end_ms {
            return Step::Nothing(ON);
        }
        if is_off && !is_own && is_for_this {
            return Step::Nothing("somebody turned it off while the alert lasts");
        }
        if is_own && now_ms.saturating_sub(end_ms) < action.cooldown_ms {
            return Step::Nothing("it ended just now");
        }
        was_on_for_this = is_own && is_for_this && !is_off;
    }
    if let Some(request) = request {
        if request.document.is_some() {
            return Step::Nothing("it waits for an approval");
        }
        let is_denied = cause::of(request) == Cause::Person;
        if is_denied && request.changed_ms >= action.since_ms {
            return Step::Nothing("somebody denied it while the alert lasts");
        }
    }
    if was_on_for_this {
        return if *is_shadow { Step::Nothing(REPORTED) } else { Step::Ask(LASTS.to_owned()) };
    }
    if *is_shadow {
        return Step::Throw;
    }
    if *n_thrown >= action.per_hour as usize {
        return Step::Ask(format!(
            "alerts have thrown {n_thrown} within the hour, as many as per_hour allows"
        ));
    }
    if action.wants_approval { Step::Ask("the receiver wants an approval".to_owned()) } else { Step::Throw }
}

/// Why nothing is to be done: what is wanted is so already.
const ON: &str = "it is on";

/// Why an alert does not have a switch report twice.
const REPORTED: &str = "it only reports, and did so for this alert";

/// Why an alert does not throw a switch twice.
const LASTS: &str = "it was on for this alert and has ended, and the alert lasts: blocking does not help, or hides \
                     what the rule counts";

/// Throws the switch, or asks a person to; also where the guard objects.
async fn throw(
    service: &Arc<SwitchService>,
    action: &SwitchAction,
    target: &Target,
    model: &Value,
    because: Option<String>,
) -> Result<Deed, SendError> {
    let Target { id, thrown, .. } = target;
    let made = made_after(model, action, id);
    let mut document =
        change::activate(&made, service.now_ms(), Some(action.for_ms)).map_err(SendError::permanent)?;
    if target.is_shadow {
        document["status"] = json!("shadow");
    }
    Switch::from_json(&document).map_err(|problems| {
        SendError::permanent(format!("the switch \"{id}\" cannot be thrown: {problems}"))
    })?;
    let because = match because {
        Some(because) => Some(because),
        None => guard::objection(service, None, &document).await.map_err(later)?,
    };
    let author = author(service, action, FIRES);
    let Some(because) = because else {
        let change = Change::of(author, vec![(id.clone(), Some(Document::new(document)))]);
        let reports = || format!("the switch {id} only reports what it would block");
        return Ok(Deed { change, is_thrown: !target.is_shadow, note: target.is_shadow.then(reports) });
    };
    let n_waiting = requests::count(service, &action.switch).map_err(later)?;
    if n_waiting >= MAX_WAITING {
        return Err(SendError::permanent(format!(
            "the switch {id} is not activated, and nobody is asked: {n_waiting} switches like it wait for an approval \
             already (lanner switch requests)"
        )));
    }
    tracing::warn!(switch = id, "waits for an approval: {because}");
    let version = thrown.as_ref().map_or(0, |stored| stored.version);
    let note = format!("the switch {id} waits for an approval (lanner switch approve {id}): {because}");
    let wanted = Wanted { document, for_ms: Some(action.for_ms), version, because };
    Ok(Deed { change: wanted.into_change(id, author), is_thrown: false, note: Some(note) })
}

/// Whether it was activated, taken back or asked for by an alert of this rule, or approved for one.
fn is_own(stored: &StoredDocument, rule: &str) -> bool {
    cause::of(stored).rule() == Some(rule)
}

fn is_active_or_shadow(document: &Value) -> bool {
    Switch::from_json(document).is_ok_and(|switch| switch.status != Status::Inactive)
}

/// When its validity ends, milliseconds since the Unix epoch.
fn end_ms(document: &Value) -> i64 {
    Switch::from_json(document).map_or(i64::MIN, |switch| switch.valid.end_ms)
}
/// The model with the alert's values as further conditions.
fn made_after(model: &Value, action: &SwitchAction, id: &str) -> Value {
    let mut document = model.clone();
    let mut when = match model.get("when") {
        Some(Value::Array(items)) => items.clone(),
        other => other.cloned().into_iter().collect(),
    };
    when.extend(tests(action).into_iter().map(Value::from));
    document["id"] = json!(id);
    if !document.get("labels").is_some_and(Value::is_object) {
        document["labels"] = json!({});
    }
    document["labels"][THROWN_BY] = json!(format!("alert of {}", action.rule));
    if !action.with.is_empty() {
        document["when"] = Value::Array(when);
        document["labels"][MADE_AFTER] = json!(action.switch);
        document["labels"][THROWN_FOR] = json!(thrown_for(&action.with));
    }
    document
}

/// What the alert's values add to the conditions of the model.
fn tests(action: &SwitchAction) -> Vec<String> {
    action.with.iter().map(|(field, value)| labelled::test(field, value)).collect()
}

/// The id of the switch that an action is about, and what `latest` finds under it: `block-bank`, or `block-bank.HSBC` for
/// the values of an alert.
fn named(
    action: &SwitchAction,
    latest: impl Fn(&str) -> Result<Option<StoredDocument>, StoreError>,
) -> Result<(String, Option<StoredDocument>), StoreError> {
    if action.with.is_empty() {
        return Ok((action.switch.clone(), latest(&action.switch)?));
    }
    let (values, tests) =
        (action.with.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), tests(action));
    if let Some(id) = labelled::plain_id(&action.switch, &values) {
        let found = latest(&id)?;
        let document = found.as_ref().and_then(|stored| stored.document.as_ref());
        if document.is_none_or(|document| is_made_after(document, action, &tests)) {
            return Ok((id, found));
        }
    }
    let id = labelled::hashed_id(&action.switch, &values, &tests);
    let found = latest(&id)?;
    Ok((id, found))
}

/// Whether it is what the action makes of its model, whatever the model said then: `block.a.b` may come of `block` for two
/// values, or of `block.a` for one.
fn is_made_after(document: &Value, action: &SwitchAction, tests: &[String]) -> bool {
    let model = document.get("labels").and_then(|labels| labels.get(MADE_AFTER)?.as_str());
    document.get("when").is_some_and(|when| labelled::includes(when, tests))
        && model.is_none_or(|model| model == action.switch)
}

#[cfg(test)]
mod tests {
    use lanner_core::time::HOUR_MS;

    use super::*;

    const RULE: &str = "alert of floor";
    const MINUTE_MS: i64 = 60_000;
    /// The alert began then; it is an hour later now.
    const SINCE_MS: i64 = 1_767_225_600_000;
    const NOW_MS: i64 = SINCE_MS + HOUR_MS;

    fn action() -> SwitchAction {
        SwitchAction {
            switch: "block".to_owned(),
            with: Vec::new(),
            for_ms: 30 * MINUTE_MS,
            cooldown_ms: 10 * MINUTE_MS,
            per_hour: 3,
            wants_approval: false,
            budget: None,
            labels: Vec::new(),
            rule: "floor".to_owned(),
            group: lanner_core::Labels::default(),
            since_ms: SINCE_MS,
            is_over: false,
        }
    }

    /// A version of the switch: made `ago` minutes ago by `actor`, on until `end` minutes from now.
    fn switch(ago: i64, actor: &str, status: &str, end: i64) -> StoredDocument {
        let document = json!({"id": "block", "when": "x", "status": status});
        let document = change::activate(&document, NOW_MS - HOUR_MS * 9, None).unwrap();
        let mut document = if status == "inactive" { change::deactivate(&document) } else { document };
        document["status"] = json!(status);
        document["valid"] = json!({"to": lanner_core::time::format_time(NOW_MS + end * MINUTE_MS)});
        stored(ago, actor, "", Some(document))
    }

    fn stored(ago: i64, actor: &str, message: &str, document: Option<Value>) -> StoredDocument {
        StoredDocument {
            id: "block".to_owned(),
            version: 1,
            document,
            changed_ms: NOW_MS - ago * MINUTE_MS,
            actor: actor.to_owned(),
            message: message.to_owned(),
            cause: Some(if actor == RULE { cause() } else { Cause::Person }),
        }
    }

    fn cause() -> Cause {
        Cause::Alert { rule: "floor".to_owned(), episode_ms: SINCE_MS }
    }

    #[track_caller]
    fn check(thrown: Option<&StoredDocument>, request: Option<&StoredDocument>, n_thrown: usize, says: &str) {
        check_in(false, thrown, request, n_thrown, says);
    }

    #[track_caller]
    fn check_in(
        is_shadow: bool,
        thrown: Option<&StoredDocument>,
        request: Option<&StoredDocument>,
        n_thrown: usize,
        says: &str,
    ) {
        let (thrown, request) = (thrown.cloned(), request.cloned());
        let target = Target { id: "block".to_owned(), thrown, request, model: None, n_thrown, is_shadow };
        let said = match decide(&action(), &target, NOW_MS) {
            Step::Throw => "throw".to_owned(),
            Step::Nothing(why) => format!("nothing: {why}"),
            Step::Ask(why) => format!("ask: {why}"),
        };
        assert!(said.starts_with(says), "{said}");
    }

    #[test]
    fn a_dry_run_reports_once_and_asks_nobody() {
        check_in(true, None, None, 3, "throw");
        check_in(true, Some(&switch(5, RULE, "shadow", 25)), None, 0, "nothing: it is on");
        check_in(true, Some(&switch(50, RULE, "shadow", -20)), None, 0, "nothing: it only reports");
        check_in(true, Some(&switch(5, "ann", "inactive", 25)), None, 0, "nothing: somebody turned it off");
        // Enforced, it begins as if nothing had been reported.
        check(Some(&switch(5, RULE, "shadow", 25)), None, 0, "throw");
        check(Some(&switch(50, RULE, "shadow", -20)), None, 0, "throw");
    }

    #[test]
    fn an_alert_throws_once_and_people_have_the_last_word() {
        check(None, None, 0, "throw");
        check(None, None, 3, "ask: alerts have thrown 3");
        check(Some(&switch(5, RULE, "active", 25)), None, 0, "nothing: it is on");
        check(Some(&switch(5, "ann", "active", 25)), None, 0, "nothing: it is on");
        check(Some(&switch(5, "ann", "inactive", 25)), None, 0, "nothing: somebody turned it off");
        // A person's old decision, from before the alert, does not bind it.
        check(Some(&switch(90, "ann", "inactive", 0)), None, 0, "throw");
        check(Some(&switch(5, RULE, "inactive", 25)), None, 0, "nothing: it ended just now");
        check(Some(&switch(15, RULE, "inactive", 25)), None, 0, "throw");
        // Its time was over, and the alert lasts.
        check(Some(&switch(35, RULE, "active", -5)), None, 0, "nothing: it ended just now");
        check(Some(&switch(50, RULE, "active", -20)), None, 0, "ask: it was on for this alert");
        check(Some(&switch(90, RULE, "active", -60)), None, 0, "throw");
    }

    #[test]
    fn requests_wait_and_denials_hold() {
        let ended = switch(50, RULE, "active", -20);
        let waiting = stored(9, RULE, FIRES, Some(json!({})));
        check(Some(&ended), Some(&waiting), 0, "nothing: it waits");
        check(Some(&ended), Some(&stored(9, "ann", "no", None)), 0, "nothing: somebody denied");
        check(None, Some(&stored(9, "ann", "no", None)), 0, "nothing: somebody denied");
        check(None, Some(&stored(90, "ann", "no", None)), 0, "throw");
        let for_alert = |rule: &str| Cause::Approved {
            by: "ann".to_owned(),
            cause: Box::new(Cause::Alert { rule: rule.to_owned(), episode_ms: SINCE_MS }),
        };
        let mut done = stored(9, "ann", "approved", None);
        done.cause = Some(for_alert("floor"));
        check(Some(&ended), Some(&done), 0, "ask: it was on");
        check(None, Some(&stored(9, RULE, OVER, None)), 0, "throw");
        // What a person approved for the alert is the alert's own.
        let mut approved = switch(50, "ann", "active", -20);
        approved.cause = Some(for_alert("floor"));
        check(Some(&approved), None, 0, "ask: it was on");
        approved.cause = Some(for_alert("floor of refunds"));
        check(Some(&approved), None, 0, "throw");
        // Words decide nothing: neither a name like the alert's nor its message.
        let mut off = switch(5, "ann", "inactive", 25);
        (off.actor, off.message) = (RULE.to_owned(), FIRES.to_owned());
        check(Some(&off), None, 0, "nothing: somebody turned it off");
    }

    fn with(pairs: &[(&str, &str)]) -> SwitchAction {
        let pair = |(field, value): &(&str, &str)| ((*field).to_owned(), (*value).to_owned());
        SwitchAction { with: pairs.iter().map(pair).collect(), ..action() }
    }

    /// The switches that alerts throw one after the other: no two share an id.
    #[test]
    fn two_conditions_have_two_ids() {
        let mut stored_by_id = std::collections::BTreeMap::new();
        let mut of = |model: &str, when: &str, pairs: &[(&str, &str)]| {
            let action = SwitchAction { switch: model.to_owned(), ..with(pairs) };
            let (id, found) = named(&action, |id| Ok(stored_by_id.get(id).cloned())).unwrap();
            let made = made_after(&json!({"when": when}), &action, &id);
            if let Some(found) = found {
                assert_eq!(found.document.unwrap()["when"], made["when"], "{id} is another switch");
            }
            Switch::from_json(&made).unwrap_or_else(|why| panic!("{made}: {why}"));
            stored_by_id.insert(id.clone(), stored(9, RULE, FIRES, Some(made)));
            id
        };
        // Made after two switches whose ids begin alike.
        assert_eq!(of("block", "x", &[("A", "eu"), ("B", "north")]), "block.eu.north");
        let other = of("block.eu", "y", &[("B", "north")]);
        assert!(other.starts_with("block.eu.north."), "{other}");
        assert_eq!(of("block.eu", "y", &[("B", "north")]), other, "it is the same one");
        assert_eq!(of("block.uk", "y", &[("B", "north")]), "block.uk.north");
        let third = of("block", "x", &[("A", "uk"), ("B", "north")]);
        assert!(third.starts_with("block.uk.north."), "{third}");
        let mut id = |pairs: &[(&str, &str)]| of("block", "x", pairs);
        assert_eq!(id(&[("BANK", "HSBC")]), "block.HSBC");
        assert_eq!(id(&[("BANK", "HSBC")]), "block.HSBC", "it is the same one");
        assert_eq!(id(&[("IP", "10.0.0.1")]), "block.10.0.0.1");
        assert_eq!(id(&[("BANK", "HSBC"), ("COUNTRY", "UK")]), "block.HSBC.UK");
        let long = "x".repeat(300);
        let others: [&[(&str, &str)]; 13] = [
            &[("CARD", "HSBC")],
            &[("BANK", "HSBC.UK")],
            &[("A", "a.b"), ("B", "c")],
            &[("A", "a"), ("B", "b.c")],
            &[("A", ""), ("B", "b")],
            &[("A", "b")],
            &[("A", "a b")],
            &[("A", "a_b")],
            &[("A", "a\nb")],
            &[("A", &long)],
            &[("A", &long[1..])],
            &[("odd field", "1")],
            &[("A", "\u{1}")],
        ];
        let ids: std::collections::BTreeSet<String> = others.iter().map(|pairs| id(pairs)).collect();
        assert_eq!(ids.len(), others.len(), "{ids:?}");
    }

    /// An event's field becomes a label of an alert, and the switch blocks contexts that have that field.
    #[test]
    fn what_was_counted_is_what_is_blocked() {
        for value in [
            json!("80"),
            json!(80),
            json!(-0.5),
            json!(true),
            json!("a \"b\"\\\n\t\u{1}"),
            json!("null"),
            json!("080"),
        ] {
            let text = lanner_engine::stream::label(Some(&value));
            let made = made_after(&json!({"when": "x == 1"}), &with(&[("PORT", &text)]), "block.x");
            let set = lanner_switch::SwitchSet::compile(&lanner_switch::Snapshot::new(1, vec![made.clone()]))
                .unwrap();
            let blocks = |context: Value| set.evaluate(context.as_object().unwrap(), NOW_MS).is_blocked();
            assert!(blocks(json!({"x": 1, "PORT": value})), "{made}");
            assert!(
                !blocks(json!({"x": 2, "PORT": value})) && !blocks(json!({"x": 1, "PORT": "8"})),
                "{made}"
            );
        }
    }
}
