//! A report for people: one page of HTML without scripts or links to other files, with pictures by severity, host, port and
//! age.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::output::{Output, Writer, html_text, rfc3339};
use crate::finding::Finding;
use crate::severity::Severity;

pub(super) const OUTPUT: Output = Output {
    name: "html",
    title: "a report for people, one page of HTML with pictures",
    raw: false,
    open: || Box::new(Page::default()),
};

/// How many findings the table lists, the worst first.
const MAX_ROWS: usize = 500;
/// How many bars a picture has.
const MAX_BARS: usize = 15;
/// How many hosts and ports are counted; those that come later are counted together.
const MAX_NAMES: usize = 50_000;

#[derive(Default)]
struct Page {
    severities: BTreeMap<Severity, u64>,
    hosts: BTreeMap<String, u64>,
    ports: BTreeMap<String, u64>,
    days: BTreeMap<i64, u64>,
    rows: Vec<Row>,
}

struct Row {
    severity: Severity,
    cells: [String; 6],
}

impl Writer for Page {
    fn finding(&mut self, finding: &Finding, _out: &mut dyn Write) -> io::Result<()> {
        *self.severities.entry(finding.severity()).or_default() += 1;
        if finding.is_risk() {
            count(&mut self.hosts, finding.host.target.clone());
            let port = finding
                .port
                .map_or_else(|| "whole host".to_owned(), |port| format!("{port}/{}", finding.protocol));
            count(&mut self.ports, port);
            let day = finding.at_ms.map(|at_ms| at_ms.div_euclid(86_400_000));
            if let Some(day) = day {
                *self.days.entry(day).or_default() += 1;
            }
        }
        self.rows.push(row(finding));
        if self.rows.len() >= 4 * MAX_ROWS {
            self.keep_worst();
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.keep_worst();
        out.write_all(include_str!("report-head.html").as_bytes())?;
        let total: u64 = self.severities.values().sum();
        writeln!(out, "<p>{total} findings on {} hosts with risks.</p>", self.hosts.len())?;
        let severities = Severity::ALL
            .map(|level| (level.name().to_owned(), self.severities.get(&level).copied().unwrap_or(0)));
        bars(out, "By severity", &severities)?;
        bars(out, "Hosts with most risks", &most(&self.hosts))?;
        bars(out, "Ports with most risks", &most(&self.ports))?;
        bars(out, "Risks by age, in days before the newest scan", &self.ages())?;
        self.table(out)?;
        out.write_all(b"</main></body></html>\n")
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: String) {
    let name =
        if counts.len() >= MAX_NAMES && !counts.contains_key(&name) { "others".to_owned() } else { name };
    *counts.entry(name).or_default() += 1;
}

fn row(finding: &Finding) -> Row {
    let port = finding.port.map_or(String::new(), |port| format!("{port}/{}", finding.protocol));
    let place =
        finding.component.as_ref().map_or_else(|| finding.path.clone(), |component| component.name.clone());
    Row {
        severity: finding.severity(),
        cells: [
            finding.severity().name().to_owned(),
            finding.host.target.clone(),
            port,
            place,
            finding.title.clone(),
            finding.ids.iter().take(5).cloned().collect::<Vec<_>>().join(" "),
        ],
    }
}

impl Page {
    fn keep_worst(&mut self) {
        self.rows.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cells.cmp(&b.cells)));
        self.rows.truncate(MAX_ROWS);
    }

    fn ages(&self) -> Vec<(String, u64)> {
        let newest = self.days.keys().next_back().copied().unwrap_or(0);
        let classes = [
            (0, 0, "0"),
            (1, 7, "1 to 7"),
            (8, 30, "8 to 30"),
            (31, 90, "31 to 90"),
            (91, i64::MAX, "over 90"),
        ];
        let total = |from: i64, to: i64| {
            let within = self.days.iter().filter(|(day, _)| (from..=to).contains(&(newest - **day)));
            within.map(|(_, count)| count).sum()
        };
        classes.iter().map(|(from, to, name)| ((*name).to_owned(), total(*from, *to))).collect()
    }

    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "<h2>The worst {} findings</h2><table><thead><tr>", self.rows.len())?;
        for title in ["Severity", "Host", "Port", "Package or path", "Finding", "Ids"] {
            write!(out, "<th scope=\"col\">{title}</th>")?;
        }
        writeln!(out, "</tr></thead><tbody>")?;
        for row in &self.rows {
            let cells: String =
                row.cells.iter().map(|cell| format!("<td>{}</td>", html_text(cell))).collect();
            writeln!(out, "<tr class=\"{}\">{cells}</tr>", row.severity.name())?;
        }
        writeln!(out, "</tbody></table>")?;
        let newest = self.days.keys().next_back().map(|day| rfc3339(day * 86_400_000));
        writeln!(
            out,
            "<p>Newest scan: {}.</p>",
            newest.as_deref().map_or("unknown", |day| &day[..10.min(day.len())])
        )
    }
}

fn most(counts: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = counts.iter().map(|(name, count)| (name.clone(), *count)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(MAX_BARS);
    counts
}

/// A picture of horizontal bars, drawn as SVG.
fn bars(out: &mut dyn Write, title: &str, counts: &[(String, u64)]) -> io::Result<()> {
    let largest = counts.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let height = counts.len() * 24 + 4;
    writeln!(out, "<h2>{title}</h2><svg viewBox=\"0 0 760 {height}\" role=\"img\" aria-label=\"{title}\">")?;
    for (at, (name, count)) in counts.iter().enumerate() {
        let (y, width) = (at * 24 + 2, count.saturating_mul(480) / largest);
        let name = html_text(name);
        writeln!(
            out,
            "<text x=\"210\" y=\"{}\" text-anchor=\"end\">{name}</text><rect class=\"{name}\" x=\"220\" y=\"{y}\" \
             width=\"{width}\" height=\"18\"/><text x=\"{}\" y=\"{}\">{count}</text>",
            y + 14,
            226 + width,
            y + 14,
        )?;
    }
    writeln!(out, "</svg>")
}
