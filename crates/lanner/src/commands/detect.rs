//! `lanner detect`: finds anomalies in tables of numbers, without configuration.
//!
//! One pass over each table from the first row to the last; each value is scored using only those before it. Reading
//! order: [`Args`], [`run`]; then `pass` (one table), `watched` (one series, of which `finding` scores the values
//! and `holes` finds stretches without any), `detected` (what all tables came to),
//! `show` and `tell` (findings and remarks); and the optional parts: `trace` and `report` (charts), `scores` (every
//! value), `incidents` and `quality` (evaluation against known incidents).

mod args;
mod detected;
mod finding;
mod holes;
pub(super) mod incidents;
mod moment;
mod names;
mod pass;
mod quality;
mod report;
mod scores;
mod sentence;
mod set_back;
mod show;
mod tell;
mod trace;
mod watched;

use std::path::Path;

use crate::failure::{Outcome, Result, remark};
use detected::Detected;
use pass::{Input, Terms};
use scores::ScoreFile;
use show::Show;

pub(crate) use args::Args;

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    args.check()?;
    let has_files = args.files.len() > 1;
    let mut scores = args.scores.as_deref().map(|path| ScoreFile::create(path, has_files)).transpose()?;
    let mut detected = Detected::default();
    let mut n_failed = 0;
    for (index, path) in args.files.iter().enumerate() {
        let name = name(path);
        match read(args, Input { path, name: &name, index }, &mut detected, scores.as_mut()) {
            Ok(is_whole) => n_failed += usize::from(!is_whole),
            Err(failure) if has_files && failure.is_users() => {
                failure.tell();
                n_failed += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
    names::name_series(&mut detected.series, &names::short_names(&args.files));
    tell::series(&detected, args.table.time_zone.as_ref());
    finish(args, &detected, n_failed)
}

/// Reads and scores one file; whether it could be read to its end.
fn read(
    args: &Args,
    input: Input<'_>,
    detected: &mut Detected,
    scores: Option<&mut ScoreFile>,
) -> Result<bool> {
    let load = |path: &Path| incidents::load(path, input.name, &args.table);
    let known = args.evaluate.as_deref().map(load).transpose()?;
    let terms = Terms { args, earlier: &detected.series, known: known.as_ref(), scores: scores.as_deref() };
    let mut pass = pass::run(input, &terms)?;
    tell::pass(input.name, &pass);
    let is_whole = pass.broken.is_none();
    pass.broken.iter().for_each(crate::failure::Failure::tell);
    if let Some(file) = scores {
        file.add(pass.take_scores())?;
    }
    detected.absorb(pass);
    Ok(is_whole)
}

/// Shows what was found, and writes the report.
fn finish(args: &Args, detected: &Detected, n_failed: usize) -> Result<Outcome> {
    let mut findings = detected.findings();
    show::rank(&mut findings);
    let is_judged = detected.is_judged();
    let name = if let [file] = &args.files[..] { name(file) } else { "the tables".to_owned() };
    let quality = if is_judged { detected.quality(args, &name)? } else { None };
    if !args.scores_to_output() {
        let nothing = if is_judged { "Nothing unusual was found." } else { "Nothing could be scored." };
        let zone = args.table.time_zone.as_ref();
        let show = Show { format: args.format, top: args.top, zone, nothing };
        show.show(&findings, quality.as_deref())?;
    }
    if args.files.len() > 1 {
        tell::totals(detected, args.files.len(), n_failed);
    }
    if let Some(path) = &args.report {
        detected.write_report(args, path)?;
        remark(&format!("{}: charts, to open in a browser", path.display()));
    }
    Ok(if is_judged && n_failed == 0 { Outcome::found(!findings.is_empty()) } else { Outcome::Undecided })
}

/// The name of a table, for messages.
fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

#[cfg(test)]
mod tests {
    use lanner_core::Score;
    use lanner_detect::automatic::Alarms;

    #[test]
    fn the_threshold_is_the_detectors_own() {
        assert!(!Alarms::THRESHOLD.exceeded_by(Score::new(1.0)));
        assert!(Alarms::THRESHOLD.exceeded_by(Score::new(1.0 + f64::EPSILON)));
    }
}
