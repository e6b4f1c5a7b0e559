//! What steps made, kept under the hash of what went into it.
//!
//! A file begins with the hash of the rest, so it is known without reading it, and damage is found out.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use lanner_core::content;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, Result};

/// Digits of a hash, and of that by which files are named.
const DIGITS: usize = 64;
const NAMED_BY: usize = 32;

/// States of a step.
pub(super) const KEPT: &str = "kept";
pub(super) const DONE: &str = "done";
pub(super) const TO_DO: &str = "to do";

/// What became of a step.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Done {
    pub(super) step: String,
    /// `kept` where nothing had changed, `done`, or `to do`.
    pub(super) state: &'static str,
    /// How long it took.
    pub(super) seconds: Option<f64>,
    /// The hash of what it made.
    pub(super) made: Option<String>,
    #[serde(skip)]
    pub(super) file: String,
}

/// A folder with what steps made.
pub(super) struct Kept {
    folder: PathBuf,
    /// Held as long as it may change.
    _lock: Option<File>,
}

/// What a step made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    path: PathBuf,
    pub(super) hash: String,
}

impl Kept {
    /// Opens a folder, in which no other run goes on.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("lock");
        let failed = |error: std::io::Error| Failure::file("write", &path, &error);
        fs::create_dir_all(folder.join("steps")).map_err(failed)?;
        let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::user(format!("another run works in {}", folder.display()))
                    .hint("wait for it, or name another folder with --folder"))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// A folder that is only looked at.
    pub(super) fn look(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), _lock: None }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of what a step makes of `inputs`, which say everything that it depends on. So does the release of this program.
    pub(super) fn name(step: &str, inputs: &[&str]) -> String {
        let mut all = vec![env!("CARGO_PKG_VERSION"), step];
        all.extend(inputs);
        let hash = content::hash(&serde_json::json!(all));
        format!("{step}-{}", &hash[..NAMED_BY])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join("steps").join(name)
    }

    /// What a step made before, if it is there.
    pub(super) fn find(&self, name: &str) -> Option<Made> {
        let path = self.path(name);
        let mut head = [0; DIGITS];
        File::open(&path).and_then(|mut file| file.read_exact(&mut head)).ok()?;
        let hash = String::from_utf8(head.to_vec()).ok()?;
        hash.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(Made { path, hash })
    }

    /// What a step makes: found, or made now and kept.
    pub(super) fn step(
        &self,
        (step, inputs): (&str, &[&str]),
        done: &mut Vec<Done>,
        make: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Made> {
        let file = Self::name(step, inputs);
        let (began, found) = (Instant::now(), self.find(&file));
        let (state, made) = match found {
            Some(made) => (KEPT, made),
            None => (DONE, self.keep(&file, &make()?)?),
        };
        let seconds = (state == DONE).then(|| (began.elapsed().as_secs_f64() * 1e3).round() / 1e3);
        done.push(Done { step: step.to_owned(), state, seconds, made: Some(made.hash.clone()), file });
        Ok(made)
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<Made> {
        let (path, hash) = (self.path(name), content::sha256(bytes));
        let failed = |error: std::io::Error| Failure::file("write", &path, &error);
        let mut file = tempfile::NamedTempFile::new_in(self.folder.join("steps")).map_err(failed)?;
        let written = file.write_all(hash.as_bytes()).and_then(|()| file.write_all(bytes));
        written.and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(Made { path, hash })
    }

    /// Removes what none of the runs needs that `needed` names, and what an interrupted run left half written.
    pub(super) fn clean(&self, needed: &BTreeSet<&str>) -> Result<()> {
        let folder = self.folder.join("steps");
        let failed = |error: std::io::Error| Failure::file("clean", &folder, &error);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if !entry.file_name().to_str().is_some_and(|name| needed.contains(name)) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }
}

impl Made {
    /// Reads it. What is damaged is removed, so that the next run makes it anew.
    pub(super) fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = fs::read(&self.path).map_err(|error| Failure::file("read", &self.path, &error))?;
        let body = bytes.split_off(DIGITS.min(bytes.len()));
        if content::sha256(&body) == self.hash {
            return Ok(body);
        }
        let _ = fs::remove_file(&self.path);
        Err(Failure::program(format!("{} was damaged, and is removed", self.path.display()))
            .hint("run the pipeline again; it is made anew"))
    }

    /// Reads it as JSON.
    pub(super) fn json<T: for<'a> Deserialize<'a>>(&self) -> Result<T> {
        let wrong = |error: serde_json::Error| Failure::program(format!("{}: {error}", self.path.display()));
        serde_json::from_slice(&self.read()?).map_err(wrong)
    }
}

/// The hash of a file's content. Cost: linear, in constant memory.
pub(super) fn hash_of(path: &Path) -> Result<String> {
    let failed = |error: std::io::Error| Failure::file("read", path, &error);
    let (mut file, mut hasher) = (File::open(path).map_err(failed)?, Sha256::new());
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(content::hex(&hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}
