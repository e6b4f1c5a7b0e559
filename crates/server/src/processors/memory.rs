//! What processors have learned: kept over changes of the configuration, and as files beside the store over restarts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use lanner_engine::processor::{Configured, Processors};
use lanner_io::store::write_private;
use ring::digest::{SHA256, digest};

use crate::base::Base;
use crate::sync::locked;

/// The folder of the data that holds the files. A backup carries it.
const FOLDER: &str = "processors";

/// Where what processors learned is kept.
#[derive(Debug)]
pub(super) struct Memories {
    folder: PathBuf,
    /// Random for each installation.
    secret: u64,
    /// Held while files are written.
    saving: Mutex<()>,
}

impl Memories {
    pub(super) fn new(base: &Base) -> Self {
        Self {
            folder: base.settings.folder.join(FOLDER),
            secret: base.state.secret(),
            saving: Mutex::default(),
        }
    }

    /// Gives a processor what it knew: the same one goes on as it is, a changed one takes up what it can, and a new one begins, or
    /// reads its file.
    pub(super) fn take_up(&self, one: &mut Configured, before: &Processors, now_ms: i64) {
        let known = before.all().iter().find(|known| known.id == one.id);
        if let Some(known) = known.filter(|known| known.document == one.document) {
            one.processor = Arc::clone(&known.processor);
            return;
        }
        let Some(memory) = one.processor.memory() else { return };
        let in_force = known.and_then(|known| known.processor.memory());
        let kept = match in_force {
            Some(memory) => Some(memory.save(now_ms)),
            None => std::fs::read(self.file(&one.id)).ok(),
        };
        let restored = kept.map(|bytes| memory.restore(&bytes, now_ms));
        if let Some(Err(why)) = &restored {
            tracing::warn!(
                "the processor {} learns anew, because what it learned cannot be used: {why}",
                one.id
            );
        }
        if !matches!(restored, Some(Ok(()))) {
            memory.begin(self.seed(&one.id), Some(now_ms));
        }
    }

    /// Writes what all of them learned.
    pub(super) fn save(&self, processors: &Processors, now_ms: i64) -> std::io::Result<()> {
        let _one_at_a_time = locked(&self.saving);
        for one in processors.all() {
            let Some(memory) = one.processor.memory() else { continue };
            write_private(&self.file(&one.id), &memory.save(now_ms))?;
        }
        Ok(())
    }

    /// The seed of what one processor learns. Hosts of a fleet are given that of their profile, which must not tell them any other.
    fn seed(&self, id: &str) -> u128 {
        let text = format!("lanner profile {:x} {id}", self.secret);
        let digest = digest(&SHA256, text.as_bytes());
        digest.as_ref().first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes))
    }

    fn file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.profile"))
    }
}
