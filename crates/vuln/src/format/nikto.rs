//! Nikto XML of all ages: one `<niktoscan>`, nested ones, several documents one after the other, and unescaped text.

use crate::error::ReadError;
use crate::finding::{self, Finding, Host};
use crate::format::kind::{Format, root};
use crate::format::nikto_repair::Escaped;
use crate::input::Text;
use crate::scan::Checks;
use crate::sink::Sink;
use crate::when::time_ms;
use crate::xml::{Element, Step, Xml};

pub(crate) const FORMAT: Format = Format {
    name: "nikto",
    title: "Nikto XML",
    example: r#"<niktoscan><scandetails targetip="192.0.2.7" targethostname="h" targetport="80">
<item id="999957" osvdbid="0" method="GET"><description>No X-Frame-Options header.</description><uri>/</uri></item>
<statistics endtime="2020-11-16 03:45:44"/></scandetails></niktoscan>"#,
    detect: |head| root(head) == "niktoscan",
    read,
};

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "nikto".to_owned();
    let text = Escaped::new(text);
    let repaired = text.repaired();
    let mut xml = Xml::new(std::io::BufReader::new(text));
    let mut state = State::default();
    loop {
        match xml.step()? {
            Step::Open => match xml.tag().name() {
                "niktoscan" => state.open_scan(xml.tag(), sink),
                "scandetails" => state.details = Details::read(xml.tag()),
                "item" => {
                    let item = item(xml.record()?, &state.details, sink.options.raw);
                    sink.take(item)?;
                }
                "statistics" => {
                    sink.scanning.time(time_ms(xml.record()?.attribute("endtime")));
                    sink.scanned(&state.details.host, state.details.port);
                }
                _ => xml.skip()?,
            },
            Step::Close => state.depth = state.depth.saturating_sub(1),
            Step::End => break,
        }
    }
    sink.complete = true;
    sink.scanning.scan.checks = Checks::All;
    sink.warn_of(xml.warnings());
    if repaired.get() > 0 {
        sink.warn(format!("{} characters < and & were not escaped, and are taken as text", repaired.get()));
    }
    if state.documents > 1 {
        sink.warn(format!("the file holds {} reports one after the other; all were read", state.documents));
    }
    Ok(())
}

#[derive(Default)]
struct State {
    details: Details,
    depth: u32,
    documents: u32,
}

impl State {
    fn open_scan(&mut self, tag: Element<'_>, sink: &mut Sink<'_>) {
        self.documents += u32::from(self.depth == 0);
        self.depth += 1;
        sink.scanning.time(time_ms(tag.attribute("scanstart")));
    }
}

#[derive(Default)]
struct Details {
    host: Host,
    port: Option<u16>,
    at_ms: Option<i64>,
    ssl: bool,
}

impl Details {
    fn read(tag: Element<'_>) -> Self {
        let (address, name) = (tag.attribute("targetip"), tag.attribute("targethostname"));
        Self {
            host: nikto_host(address, name),
            port: finding::port(tag.attribute("targetport")),
            at_ms: time_ms(tag.attribute("starttime")),
            ssl: tag.attribute("sitename").starts_with("https"),
        }
    }
}

/// A target's address and name, either of which may be missing.
pub(crate) fn nikto_host(address: &str, name: &str) -> Host {
    let address = address.trim();
    let target = if address.is_empty() { name } else { address };
    Host { target: target.to_owned(), address: address.to_owned(), name: name.to_owned(), ..Host::default() }
}

fn item(item: Element<'_>, on: &Details, raw: bool) -> Finding {
    let mut finding = result(
        &on.host,
        on.port,
        &Item {
            id: item.attribute("id"),
            osvdb: item.attribute("osvdbid"),
            method: item.attribute("method"),
            uri: item.text_of("uri"),
            message: item.text_of("description"),
            references: item.attribute("references"),
        },
    );
    finding
        .references
        .extend(Some(item.text_of("references")).filter(|text| !text.is_empty()).map(str::to_owned));
    finding.at_ms = on.at_ms;
    if on.ssl {
        "https".clone_into(&mut finding.service);
    }
    if raw {
        finding.raw.extend(item.attributes().map(|(name, value)| (name.to_owned(), value.to_owned())));
        finding
            .raw
            .extend(item.children().map(|child| (child.name().to_owned(), child.raw_text().to_owned())));
    }
    finding
}

/// What both formats of Nikto say about a result.
pub(crate) struct Item<'a> {
    pub(crate) id: &'a str,
    pub(crate) osvdb: &'a str,
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) message: &'a str,
    pub(crate) references: &'a str,
}

/// Nikto rates nothing. One check may report several things at one place, so the message is part of what it found.
pub(crate) fn result(host: &Host, port: Option<u16>, item: &Item<'_>) -> Finding {
    // The path is sometimes only in the message: "/favicon.ico: identifies this server".
    let (path, message) = match item.message.split_once(": ") {
        Some((path, rest)) if path.starts_with('/') && (item.uri.is_empty() || item.uri == path) => {
            (path, rest)
        }
        _ => (item.uri, item.message),
    };
    let mut finding = Finding {
        scanner: "nikto".to_owned(),
        check: if item.id.is_empty() { format!("OSVDB-{}", item.osvdb) } else { item.id.to_owned() },
        item: subject(message),
        title: message.trim().to_owned(),
        host: host.clone(),
        port,
        protocol: "tcp".to_owned(),
        service: "http".to_owned(),
        path: path.trim().to_owned(),
        description: item.message.trim().to_owned(),
        family: item.method.to_owned(),
        ..Finding::default()
    };
    if !matches!(item.osvdb, "" | "0") {
        finding.references.push(format!("OSVDB-{}", item.osvdb));
    }
    for reference in item.references.split(", ").flat_map(|part| part.split_whitespace()) {
        if reference.starts_with("CVE-") {
            finding::add_ids(&mut finding.ids, reference.trim_end_matches(','));
        } else {
            finding.references.push(reference.trim_end_matches(',').to_owned());
        }
    }
    finding
}

/// What a message is about, without the values that it quotes: the text in single quotes, or the name of a header.
///
/// Checks such as "uncommon header" report one thing per header, all at one place.
fn subject(message: &str) -> String {
    let quoted = message.split('\'').nth(1);
    let header = || message.find(" header").and_then(|at| message[..at].split_whitespace().next_back());
    let name = quoted.or_else(header).unwrap_or_default();
    if name.len() <= 64 { name.to_ascii_lowercase() } else { String::new() }
}
