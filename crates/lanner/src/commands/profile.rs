//! `lanner profile`: learns what is usual on hosts, and finds what is not.
//!
//! Reading order: [`Args`]; then `learn`, `watch` and `inspect` (what the commands do), `cascade` (several profiles, one after the other),
//! `events` (events from files), `fleet` (this host as one of many), `kept` (profiles as files), `skim` (lines read no further than
//! needed), `days` (their times), `shared` (arguments of several).

mod cascade;
mod days;
mod events;
mod fleet;
mod inspect;
mod kept;
mod learn;
mod shared;
mod skim;
mod watch;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use lanner_core::TimeRange;
use lanner_core::time::parse_time_ms;
use lanner_profile::Profile;
use lanner_sketch::Forgotten;
use lanner_wire::api::{ForgottenView, Time};

use super::processor::in_words;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list;

use shared::{Events, Kept};

/// Learn the usual behaviour of hosts, and find what is new.
///
/// A profile counts behaviours, such as which program was started by which parent with what arguments, in memory that is fixed
/// before the start. It reads events as Falco, Tetragon, auditd and Sysmon write them, and JSON with Falco's names of
/// fields. docs/profiles.md has more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner profile learn --out host.profile falco.json
  lanner profile watch host.profile falco.json
  lanner profile show host.profile")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Learn from recorded events, and say how many flags a day to expect.
    #[command(after_help = "\
Examples:
  lanner profile learn --out host.profile falco.json
  zcat audit.log.*.gz | lanner profile learn --out host.profile -
  lanner profile learn --more --out host.profile yesterday.json
  lanner profile learn --config profiles.yaml --out host.profile falco.json
  lanner profile learn --from host-a.profile --out host-b.profile falco.json    same seed, so that both can be merged
  lanner profile learn --fleet usual --url http://lanner:9797 --out host.profile falco.json    as the server's processor does

A configuration:
  profiles:
    - id: exec
      where: 'evt.type in (execve, execveat)'
      fields: [proc.exepath, proc.pname, template(proc.cmdline)]
      by: image(container.image.repository)")]
    Learn(learn::Args),
    /// Print events that are unusual, and go on learning.
    #[command(after_help = "\
Examples:
  lanner profile watch host.profile falco.json
  tail -F /var/log/falco.json | lanner profile watch host.profile --save 10m -
  lanner profile watch host.profile --follow --output ocsf /var/log/audit/audit.log
  lanner profile watch host.profile --frozen --output falco events.json
  lanner profile watch host.profile --follow --save 10m --fleet usual --url http://lanner:9797 falco.json

Exit codes: 0 when nothing was found, 1 when something was, 2 for invalid input, 3 for a failure.")]
    Watch(watch::Args),
    /// List profiles: what they saw, whether they are complete, flags a day to expect.
    #[command(after_help = "\
Examples:
  lanner profile show host.profile
  lanner profile show --format json fleet.profile")]
    Show {
        #[command(flatten)]
        kept: Kept,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: list::Format,
    },
    /// List the most frequent behaviours.
    #[command(after_help = "\
Examples:
  lanner profile top host.profile
  lanner profile top --limit 100 --format csv host.profile")]
    Top {
        #[command(flatten)]
        kept: Kept,
        /// Behaviours of each profile.
        #[arg(long, value_name = "NUMBER", default_value_t = 20)]
        limit: usize,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: list::Format,
    },
    /// Say of events how often each of their parts was seen; learns nothing.
    #[command(after_help = "\
Examples:
  lanner profile explain host.profile event.json
  tail -1 /var/log/falco.json | lanner profile explain host.profile -")]
    Explain {
        #[command(flatten)]
        kept: Kept,
        #[command(flatten)]
        events: Events,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: list::Format,
    },
    /// Merge profiles of several hosts that have the same fields and the same seed.
    #[command(after_help = "\
Examples:
  lanner profile merge --out fleet.profile host-a.profile host-b.profile")]
    Merge {
        /// Profiles to merge.
        #[arg(required = true, value_name = "PROFILE")]
        profiles: Vec<PathBuf>,
        /// File to write.
        #[arg(long, value_name = "PROFILE")]
        out: PathBuf,
    },
    /// Forget what was learned in a time, as far as that is still told apart: whole days, of the last two.
    #[command(after_help = "\
Examples:
  lanner profile unlearn host.profile --from 2026-11-29T10:00Z --to 2026-11-29T11:00Z")]
    Unlearn {
        #[command(flatten)]
        kept: Kept,
        /// Start of the time to forget.
        #[arg(long, value_name = "TIME", value_parser = parse_time_ms)]
        from: i64,
        /// End of the time to forget.
        #[arg(long, value_name = "TIME", value_parser = parse_time_ms)]
        to: i64,
    },
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Learn(args) => learn::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Show { kept, format } => inspect::show(&kept.profile, *format),
        Command::Top { kept, limit, format } => inspect::top(&kept.profile, *limit, *format),
        Command::Explain { kept, events, format } => inspect::explain(&kept.profile, events, *format),
        Command::Merge { profiles, out } => merge(profiles, out),
        Command::Unlearn { kept, from, to } => unlearn(&kept.profile, TimeRange::new(*from, *to)),
    }
}

fn merge(paths: &[PathBuf], out: &Path) -> Result<Outcome> {
    let mut merged: Vec<Profile> = Vec::new();
    for path in paths {
        for profile in kept::load(path)? {
            let of_same = |one: &&mut Profile| one.spec().id == profile.spec().id;
            let Some(ours) = merged.iter_mut().find(of_same) else {
                merged.push(profile);
                continue;
            };
            let differs = |what: &str| {
                let id = &profile.spec().id;
                Failure::user(format!(
                    "{}: {id} differs from the same profile before: {what}",
                    path.display()
                ))
            };
            if ours.spec().identity() != profile.spec().identity() {
                return Err(differs("it has other fields, conditions or memory")
                    .hint("only profiles that learn the same can be merged"));
            }
            let _ = ours.merge(&profile).map_err(|error| {
                differs(&error.to_string())
                    .hint("learn with --from PROFILE to use the seed of another profile")
            })?;
        }
    }
    kept::save(out, &merged)?;
    remark("counts of a merged profile are bounds from above");
    Ok(Outcome::Fine)
}

fn unlearn(path: &Path, range: TimeRange) -> Result<Outcome> {
    if range.length_ms() == 0 {
        return Err(Failure::user("--to is not after --from"));
    }
    let mut profiles = kept::load(path)?;
    for profile in &mut profiles {
        let Forgotten { from_ms, to_ms, is_all } = profile.unlearn(range);
        let forgotten = ForgottenView { from: from_ms.map(Time), to: to_ms.map(Time), all: is_all };
        remark(&format!("{}: {}", profile.spec().id, in_words(&forgotten)));
    }
    kept::save(path, &profiles)?;
    Ok(Outcome::Fine)
}
