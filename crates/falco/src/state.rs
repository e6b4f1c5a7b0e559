//! Profiles kept over restarts, in one file.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use lanner_profile::{Profile, Seed};

use crate::profiles::{Kept, filter};

/// The profiles of a file; none if it does not exist yet.
///
/// # Errors
/// In a sentence, what is wrong with the file.
pub(crate) fn load(path: &Path) -> Result<Vec<Profile>, String> {
    let told = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    match fs::read(path) {
        Ok(bytes) => Profile::read_all(&bytes, &filter).map_err(|why| told(&why)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(told(&error)),
    }
}

/// Gives profiles what was learned of the same behaviours before, and says of which it was others.
pub(crate) fn adopt(profiles: &mut [Arc<Kept>], known: Vec<Profile>) -> Vec<String> {
    let mut others = Vec::new();
    for mut profile in known {
        let id = profile.spec().id.clone();
        let Some(kept) = profiles.iter_mut().find(|kept| kept.profile.spec().id == id) else { continue };
        let spec = kept.profile.spec();
        if spec.identity() == profile.spec().identity() {
            profile.adopt(spec.clone());
            // It reads what the one without a past reads.
            if let Ok(with_past) = Kept::of(profile) {
                *kept = Arc::new(with_past);
            }
        } else {
            others.push(id);
        }
    }
    others
}

/// The profiles as the bytes of a file.
pub(crate) fn bytes(profiles: &[Arc<Kept>], now_ms: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for kept in profiles {
        kept.profile.write(now_ms, &mut bytes);
    }
    bytes
}

/// Replaces the file as a whole, readable by its owner only: it says what runs on this host.
///
/// # Errors
/// Failures of the file system; the file before is untouched then.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let beside = path.with_extension("new");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// The seed of the profiles of a file, or one that nobody can guess: what the standard library seeds its maps with comes from
/// the operating system. Attackers who knew it could make keys that collide.
pub(crate) fn seed(known: &[Profile]) -> Seed {
    use std::collections::hash_map::RandomState;
    use std::hash::{BuildHasher as _, Hasher as _};
    let half = |salt: u64| {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u64(salt);
        u128::from(hasher.finish())
    };
    known.first().map_or_else(|| Seed::new((half(1) << 64) | half(2)), |profile| profile.seed().clone())
}
