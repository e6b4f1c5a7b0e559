//! Sizes and counts, for operators, the API and the metrics page.

use std::path::Path;

use super::{Store, StoreError};

/// Sizes of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct StoreStats {
    /// Series that exist.
    pub n_series: usize,
    /// Rows in blocks: samples as written, or steps of older data.
    pub n_block_rows: u64,
    /// Samples in memory, not sealed yet.
    pub n_head_samples: usize,
    /// Blocks of samples.
    pub n_blocks: u64,
    /// Events in blocks.
    pub n_block_events: u64,
    /// Memory of unsealed data.
    pub head_bytes: usize,
    /// Size of everything in the data folder.
    pub folder_bytes: u64,
    /// Size of the store's file.
    pub file_bytes: u64,
    /// Size of its write-ahead log.
    pub log_bytes: u64,
    /// Bytes inside the file that are free for new data.
    pub free_bytes: u64,
    /// Bytes waiting to be written.
    pub queued_bytes: usize,
}

impl Store {
    /// Sizes as of now. Cost: a walk over the lists of blocks, some 10 ms for 200,000 blocks.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn stats(&self) -> Result<StoreStats, StoreError> {
        let core = self.core();
        let (head_bytes, n_head_samples) = {
            let head = core.head();
            (head.bytes(), head.n_samples())
        };
        let path = core.folder.join(super::open::FILE_NAME);
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let log = path.with_extension("db-wal");
        self.look(|db| {
            let (n_blocks, n_block_rows) =
                db.query_row("SELECT count(*), coalesce(sum(n_rows), 0) FROM block", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            let sql = "SELECT coalesce(sum(n_events), 0) FROM event_block";
            let n_block_events = db.query_row(sql, [], |row| row.get(0))?;
            let free: u64 = db.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
            let page: u64 = db.pragma_query_value(None, "page_size", |row| row.get(0))?;
            Ok(StoreStats {
                n_series: core.registry.count(),
                n_block_rows,
                n_head_samples,
                n_blocks,
                n_block_events,
                head_bytes,
                folder_bytes: size_of_all(&core.folder),
                file_bytes: size(&path),
                log_bytes: size(&log),
                free_bytes: free * page,
                queued_bytes: self.queued_bytes(),
            })
        })
    }
}

/// The size of the files in a folder and in those below it.
fn size_of_all(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of_all(&entry.path()),
        Ok(metadata) => metadata.len(),
        // Gone meanwhile.
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}
