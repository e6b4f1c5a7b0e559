//! Profiles as files, and as they are written in a configuration.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use lanner_core::document::{Check, Node};
use lanner_profile::{DEFAULT, Profile, Spec};

use crate::failure::{Failure, Result};
use crate::files;
use crate::models::{self, PROFILE, filter};
use crate::output;
use crate::problems;

/// Reads the profiles of a file.
pub(super) fn load(path: &Path) -> Result<Vec<Profile>> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    models::expect(&bytes, &PROFILE).map_err(|why| Failure::user(format!("{} {why}", path.display())))?;
    Profile::read_all(&bytes, &filter).map_err(|error| Failure::user(format!("{}: {error}", path.display())))
}

/// Writes profiles to a file, at once: whoever reads it sees the old ones or the new ones.
pub(super) fn save(path: &Path, profiles: &[Profile]) -> Result<()> {
    let mut bytes = Vec::new();
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    profiles.iter().for_each(|profile| profile.write(now_ms, &mut bytes));
    let failed = |error: std::io::Error| Failure::file("write", path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Whoever knows the seed can choose behaviours that pass for others: the file is its owner's, as temporary files are.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// What a configuration says is to be learned; the default without one.
pub(super) fn specs(path: Option<&Path>) -> Result<Vec<Spec>> {
    let (path, text) = match path {
        Some(path) => (path, files::read_text(path)?),
        None => (Path::new("default"), DEFAULT.to_owned()),
    };
    let mut check = Check::default();
    let specs = match Node::from_yaml(&text) {
        Ok(node) => read(&node, &mut check),
        Err(problem) => {
            check.problems.push(problem);
            Vec::new()
        }
    };
    if check.problems.is_empty() {
        return Ok(specs);
    }
    for problem in &check.problems {
        output::styled(&problems::render(path, &text, problem))?;
    }
    Err(Failure::user(format!("{} has problems", path.display())).hint("fix the problems above"))
}

fn read(node: &Node, check: &mut Check) -> Vec<Spec> {
    let Some(mut fields) = check.map(node, "") else { return Vec::new() };
    let Some(list) = fields.require("profiles", "[{ id: exec, fields: [proc.cmdline] }]", check) else {
        return Vec::new();
    };
    let mut specs: Vec<Spec> = Vec::new();
    for (at, item) in check.items(list).into_iter().enumerate() {
        let path = format!("profiles[{at}]");
        match Spec::read_document(item, &path, &filter, check) {
            Some(spec) if specs.iter().any(|other| other.id == spec.id) => {
                check.problem(item, &path, format!("{} is the id of two profiles", spec.id));
            }
            spec => specs.extend(spec),
        }
    }
    if specs.is_empty() && check.problems.is_empty() {
        check.problem(list, "profiles", "has no profile");
    }
    fields.finish(&["profiles"], check);
    specs
}

/// A number that nobody can guess: what the standard library seeds its maps with comes from the operating system.
pub(super) fn random_seed() -> u128 {
    let half = |salt: u64| {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u64(salt);
        u128::from(hasher.finish())
    };
    (half(1) << 64) | half(2)
}
