//! What a store goes on with although it is not what was written: documents and silences, and the audit.

use rusqlite::Connection;

use super::sums::Table;
use super::{StoreError, audit};

/// So many rows are named one by one.
const MAX_NAMED: i64 = 1_000;

/// What is built upon although it is not what was written, a line each: documents and silences, which are set aside one by one, and
/// the first thing that is wrong with the audit.
pub(super) fn tolerated(db: &Connection) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    for (table, name) in [
        (Table::Document, "printf('version %d of the %s %s', version, kind, id)"),
        (Table::Silence, "'the silence ' || id"),
    ] {
        let (from, is_whole) = (table.name(), table.is_whole());
        let sql = format!("SELECT {name} FROM {from} WHERE NOT {is_whole} LIMIT {MAX_NAMED}");
        let mut statement = db.prepare(&sql)?;
        for name in statement.query_map([], |row| row.get::<_, String>(0))? {
            lines.push(format!("{} is not what was written", name?));
        }
    }
    // The audit would name the first of these documents once more.
    if lines.is_empty() {
        let problem = match audit::verify(db) {
            Err(StoreError::Corrupt { detail }) => Some(detail),
            checked => checked?.problem,
        };
        lines.extend(problem.map(|problem| format!("the audit: {problem}")));
    }
    Ok(lines)
}
