//! Scenarios of RADAR (IDPS-ESCAPE): its `ar.yaml`, which says how much risk an alert of Wazuh is, and what is done from which risk on.
//!
//! The risk of an alert is `w_ad A + w_sig L I + w_cti T`: A is how anomalous it is (grade times confidence), L and I how likely and how
//! bad its rule is, T whether what it is about is on a list. Each of three tiers of risk becomes a rule on a stream of alerts: the first notifies, the
//! second also activates switches in shadow, the third switches that block. Source: "RADAR lightweight risk engine" of its manual, 2.0.

use std::fmt::Write as _;

use lanner_core::document::{Content, Node};
use serde_json::{Value, json};

use super::fields::{Field, Use};
use super::moved::{Moving, Names, Program, Reason};
use super::tree::{entries, get, items, text, texts, truth};

pub(super) const PROGRAM: Program =
    Program { name: "radar", about: "the scenarios of RADAR, ar.yaml", noun: "scenarios", source: "", take };

/// The stream of Wazuh's alerts, unless another is named.
const STREAM: &str = "wazuh";

/// Whether what an alert is about is on a list, as enrichment writes it.
const LISTED: &str = "threat.indicator exists";

/// Risks closer than this are the same.
const SAME: f64 = 1e-9;

const SCENARIO: &[Field] = &[
    ("active", Use::Read),
    ("ad", Use::In(&[("rule_ids", Use::Read)])),
    ("signature", Use::In(&[("rule_ids", Use::Read), ("rule_groups", Use::Read)])),
    ("w_ad", Use::Read),
    ("w_sig", Use::Read),
    ("w_cti", Use::Read),
    ("signature_likelihood", Use::Read),
    ("signature_impact", Use::Read),
    ("delta_ad_minutes", Use::Read),
    ("delta_signature_minutes", Use::Read),
    ("tiers", Use::In(&[("tier1_min", Use::Read), ("tier1_max", Use::Read), ("tier2_max", Use::Read)])),
    ("mitigations_tier2", Use::Read),
    ("mitigations_tier3", Use::Read),
    ("allow_mitigation", Use::Read),
    (
        "allowlist_file",
        Use::Not("write its addresses into `where`, for example `data.srcip not in (10.0.0.0/8)`"),
    ),
];

/// A mitigation, the field of alerts with what it is done to, and the field by which programs ask the switch.
const MITIGATIONS: [(&str, &str, &str); 3] = [
    ("firewall-drop", "data.srcip", "client_ip"),
    ("lock_user_linux.sh", "data.dstuser", "user"),
    ("terminate_service.sh", "data.service", "service"),
];

/// The tiers, with the words for their severity.
const TIERS: [(usize, &str); 3] = [(1, "low"), (2, "medium"), (3, "high")];

fn take(file: &Node, names: &Names, moving: &mut Moving) {
    let mut switches = Vec::new();
    for (key, scenario) in get(file, "scenarios").map(entries).unwrap_or_default() {
        let name = key.name.as_str();
        moving.unread(scenario, &[SCENARIO], name);
        let made = rules(name, scenario, names, moving, &mut switches);
        moving.n_found += 1;
        match made {
            Ok(rules) => {
                moving.n_taken += 1;
                rules.into_iter().for_each(|rule| moving.push("rules", rule));
            }
            Err((at, text)) => moving.leave(at, name, text),
        }
    }
    switches.iter().for_each(|switch| put(switch, moving));
}

/// A switch that a tier activates.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Throw {
    mitigation: &'static (&'static str, &'static str, &'static str),
    is_shadow: bool,
}

impl Throw {
    fn id(&self) -> String {
        let name = self.mitigation.0.trim_end_matches(".sh").replace('_', "-");
        format!("radar-{name}{}", if self.is_shadow { "-shadow" } else { "" })
    }
}

/// The switch, and the receiver through which alerts activate one made after it.
fn put(throw: &Throw, moving: &mut Moving) {
    let ((mitigation, label, field), id) = (*throw.mitigation, throw.id());
    let reason = format!("risk, in place of {mitigation}");
    let mut switch = json!({
        "id": id, "when": format!("{field} exists"), "status": "inactive", "owner": "radar", "reason": reason,
    });
    if throw.is_shadow {
        switch["status"] = "shadow".into();
        // Over since long: by itself it reports nothing. What alerts make after it has an end of its own.
        switch["valid"] = json!({ "to": "2000-01-01T00:00:00Z" });
    }
    moving.push("switches", switch);
    moving.push(
        "receivers",
        json!({
            "name": id, "kind": "switch", "switch": id, "with": { field: label }, "for": "30m", "group_wait": "0s",
            // So soon is it undone when the alert is over.
            "group_interval": "10s",
        }),
    );
}

fn rules(
    name: &str,
    scenario: &Node,
    names: &Names,
    moving: &mut Moving,
    switches: &mut Vec<Throw>,
) -> Result<Vec<Value>, Reason> {
    let risk = Risk::read(scenario)?;
    if risk.parts.is_empty() && risk.ad.is_empty() {
        return Err((scenario.at, "it names no rules of Wazuh".to_owned()));
    }
    let is_allowed = truth(scenario, "allow_mitigation") == Some(true);
    let mut bounds = vec![
        number(get(scenario, "tiers"), "tier1_min", 0.0)?,
        number(get(scenario, "tiers"), "tier1_max", 0.33)?,
        number(get(scenario, "tiers"), "tier2_max", 0.66)?,
    ];
    bounds.push(f64::INFINITY);
    let minutes =
        ["delta_ad_minutes", "delta_signature_minutes"].map(|field| number(Some(scenario), field, 1.0));
    let window = minutes.into_iter().collect::<Result<Vec<f64>, _>>()?.into_iter().fold(1.0, f64::max);
    let mut made = Vec::new();
    for (tier, severity) in TIERS {
        let (low, high) = (bounds[tier - 1], bounds[tier]);
        let Some(condition) = risk.between(low, high) else {
            moving.note(scenario.at, name, format!("no alert can be as risky as tier {tier}, from {low} on"));
            continue;
        };
        let throws = throws(scenario, tier, is_allowed, name, moving);
        let mut by: Vec<&str> = throws.iter().map(|throw| throw.mitigation.1).collect();
        by.dedup();
        let by = if by.is_empty() { vec!["agent.name"] } else { by };
        let mut receivers = names.receivers.clone();
        receivers.extend(throws.iter().map(Throw::id));
        let stream = names.stream.as_deref().unwrap_or(STREAM);
        let to = if high.is_finite() { format!("{low} to {high}") } else { format!("{low} or more") };
        let mut rule = json!({
            "id": moving.id(&format!("radar-{name}-tier-{tier}")),
            "description": format!("Alerts of Wazuh with a risk of {to}, as RADAR's scenario {name} has it"),
            "query": { "stream": stream, "measure": "count", "where": condition, "by": by },
            "window": format!("{window}m"), "every": "1m", "absolute": { "max": 0 },
            "labels": { "severity": severity, "scenario": name },
            "receivers": receivers,
        });
        if truth(scenario, "active") == Some(false) {
            rule["status"] = "inactive".into();
        }
        made.push(rule);
        let is_new = |throw: &Throw| !switches.contains(throw);
        let new: Vec<Throw> = throws.into_iter().filter(is_new).collect();
        switches.extend(new);
    }
    if !risk.ad.is_empty() {
        let text = "anomaly_grade and anomaly_confidence have to be numbers in the events; their product is compared in steps, never \
                    above what it is";
        moving.note(scenario.at, name, text);
    }
    Ok(made)
}

/// What a tier does beside notifying.
fn throws(scenario: &Node, tier: usize, is_allowed: bool, name: &str, moving: &mut Moving) -> Vec<Throw> {
    if tier == 1 {
        return Vec::new();
    }
    let field = format!("mitigations_tier{tier}");
    let mut found = Vec::new();
    for node in items(get(scenario, &field)) {
        let written = node.scalar_text().unwrap_or_default();
        match MITIGATIONS.iter().find(|(known, ..)| *known == written) {
            Some(mitigation) => found.push(Throw { mitigation, is_shadow: tier == 2 || !is_allowed }),
            None => moving.note(
                node.at,
                name,
                format!("{field}: {written} has no counterpart; write a switch for it"),
            ),
        }
    }
    if tier == 2 && is_allowed && !found.is_empty() {
        let text = "mitigations_tier2: in shadow, which says what would be blocked; give the rule the receiver without -shadow to block";
        moving.note(get(scenario, &field).and_then(|node| node.at), name, text);
    }
    found
}

/// How risky alerts are.
struct Risk {
    /// Alerts of rules, and their part of the risk.
    parts: Vec<(String, f64)>,
    /// Rules that tell anomalies.
    ad: Vec<String>,
    ad_weight: f64,
    /// What a hit on a list adds.
    listed: f64,
}

impl Risk {
    fn read(scenario: &Node) -> Result<Self, Reason> {
        let weight = |field: &str, default: f64| number(Some(scenario), field, default);
        let factor = weight("w_sig", 0.4)? * weight("signature_impact", 0.0)?;
        let signature = get(scenario, "signature");
        let ids = signature.map(|node| texts(node, "rule_ids")).unwrap_or_default();
        let groups = signature.map(|node| texts(node, "rule_groups")).unwrap_or_default();
        let mut parts = Vec::new();
        match get(scenario, "signature_likelihood") {
            Some(Node { content: Content::List(all), .. }) => {
                for one in all {
                    let likelihood = number(Some(one), "weight", 0.0)?;
                    parts.extend(
                        condition(&texts(one, "rule_id"), &texts(one, "rule_group"))
                            .map(|rules| (rules, likelihood * factor)),
                    );
                }
            }
            _ => {
                let likelihood = weight("signature_likelihood", 0.0)?;
                parts.extend(condition(&ids, &groups).map(|rules| (rules, likelihood * factor)));
            }
        }
        let ad = get(scenario, "ad").map(|node| texts(node, "rule_ids")).unwrap_or_default();
        Ok(Self { parts, ad, ad_weight: weight("w_ad", 0.4)?, listed: weight("w_cti", 0.2)? })
    }

    /// Alerts with at least one and less than another risk; `None` where there can be none.
    fn between(&self, low: f64, high: f64) -> Option<String> {
        let at_least = self.at_least(low)?;
        Some(match self.at_least(high) {
            Some(more) => format!("({at_least}) and not ({more})"),
            None => at_least,
        })
    }

    fn at_least(&self, risk: f64) -> Option<String> {
        let mut found: Vec<String> = Vec::new();
        for (rules, part) in &self.parts {
            if *part + SAME >= risk {
                found.push(rules.clone());
            } else if part + self.listed + SAME >= risk {
                found.push(format!("({rules} and {LISTED})"));
            }
        }
        if let Some(rules) = condition(&self.ad, &[]) {
            let alone = self.anomalous(risk);
            let listed = self.anomalous(risk - self.listed).filter(|listed| Some(listed) != alone.as_ref());
            found.extend(alone.map(|enough| format!("({rules} and {enough})")));
            found.extend(listed.map(|enough| format!("({rules} and {LISTED} and {enough})")));
        }
        (!found.is_empty()).then(|| found.join(" or "))
    }

    /// Grade times confidence is enough for a risk: in steps of confidence, as conditions cannot multiply.
    fn anomalous(&self, risk: f64) -> Option<String> {
        const STEPS: usize = 20;
        if risk <= SAME {
            return Some("data.anomaly_grade exists".to_owned());
        }
        let wanted = risk / self.ad_weight;
        let steps = (1..=STEPS).rev().map(|step| step as f64 / STEPS as f64);
        let mut text = String::new();
        for confidence in steps.filter(|confidence| wanted <= confidence + SAME) {
            // Rounded up: rather too little risk than too much.
            let grade = ((wanted / confidence * 1e4 - 1e-6).ceil() / 1e4).min(1.0);
            let or = if text.is_empty() { "" } else { " or " };
            let _ = write!(
                text,
                "{or}(data.anomaly_confidence >= {confidence} and data.anomaly_grade >= {grade})"
            );
        }
        (!text.is_empty()).then(|| format!("({text})"))
    }
}

/// Alerts of these rules, or of rules of these groups.
fn condition(ids: &[String], groups: &[String]) -> Option<String> {
    let list = |all: &[String]| {
        all.iter().map(|one| Value::from(one.as_str()).to_string()).collect::<Vec<_>>().join(", ")
    };
    match (ids.is_empty(), groups.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("rule.id in ({})", list(ids))),
        (true, false) => Some(format!("rule.groups intersects ({})", list(groups))),
        (false, false) => {
            Some(format!("(rule.id in ({}) or rule.groups intersects ({}))", list(ids), list(groups)))
        }
    }
}

fn number(node: Option<&Node>, field: &str, default: f64) -> Result<f64, Reason> {
    let Some(found) = node.and_then(|node| get(node, field)) else { return Ok(default) };
    let value = found.number().filter(|value| value.is_finite() && (0.0..=10_000.0).contains(value));
    value.ok_or_else(|| {
        let written = node.and_then(|node| text(node, field)).unwrap_or_default();
        (found.at, format!("{field} should be a number of at least 0, found \"{written}\""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the formula of RADAR's manual comes to, beside what the conditions select.
    #[test]
    fn conditions_are_the_formula() {
        let risk = Risk {
            parts: vec![("rule.id in (\"1\")".to_owned(), 0.2), ("rule.id in (\"2\")".to_owned(), 0.5)],
            ad: vec!["9".to_owned()],
            ad_weight: 0.5,
            listed: 0.25,
        };
        let tiers = [(0.1, 0.33), (0.33, 0.66), (0.66, f64::INFINITY)];
        let conditions: Vec<lanner_conditions::Condition> = tiers
            .iter()
            .map(|(low, high)| {
                let text = risk.between(*low, *high).unwrap();
                lanner_conditions::Condition::compile(&text).unwrap()
            })
            .collect();
        let tier_of = |event: &Value| -> Option<usize> {
            let found: Vec<usize> = (0..3)
                .filter(|at| {
                    conditions[*at].matches(event.as_object().unwrap(), lanner_conditions::Missing::False)
                })
                .collect();
            assert!(found.len() <= 1, "{event} is in {found:?}");
            found.first().copied()
        };
        let expected = |risk: f64| tiers.iter().position(|(low, high)| risk >= *low && risk < *high);
        for (id, part) in [("1", 0.2), ("2", 0.5), ("3", 0.0)] {
            for is_listed in [false, true] {
                let mut event = json!({ "rule": { "id": id } });
                if is_listed {
                    event["threat"] = json!({ "indicator": { "ip": "203.0.113.5" } });
                }
                let risk = if id == "3" { 0.0 } else { part + f64::from(u8::from(is_listed)) * 0.25 };
                assert_eq!(tier_of(&event), expected(risk + 1e-9), "{event}");
            }
        }
        let (mut n_same, mut n) = (0, 0);
        for grade in (0..=50).map(|grade| f64::from(grade) / 50.0) {
            for confidence in (0..=50).map(|confidence| f64::from(confidence) / 50.0) {
                for is_listed in [false, true] {
                    let mut event = json!({ "rule": { "id": "9" }, "data": { "anomaly_grade": grade, "anomaly_confidence": confidence } });
                    if is_listed {
                        event["threat"] = json!({ "indicator": {} });
                    }
                    let risk = 0.5 * grade * confidence + f64::from(u8::from(is_listed)) * 0.25;
                    let (found, wanted) = (tier_of(&event), expected(risk + 1e-9));
                    // Never a tier above.
                    assert!(
                        found.map_or(-1, |tier| tier as i64) <= wanted.map_or(-1, |tier| tier as i64),
                        "{event}: {found:?} {wanted:?}"
                    );
                    (n, n_same) = (n + 1, n_same + u32::from(found == wanted));
                }
            }
        }
        assert!(f64::from(n_same) > 0.93 * f64::from(n), "{n_same} of {n}");
    }
}
