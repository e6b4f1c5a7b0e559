//! Findings of vulnerability scanners: by severity, age and host, what the last scans changed, and one finding in full.

use lanner_wire::api::{FindingCount, FindingOverview, FindingPage, FindingView, LastScanView, SeverityView};
use maud::{Markup, html};
use serde_json::Value;

use crate::frame::{self, Section, Visitor};
use crate::text::{ago, at, count, link, number, percent, quoted};

/// The list, and what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// All findings at a glance; of those that pass the filter.
    pub overview: FindingOverview,
    /// A page of findings.
    pub page: FindingPage,
    /// A condition, as it was written.
    pub filter: String,
    /// `open`, `fixed`, `set aside` or `any`.
    pub status: String,
    /// Findings before this page.
    pub offset: usize,
    /// Why the condition cannot be used.
    pub problem: Option<String>,
}

const STATES: [&str; 4] = ["open", "fixed", "set aside", "any"];
/// How old findings are, as people say it, and as conditions do.
const AGES: [(&str, &str); 4] = [
    ("under 7 days", "age_days < 7"),
    ("7 to 30", "age_days >= 7 and age_days < 30"),
    ("30 to 90", "age_days >= 30 and age_days < 90"),
    ("older", "age_days >= 90"),
];

/// The page of all findings.
#[must_use]
pub fn list(visitor: &Visitor, list: &List) -> String {
    let is_empty = list.overview.scans.is_empty();
    frame::page(
        visitor,
        Section::Vulnerabilities,
        "Vulnerabilities",
        None,
        &html! {
            h1 { "Vulnerabilities" small { (open(&list.overview)) " open" } }
            @if is_empty {
                p.empty { "No scan was imported. Import the report of a scanner, of Nessus, OpenVAS, Trivy, Nmap and others:" }
                pre tabindex="0" { "lanner vuln import scan.nessus" }
            } @else {
                (form(list))
                (frame::complaint(list.problem.as_deref()))
                (severities(list))
                h2 { "Since the last scan" }
                (scans(list, visitor.now_ms))
                (hosts(list))
                h2 #findings { "Findings" small { (list.page.total) " " (list.status) } }
                (table(&list.page.findings, visitor.now_ms))
                (pages(list))
            }
        },
    )
}

fn open(overview: &FindingOverview) -> u64 {
    overview.severities.iter().map(|severity| severity.open).sum()
}

fn form(list: &List) -> Markup {
    html! {
        form.filter method="get" action="/vulnerabilities" role="search" {
            input type="search" name="filter" value=(list.filter) placeholder="severity == \"critical\" and port == 443" aria-label="Condition";
            select name="status" aria-label="Status" { @for state in STATES { option value=(state) selected[state == list.status] { (state) } } }
            button { "Filter" }
        }
    }
}

/// The address of the list with one more condition.
fn narrowed(list: &List, condition: &str, status: &str) -> String {
    let filter = if list.filter.trim().is_empty() {
        condition.to_owned()
    } else {
        format!("({}) and {condition}", list.filter)
    };
    link(&["vulnerabilities"], &[("filter", &filter), ("status", status)])
}

fn severities(list: &List) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Severities" { table {
            thead { tr { th scope="col" { "Severity" } th.n scope="col" { "Open" } @for (age, _) in AGES { th.n scope="col" { (age) } } th.n scope="col" { "Exploited" } th.n scope="col" { "Set aside" } } }
            tbody { @for row in &list.overview.severities { (severity(list, row)) } }
        } }
    }
}

fn severity(list: &List, row: &SeverityView) -> Markup {
    let own = format!("severity == {}", quoted(&row.severity));
    let cell = |n: u64, more: &str, status: &str| {
        html! { td.n { @if n == 0 { "0" } @else { a href=(narrowed(list, &format!("{own}{more}"), status)) { (n) } } } }
    };
    html! {
        tr {
            th scope="row" { span class=[class(&row.severity)] { (row.severity) } }
            (cell(row.open, "", "open"))
            @for ((_, condition), n) in AGES.iter().zip(&row.by_age) { (cell(*n, &format!(" and {condition}"), "open")) }
            (cell(row.exploited, " and exploited == true", "open"))
            (cell(row.set_aside, "", "set aside"))
        }
    }
}

fn class(severity: &str) -> Option<&'static str> {
    match severity {
        "critical" | "high" => Some("bad"),
        "medium" => Some("soon"),
        _ => None,
    }
}

fn scans(list: &List, now_ms: i64) -> Markup {
    let of = |scan: &LastScanView, more: String| format!("scanner == {} and {more}", quoted(&scan.scanner));
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Scanner" } th scope="col" { "Last scan" } th.n scope="col" { "New" } th.n scope="col" { "Fixed" } th.n scope="col" { "Seen, open" } } }
            tbody { @for scan in &list.overview.scans {
                tr {
                    th scope="row" { (scan.scanner) }
                    td { (ago(scan.at, now_ms)) " ago" }
                    td.n { a href=(narrowed(list, &of(scan, format!("first_seen_ms == {}", scan.at.0)), "any")) { (scan.new) span.hidden { " new of " (scan.scanner) } } }
                    td.n { a href=(narrowed(list, &of(scan, format!("fixed_ms == {}", scan.at.0)), "fixed")) { (scan.fixed) span.hidden { " fixed of " (scan.scanner) } } }
                    td.n { (scan.open) }
                }
            } }
        } }
    }
}

fn hosts(list: &List) -> Markup {
    let all = &list.overview;
    html! {
        @if !all.hosts.is_empty() {
            h2 #hosts { "Hosts" small { (count(all.hosts_in_all as usize, "host")) @if all.hosts.len() < all.hosts_in_all as usize { ", the worst " (all.hosts.len()) " shown" } } }
            div.scroll { table {
                thead { tr { th scope="col" { "Host" } th.n scope="col" { "Critical" } th.n scope="col" { "High" } th.n scope="col" { "Open" } } }
                tbody { @for host in &all.hosts { (host_row(list, host)) } }
            } }
        }
    }
}

fn host_row(list: &List, host: &FindingCount) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(narrowed(list, &format!("host == {}", quoted(&host.name)), "open")) { (host.name) } }
            td.n { @if host.critical > 0 { span.bad { (host.critical) } } @else { "0" } }
            td.n { (host.high) }
            td.n { (host.open) }
        }
    }
}

fn text<'v>(finding: &'v Value, pointer: &str) -> &'v str {
    finding.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Where a finding is: `web-1:443/tcp`.
fn place(finding: &Value) -> String {
    let host = [text(finding, "/host/name"), text(finding, "/host/address"), text(finding, "/host/target")];
    let host = host.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    match finding.get("port").and_then(Value::as_u64) {
        Some(port) => format!("{host}:{port}/{}", text(finding, "/protocol")),
        None => host.to_owned(),
    }
}

fn ids(finding: &Value) -> Vec<&str> {
    finding.get("ids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn table(findings: &[FindingView], now_ms: i64) -> Markup {
    html! {
        @if findings.is_empty() { p.empty { "There is none." } } @else {
            div.scroll { table {
                thead { tr { th scope="col" { "Severity" } th scope="col" { "Finding" } th scope="col" { "Where" } th scope="col" { "Ids" } th scope="col" { "Known for" } th scope="col" { "State" } } }
                tbody { @for view in findings {
                    @let ids = ids(&view.finding);
                    tr {
                        td { b class=[class(text(&view.finding, "/rated/severity"))] { (text(&view.finding, "/rated/severity")) } }
                        th scope="row" { a href=(link(&["vulnerabilities", &view.key], &[])) { (text(&view.finding, "/title")) } }
                        td { (place(&view.finding)) }
                        td { (ids.iter().take(2).copied().collect::<Vec<_>>().join(", ")) @if ids.len() > 2 { " and " (ids.len() - 2) " more" } @if view.exploited_since.is_some() { " " b.bad { "exploited" } } }
                        td { (ago(view.first_seen, now_ms)) }
                        td { (view.status) }
                    }
                } }
            } }
        }
    }
}

fn pages(list: &List) -> Markup {
    let (shown, total) = (list.page.findings.len(), list.page.total as usize);
    let to = |offset: usize| {
        let offset = offset.to_string();
        link(&["vulnerabilities"], &[("filter", &list.filter), ("status", &list.status), ("offset", &offset)])
    };
    html! {
        @if list.offset > 0 || list.offset + shown < total {
            p {
                (list.offset + 1) " to " (list.offset + shown) " of " (total) " "
                @if list.offset > 0 { a href=(to(list.offset.saturating_sub(100))) { "Previous page" } " " }
                @if list.offset + shown < total { a href=(to(list.offset + shown)) { "Next page" } }
            }
        }
    }
}

/// The page of one finding.
#[must_use]
pub fn one(visitor: &Visitor, view: &FindingView) -> String {
    let finding = &view.finding;
    let title = text(finding, "/title");
    frame::page(
        visitor,
        Section::Vulnerabilities,
        title,
        None,
        &html! {
            h1 { (title) }
            p.state { b class=[class(text(finding, "/rated/severity"))] { (text(finding, "/rated/severity")) } ", " (view.status) ", on " (place(finding)) }
            @if let Some(accepted) = &view.set_aside { p.notice { "Set aside by " (accepted.author) " until " (at(accepted.until)) ": " (accepted.reason) } }
            dl {
                dt { "First seen" } dd { (at(view.first_seen)) ", " (ago(view.first_seen, visitor.now_ms)) " ago" }
                dt { "Last seen" } dd { (at(view.last_seen)) }
                @if let Some(missed) = view.last_missed { dt { "Last missed" } dd { (at(missed)) } }
                @let ids = ids(finding);
                @if !ids.is_empty() { dt { "Ids" } dd { (ids.join(", ")) } }
                @if let Some(epss) = view.epss { dt { "Exploitation" } dd { (percent(epss)) " likely within 30 days (EPSS)" } }
                @if let Some(since) = &view.exploited_since { dt { "Exploited" } dd { b.bad { "since " (since) } } }
                @if let Some(score) = finding.pointer("/scores/0/base").and_then(Value::as_f64) { dt { "CVSS" } dd { (number(score)) } }
                @for (name, pointer) in [("Check", "/check"), ("Scanner", "/scanner"), ("Package", "/component/name"), ("Version", "/component/version"), ("Path", "/path")] {
                    @if !text(finding, pointer).is_empty() { dt { (name) } dd { (text(finding, pointer)) } }
                }
            }
            @for (name, pointer) in [("What it is", "/description"), ("What to do", "/solution"), ("What the scanner saw", "/evidence")] {
                @if !text(finding, pointer).is_empty() { h2 { (name) } pre tabindex="0" { (text(finding, pointer)) } }
            }
        },
    )
}
