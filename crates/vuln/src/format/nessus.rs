//! Nessus, version 2 of its XML (`.nessus`), also as web application scans write it.

use crate::error::ReadError;
use crate::finding::{self, Finding, Host};
use crate::format::kind::{Format, root};
use crate::input::Text;
use crate::scan::{Checks, Ports};
use crate::score::Score;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;
use crate::xml::{Element, Step, Xml};

pub(crate) const FORMAT: Format = Format {
    name: "nessus",
    title: "Nessus XML",
    example: r#"<NessusClientData_v2><Policy><policyName>weekly</policyName></Policy><Report name="r">
<ReportHost name="192.0.2.7"><HostProperties><tag name="HOST_END">Tue Mar 11 10:22:33 2025</tag></HostProperties>
<ReportItem port="443" svc_name="www" protocol="tcp" severity="4" pluginID="1" pluginName="Old server" pluginFamily="General">
<cve>CVE-2024-0001</cve></ReportItem></ReportHost></Report></NessusClientData_v2>"#,
    detect: |head| matches!(root(head), "NessusClientData_v2" | "ReportItem" | "ReportHost"),
    read,
};

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "nessus".to_owned();
    let mut xml = Xml::new(text);
    let mut host = Scanned::default();
    let mut rooted = false;
    loop {
        match xml.step()? {
            Step::Open => match xml.tag().name() {
                "NessusClientData_v2" => rooted = true,
                "Policy" | "Report" | "Preferences" | "ServerPreferences" => {}
                "policyName" => sink.scanning.scan.policy = xml.record()?.text().to_owned(),
                "preference" => preference(xml.record()?, sink),
                "ReportHost" => host = Scanned::named(xml.tag().attribute("name")),
                "HostProperties" => {
                    host.properties(xml.record()?, sink.options.raw);
                    if host.ended {
                        sink.scanned(&host.host, None);
                        sink.scanning.time(host.at_ms);
                    }
                }
                "ReportItem" => {
                    let finding = finding(xml.record()?, &host, sink.options.raw);
                    sink.take(finding)?;
                }
                _ => xml.skip()?,
            },
            Step::Close => {}
            Step::End => break,
        }
    }
    sink.complete = rooted;
    sink.warn_of(xml.warnings());
    Ok(())
}

/// The two preferences that bound what a scan looked at.
fn preference(element: Element<'_>, sink: &mut Sink<'_>) {
    let value = element.text_of("value");
    match element.text_of("name") {
        "plugin_set" if !value.is_empty() => {
            let mut ids: Vec<u32> = value.split(';').filter_map(|id| id.trim().parse().ok()).collect();
            ids.sort_unstable();
            ids.dedup();
            sink.scanning.scan.checks = Checks::Listed(ids);
        }
        // What Nessus scans by default is a list of its own; of it, only the well-known ports are sure.
        "port_range" if value == "default" => sink.scanning.scan.ports = Ports::Ranges(vec![(1, 1024)]),
        "port_range" => sink.scanning.scan.ports = Ports::read(value).unwrap_or_default(),
        _ => {}
    }
}

#[derive(Default)]
struct Scanned {
    host: Host,
    at_ms: Option<i64>,
    ended: bool,
    raw: Vec<(String, String)>,
}

impl Scanned {
    fn named(name: &str) -> Self {
        Self { host: Host { target: name.to_owned(), ..Host::default() }, ..Self::default() }
    }

    fn properties(&mut self, properties: Element<'_>, raw: bool) {
        let mut end_text = None;
        for tag in properties.all("tag") {
            let text = tag.text();
            match tag.attribute("name") {
                "host-ip" => self.host.address = text.to_owned(),
                "host-fqdn" | "host-rdns" if self.host.name.is_empty() => self.host.name = text.to_owned(),
                "mac-address" => self.host.mac = first_line(text).to_ascii_lowercase(),
                "operating-system" => self.host.os = first_line(text).to_owned(),
                "HOST_END" => end_text = Some(text),
                "HOST_END_TIMESTAMP" => self.at_ms = time_ms(text),
                _ => {}
            }
            if raw {
                self.raw.push((format!("host:{}", tag.attribute("name")), tag.raw_text().to_owned()));
            }
        }
        self.ended = end_text.is_some() || self.at_ms.is_some();
        self.at_ms = self.at_ms.or_else(|| end_text.and_then(time_ms));
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}

fn finding(item: Element<'_>, on: &Scanned, raw: bool) -> Finding {
    let mut finding = Finding {
        scanner: "nessus".to_owned(),
        host: on.host.clone(),
        at_ms: on.at_ms,
        ..Finding::default()
    };
    if finding.host.target.is_empty() {
        finding.host.target = "unknown".to_owned();
    }
    let (mut level, mut risk) = (None, None);
    for (name, value) in item.attributes() {
        match name {
            "port" => finding.port = finding::port(value),
            "svc_name" => finding.service = value.to_owned(),
            "protocol" => finding.protocol = value.to_ascii_lowercase(),
            "severity" => level = value.trim().parse().ok().and_then(Severity::from_level),
            "pluginID" => finding.check = value.to_owned(),
            "pluginName" => finding.title = value.to_owned(),
            "pluginFamily" => finding.family = value.to_owned(),
            _ => {}
        }
    }
    let mut scores = Scores::default();
    for child in item.children() {
        element(&mut finding, &mut scores, &mut risk, child);
    }
    if finding.check == "0" {
        // Such an entry says that a port is open and no more.
        "open-port".clone_into(&mut finding.check);
    }
    if finding.title.is_empty() {
        finding.title =
            if finding.check == "open-port" { "Open port".to_owned() } else { finding.check.clone() };
    }
    finding.scores = scores.finish();
    finding.rated = rated(level, risk);
    if raw {
        finding.raw = on.raw.clone();
        finding.raw.push(("host".to_owned(), on.host.target.clone()));
        finding.raw.extend(item.attributes().map(|(name, value)| (name.to_owned(), value.to_owned())));
        finding
            .raw
            .extend(item.children().map(|child| (child.name().to_owned(), child.raw_text().to_owned())));
    }
    finding
}

fn rated(level: Option<Severity>, risk: Option<Severity>) -> Rated {
    match (level, risk) {
        (Some(severity), _) => Rated::new(severity, "nessus"),
        (None, Some(severity)) => Rated::new(severity, "nessus risk factor"),
        (None, None) => Rated::default(),
    }
}

fn element(finding: &mut Finding, scores: &mut Scores, risk: &mut Option<Severity>, child: Element<'_>) {
    let text = child.text();
    match child.name() {
        "description" => finding.description = text.to_owned(),
        "synopsis" if finding.description.is_empty() => finding.description = text.to_owned(),
        "solution" => finding.solution = text.to_owned(),
        "plugin_output" => finding.evidence = finding::evidence(text),
        "risk_factor" => *risk = Severity::from_word(text),
        "cve" => finding::add_ids(&mut finding.ids, text),
        "cwe" => finding.weaknesses.extend(finding::weakness(text)),
        "xref" => {
            finding.weaknesses.extend(text.strip_prefix("CWE:").and_then(finding::weakness));
            finding.references.push(text.to_owned());
        }
        "bid" => finding.references.push(format!("BID:{text}")),
        "see_also" => finding
            .references
            .extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)),
        "exploit_available" => finding.exploit = Some(text == "true"),
        // Compliance results share one plugin: the audit item tells them apart.
        "compliance-check-name" => finding.item = text.to_owned(),
        "compliance-result" if finding.evidence.is_empty() => finding.evidence = text.to_owned(),
        // A web application scan puts the place into the output's attachments.
        "uri" if finding.path.is_empty() => finding.path = text.to_owned(),
        name => scores.element(name, text),
    }
}

/// Numbers and vectors of one item, which come in alphabetical order.
#[derive(Default)]
struct Scores {
    two: (String, String, Option<f64>),
    three: (String, String, Option<f64>),
    four: (String, String),
}

impl Scores {
    fn element(&mut self, name: &str, text: &str) {
        match name {
            "cvss_base_score" => self.two.0 = text.to_owned(),
            "cvss_vector" => self.two.1 = text.to_owned(),
            "cvss_temporal_score" => self.two.2 = text.parse().ok(),
            "cvss3_base_score" => self.three.0 = text.to_owned(),
            "cvss3_vector" => self.three.1 = text.to_owned(),
            "cvss3_temporal_score" => self.three.2 = text.parse().ok(),
            "cvss4_base_score" => self.four.0 = text.to_owned(),
            "cvss4_vector" => self.four.1 = text.to_owned(),
            _ => {}
        }
    }

    fn finish(self) -> Vec<Score> {
        let stated = [
            ("2.0", self.two.0, self.two.1, self.two.2),
            ("3", self.three.0, self.three.1, self.three.2),
            ("4.0", self.four.0, self.four.1, None),
        ];
        let read = |(version, base, vector, temporal): (&str, String, String, Option<f64>)| {
            if base.is_empty() && vector.is_empty() {
                return None;
            }
            let score = Score::read(version, &base, &vector, "")?;
            Some(Score { temporal: temporal.filter(|score| (0.0..=10.0).contains(score)), ..score })
        };
        stated.into_iter().filter_map(read).collect()
    }
}
