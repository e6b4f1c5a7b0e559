//! `lanner vuln list`, `show`, `stats` and `diff`: what is known of findings.

use lanner_wire::api::{FindingCount, FindingPage, FindingView, When};

use crate::client;
use crate::commands::shared::{Shared, when};
use crate::failure::{Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::output;

/// List findings, the worst first.
///
/// A filter is a condition over: key, status, severity, level (0 to 4), rated_by, scanner, check, title, family, host, target, address,
/// name, os, port, protocol, service, path, package, version, ids, weaknesses, cvss, epss, exploited, age_days, first_seen_ms,
/// last_seen_ms.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln list
  lanner vuln list --filter 'severity in (critical, high) and age_days > 30'
  lanner vuln list --filter 'exploited == true or epss > 0.5'
  lanner vuln list --status fixed --format json")]
pub(super) struct ListArgs {
    /// Only findings for which this condition holds.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "CONDITION")]
    filter: String,
    /// Only findings that are open, fixed, 'set aside', or any.
    #[arg(long, default_value = "open", value_name = "STATUS")]
    status: String,
    /// How many, at most 10000.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    shared: Shared,
}

/// Show everything about a finding.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln show 41257a2774cccc89f64e5278fba07f58")]
pub(super) struct ShowArgs {
    /// The finding's key, as shown by `lanner vuln list`.
    key: String,
    #[command(flatten)]
    server: client::ServerArgs,
}

/// Count findings by a property.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln stats
  lanner vuln stats --by host --filter 'severity == \"critical\"'
  lanner vuln stats --by check --format csv")]
pub(super) struct StatsArgs {
    /// severity, host, check, scanner, port, package, status, rated_by or family.
    #[arg(long, default_value = "severity", value_name = "PROPERTY")]
    by: String,
    /// Only findings for which this condition holds.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "CONDITION")]
    filter: String,
    #[command(flatten)]
    shared: Shared,
}

/// Show what changed since a time: findings that are new, and findings that were fixed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln diff --since -7d
  lanner vuln diff --since 2026-11-01 --filter 'level >= 3' --format csv

Exit codes: 0 nothing changed, 1 something did.")]
pub(super) struct DiffArgs {
    /// A time, or how long ago. Compared are the times of scans.
    #[arg(long, default_value = "-7d", allow_hyphen_values = true, value_parser = when, value_name = "TIME")]
    since: String,
    /// Only findings for which this condition holds.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "CONDITION")]
    filter: String,
    #[command(flatten)]
    shared: Shared,
}

const PATH: [&str; 3] = ["api", "v1", "findings"];

impl Row for FindingView {
    const COLUMNS: &'static [&'static str] = &[
        "key",
        "severity",
        "status",
        "host",
        "port",
        "check",
        "title",
        "ids",
        "cvss",
        "epss",
        "exploited",
        "first_seen",
        "last_seen",
    ];
    fn cells(&self) -> Vec<Cell> {
        let text = |path: &str| {
            self.finding.pointer(path).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
        };
        let ids = self.finding["ids"].as_array().into_iter().flatten().filter_map(|id| id.as_str());
        let ids = Cell::Words(ids.map(str::to_owned).collect());
        let score = self.finding["scores"]
            .as_array()
            .and_then(|scores| scores.last())
            .and_then(|score| score["base"].as_f64());
        vec![
            self.key.as_str().into(),
            text("/rated/severity").into(),
            self.status.as_str().into(),
            text("/host/target").into(),
            self.finding["port"].as_u64().into(),
            text("/check").into(),
            text("/title").into(),
            ids,
            score.into(),
            self.epss.into(),
            self.exploited_since.clone().into(),
            self.first_seen.into(),
            self.last_seen.into(),
        ]
    }
}

impl Row for FindingCount {
    const COLUMNS: &'static [&'static str] = &["name", "critical", "high", "open", "fixed", "set aside"];
    fn cells(&self) -> Vec<Cell> {
        let name = if self.name.is_empty() { Cell::Nothing } else { self.name.as_str().into() };
        let counts = [self.critical, self.high, self.open, self.fixed, self.set_aside];
        std::iter::once(name).chain(counts.into_iter().map(Cell::Count)).collect()
    }
}

pub(super) fn list(args: &ListArgs) -> Result<Outcome> {
    client::with(&args.shared.server, async |client| {
        let limit = args.limit.to_string();
        let parameters =
            [("filter", Some(&*args.filter)), ("status", Some(&*args.status)), ("limit", Some(&*limit))];
        let page: FindingPage = client.get(&PATH, &parameters).await?;
        list::list(args.shared.format, &page.findings, "No findings.")?;
        let n_shown = page.findings.len() as u64;
        if args.shared.format == Format::Table && page.total > n_shown {
            output::line(&format!(
                "{n_shown} of {}; show more with --limit",
                output::counted(page.total, "finding")
            ))?;
        }
        Ok(Outcome::Fine)
    })
}

pub(super) fn show(args: &ShowArgs) -> Result<Outcome> {
    client::with(&args.server, async |client| {
        let view: FindingView = client.get(&[&PATH[..], &[&args.key]].concat(), &[]).await?;
        output::json(&view)?;
        Ok(Outcome::Fine)
    })
}

pub(super) fn stats(args: &StatsArgs) -> Result<Outcome> {
    client::with(&args.shared.server, async |client| {
        let parameters = [("by", Some(&*args.by)), ("filter", Some(&*args.filter))];
        let counts: Vec<FindingCount> = client.get(&[&PATH[..], &["counts"]].concat(), &parameters).await?;
        list::list(args.shared.format, &counts, "No findings.")?;
        Ok(Outcome::Fine)
    })
}

pub(super) fn diff(args: &DiffArgs) -> Result<Outcome> {
    client::with(&args.shared.server, async |client| {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let since_ms = When::parse(&args.since).map_err(crate::failure::Failure::user)?.resolve(now_ms);
        let own =
            if args.filter.trim().is_empty() { String::new() } else { format!(" and ({})", args.filter) };
        let (mut changed, mut n_left_out) = (Vec::new(), 0);
        for (status, test) in [("open", "first_seen_ms"), ("fixed", "fixed_ms")] {
            let filter = format!("{test} >= {since_ms}{own}");
            let parameters = [("filter", Some(&*filter)), ("status", Some(status)), ("limit", Some("10000"))];
            let page: FindingPage = client.get(&PATH, &parameters).await?;
            n_left_out += page.total.saturating_sub(page.findings.len() as u64);
            changed.extend(page.findings);
        }
        list::list(args.shared.format, &changed, "Nothing changed.")?;
        if n_left_out > 0 {
            remark(&format!("{n_left_out} more are not shown; narrow the list with --filter or --since"));
        }
        Ok(Outcome::found(!changed.is_empty()))
    })
}
