//! What lies in [`FOLDERS`] beside the file: a copy of the store carries it until it is opened.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use rusqlite::{Connection, params};

use super::StoreError;
use super::open::folder_error;
use super::private::{self, FOLDERS};

/// Of a longer file each part has a row.
const PART_BYTES: u64 = 64 << 20;

/// Puts into `copy` what lies beside the store in `folder`.
pub(super) fn pack(copy: &Connection, folder: &Path) -> Result<(), StoreError> {
    let mut insert =
        copy.prepare("INSERT INTO beside (name, part, body, sum) VALUES (?1, ?2, ?3, row_sum(?1, ?2, ?3))")?;
    for name in FOLDERS {
        let failed = |error: io::Error| folder_error(folder.join(name), &error);
        for entry in entries(&folder.join(name)).map_err(failed)? {
            let Ok(file) = entry.file_name().into_string() else { continue };
            if is_whole(&file) && entry.file_type().map_err(failed)?.is_file() {
                let input = File::open(entry.path()).map_err(failed)?;
                for part in 0_i64.. {
                    let mut body = Vec::new();
                    (&input).take(PART_BYTES).read_to_end(&mut body).map_err(failed)?;
                    if body.is_empty() {
                        break;
                    }
                    insert.execute(params![format!("{name}/{file}"), part, body])?;
                }
            }
        }
    }
    Ok(())
}

/// Puts beside the store in `folder` what its file carries as a copy, in the place of what lies there.
pub(super) fn unpack(db: &Connection, folder: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| folder_error(folder.to_owned(), &error);
    let mut parts = db.prepare("SELECT name, part, body FROM beside ORDER BY name, part")?;
    let mut rows = parts.query([])?;
    let mut is_packed = false;
    while let Some(row) = rows.next()? {
        is_packed = true;
        let (name, part): (String, i64) = (row.get(0)?, row.get(1)?);
        let Some((below, file)) = name.split_once('/').filter(|name| is_ours(*name)) else { continue };
        private::make_folder(&folder.join(below)).map_err(failed)?;
        let mut options = private::options();
        options.create(true).write(true).truncate(part == 0).append(part > 0);
        let mut file = options.open(folder.join(below).join(file)).map_err(failed)?;
        file.write_all(row.get_ref(2)?.as_blob().unwrap_or_default()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
    }
    if is_packed {
        db.execute("DELETE FROM beside", [])?;
    }
    Ok(())
}

/// Whether a file lies in one of the folders, whatever the database says.
fn is_ours((folder, file): (&str, &str)) -> bool {
    FOLDERS.contains(&folder) && !file.contains(['/', '\\']) && is_whole(file)
}

/// Whether a file has the name that it gets when it is written whole.
fn is_whole(file: &str) -> bool {
    !file.ends_with(".part") && ![".", ".."].contains(&file)
}

fn entries(folder: &Path) -> io::Result<Vec<std::fs::DirEntry>> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.collect(),
    }
}
