//! Nmap XML: each open port is a finding, and each vulnerability that the script `vulners` lists for it. Killed scans, which
//! lack their end, are read as far as they go.

use crate::error::ReadError;
use crate::finding::{self, Component, Finding, Host};
use crate::format::kind::{Format, root};
use crate::input::Text;
use crate::scan::Ports;
use crate::score::Score;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;
use crate::xml::{Element, Step, Xml};

pub(crate) const FORMAT: Format = Format {
    name: "nmap",
    title: "Nmap XML",
    example: r#"<nmaprun scanner="nmap"><host endtime="1741688559"><status state="up"/><address addr="192.0.2.7" addrtype="ipv4"/>
<ports><port protocol="tcp" portid="22"><state state="open"/><service name="ssh"/></port></ports></host>
<runstats><finished time="1741688560" exit="success"/></runstats></nmaprun>"#,
    detect: |head| root(head) == "nmaprun",
    read,
};

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "nmap".to_owned();
    let mut xml = Xml::new(text);
    let mut ranges = Vec::new();
    loop {
        match xml.step()? {
            Step::Open => match xml.tag().name() {
                "nmaprun" => {
                    sink.scanning.scan.policy = options(xml.tag().attribute("args"));
                    sink.scanning.time(time_ms(xml.tag().attribute("start")));
                }
                "runstats" => {}
                "scaninfo" => {
                    if let Some(Ports::Ranges(more)) = Ports::read(xml.record()?.attribute("services")) {
                        ranges.extend(more);
                    }
                }
                "host" => read_host(xml.record()?, sink)?,
                "finished" => {
                    let finished = xml.record()?;
                    sink.complete = matches!(finished.attribute("exit"), "success" | "");
                    sink.scanning.time(time_ms(finished.attribute("time")));
                }
                _ => xml.skip()?,
            },
            Step::Close => {}
            Step::End => break,
        }
    }
    sink.scanning.scan.ports = Ports::Ranges(ranges);
    sink.warn_of(xml.warnings());
    Ok(())
}

/// The options of a command line: two scans with equal options run the same checks.
fn options(args: &str) -> String {
    let mut words = args.split_whitespace().peekable();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let output = word.strip_prefix("-o").is_some_and(|kind| kind.len() == 1 && "XNGSA".contains(kind));
        if output {
            words.next();
        } else if word.starts_with('-') {
            options.push(word);
        }
    }
    options.join(" ")
}

fn read_host(element: Element<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let host = host(element);
    let end_ms = time_ms(element.attribute("endtime"));
    let up = element.child("status").is_none_or(|status| status.attribute("state") == "up");
    let ports = element.child("ports");
    if up && ports.is_some() && !host.target.is_empty() {
        sink.scanned(&host, None);
    }
    let at_ms = end_ms.or(sink.scanning.scan.at_ms);
    let shared = shared_fields(element, sink.options.raw);
    for port in ports.into_iter().flat_map(|ports| ports.all("port").collect::<Vec<_>>()) {
        if port.child("state").is_some_and(|state| state.attribute("state") == "open") {
            let finding = open_port(port, &host, at_ms, &shared);
            let vulnerabilities = vulners(port, &finding);
            sink.take(finding)?;
            vulnerabilities.into_iter().try_for_each(|finding| sink.take(finding))?;
        }
    }
    Ok(())
}

/// IPv4 before IPv6, whatever their order; the MAC address apart.
fn host(element: Element<'_>) -> Host {
    let address = |kind: &str| {
        let found = element.all("address").find(|address| address.attribute("addrtype") == kind);
        found.map_or("", |address| address.attribute("addr"))
    };
    let ip = [address("ipv4"), address("ipv6")].into_iter().find(|ip| !ip.is_empty()).unwrap_or_default();
    let names = element.child("hostnames");
    let name = names.and_then(|names| names.child("hostname")).map_or("", |name| name.attribute("name"));
    let os = element.child("os").and_then(|os| os.child("osmatch")).map_or("", |os| os.attribute("name"));
    let mac = address("mac");
    let target = [ip, name, mac].into_iter().find(|target| !target.is_empty()).unwrap_or_default();
    Host {
        target: target.to_owned(),
        address: ip.to_owned(),
        name: name.to_owned(),
        mac: mac.to_ascii_lowercase(),
        os: os.to_owned(),
        ..Host::default()
    }
}

fn open_port(port: Element<'_>, host: &Host, at_ms: Option<i64>, shared: &[(String, String)]) -> Finding {
    let service = port.child("service");
    let of_service = |name: &str| service.map_or("", |service| service.attribute(name));
    let number = port.attribute("portid");
    let scripts: Vec<String> = port
        .all("script")
        .map(|script| format!("{}: {}", script.attribute("id"), script.attribute("output").trim()))
        .collect();
    let product = of_service("product");
    let mut finding = Finding {
        scanner: "nmap".to_owned(),
        check: "open-port".to_owned(),
        title: format!("Open port {number}/{}", port.attribute("protocol")),
        host: host.clone(),
        port: finding::port(number),
        protocol: port.attribute("protocol").to_owned(),
        service: of_service("name").to_owned(),
        description: [product, of_service("version"), of_service("extrainfo")].join(" ").trim().to_owned(),
        evidence: finding::evidence(&scripts.join("\n")),
        rated: Rated::new(Severity::Info, "nmap"),
        at_ms,
        ..Finding::default()
    };
    if !shared.is_empty() {
        finding.raw = shared.to_vec();
        finding.raw.extend(port_fields(port, service));
    }
    finding
}

/// What the documents of VulntoES take from the host. Never empty.
fn shared_fields(element: Element<'_>, raw: bool) -> Vec<(String, String)> {
    if !raw {
        return Vec::new();
    }
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut fields = vec![field("endtime", element.attribute("endtime"))];
    fields.extend(element.all("address").map(|address| field("address", address.attribute("addr"))));
    let names = element.child("hostnames").into_iter().flat_map(|names| names.children().collect::<Vec<_>>());
    fields.extend(names.map(|name| field("hostname", name.attribute("name"))));
    fields
}

fn port_fields(port: Element<'_>, service: Option<Element<'_>>) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> =
        port.attributes().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let state = port.child("state").map_or("", |state| state.attribute("state"));
    fields.push(("state".to_owned(), state.to_owned()));
    fields.extend(service.map(|service| ("service".to_owned(), service.attribute("name").to_owned())));
    fields.extend(
        port.all("script").map(|script| {
            (format!("script:{}", script.attribute("id")), script.attribute("output").to_owned())
        }),
    );
    fields
}

/// The CVE entries in the tables of `vulners`: one finding each, with the score that the script states.
fn vulners(port: Element<'_>, on: &Finding) -> Vec<Finding> {
    let mut findings = Vec::new();
    for script in port.all("script").filter(|script| script.attribute("id") == "vulners") {
        for product in script.all("table") {
            let known =
                product.all("table").filter_map(|entry| vulnerability(entry, product.attribute("key"), on));
            findings.extend(known);
        }
    }
    findings
}

fn vulnerability(entry: Element<'_>, product: &str, on: &Finding) -> Option<Finding> {
    let value = |key: &str| {
        entry.all("elem").find(|element| element.attribute("key") == key).map_or("", |element| element.text())
    };
    let id = value("id");
    if !id.starts_with("CVE-") {
        return None;
    }
    let score = Score::read("2.0", value("cvss"), "", "vulners");
    let severity = score.as_ref().and_then(|score| Severity::from_score(score.base));
    let mut finding = Finding {
        check: id.to_owned(),
        title: format!("{id} in {product}"),
        component: Some(Component { name: product.to_owned(), ..Component::default() }),
        exploit: (value("is_exploit") == "true").then_some(true),
        rated: severity.map_or_else(Rated::default, |severity| Rated::new(severity, "vulners")),
        scores: score.into_iter().collect(),
        description: String::new(),
        evidence: String::new(),
        raw: Vec::new(),
        ..on.clone()
    };
    finding::add_ids(&mut finding.ids, id);
    Some(finding)
}
