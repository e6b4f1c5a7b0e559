//! Findings and metrics on standard output: the most improbable first.

use jiff::tz::TimeZone;
use serde_json::json;

use super::finding::Finding;
use super::quality::{self, Quality};
use crate::failure::{Result, remark};
use crate::list::{self, Cell, Format};
use crate::output;

/// Findings shown to people, unless they say how many.
const USUAL_TOP: usize = 20;

/// What to show, and how.
pub(super) struct Show<'a> {
    pub(super) format: Format,
    pub(super) top: Option<usize>,
    pub(super) zone: Option<&'a TimeZone>,
    /// What people read where there is nothing.
    pub(super) nothing: &'a str,
}

/// The most improbable first; of equally improbable ones the longer, then the earlier.
pub(super) fn rank(findings: &mut [Finding]) {
    findings.sort_by(|one, other| {
        let by_score = other.score.total_cmp(&one.score);
        let by_length = || other.samples.cmp(&one.samples);
        by_score.then_with(by_length).then_with(|| one.from.number().cmp(&other.from.number()))
    });
}

impl Show<'_> {
    /// Writes findings in the order of [`rank`], and metrics if there are some.
    pub(super) fn show(&self, findings: &[Finding], quality: Option<&[Quality]>) -> Result<()> {
        let usual = if self.format == Format::Table { USUAL_TOP } else { usize::MAX };
        let n_shown = findings.len().min(self.top.unwrap_or(usual));
        let shown = &findings[..n_shown];
        match (self.format, quality) {
            (Format::Json, Some(quality)) => {
                output::json(&json!({ "findings": shown, "quality": quality }))?;
            }
            (Format::Csv, Some(quality)) => quality::show(self.format, quality)?,
            (Format::Table, quality) => {
                self.table(shown)?;
                if let Some(quality) = quality {
                    output::line("")?;
                    quality::show(self.format, quality)?;
                }
            }
            (_, None) => list::list(self.format, shown, self.nothing)?,
        }
        let n_more = findings.len() - n_shown;
        if n_more > 0 {
            let all = findings.len();
            remark(&format!("{n_more} more, all less improbable; --top {all} shows them"));
        }
        Ok(())
    }

    fn table(&self, findings: &[Finding]) -> Result<()> {
        if findings.is_empty() {
            return output::line(self.nothing);
        }
        let mut rows = findings.iter().map(|finding| -> Vec<Cell> {
            vec![
                rounded(finding.score).into(),
                finding.series.as_str().into(),
                finding.from.text(self.zone).into(),
                finding.what.as_str().into(),
            ]
        });
        list::table(&["score", "series", "from", "what"], &mut rows)
    }
}

/// Three digits.
fn rounded(score: f64) -> f64 {
    format!("{score:.2e}").parse().unwrap_or(score)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::detect::moment::Moment;

    #[test]
    fn the_most_improbable_comes_first() {
        let finding = |score, samples, at| Finding { score, samples, ..Finding::at(Moment::new(at, true)) };
        let mut findings = [
            finding(1.5, 1, 0),
            finding(3.0, 1, 9),
            finding(3.0, 1, 5),
            finding(3.0, 4, 7),
            finding(9.0, 1, 8),
        ];
        rank(&mut findings);
        assert_eq!(findings.map(|finding| finding.from.number()), [8, 7, 5, 9, 0]);
    }
}
