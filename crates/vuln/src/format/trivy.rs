//! Trivy JSON: of images, file systems and repositories, and of a cluster's resources.

use serde_json::Value;

use crate::error::ReadError;
use crate::finding::{self, Component, Finding, Host, HostKind};
use crate::format::kind::{Format, json_with};
use crate::input::Text;
use crate::json;
use crate::scan::Checks;
use crate::score::Score;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;

pub(crate) const FORMAT: Format = Format {
    name: "trivy",
    title: "Trivy JSON",
    example: r#"{"SchemaVersion":2,"ArtifactName":"shop:1.2","ArtifactType":"container_image","Results":[{"Target":"shop:1.2 (debian 12.4)",
"Class":"os-pkgs","Vulnerabilities":[{"VulnerabilityID":"CVE-2024-0001","PkgName":"openssl","InstalledVersion":"3.0.11",
"FixedVersion":"3.0.13","Severity":"HIGH","SeveritySource":"debian"}]}]}"#,
    detect: |head| {
        json_with(head, &["SchemaVersion", "ArtifactName"])
            || json_with(head, &["ClusterName", "Resources"])
            || json_with(head, &["Results", "Target", "Class"])
    },
    read,
};

const WANTED: &[json::Place] = &[
    &["ArtifactName"],
    &["ArtifactType"],
    &["CreatedAt"],
    &["Results", "*", "Target"],
    &["Results", "*", "Class"],
    &["Results", "*", "Vulnerabilities", "*"],
    &["Results", "*", "Misconfigurations", "*"],
    &["Results", "*", "Secrets", "*"],
    &["Resources", "*"],
];

#[derive(Default)]
struct Of {
    host: Host,
    at_ms: Option<i64>,
    target: String,
    class: String,
}

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "trivy".to_owned();
    sink.scanning.scan.checks = Checks::All;
    let mut of = Of::default();
    json::walk(text, WANTED, sink, &mut |sink, place, value| {
        let text = value.as_str().unwrap_or_default().to_owned();
        match place {
            0 => of.host = Host { target: text, kind: of.host.kind, ..Host::default() },
            1 => of.host.kind = kind(&text),
            2 => of.at_ms = time_ms(&text),
            3 => (of.target, of.class) = (text, String::new()),
            4 => of.class = text,
            5 => sink.take(vulnerability(&value, &of))?,
            6 => misconfiguration(&value, &of).map_or(Ok(()), |finding| sink.take(finding))?,
            7 => sink.take(secret(&value, &of))?,
            _ => resource(&value, of.at_ms, sink)?,
        }
        Ok(())
    })?;
    sink.scanning.time(of.at_ms);
    sink.scanned(&of.host, None);
    sink.complete = true;
    Ok(())
}

fn kind(artifact: &str) -> HostKind {
    match artifact {
        "container_image" => HostKind::Container,
        "vm" => HostKind::Machine,
        _ => HostKind::Code,
    }
}

/// A workload of a cluster, with results of its own.
fn resource(resource: &Value, at_ms: Option<i64>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let name = ["Namespace", "Kind", "Name"].map(|part| json::text(resource, &[part])).join("/");
    let host = Host { target: name, kind: HostKind::Container, ..Host::default() };
    for result in json::items(resource, &["Results"]) {
        let (target, class) = (json::text(result, &["Target"]), json::text(result, &["Class"]));
        let of = Of { host: host.clone(), at_ms, target, class };
        for entry in json::items(result, &["Vulnerabilities"]) {
            sink.take(vulnerability(entry, &of))?;
        }
        for entry in json::items(result, &["Misconfigurations"]) {
            misconfiguration(entry, &of).map_or(Ok(()), |finding| sink.take(finding))?;
        }
        for entry in json::items(result, &["Secrets"]) {
            sink.take(secret(entry, &of))?;
        }
    }
    sink.scanned(&host, None);
    Ok(())
}

fn common(entry: &Value, of: &Of, check: String) -> Finding {
    let severity = Severity::from_word(&json::text(entry, &["Severity"]));
    let source = Some(json::text(entry, &["SeveritySource"])).filter(|source| !source.is_empty());
    Finding {
        scanner: "trivy".to_owned(),
        check,
        title: json::text(entry, &["Title"]),
        host: of.host.clone(),
        rated: severity.map_or_else(Rated::default, |severity| {
            Rated::new(severity, source.unwrap_or_else(|| "trivy".to_owned()))
        }),
        family: of.class.clone(),
        description: json::text(entry, &["Description"]),
        at_ms: of.at_ms,
        ..Finding::default()
    }
}

fn vulnerability(entry: &Value, of: &Of) -> Finding {
    let text = |name: &str| json::text(entry, &[name]);
    let id = text("VulnerabilityID");
    let mut finding = common(entry, of, id.clone());
    finding::add_ids(&mut finding.ids, &id);
    // The target of packages of the operating system names its patch level, and is no place.
    let place = text("PkgPath");
    finding.path = match of.class.as_str() {
        "os-pkgs" => String::new(),
        _ if place.is_empty() => of.target.clone(),
        _ => place,
    };
    finding.component = Some(Component {
        name: text("PkgName"),
        version: text("InstalledVersion"),
        fixed: text("FixedVersion"),
        purl: json::text(entry, &["PkgIdentifier", "PURL"]),
    });
    if finding.title.is_empty() {
        finding.title = format!("{id} in {}", text("PkgName"));
    }
    if !text("FixedVersion").is_empty() {
        finding.solution = format!("Update {} to {}", text("PkgName"), text("FixedVersion"));
    }
    finding.weaknesses =
        json::texts(entry, &["CweIDs"]).iter().filter_map(|cwe| finding::weakness(cwe)).collect();
    finding.references = json::texts(entry, &["References"]);
    finding.scores = scores(entry);
    finding
}

/// `"CVSS": {"nvd": {"V3Vector": .., "V3Score": 9.8}, "redhat": {..}}`.
fn scores(entry: &Value) -> Vec<Score> {
    let sources = json::at(entry, &["CVSS"]).and_then(Value::as_object);
    let rated = sources.into_iter().flatten().flat_map(|(source, rating)| {
        [("2.0", "V2"), ("3", "V3"), ("4.0", "V40")].into_iter().filter_map(move |(version, prefix)| {
            let number = json::text(rating, &[format!("{prefix}Score").as_str()]);
            let vector = json::text(rating, &[format!("{prefix}Vector").as_str()]);
            Score::read(version, &number, &vector, source)
        })
    });
    rated.collect()
}

fn misconfiguration(entry: &Value, of: &Of) -> Option<Finding> {
    if json::text(entry, &["Status"]) == "PASS" {
        return None;
    }
    let mut finding = common(entry, of, json::text(entry, &["ID"]));
    finding.item = json::text(entry, &["CauseMetadata", "Resource"]);
    finding.path.clone_from(&of.target);
    finding.evidence = finding::evidence(&json::text(entry, &["Message"]));
    finding.solution = json::text(entry, &["Resolution"]);
    finding.references = json::texts(entry, &["References"]);
    Some(finding)
}

fn secret(entry: &Value, of: &Of) -> Finding {
    let mut finding = common(entry, of, json::text(entry, &["RuleID"]));
    finding.path.clone_from(&of.target);
    // The scanner masks the secret in its match; the line is a hint and no part of the key.
    finding.evidence =
        format!("line {}: {}", json::text(entry, &["StartLine"]), json::text(entry, &["Match"]));
    finding
}
