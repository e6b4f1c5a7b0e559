//! The pages of a database as its file and its write-ahead log hold them, read without SQLite.
//!
//! Of a page that the log holds more than once the last one counts that was committed. A frame of the log whose checksum is
//! wrong is left out, and so is what was not committed; SQLite itself stops reading at the first wrong frame.
//! Formats: <https://www.sqlite.org/fileformat2.html>, sections 1.3, 1.8 and 4.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The size of all our pages, which is SQLite's default.
pub(super) const PAGE_BYTES: usize = 4096;
const LOG_HEADER_BYTES: usize = 32;
/// How a log begins whose checksums are over little-endian words.
const LOG_MAGIC: [u8; 4] = [0x37, 0x7f, 0x06, 0x82];
const FRAME_HEADER_BYTES: usize = 24;
/// The page that holds the byte at 1 GiB, which SQLite locks and never fills.
const LOCK_PAGE: u32 = (1 << 30) / PAGE_BYTES as u32 + 1;

/// The content of a page.
pub(super) type Page = Box<[u8; PAGE_BYTES]>;

/// See the module.
pub(super) struct Pages {
    file: File,
    log: Option<File>,
    /// Where in the log the newest content of a page lies.
    in_log: HashMap<u32, u64>,
    n_pages: u32,
    /// Frames of the log that cannot be read although later ones were committed.
    pub(super) n_lost_frames: usize,
}

impl Pages {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let n_in_file = file.metadata()?.len().div_ceil(PAGE_BYTES as u64);
        let mut pages = Self {
            file,
            log: None,
            in_log: HashMap::new(),
            n_pages: u32::try_from(n_in_file).unwrap_or(u32::MAX),
            n_lost_frames: 0,
        };
        match File::open(path.with_extension("db-wal")) {
            Ok(log) => pages.read_log(log)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(pages)
    }

    /// How many pages the database has, were it whole.
    pub(super) const fn count(&self) -> u32 {
        self.n_pages
    }

    /// Page `number`, from 1; `None` for one that is not there, or not whole.
    pub(super) fn read(&mut self, number: u32) -> io::Result<Option<Page>> {
        let mut page: Page = Box::new([0; PAGE_BYTES]);
        let (source, at) = match (self.in_log.get(&number), &mut self.log) {
            (Some(at), Some(log)) => (log, *at),
            _ if number == 0 || number > self.n_pages => return Ok(None),
            _ => (&mut self.file, u64::from(number - 1) * PAGE_BYTES as u64),
        };
        source.seek(SeekFrom::Start(at))?;
        match source.read_exact(&mut *page) {
            Ok(()) => Ok(Some(page)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The first bytes of the file itself, whatever the log says of its first page.
    pub(super) fn file_header(&mut self) -> io::Result<Vec<u8>> {
        let mut header = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        (&mut self.file).take(100).read_to_end(&mut header)?;
        Ok(header)
    }

    fn read_log(&mut self, mut log: File) -> io::Result<()> {
        let mut header = [0; LOG_HEADER_BYTES];
        if log.read_exact(&mut header).is_err() {
            return Ok(()); // nothing was ever committed to it
        }
        let is_log = header[..4] == LOG_MAGIC;
        let is_whole = is_log && Sum::default().over(&header[..24]) == Sum::read(&header[24..]);
        let mut walk = LogWalk {
            salts: header[16..24].to_vec(),
            before: Sum::read(&header[24..]),
            ..LogWalk::default()
        };
        if !is_whole {
            // SQLite takes such a log for empty. The frames tell what its header cannot.
            walk.n_wrong = 1;
        }
        let mut frame = vec![0; FRAME_HEADER_BYTES + PAGE_BYTES];
        let mut at = LOG_HEADER_BYTES as u64;
        let mut reader = io::BufReader::with_capacity(1 << 20, &log);
        while reader.read_exact(&mut frame).is_ok() {
            walk.take(&frame, at + FRAME_HEADER_BYTES as u64, is_whole);
            at += frame.len() as u64;
        }
        if walk.n_pages > 0 {
            self.n_pages = walk.n_pages;
        }
        // Under a header that is none anything may have lain, also where no frame is left that says so.
        self.n_lost_frames = walk.n_lost.max(usize::from(!is_whole));
        self.in_log = walk.committed;
        self.log = Some(log);
        Ok(())
    }

    /// What the map of pointers says of a page: what kind it is of, and which page points to it.
    pub(super) fn pointer(&mut self, number: u32) -> io::Result<Option<(u8, u32)>> {
        let map = map_page(number);
        if map == number {
            return Ok(None);
        }
        let Some(at) = number.checked_sub(map + 1) else { return Ok(None) };
        let at = at as usize * 5;
        let Some(page) = self.read(map)? else { return Ok(None) };
        let entry = page.get(at..at + 5);
        Ok(entry.map(|entry| (entry[0], u32::from_be_bytes([entry[1], entry[2], entry[3], entry[4]]))))
    }

    /// The pages that hold no data of their own.
    pub(super) fn maps(&self) -> BTreeSet<u32> {
        (2..=self.n_pages).filter(|number| map_page(*number) == *number || *number == LOCK_PAGE).collect()
    }
}

/// The page of the map that tells of page `number`.
const fn map_page(number: u32) -> u32 {
    let per_map = PAGE_BYTES as u32 / 5 + 1;
    let map = (number.saturating_sub(2)) / per_map * per_map + 2;
    if map == LOCK_PAGE { map + 1 } else { map }
}

/// A walk over the frames of a log.
#[derive(Default)]
struct LogWalk {
    salts: Vec<u8>,
    before: Sum,
    /// Frames read since the last one that was committed.
    open: HashMap<u32, u64>,
    /// Frames since then that could not be read.
    n_wrong: usize,
    committed: HashMap<u32, u64>,
    n_pages: u32,
    n_lost: usize,
}

impl LogWalk {
    fn take(&mut self, frame: &[u8], page_at: u64, knows_salts: bool) {
        let word = |at: usize| u32::from_be_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]);
        let stored = Sum::read(&frame[16..24]);
        if !knows_salts && self.committed.is_empty() && self.open.is_empty() {
            self.salts = frame[8..16].to_vec();
        }
        let sum = self.before.over(&frame[..8]).over(&frame[FRAME_HEADER_BYTES..]);
        // Each frame is summed on from the one before, as that one says: a wrong one does not hide those after it.
        self.before = stored;
        if frame[8..16] != *self.salts || sum != stored {
            self.n_wrong += 1;
            return;
        }
        self.open.insert(word(0), page_at);
        if word(4) != 0 {
            self.n_pages = word(4);
            self.n_lost += std::mem::take(&mut self.n_wrong);
            self.committed.extend(self.open.drain());
        }
    }
}

/// The checksum of the log, over little-endian words: our logs are written on machines that count so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum(u32, u32);

impl Sum {
    fn read(bytes: &[u8]) -> Self {
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self(word(0), word(4))
    }

    fn over(mut self, bytes: &[u8]) -> Self {
        for pair in bytes.as_chunks::<8>().0 {
            let [a, b, c, d, e, f, g, h] = *pair;
            self.0 = self.0.wrapping_add(u32::from_le_bytes([a, b, c, d])).wrapping_add(self.1);
            self.1 = self.1.wrapping_add(u32::from_le_bytes([e, f, g, h])).wrapping_add(self.0);
        }
        self
    }
}
