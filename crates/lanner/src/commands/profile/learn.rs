//! `lanner profile learn`: from recorded events to a profile, and what to expect of it.

use std::path::PathBuf;

use lanner_profile::read::HostEvent;
use lanner_profile::{Advice, Profile};
use lanner_sketch::Seed;

use super::cascade::Cascade;
use super::shared::{Events, FleetArgs, Held};
use super::{events, fleet, kept};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::output::counted;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    events: Events,
    #[command(flatten)]
    fleet: FleetArgs,
    #[command(flatten)]
    held: Held,
    /// File to write.
    #[arg(long, value_name = "PROFILE")]
    out: PathBuf,
    /// What to learn, as YAML; by default which programs run, started by whom, with what arguments.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["more", "from", "fleet"])]
    config: Option<PathBuf>,
    /// Go on learning with the profile that --out names.
    #[arg(long, conflicts_with_all = ["from", "fleet"])]
    more: bool,
    /// Learn the same as this profile, with its seed, from the beginning: the two can be merged then.
    #[arg(long, value_name = "PROFILE", conflicts_with = "fleet")]
    from: Option<PathBuf>,
    /// Flags a day that are acceptable, for the advice on the limit `rare`.
    #[arg(long, value_name = "NUMBER", default_value_t = 10.0)]
    flags_per_day: f64,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let mut profiles = begin(args)?;
    args.held.hold(&mut profiles);
    let cascade = Cascade::of(&profiles);
    let mut reader = events::Reader::new(args.events.input.format());
    for path in &args.events.files {
        reader.file(path, &mut |time_ms, event: &HostEvent| {
            cascade.pass(&mut profiles, &event.fields, time_ms, true, |_| ());
            Ok(())
        })?;
    }
    reader.tell()?;
    for profile in &mut profiles {
        let advice = profile.finish();
        tell(profile, &advice, args.flags_per_day);
    }
    kept::save(&args.out, &profiles)?;
    Ok(Outcome::Fine)
}

fn begin(args: &Args) -> Result<Vec<Profile>> {
    if args.more {
        return kept::load(&args.out);
    }
    if args.out.exists() {
        return Err(Failure::user(format!("{} exists", args.out.display()))
            .hint("go on learning with --more, or give --out another name"));
    }
    if let Some(options) = args.fleet.options(None) {
        return Ok(vec![fleet::begin(options)?]);
    }
    if let Some(from) = &args.from {
        let again = |profile: &Profile| Profile::new(profile.spec().clone(), profile.seed());
        return Ok(kept::load(from)?.iter().map(again).collect());
    }
    let seed = Seed::new(kept::random_seed());
    Ok(kept::specs(args.config.as_deref())?.into_iter().map(|spec| Profile::new(spec, &seed)).collect())
}

fn tell(profile: &Profile, advice: &Advice, budget: f64) {
    let (id, rare) = (&profile.spec().id, profile.spec().rare);
    if advice.n_events == 0 {
        remark(&format!("{id}: no event was one of its own; check `where`"));
        return;
    }
    let learned = format!(
        "{id}: learned {} in {:.1} days, {}",
        counted(advice.n_events, "event"),
        profile.n_days(),
        counted(advice.n_behaviours, "behaviour"),
    );
    let Some(flags) = advice.flags_per_day.get(rare as usize - 1) else {
        remark(&format!("{learned}; the events tell no times, so flags a day cannot be told"));
        return;
    };
    remark(&format!("{learned}; expect {flags:.1} flags a day with rare: {rare}"));
    let best = advice.rare(budget);
    if *flags > budget {
        remark(&format!(
            "{id}: that is more than {budget}; mask more with template(), or leave out the field that varies most"
        ));
    } else if best != rare {
        let flags = advice.flags_per_day.get(best as usize - 1).copied().unwrap_or_default();
        remark(&format!("{id}: rare: {best} would find more, with {flags:.1} flags a day"));
    }
    if profile.fill() > 1.0 {
        remark(&format!("{id}: too small for so many behaviours, so it is incomplete; give it more memory"));
    }
}
