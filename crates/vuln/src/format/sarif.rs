//! SARIF 2.1.0: results of analysers of code, of many tools. A run's results wait for its rules where these come later.

use std::collections::HashMap;

use serde_json::Value;

use crate::error::ReadError;
use crate::finding::{self, Finding, Host, HostKind};
use crate::format::kind::{Format, json_with};
use crate::input::Text;
use crate::json;
use crate::scan::Checks;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;

pub(crate) const FORMAT: Format = Format {
    name: "sarif",
    title: "SARIF 2.1.0",
    example: r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"CodeQL","rules":[{"id":"js/xss","shortDescription":{"text":"XSS"},
"properties":{"security-severity":"7.8"}}]}},"results":[{"ruleId":"js/xss","message":{"text":"found"},
"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/a.js"},"region":{"startLine":7}}}]}]}]}"#,
    detect: |head| json_with(head, &["runs"]) && (head.contains("sarif") || head.contains("\"tool\"")),
    read,
};

const WANTED: &[json::Place] = &[
    &["runs", "*", "tool"],
    &["runs", "*", "versionControlProvenance"],
    &["runs", "*", "automationDetails"],
    &["runs", "*", "invocations"],
    &["runs", "*", "results", "*"],
];

#[derive(Default)]
struct Run {
    tool: String,
    host: Host,
    rules: HashMap<String, Rule>,
    ids: Vec<String>,
    waiting: Vec<Value>,
    at_ms: Option<i64>,
}

#[derive(Default, Clone)]
struct Rule {
    title: String,
    description: String,
    help: String,
    level: String,
    score: Option<f64>,
    tags: Vec<String>,
}

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.checks = Checks::All;
    let mut run = Run::default();
    json::walk(text, WANTED, sink, &mut |sink, place, value| match place {
        0 => open_run(&mut run, &value, sink),
        1 => {
            let repository = json::items(&value, &[])
                .next()
                .map_or_else(String::new, |one| json::text(one, &["repositoryUri"]));
            run.host.target = if repository.is_empty() { run.host.target.clone() } else { repository };
            Ok(())
        }
        2 => {
            sink.scanning.scan.policy = json::text(&value, &["id"]);
            Ok(())
        }
        3 => {
            run.at_ms =
                json::items(&value, &[]).filter_map(|one| time_ms(&json::text(one, &["endTimeUtc"]))).max();
            Ok(())
        }
        _ if run.tool.is_empty() => {
            run.waiting.push(value);
            Ok(())
        }
        _ => finding(&value, &run).map_or(Ok(()), |finding| sink.take(finding)),
    })?;
    sink.scanned(&run.host, None);
    sink.scanning.time(run.at_ms);
    sink.complete = true;
    Ok(())
}

fn open_run(run: &mut Run, tool: &Value, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let waiting = std::mem::take(&mut run.waiting);
    let name = json::text(tool, &["driver", "name"]);
    *run = Run {
        tool: if name.is_empty() { "sarif".to_owned() } else { name.to_ascii_lowercase() },
        ..Run::default()
    };
    run.host = Host { target: "code".to_owned(), kind: HostKind::Code, ..Host::default() };
    if sink.scanning.scan.scanner.is_empty() {
        sink.scanning.scan.scanner.clone_from(&run.tool);
    }
    let extensions =
        json::items(tool, &["extensions"]).flat_map(|extension| json::items(extension, &["rules"]));
    for entry in json::items(tool, &["driver", "rules"]).chain(extensions) {
        let id = json::text(entry, &["id"]);
        run.ids.push(id.clone());
        run.rules.insert(id, rule(entry));
    }
    waiting.iter().filter_map(|value| finding(value, run)).try_for_each(|finding| sink.take(finding))
}

fn rule(entry: &Value) -> Rule {
    let text = |path: &[&str]| json::text(entry, path);
    let title = [text(&["shortDescription", "text"]), text(&["name"]), text(&["id"])];
    Rule {
        title: title.into_iter().find(|text| !text.is_empty()).unwrap_or_default(),
        description: text(&["fullDescription", "text"]),
        help: text(&["help", "text"]),
        level: text(&["defaultConfiguration", "level"]),
        score: text(&["properties", "security-severity"]).parse().ok(),
        tags: json::texts(entry, &["properties", "tags"]),
    }
}

/// A result, unless it is suppressed or says that all is well.
fn finding(result: &Value, run: &Run) -> Option<Finding> {
    let text = |path: &[&str]| json::text(result, path);
    if matches!(text(&["kind"]).as_str(), "pass" | "notApplicable")
        || json::items(result, &["suppressions"]).next().is_some()
    {
        return None;
    }
    let index = result.get("ruleIndex").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
    let id = [text(&["ruleId"]), text(&["rule", "id"])].into_iter().find(|id| !id.is_empty());
    let id = id.or_else(|| run.ids.get(index?).cloned()).unwrap_or_default();
    let rule = run.rules.get(&id).cloned().unwrap_or_default();
    let location = json::items(result, &["locations"]).next();
    let place = |path: &[&str]| location.map_or_else(String::new, |location| json::text(location, path));
    let mut finding = Finding {
        scanner: run.tool.clone(),
        // A fingerprint tells results of one rule in one file apart and stays when lines move.
        item: text(&["partialFingerprints", "primaryLocationLineHash"]),
        title: if rule.title.is_empty() { id.clone() } else { rule.title.clone() },
        check: id,
        host: run.host.clone(),
        path: place(&["physicalLocation", "artifactLocation", "uri"]),
        description: rule.description.clone(),
        solution: rule.help.clone(),
        evidence: finding::evidence(&text(&["message", "text"])),
        rated: rated(&text(&["level"]), &rule, &run.tool),
        family: rule.tags.join(","),
        at_ms: run.at_ms,
        ..Finding::default()
    };
    let line = place(&["physicalLocation", "region", "startLine"]);
    if !line.is_empty() {
        finding.evidence = format!("line {line}: {}", finding.evidence);
    }
    for tag in &rule.tags {
        finding
            .weaknesses
            .extend(tag.to_ascii_lowercase().split_once("cwe-").and_then(|(_, id)| finding::weakness(id)));
    }
    if finding.check.starts_with("CVE-") || finding.check.starts_with("GHSA-") {
        finding::add_ids(&mut finding.ids, &finding.check);
    }
    Some(finding)
}

/// The number that GitHub defined for rules, otherwise the level.
fn rated(level: &str, rule: &Rule, tool: &str) -> Rated {
    if let Some(severity) = rule.score.and_then(Severity::from_score) {
        return Rated::new(severity, format!("{tool} security-severity"));
    }
    let level =
        [level, &rule.level, "warning"].into_iter().find(|level| !level.is_empty()).unwrap_or_default();
    Severity::from_word(level)
        .map_or_else(Rated::default, |severity| Rated::new(severity, format!("{tool} level")))
}
