//! The files of an unfinished training, beside that of the detector: one, or a folder with one for each entity.

use std::path::{Path, PathBuf};

use lanner_core::content;
use lanner_deep::{Checkpoint, Damage};

use super::kept;
use crate::failure::{Failure, Result, remark};
use crate::output::counted;

/// Where they are.
#[derive(Debug, Clone)]
pub(super) struct Checkpoints {
    path: PathBuf,
    /// Whether it is a folder.
    is_each: bool,
    is_resumed: bool,
}

impl Checkpoints {
    /// Looks at what is there. What is not wanted is not written over: it may be the work of hours.
    pub(super) fn open(out: &Path, is_each: bool, is_resumed: bool) -> Result<Self> {
        let mut path = out.as_os_str().to_owned();
        path.push(".checkpoint");
        let path = PathBuf::from(path);
        let name = path.display();
        match (is_resumed, path.exists()) {
            (false, true) => Err(Failure::user(format!("{name} is left of a training that was interrupted"))
                .hint("go on with --resume, or remove it")),
            (true, false) => Err(Failure::user(format!("there is no {name} to go on from"))
                .hint("leave --resume out; only mtad-gat and mvad learn in epochs")),
            (true, true) if path.is_dir() != is_each => {
                Err(Failure::user(format!("{name} is left of a training with other settings of --by"))
                    .hint("give the same, or remove it"))
            }
            _ => Ok(Self { path, is_each, is_resumed }),
        }
    }

    /// The epochs of an entity that are done; of a detector for all without one.
    pub(super) fn read(&self, entity: Option<&str>) -> Result<Option<Checkpoint>> {
        let path = self.of(entity);
        // Whose turn it was not yet has none.
        if !self.is_resumed || !path.exists() {
            return Ok(None);
        }
        let name = path.display();
        let bytes = std::fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
        let found = Checkpoint::from_bytes(&bytes);
        let found = found.map_err(|damage| match damage {
            Damage::Other => Failure::user(format!("{name} is no checkpoint")),
            damage => Failure::user(format!("{name} {damage}")),
        })?;
        let whose = entity.map(|entity| format!("{entity}: ")).unwrap_or_default();
        remark(&format!("{whose}{} done before", counted(found.n_done() as u64, "epoch")));
        Ok(Some(found))
    }

    pub(super) fn keep(&self, entity: Option<&str>, reached: &Checkpoint) -> Result<()> {
        if self.is_each {
            std::fs::create_dir_all(&self.path).map_err(|error| Failure::file("make", &self.path, &error))?;
        }
        kept::write(&self.of(entity), &reached.to_bytes())
    }

    /// The training is over.
    pub(super) fn drop(&self) {
        let _ =
            if self.is_each { std::fs::remove_dir_all(&self.path) } else { std::fs::remove_file(&self.path) };
    }

    /// Names of entities may hold what names of files may not.
    fn of(&self, entity: Option<&str>) -> PathBuf {
        entity.map_or_else(|| self.path.clone(), |entity| self.path.join(content::sha256(entity.as_bytes())))
    }
}
