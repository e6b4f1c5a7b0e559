//! `lanner vuln convert`: reports in other shapes, without a server.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use lanner_vuln::Options;
use lanner_vuln::write::{OUTPUTS, Output, Shape, Writer, dashboard, template};

use super::files::{self, Named};
use super::report::{self, Source};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::output;

/// Convert reports into other shapes, without a server.
///
/// Shapes: jsonl (the normal form), ecs (Elastic Common Schema 9.1), ocsf (class 2002), bulk (for _bulk of Elasticsearch and
/// OpenSearch), vulntoes and vulntoes-bulk (the documents of VulntoES), syslog (RFC 5424), elsa (the lines of VAtoELSA), csv, html
/// (a report with pictures), scan (what each report looked at), none (only checks); template and vulntoes-template (the index template), dashboard and
/// vulntoes-dashboard (saved objects for OpenSearch Dashboards and Kibana), for which no report is needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln convert --to html weekly.nessus --output report.html
  lanner vuln convert --to bulk reports/ | curl -s -H 'Content-Type: application/x-ndjson' --data-binary @- localhost:9200/_bulk
  lanner vuln convert --to syslog weekly.nessus | nc -u syslog.example.test 514
  lanner vuln convert --to none reports/*.xml          can these be read?

Exit codes: 0 all was read, 1 a report breaks off or was repaired, 2 a report cannot be read.")]
pub(super) struct Args {
    /// Reports, folders of them, or patterns; - is standard input.
    #[arg(required_unless_present = "to", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The shape.
    #[arg(long, default_value = "jsonl", value_parser = shape, value_name = "SHAPE")]
    to: String,
    /// Where to write; by default standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Shapes that are no list of findings.
const OTHERS: [&str; 6] =
    ["scan", "none", "template", "vulntoes-template", "dashboard", "vulntoes-dashboard"];

fn shape(text: &str) -> std::result::Result<String, String> {
    let names: Vec<&str> = OUTPUTS.iter().map(|output| output.name).chain(OTHERS).collect();
    if names.contains(&text) { Ok(text.to_owned()) } else { Err(format!("there are {}", names.join(", "))) }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    match args.to.as_str() {
        "template" => return print_template(Shape::Ecs),
        "vulntoes-template" => return print_template(Shape::Vulntoes),
        "dashboard" => return print_dashboard(args, Shape::Ecs),
        "vulntoes-dashboard" => return print_dashboard(args, Shape::Vulntoes),
        _ => {}
    }
    let files = files::expand(&args.files)?;
    let shape = OUTPUTS.iter().find(|output| output.name == args.to);
    let mut work = Work {
        writer: shape.map(|output| (output.open)()),
        raw: shape.is_some_and(|output: &Output| output.raw),
        scans: args.to == "scan",
        out: out(args)?,
        rejected: 0,
        repaired: false,
    };
    for file in &files {
        work.convert(file)?;
    }
    if let Some(writer) = &mut work.writer {
        writer.finish(&mut work.out)?;
    }
    work.out.flush()?;
    match work.rejected {
        0 => Ok(Outcome::found(work.repaired)),
        n => Err(Failure::user(format!("{} of {} files could not be read", n, files.len()))),
    }
}

fn print_template(shape: Shape) -> Result<Outcome> {
    output::json(&template(shape, &format!("{}*", shape.index())))?;
    Ok(Outcome::Fine)
}

fn print_dashboard(args: &Args, shape: Shape) -> Result<Outcome> {
    let mut out = out(args)?;
    out.write_all(dashboard(shape, &format!("{}*", shape.index())).as_bytes())?;
    out.flush()?;
    Ok(Outcome::Fine)
}

fn out(args: &Args) -> Result<BufWriter<Box<dyn Write>>> {
    let out: Box<dyn Write> = match &args.output {
        Some(path) => Box::new(File::create(path).map_err(|error| Failure::file("write", path, &error))?),
        None => output::data(),
    };
    Ok(BufWriter::with_capacity(256 * 1024, out))
}

struct Work {
    writer: Option<Box<dyn Writer>>,
    raw: bool,
    scans: bool,
    out: BufWriter<Box<dyn Write>>,
    rejected: usize,
    repaired: bool,
}

impl Work {
    fn convert(&mut self, file: &Named) -> Result<()> {
        let (writer, out, mut failed) = (&mut self.writer, &mut self.out, None);
        let read = Source::open(&file.path)?.read(Options { raw: self.raw }, &mut |finding| {
            let written = writer.as_mut().map_or(Ok(()), |writer| writer.finding(&finding, out));
            written.map_err(|error| {
                failed = Some(error);
                "cannot write".to_owned()
            })
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        match read {
            Ok(report) => {
                report::tell(&file.path, &report);
                self.repaired |= report.stopped.is_some() || !report.warnings.is_empty();
                if self.writer.is_none() && !self.scans {
                    let count = output::counted(report.findings, "finding");
                    remark(&format!("{}: {}, {count}", file.path.display(), report.format));
                }
                if self.scans {
                    let scan = serde_json::to_string(&report.scan)
                        .map_err(|error| Failure::program(error.to_string()))?;
                    writeln!(self.out, "{scan}")?;
                }
            }
            Err(error) => {
                remark(&format!("{}: {error}", file.path.display()));
                self.rejected += usize::from(file.is_missed(&error));
            }
        }
        Ok(())
    }
}
