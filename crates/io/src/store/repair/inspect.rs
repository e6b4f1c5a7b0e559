//! Whether a file is a store, and whether it is intact.

use std::io;
use std::path::Path;

use rusqlite::Connection;

use super::super::open::{self, APPLICATION_ID};
use super::StoreError;
use super::pages::{PAGE_BYTES, Pages};
use super::schema::Schema;
use super::trees::{Kind, Trees};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// What the header of each of our files says, by offset: <https://www.sqlite.org/fileformat2.html>, section 1.3.
const FIXED: [(usize, &[u8], &str); 7] = [
    (0, MAGIC, "its first 16 bytes"),
    (16, &(PAGE_BYTES as u16).to_be_bytes(), "its page size"),
    (20, &[0, 64, 32, 32], "its layout of pages"),
    (44, &[0, 0, 0, 4], "its format of tables"),
    (56, &[0, 0, 0, 1], "its encoding of texts"),
    (68, &(APPLICATION_ID as u32).to_be_bytes(), "the program that it belongs to"),
    (72, &[0; 20], "bytes that are always zero"),
];

/// Looks at the beginning of a file and at its log: what is damaged there, if something is.
///
/// # Errors
/// [`StoreError::NotAStore`] for a file that was never a store, and failures of the disk.
pub(in super::super) fn inspect(path: &Path) -> Result<Option<String>, StoreError> {
    let failed = |error: io::Error| StoreError::Folder { path: path.to_owned(), detail: error.to_string() };
    let mut pages = Pages::open(path).map_err(failed)?;
    let header = pages.file_header().map_err(failed)?;
    let first = pages.read(1).map_err(failed)?;
    let in_log = first.as_ref().map(|page| &page[..100]);
    let wrong = wrong_field(Some(&header)).or_else(|| wrong_field(in_log));
    if let Some(field) = wrong {
        return if is_ours(&mut pages, &header)? {
            Ok(Some(format!("the header of the file is damaged ({field})")))
        } else {
            Err(StoreError::NotAStore { path: path.to_owned() })
        };
    }
    let n_lost = pages.n_lost_frames;
    Ok((n_lost > 0).then(|| format!("{n_lost} pages in the write-ahead log are damaged")))
}

fn wrong_field(header: Option<&[u8]>) -> Option<&'static str> {
    let Some(header) = header else { return Some("its first page is not whole") };
    let wrong = FIXED.iter().find(|(at, bytes, _)| header.get(*at..at + bytes.len()) != Some(*bytes));
    if let Some((_, _, what)) = wrong {
        return Some(what);
    }
    let is_log_mode = header[18..20].iter().all(|mode| matches!(mode, 1 | 2));
    let has_map = header[52..56] != [0; 4] && header[64..68] != [0; 4];
    match (is_log_mode, has_map) {
        (false, _) => Some("its mode of writing"),
        (_, false) => Some("its map of pages"),
        _ => None,
    }
}

/// Whether a file whose header is not ours once had ours: enough of what it holds says so.
fn is_ours(pages: &mut Pages, header: &[u8]) -> Result<bool, StoreError> {
    let fresh = Connection::open_in_memory()?;
    super::super::sums::equip(&fresh)?;
    open::make_tables(&fresh)?;
    let schema = Schema::read(&fresh)?;
    let n_bits = |at: usize, expected: &[u8]| -> u32 {
        let found = header.get(at..at + expected.len()).unwrap_or_default();
        expected.iter().zip(found).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>()
            + 8 * (expected.len() - found.len()) as u32
    };
    let (is_sqlite, is_named) =
        (n_bits(0, MAGIC) <= 16, n_bits(68, &(APPLICATION_ID as u32).to_be_bytes()) <= 4);
    if is_sqlite && is_named {
        return Ok(true);
    }
    let names = {
        let mut names = Vec::new();
        let mut trees = Trees::new(pages);
        trees.walk(1, Kind::Table, &mut |record| {
            if let Some(rusqlite::types::Value::Text(name)) = record.values.get(1) {
                names.push(name.clone());
            }
            Ok::<_, super::failed::Failed>(())
        })?;
        names
    };
    if ["journal", "event_block", "evaluation"].iter().all(|name| names.iter().any(|known| known == name)) {
        return Ok(true);
    }
    if is_sqlite && header.get(68..72) != Some(&[0; 4]) {
        return Ok(false); // whole, and of another program
    }
    // Neither header nor first page: are the trees where a new store has them?
    let (mut n_right, mut n_roots) = (0, 0);
    for (root, kind) in schema.fresh_roots() {
        n_roots += 1;
        let failed = |error: io::Error| StoreError::Database { detail: error.to_string() };
        let flag = pages.read(root).map_err(failed)?.map(|page| page[0]);
        n_right += usize::from(match kind {
            Kind::Table => matches!(flag, Some(0x0d | 0x05)),
            Kind::Index => matches!(flag, Some(0x0a | 0x02)),
        });
    }
    Ok(n_right * 4 >= n_roots * 3)
}
