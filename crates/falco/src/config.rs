//! What `init_config` says; every mistake in it at once.

use std::path::PathBuf;
use std::sync::Arc;

use lanner_core::document::{Check, Node, Problems};
use lanner_core::reading;
use lanner_core::time::parse_duration_ms;
use lanner_profile::Seed;

use crate::fleet::{self, Settings};
use crate::official::{self, Official};
use crate::profiles::Kept;

/// The profile where nobody names one: what programs run, started by whom, with what arguments.
const DEFAULT: &str = "
profiles:
  - id: exec
    where: 'evt.type in (execve, execveat)'
    fields: [proc.exepath, proc.pname, template(proc.cmdline)]
";

const KNOWN: [&str; 5] = ["profiles", "state", "save_every", "server", "count_min_sketch"];
const SAVE_EVERY_MS: i64 = 300_000;
/// More profiles than anybody needs; each has memory of its own.
const MAX_PROFILES: usize = 64;

/// What the plugin is to do.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) profiles: Vec<Arc<Kept>>,
    /// What Falco's own plugin does, if its section is there.
    pub(crate) official: Option<Arc<Official>>,
    /// Where profiles are kept over restarts.
    pub(crate) state: Option<PathBuf>,
    pub(crate) save_every_ms: i64,
    /// The server of the fleet that this host is in.
    pub(crate) server: Option<Settings>,
}

impl Config {
    /// Reads the configuration, which may be empty; profiles hash under `seed`.
    ///
    /// # Errors
    /// Every problem in it.
    pub(crate) fn read(text: &str, seed: &Seed) -> Result<Self, Problems> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        let node = Node::from_yaml(text).map_err(|problem| Problems(vec![problem]))?;
        let mut check = Check::default();
        let config = read(&node, seed, &mut check);
        match config {
            Some(config) if check.problems.is_empty() => Ok(config),
            _ => Err(Problems(check.problems)),
        }
    }
}

fn read(node: &Node, seed: &Seed, check: &mut Check) -> Option<Config> {
    let mut fields = check.map(node, "")?;
    let official = fields.get("count_min_sketch");
    let listed = fields.get("profiles");
    let server = fields.get("server");
    let profiles = match (listed, official.or(server)) {
        (Some(node), _) => profiles(node, seed, check),
        // Whoever moves here from that plugin gets what it did, and nothing else; a fleet says what its hosts learn.
        (None, Some(_)) => Vec::new(),
        (None, None) => default_profiles(seed, check),
    };
    let server = server.and_then(|node| fleet::read(node, "server", check));
    let official = official.and_then(|node| official::read(node, "count_min_sketch", check)).map(Arc::new);
    let state = fields.read("state", check, reading::text).map(PathBuf::from);
    let save_every =
        |node: &Node| parse_duration_ms(&reading::text(node)?).map_err(|error| error.to_string());
    let save_every_ms = fields.read("save_every", check, save_every).unwrap_or(SAVE_EVERY_MS).max(1_000);
    fields.finish(&KNOWN, check);
    if let Some(server) = &server
        && profiles.iter().any(|kept| kept.profile.spec().id == server.options.profile)
    {
        let message = format!(
            "\"{}\" is the profile of the fleet, which says what it learns; leave it out here",
            server.options.profile
        );
        check.problem(node, "profiles", message);
    }
    Some(Config { profiles, official, state, save_every_ms, server })
}

fn default_profiles(seed: &Seed, check: &mut Check) -> Vec<Arc<Kept>> {
    let document = Node::from_yaml(DEFAULT).map_err(|problem| check.problems.push(problem));
    let Ok(node) = document else { return Vec::new() };
    let list = check.map(&node, "").and_then(|mut fields| fields.get("profiles"));
    list.map_or_else(Vec::new, |list| profiles(list, seed, check))
}

fn profiles(node: &Node, seed: &Seed, check: &mut Check) -> Vec<Arc<Kept>> {
    let items = check.items(node);
    if items.len() > MAX_PROFILES {
        check.problem(
            node,
            "profiles",
            format!("there are {} profiles; at most {MAX_PROFILES} are kept", items.len()),
        );
        return Vec::new();
    }
    let mut profiles: Vec<Arc<Kept>> = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let path = format!("profiles[{at}]");
        let Some(kept) = Kept::read(item, &path, seed, check) else { continue };
        let id = &kept.profile.spec().id;
        if profiles.iter().any(|other| other.profile.spec().id == *id) {
            check.problem(item, &path, format!("\"{id}\" is the id of two profiles"));
        }
        profiles.push(Arc::new(kept));
    }
    profiles
}
