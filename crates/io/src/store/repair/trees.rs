//! The trees of a database, read page by page around what is damaged.
//!
//! A tree is walked from its root. Where a page on the way is damaged, the pages below it are found through the map of
//! pointers, in which each page names the one above it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;

use rusqlite::types::Value;

use super::pages::{PAGE_BYTES, Page, Pages};

const TABLE_LEAF: u8 = 0x0d;
const TABLE_INNER: u8 = 0x05;
const INDEX_LEAF: u8 = 0x0a;
const INDEX_INNER: u8 = 0x02;
/// In the map of pointers: a page of a tree that is not its root.
const POINTS_INNER: u8 = 5;
/// Trees are never deeper.
const MAX_DEPTH: usize = 20;
/// A record is never larger: bodies of blocks and batches are bounded far below.
const MAX_RECORD_BYTES: usize = 1 << 30;

/// How a tree stores its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Rows by number.
    Table,
    /// Rows by key: indexes, and tables without numbers.
    Index,
}

/// A row as a tree holds it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    /// Its number; 0 in an index.
    pub(super) number: i64,
    pub(super) values: Vec<Value>,
}

/// What reading a tree came to.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Pages that could not be read, or are none of this tree.
    pub(super) damaged: BTreeSet<u32>,
    /// Rows on whole pages that could not be read.
    pub(super) n_damaged_rows: u64,
}

/// Reads trees of one database.
pub(super) struct Trees<'p> {
    pages: &'p mut Pages,
    /// Every page that was seen as part of a tree, with the tree's root.
    owner: HashMap<u32, u32>,
}

impl<'p> Trees<'p> {
    pub(super) fn new(pages: &'p mut Pages) -> Self {
        Self { pages, owner: HashMap::new() }
    }

    /// Walks the tree at `root`, showing each row that can be read; an error of `show` ends the walk.
    pub(super) fn walk<E: From<io::Error>>(
        &mut self,
        root: u32,
        kind: Kind,
        show: &mut dyn FnMut(Record) -> Result<(), E>,
    ) -> Result<Walked, E> {
        let mut walked = Walked::default();
        let mut below = vec![(root, 0)];
        while let Some((number, depth)) = below.pop() {
            if self.owner.insert(number, root).is_some() {
                continue;
            }
            let children = self.page(number, kind, &mut walked, show)?;
            if depth < MAX_DEPTH {
                below.extend(children.into_iter().map(|child| (child, depth + 1)));
            }
        }
        Ok(walked)
    }

    /// Walks the pages that belong to a tree of `roots` and were not reached from above.
    pub(super) fn walk_lost<E: From<io::Error>>(
        &mut self,
        roots: &HashMap<u32, Kind>,
        show: &mut dyn FnMut(u32, Record) -> Result<(), E>,
    ) -> Result<(), E> {
        let maps = self.pages.maps();
        for number in 3..=self.pages.count() {
            if self.owner.contains_key(&number) || maps.contains(&number) {
                continue;
            }
            if let Some(root) = self.root_of(number)?
                && let Some(kind) = roots.get(&root)
            {
                self.owner.insert(number, root);
                // What is no page of this kind was not one of the tree's.
                self.page(number, *kind, &mut Walked::default(), &mut |record| show(root, record))?;
            }
        }
        Ok(())
    }

    /// The root of the tree that a page belongs to, by the map of pointers.
    fn root_of(&mut self, number: u32) -> io::Result<Option<u32>> {
        let mut at = number;
        for _ in 0..MAX_DEPTH {
            if let Some(root) = self.owner.get(&at) {
                return Ok(Some(*root));
            }
            match self.pages.pointer(at)? {
                Some((POINTS_INNER, above)) if above > 2 => at = above,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Shows the rows of a page; the pages below it.
    fn page<E: From<io::Error>>(
        &mut self,
        number: u32,
        kind: Kind,
        walked: &mut Walked,
        show: &mut dyn FnMut(Record) -> Result<(), E>,
    ) -> Result<Vec<u32>, E> {
        let page = self.pages.read(number)?;
        let Some((page, cells)) = page.and_then(|page| cells(&page, number, kind).map(|cells| (page, cells)))
        else {
            walked.damaged.insert(number);
            return Ok(Vec::new());
        };
        let mut below = cells.below.into_iter().collect::<Vec<_>>();
        for at in cells.at {
            let cell = Cell::read(&page, at, cells.flag);
            let Some(cell) = cell else {
                walked.n_damaged_rows += 1;
                continue;
            };
            below.extend(cell.child);
            let Some(payload) = cell.payload else { continue };
            match self.record(&page, &payload)?.and_then(|bytes| values(&bytes)) {
                Some(values) => show(Record { number: cell.number, values })?,
                None => walked.n_damaged_rows += 1,
            }
        }
        Ok(below)
    }

    /// The bytes of a record, its overflow included.
    fn record(&mut self, page: &Page, payload: &Payload) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = page[payload.at..payload.at + payload.n_local].to_vec();
        let mut next = payload.overflow;
        let mut seen = HashSet::new();
        while bytes.len() < payload.n_bytes {
            if next < 3 || !seen.insert(next) {
                return Ok(None);
            }
            let Some(page) = self.pages.read(next)? else { return Ok(None) };
            next = u32::from_be_bytes([page[0], page[1], page[2], page[3]]);
            let n_more = (payload.n_bytes - bytes.len()).min(PAGE_BYTES - 4);
            bytes.extend_from_slice(&page[4..4 + n_more]);
        }
        Ok((next == 0).then_some(bytes))
    }
}

/// Where the cells of a page lie.
struct Cells {
    flag: u8,
    at: Vec<usize>,
    /// The last page below.
    below: Option<u32>,
}

/// The cells of a page; `None` when it is no page of such a tree.
fn cells(page: &Page, number: u32, kind: Kind) -> Option<Cells> {
    let head = if number == 1 { 100 } else { 0 };
    let flag = page[head];
    let (leaf, inner) = match kind {
        Kind::Table => (TABLE_LEAF, TABLE_INNER),
        Kind::Index => (INDEX_LEAF, INDEX_INNER),
    };
    let is_inner = flag == inner;
    if flag != leaf && !is_inner {
        return None;
    }
    let short = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    let n_cells = short(head + 3);
    let pointers = head + if is_inner { 12 } else { 8 };
    if pointers + 2 * n_cells > PAGE_BYTES {
        return None;
    }
    let at = (0..n_cells).map(|cell| short(pointers + 2 * cell)).collect();
    let below = is_inner
        .then(|| u32::from_be_bytes([page[head + 8], page[head + 9], page[head + 10], page[head + 11]]));
    Some(Cells { flag, at, below })
}

struct Cell {
    number: i64,
    child: Option<u32>,
    payload: Option<Payload>,
}

struct Payload {
    at: usize,
    n_local: usize,
    n_bytes: usize,
    overflow: u32,
}

impl Cell {
    fn read(page: &Page, at: usize, flag: u8) -> Option<Self> {
        let bytes = page.get(at..)?;
        let mut reader = Varints { bytes, at: 0 };
        let child = if matches!(flag, TABLE_INNER | INDEX_INNER) { Some(reader.word()?) } else { None };
        if flag == TABLE_INNER {
            return Some(Self { number: reader.varint()?, child, payload: None });
        }
        let n_bytes = usize::try_from(reader.varint()?).ok().filter(|n| *n <= MAX_RECORD_BYTES)?;
        let number = if flag == TABLE_LEAF { reader.varint()? } else { 0 };
        let n_local = local_bytes(n_bytes, flag);
        let start = at + reader.at;
        if start + n_local > PAGE_BYTES {
            return None;
        }
        reader.at += n_local;
        let overflow = if n_local < n_bytes { reader.word()? } else { 0 };
        Some(Self { number, child, payload: Some(Payload { at: start, n_local, n_bytes, overflow }) })
    }
}

/// How much of a record lies on its page.
fn local_bytes(n_bytes: usize, flag: u8) -> usize {
    let most = if flag == TABLE_LEAF { PAGE_BYTES - 35 } else { (PAGE_BYTES - 12) * 64 / 255 - 23 };
    if n_bytes <= most {
        return n_bytes;
    }
    let least = (PAGE_BYTES - 12) * 32 / 255 - 23;
    let local = least + (n_bytes - least) % (PAGE_BYTES - 4);
    if local <= most { local } else { least }
}

struct Varints<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Varints<'_> {
    fn word(&mut self) -> Option<u32> {
        let bytes = self.bytes.get(self.at..self.at + 4)?;
        self.at += 4;
        Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Seven bits a byte, the first ones first; the ninth byte has eight.
    fn varint(&mut self) -> Option<i64> {
        let mut number: u64 = 0;
        for count in 0..9 {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if count == 8 {
                return Some((number << 8 | u64::from(byte)).cast_signed());
            }
            number = number << 7 | u64::from(byte & 0x7f);
            if byte < 0x80 {
                break;
            }
        }
        Some(number.cast_signed())
    }
}

/// The values of a record.
fn values(record: &[u8]) -> Option<Vec<Value>> {
    let mut header = Varints { bytes: record, at: 0 };
    let n_header = usize::try_from(header.varint()?).ok()?;
    let mut at = n_header;
    let mut values = Vec::new();
    while header.at < n_header {
        let kind = header.varint()?;
        let n_bytes = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            12.. => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let bytes = record.get(at..at.checked_add(n_bytes)?)?;
        at += n_bytes;
        values.push(match kind {
            0 => Value::Null,
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            7 => Value::Real(f64::from_bits(integer(bytes).cast_unsigned())),
            1..=6 => Value::Integer(integer(bytes)),
            _ if kind % 2 == 0 => Value::Blob(bytes.to_vec()),
            _ => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
        });
    }
    (header.at == n_header && at == record.len()).then_some(values)
}

/// A big-endian number of up to eight bytes, with its sign.
fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| *first >= 0x80) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte))
}
