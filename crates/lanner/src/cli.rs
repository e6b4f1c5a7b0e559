//! The command line: the list of commands. The arguments of a command are in its own file.

use clap::{Parser, Subcommand};

use crate::commands::{
    alert, api, apply, backup, check, completion, demo, detect, detector, diff, export, import, man, model,
    outbox, processor, profile, query, receiver, reload, repair, replay, restore, rule, schema, serve,
    silence, status, switch, test, token, user, vuln, worker,
};

/// Lanner finds anomalies in metrics and events, notifies people, and limits the damage with kill switches.
#[derive(Debug, Parser)]
#[command(
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  lanner demo                         watch it find an outage, within a minute
  lanner serve                        start a server without any configuration
  lanner detect measurements.csv      find anomalies in a table, without any configuration
  lanner api replay access.log        find unusual API traffic in an access log
  lanner check lanner.yaml            find every mistake in a configuration
  lanner test payments.test.yaml      test rules against written examples
  lanner apply lanner.yaml            put a configuration into effect on a running server
  lanner import payments.csv          import data into a running server
  lanner alert list                   list current alerts
  lanner switch activate block-bank   block everything a kill switch matches, now

Exit codes: 0 success, 1 something was found, 2 invalid input, 3 failure."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// All commands, each in a file of `commands`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(serve::Args),
    Demo(demo::Args),
    Detect(detect::Args),
    Detector(detector::Args),
    Api(api::Args),
    Check(check::Args),
    Schema(schema::Args),
    Test(test::Args),
    Replay(replay::Args),
    Apply(apply::Args),
    Diff(diff::Args),
    Rule(rule::Args),
    Processor(processor::Args),
    Alert(alert::Args),
    Silence(silence::Args),
    Switch(switch::Args),
    Receiver(receiver::Args),
    Outbox(outbox::Args),
    Profile(profile::Args),
    Model(model::Args),
    Query(query::Args),
    Import(import::Args),
    Vuln(vuln::Args),
    Export(export::Args),
    Reload(reload::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Repair(repair::Args),
    Status(status::Args),
    Worker(worker::Args),
    Token(token::Args),
    User(user::Args),
    Completion(completion::Args),
    Man(man::Args),
}

#[cfg(test)]
mod lines;

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::lines::{problems_of, written_in};
    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself_with_examples() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n  lanner "), "`{path}` has no examples");
            assert!(command.get_about().is_some(), "`{path}` does not say what it does");
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let id = argument.get_id();
                assert!(argument.get_help().is_some(), "`{path}` does not explain {id}");
            }
            command.get_subcommands().for_each(|command| check(command, &path));
        }
        check(&Cli::command(), "");
    }

    #[test]
    fn every_example_of_the_help_is_a_command_line() {
        fn of(command: &clap::Command, lines: &mut Vec<String>) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            lines.extend(
                help.lines().map(str::trim).filter(|line| line.starts_with("lanner ")).map(str::to_owned),
            );
            command.get_subcommands().for_each(|command| of(command, lines));
        }
        let mut lines = Vec::new();
        of(&Cli::command(), &mut lines);
        assert!(lines.len() > 100, "{}", lines.len());
        // A remark beside a line is set off by two blanks.
        let lines = lines.iter().map(|line| line.split("   ").next().unwrap_or_default());
        let problems: Vec<String> = lines.flat_map(problems_of).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    #[test]
    fn every_command_of_the_manual_is_a_command_line() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let pages = std::fs::read_dir(format!("{root}/docs")).unwrap().map(|entry| entry.unwrap().path());
        let pages = pages.chain([format!("{root}/README.md").into()]);
        let lines: Vec<String> = pages
            .filter_map(|page| std::fs::read_to_string(page).ok())
            .flat_map(|text| written_in(&text))
            .collect();
        assert!(lines.len() > 90, "{}", lines.len());
        let problems: Vec<String> = lines.iter().flat_map(|line| problems_of(line)).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}
