//! `lanner detector new`: a use case from a few answers, or from options.

use std::io::{self, BufRead, IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::kept;
use crate::adbox::compose::{self, Choices, ColumnChoice, FieldSeen, FieldsSeen, needs_numbers};
use crate::adbox::scenario;
use crate::adbox::times::granularity;
use crate::adbox::use_case;
use crate::adbox::wazuh::{Asked, DataArgs};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::problems;

/// Documents that are looked at for their fields.
const N_SAMPLED: u64 = 2_000;

/// Fields that are proposed.
const N_PROPOSED: usize = 30;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File to write; by default the next uc_NUMBER.yaml of this folder.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Name of the detector.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Dates of the indices to train on, such as 2026-11-*.
    #[arg(long, value_name = "DATE")]
    index_date: Option<String>,
    /// Whose alerts are looked at, such as agent.name=web; by default those of all.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = compose::entity)]
    entity: Option<(String, String)>,
    /// A field, such as agent.name, each of whose values has a detector of its own; by default there is one for all.
    #[arg(long, value_name = "FIELD")]
    by: Option<String>,
    /// Fields to look at, each with what becomes of its values in a unit of time: average, max, min, count, sum, cardinality.
    #[arg(long, value_name = "FIELD=METHODS", value_parser = compose::column)]
    column: Vec<ColumnChoice>,
    /// Unit of time, such as 1min, 5min or 1h.
    #[arg(long, value_name = "DURATION", value_parser = unit)]
    granularity: Option<String>,
    /// Units before the one that is judged.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    window: Option<u16>,
    /// Passes over all rows.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    epochs: Option<u16>,
    /// False alarms a day that are accepted.
    #[arg(long, value_name = "NUMBER")]
    alarms_per_day: Option<f64>,
    /// When is predicted: historical, batch, realtime, or none.
    #[arg(long, value_name = "MODE", value_parser = mode)]
    mode: Option<String>,
}

fn unit(text: &str) -> std::result::Result<String, String> {
    granularity(text).map(|_| text.to_owned())
}

fn mode(text: &str) -> std::result::Result<String, String> {
    if text == "none" { Ok(text.to_owned()) } else { use_case::mode(text).map(|_| text.to_owned()) }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let is_asked = io::stdin().is_terminal() && io::stderr().is_terminal();
    let mut console = Console { input: is_asked.then(|| Box::new(io::stdin().lock()) as Box<dyn BufRead>) };
    let path = args.out.clone().map_or_else(next_free, Ok)?;
    kept::check_new(&path)?;
    let choices = choose(args, &mut console)?;
    let text = choices.to_yaml().map_err(Failure::user)?;
    // What is written runs.
    if let Err(found) = scenario::from_yaml(&text) {
        let told: String = found.0.iter().map(|problem| problems::line(&path, problem)).collect();
        return Err(Failure::user(format!("nothing is written, as it would not run:\n{}", told.trim_end())));
    }
    kept::write(&path, text.as_bytes())?;
    let name = path.display();
    remark(&format!(
        "{name} is written; run it with: lanner detector run {name}{}",
        args.data.as_arguments()
    ));
    Ok(Outcome::Fine)
}

/// The next use case in this folder.
fn next_free() -> Result<PathBuf> {
    let paths = (1..10_000).map(|number| PathBuf::from(format!("uc_{number}.yaml")));
    let free = paths.into_iter().find(|path| !path.exists());
    free.ok_or_else(|| Failure::user("this folder has 9999 use cases").hint("name a file with --out"))
}

fn choose(args: &Args, console: &mut Console) -> Result<Choices> {
    let fields = seen(&args.data)?;
    let name =
        console.ask("Name of the detector", args.name.clone(), "detector", |text| Ok(text.to_owned()))?;
    let index_date =
        console.ask("Dates of the indices to train on", args.index_date.clone(), "*-*-*", |text| {
            Ok(text.to_owned())
        })?;
    let entity = args.entity.clone().map(Some);
    let entity = console.ask("Whose alerts (such as agent.name=web, or all)", entity, "all", |text| {
        if text == "all" { Ok(None) } else { compose::entity(text).map(Some) }
    })?;
    let by = args.by.clone().map(Some);
    let by = console.ask(
        "A detector for each value of (such as agent.name, or one for all)",
        by,
        "one",
        |text| Ok(Some(text.to_owned()).filter(|text| text != "one")),
    )?;
    let columns = columns(args, &fields, console)?;
    tell_strange(&columns, &fields);
    let granularity = console.ask("Unit of time", args.granularity.clone(), "1min", unit)?;
    let window = console.ask("Units before the one that is judged", args.window, "10", number)?;
    let epochs = console.ask("Passes over all rows", args.epochs, "30", number)?;
    let alarms = args.alarms_per_day;
    let alarms_per_day = console.ask("False alarms a day that are accepted", alarms, "1", |text| {
        let found = text.parse().map_err(|_| format!("\"{text}\" is no number"))?;
        compose::risk(found, &granularity).map(|_| found)
    })?;
    let mode = console.ask(
        "When is predicted (historical, batch, realtime, none)",
        args.mode.clone(),
        "historical",
        mode,
    )?;
    let mode = Some(mode).filter(|mode| mode != "none");
    let (window, epochs) = (usize::from(window), usize::from(epochs));
    Ok(Choices { name, index_date, entity, by, columns, granularity, window, epochs, alarms_per_day, mode })
}

fn number(text: &str) -> std::result::Result<u16, String> {
    let found = text.parse().ok().filter(|found| (1..=1_000).contains(found));
    found.ok_or_else(|| format!("\"{text}\" should be a whole number from 1 to 1000"))
}

/// The fields that documents have, where there are any to look at.
fn seen(data: &DataArgs) -> Result<Vec<FieldSeen>> {
    if data.url.is_none() && data.data.is_empty() {
        return Ok(Vec::new());
    }
    let (mut fields, mut n) = (FieldsSeen::default(), 0);
    let asked = Asked { index_date: None, range: None, filter: None, fields: vec!["*".to_owned()] };
    data.read_until(&asked, &mut |document| {
        fields.add(document);
        n += 1;
        if n < N_SAMPLED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if n == 0 {
        remark("there are no documents to look at, so nothing is proposed");
    }
    Ok(fields.found())
}

fn columns(args: &Args, fields: &[FieldSeen], console: &mut Console) -> Result<Vec<ColumnChoice>> {
    if !args.column.is_empty() {
        return Ok(args.column.clone());
    }
    if !console.is_asked() {
        return Err(Failure::user("no field is named")
            .hint("name some with --column, for example --column rule.level=max,count; without --column they are asked for on a terminal"));
    }
    for (at, field) in fields.iter().take(N_PROPOSED).enumerate() {
        let methods = field.choice().methods.join(",");
        console.tell(&format!("  {:>2}  {}={methods}  (in {} documents)", at + 1, field.name, field.n));
    }
    let question = "Fields to look at, by number or as FIELD=METHODS, separated by spaces";
    let some: Vec<String> = (1..=fields.len().min(2)).map(|at| at.to_string()).collect();
    let default =
        if some.is_empty() { "data.cpu_usage_% data.memory_usage_%".to_owned() } else { some.join(" ") };
    console.ask(question, None, &default, |text| {
        let one = |word: &str| match word.parse::<usize>() {
            Ok(at) => fields
                .get(at.wrapping_sub(1))
                .map(FieldSeen::choice)
                .ok_or_else(|| format!("there is no field {at}")),
            Err(_) => compose::column(word),
        };
        text.split_whitespace().map(one).collect()
    })
}

/// Fields that no document has, or that are no numbers, are worth a word.
fn tell_strange(columns: &[ColumnChoice], fields: &[FieldSeen]) {
    for column in columns.iter().filter(|_| !fields.is_empty()) {
        match fields.iter().find(|field| field.name == column.field) {
            None => remark(&format!("no document that was looked at has {}", column.field)),
            Some(field) if field.n_numbers == 0 => {
                let wrong = column.methods.iter().find(|method| needs_numbers(&column.field, method));
                wrong.into_iter().for_each(|method| {
                    remark(&format!("{} has no numbers, of which {method} could be taken; count and cardinality take any values", column.field));
                });
            }
            Some(_) => {}
        }
    }
}

/// Where questions are asked, if there is somebody to answer.
struct Console {
    input: Option<Box<dyn BufRead>>,
}

impl Console {
    fn is_asked(&self) -> bool {
        self.input.is_some()
    }

    fn tell(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{}", lanner_core::printable::printable(text));
    }

    /// What an option says; else what is answered; else what suggests itself.
    fn ask<T>(
        &mut self,
        question: &str,
        given: Option<T>,
        default: &str,
        read: impl Fn(&str) -> std::result::Result<T, String>,
    ) -> Result<T> {
        if let Some(given) = given {
            return Ok(given);
        }
        loop {
            let Some(input) = &mut self.input else { return read(default).map_err(Failure::user) };
            let _ = write!(io::stderr(), "{question} [{default}]: ").and_then(|()| io::stderr().flush());
            let mut answer = String::new();
            let n_read = input.read_line(&mut answer).map_err(|error| Failure::program(error.to_string()))?;
            if n_read == 0 {
                return Err(
                    Failure::user("the answers ended before the questions").hint("nothing is written")
                );
            }
            let answer = answer.trim();
            match read(if answer.is_empty() { default } else { answer }) {
                Ok(answer) => return Ok(answer),
                Err(why) => self.tell(&why),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn chosen(arguments: &[&str], answers: Option<&str>) -> Result<Choices> {
        let args = Line::try_parse_from([&["new"], arguments].concat()).unwrap().args;
        let input = answers.map(|answers| Box::new(io::Cursor::new(answers.to_owned())) as Box<dyn BufRead>);
        choose(&args, &mut Console { input })
    }

    #[test]
    fn answers_and_options_come_to_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("alerts.json");
        std::fs::write(
            &data,
            "{\"timestamp\": \"2026-11-30T00:00:00Z\", \"rule\": {\"level\": 3, \"groups\": [\"a\"]}}",
        )
        .unwrap();
        let data = data.to_str().unwrap();
        // A wrong answer is asked for again; nothing takes what suggests itself.
        let answers =
            "web\n2026-11-*\nagent.name=web\n\n9\n1 rule.groups=count\n1week\n5min\n\n5\n999\n2\nrealtime\n";
        let answered = chosen(&["--data", data], Some(answers)).unwrap();
        let options = [
            "--name",
            "web",
            "--index-date",
            "2026-11-*",
            "--entity",
            "agent.name=web",
            "--column",
            "rule.level=average,max",
            "--column",
            "rule.groups=count",
            "--granularity",
            "5min",
            "--epochs",
            "5",
            "--alarms-per-day",
            "2",
            "--mode",
            "realtime",
        ];
        assert_eq!(chosen(&options, None).unwrap(), answered);
        assert_eq!(answered.window, 10);
        let broken = chosen(&["--data", data], Some("web\n")).unwrap_err().text();
        assert!(broken.contains("the answers ended"), "{broken}");
        assert!(chosen(&[], None).unwrap_err().text().contains("--column"));
    }
}
