//! What alerts decided about switches, and what people said of it since: read from the versions of switches, which have
//! who made each and what led to it, and from what people say of API sessions.
//!
//! A decision was wrong if somebody turned its switch off while it lasted, or calls the session normal that led to it. It was
//! right if somebody approved it, turned it on again, or calls the session anomalous. What is said of a session counts more
//! than what was done to a switch, so that whoever ended a block early can say that it was right.

use std::collections::BTreeMap;

use lanner_core::Cause;
use lanner_core::alert::is_builtin;
use lanner_core::time::DAY_MS;
use lanner_io::state::StoredDocument;
use lanner_switch::{Status, Switch};
use serde_json::{Map, Value};

use super::thrown::{is_after, is_off};
use crate::documents::cause;

/// The label of a switch that an alert made: the rule.
pub(super) const THROWN_BY: &str = "thrown_by";
/// The label with the values that the alert was about, as JSON: `{"client":"203.0.113.7"}`. Values are chosen by those who are
/// blocked, so nothing simpler tells them apart.
pub(super) const THROWN_FOR: &str = "thrown_for";
/// A session that led to a decision began at most so long before.
const MAX_SESSION_MS: i64 = DAY_MS;

/// What people said of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Review {
    pub(super) is_wrong: bool,
    /// `ann: our own probe`
    pub(super) by: String,
}

/// One activation by an alert.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decision {
    /// The switch.
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) rule: String,
    /// Fields of the context and their values, if the switch is about some.
    pub(super) values: Vec<(String, String)>,
    pub(super) began_ms: i64,
    /// When it ended or will.
    pub(super) end_ms: i64,
    /// Whether it blocked; else it only reported.
    pub(super) is_enforced: bool,
    /// Whether it blocks still, or will until its end.
    pub(super) blocks: bool,
    pub(super) review: Option<Review>,
}

impl Decision {
    pub(super) fn is_wrong(&self) -> bool {
        self.review.as_ref().is_some_and(|review| review.is_wrong)
    }
}

/// What somebody says of an API session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SessionLabel {
    client: String,
    started_ms: i64,
    review: Review,
}

impl SessionLabel {
    /// The label in a document of the kind `session_label`.
    pub(super) fn read(stored: &StoredDocument) -> Option<Self> {
        let document = stored.document.as_ref()?;
        let text = |name: &str| document.get(name)?.as_str();
        let is_wrong = match text("label")? {
            "normal" => true,
            "anomalous" => false,
            _ => return None,
        };
        let by = said(&stored.actor, text("why").unwrap_or_default());
        let started_ms = document.get("started_ms")?.as_i64()?;
        Some(Self { client: text("client")?.to_owned(), started_ms, review: Review { is_wrong, by } })
    }

    /// Whether a session of its client that began then can have led to the decision.
    fn lies_before(&self, decision: &Decision) -> bool {
        (0..=MAX_SESSION_MS).contains(&(decision.began_ms.saturating_sub(self.started_ms)))
    }
}

/// What the label says of which values a switch is about.
pub(super) fn thrown_for(with: &[(String, String)]) -> String {
    let fields: Map<String, Value> =
        with.iter().map(|(field, value)| (field.clone(), Value::from(&**value))).collect();
    Value::Object(fields).to_string()
}

fn values(document: &Value) -> Vec<(String, String)> {
    let text = document.pointer(&format!("/labels/{THROWN_FOR}")).and_then(Value::as_str).unwrap_or_default();
    let fields: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    fields.into_iter().filter_map(|(field, value)| Some((field, value.as_str()?.to_owned()))).collect()
}

fn said(actor: &str, message: &str) -> String {
    if message.is_empty() { actor.to_owned() } else { format!("{actor}: {message}") }
}

/// The decisions in `versions` of switches, which are the oldest first, about `model` and switches made after it; all, without one. In
/// order of their beginning. Cost: linear in both, and in the labels of one client for each decision about it.
pub(super) fn decisions(
    model: Option<&str>,
    versions: &[StoredDocument],
    labels: &[SessionLabel],
) -> Vec<Decision> {
    let mut by_switch: BTreeMap<&str, Vec<Decision>> = BTreeMap::new();
    let is_meant = |id: &str| model.is_none_or(|model| is_after(model, id));
    for stored in versions.iter().filter(|stored| is_meant(&stored.id)) {
        let of_one = by_switch.entry(&stored.id).or_default();
        let decision = next(stored, of_one.last_mut());
        of_one.extend(decision);
    }
    let mut all: Vec<Decision> = by_switch.into_values().flatten().collect();
    review(&mut all, labels);
    all.sort_by(|a, b| (a.began_ms, &a.id).cmp(&(b.began_ms, &b.id)));
    all
}

/// Takes over what people said of the sessions that led to decisions; of several labels the last one counts.
fn review(decisions: &mut [Decision], labels: &[SessionLabel]) {
    let mut by_client: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, label) in labels.iter().enumerate() {
        by_client.entry(&label.client).or_default().push(at);
    }
    for decision in decisions {
        let of_values = decision.values.iter().filter_map(|(_, value)| by_client.get(&**value)).flatten();
        let said = of_values.copied().filter(|at| labels[*at].lies_before(decision)).max();
        if let Some(at) = said {
            decision.review = Some(labels[at].review.clone());
        }
    }
}

/// What a version makes of the decision before, and the one that it is itself.
fn next(stored: &StoredDocument, before: Option<&mut Decision>) -> Option<Decision> {
    let cause = cause::of(stored);
    let before = before.filter(|before| stored.changed_ms < before.end_ms);
    let on = stored.document.as_ref().filter(|document| !is_off(document));
    let is_person = matches!(cause, Cause::Person | Cause::Configuration);
    let Some(document) = on else {
        let before = before?;
        (before.end_ms, before.blocks) = (stored.changed_ms, false);
        if is_person {
            before.review = Some(Review { is_wrong: true, by: said(&stored.actor, &stored.message) });
        }
        return None;
    };
    let switch = Switch::from_json(document).ok()?;
    let blocks = switch.status == Status::Active;
    match cause.rule() {
        Some(rule) if !is_builtin(rule) => {
            let is_approved = matches!(cause, Cause::Approved { .. });
            let review = || Review { is_wrong: false, by: said(&stored.actor, &stored.message) };
            Some(Decision {
                id: stored.id.clone(),
                version: stored.version,
                rule: rule.to_owned(),
                values: values(document),
                began_ms: stored.changed_ms,
                end_ms: switch.valid.end_ms,
                is_enforced: blocks,
                blocks,
                review: is_approved.then(review),
            })
        }
        // It was turned to report only, by the server itself.
        Some(_) => {
            before?.blocks = blocks;
            None
        }
        None => {
            let before = before?;
            (before.blocks, before.end_ms) = (blocks, switch.valid.end_ms);
            if blocks {
                before.review = Some(Review { is_wrong: false, by: said(&stored.actor, &stored.message) });
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use lanner_core::time::{HOUR_MS, MINUTE_MS, format_time};
    use serde_json::json;

    use super::*;

    const NOON_MS: i64 = 1_767_268_800_000;

    /// A version of `block.a`, `minute` minutes after noon, which ends an hour after noon.
    fn version(n: u32, minute: i64, status: &str, actor: &str, cause: Cause) -> StoredDocument {
        let document = json!({
            "id": "block.a", "when": "client == \"a\"", "status": status, "labels": { "thrown_for": "{\"client\":\"a\"}" },
            "valid": { "to": format_time(NOON_MS + HOUR_MS) },
        });
        StoredDocument {
            id: "block.a".to_owned(),
            version: n,
            document: (status != "deleted").then_some(document),
            changed_ms: NOON_MS + minute * MINUTE_MS,
            actor: actor.to_owned(),
            message: String::new(),
            cause: Some(cause),
        }
    }

    fn alert(rule: &str) -> Cause {
        Cause::Alert { rule: rule.to_owned(), episode_ms: NOON_MS }
    }

    /// The decisions: minute of the end, whether it was enforced, whether it blocks, and the review.
    #[track_caller]
    fn check(versions: &[StoredDocument], labels: &[SessionLabel], expected: &[(i64, bool, bool, &str)]) {
        let found: Vec<_> = decisions(Some("block"), versions, labels)
            .into_iter()
            .map(|it| {
                let review =
                    it.review.map(|it| format!("{} {}", if it.is_wrong { "wrong" } else { "right" }, it.by));
                ((it.end_ms - NOON_MS) / MINUTE_MS, it.is_enforced, it.blocks, review.unwrap_or_default())
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(end, enforced, blocks, by)| (*end, *enforced, *blocks, (*by).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn values_are_told_apart_whatever_they_are() {
        let with = [("agent", "x and client=8.8.8.8\",\"client\":\"8.8.8.8"), ("client", "203.0.113.7")];
        let with = with.map(|(field, value)| (field.to_owned(), value.to_owned()));
        let document = json!({ "labels": { THROWN_FOR: thrown_for(&with) } });
        assert_eq!(values(&document), with);
    }

    #[test]
    fn people_say_what_was_wrong() {
        let fires = |n, minute, status| version(n, minute, status, "alert of r", alert("r"));
        let by_ann = |n, minute, status| version(n, minute, status, "ann", Cause::Person);
        check(&[fires(1, 0, "active")], &[], &[(60, true, true, "")]);
        check(&[fires(1, 0, "shadow")], &[], &[(60, false, false, "")]);
        // The alert is over.
        check(&[fires(1, 0, "active"), fires(2, 9, "inactive")], &[], &[(9, true, false, "")]);
        // A person turned it off, deleted it, or turned it on again.
        check(&[fires(1, 0, "active"), by_ann(2, 9, "inactive")], &[], &[(9, true, false, "wrong ann")]);
        check(&[fires(1, 0, "shadow"), by_ann(2, 9, "deleted")], &[], &[(9, false, false, "wrong ann")]);
        check(&[fires(1, 0, "shadow"), by_ann(2, 9, "active")], &[], &[(60, false, true, "right ann")]);
        // When it had ended, nobody minds it.
        check(&[fires(1, 0, "active"), by_ann(2, 61, "inactive")], &[], &[(60, true, true, "")]);
        // The server itself turned it to report only.
        let steps_back = version(2, 9, "shadow", "lanner", alert("lanner:dry-run"));
        check(&[fires(1, 0, "active"), steps_back], &[], &[(60, true, false, "")]);
        let approved = Cause::Approved { by: "ann".to_owned(), cause: Box::new(alert("r")) };
        check(&[version(1, 0, "active", "ann", approved)], &[], &[(60, true, true, "right ann")]);
        // Switches of other names, and what people made themselves, are no decisions.
        assert!(decisions(Some("bloc"), &[fires(1, 0, "active")], &[]).is_empty());
        check(&[by_ann(1, 0, "active")], &[], &[]);
    }

    #[test]
    fn what_is_said_of_sessions_counts() {
        let fires = version(1, 0, "active", "alert of r", alert("r"));
        let off = version(2, 9, "inactive", "ann", Cause::Person);
        let label = |client: &str, minute: i64, label: &str| {
            let document = json!({ "client": client, "started_ms": NOON_MS + minute * MINUTE_MS, "label": label, "why": "x" });
            let stored =
                StoredDocument { document: Some(document), ..version(1, 0, "active", "bob", Cause::Person) };
            SessionLabel::read(&stored).unwrap()
        };
        check(std::slice::from_ref(&fires), &[label("a", -3, "normal")], &[(60, true, true, "wrong bob: x")]);
        check(std::slice::from_ref(&fires), &[label("a", 3, "normal")], &[(60, true, true, "")]);
        check(std::slice::from_ref(&fires), &[label("a", -25 * 60, "normal")], &[(60, true, true, "")]);
        check(std::slice::from_ref(&fires), &[label("b", -3, "normal")], &[(60, true, true, "")]);
        check(&[fires, off], &[label("a", -3, "anomalous")], &[(9, true, false, "right bob: x")]);
    }
}
