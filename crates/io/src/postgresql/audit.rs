//! Who did what: entries that are only added, chained by their hashes.

use serde_json::Value;
use tokio_postgres::Row;

use super::session::{Failure, Session, column, json, text};
use crate::store::{AuditCheck, AuditEntry, Walk, WrittenVersion};

const COLUMNS: &str = "seq, time_ms, actor, action, subject, detail, hash";

/// So many rows are read at once as all of them are walked.
const PIECE: i64 = 10_000;

/// What somebody did, before it has its place in the chain.
pub(super) struct Deed {
    pub(super) time_ms: i64,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) subject: String,
    pub(super) detail: Value,
}

/// Adds entries in their order, within a transaction. Others that add some wait until it ends.
pub(super) async fn note(db: &Session, deeds: Vec<Deed>) -> Result<(), Failure> {
    if deeds.is_empty() {
        return Ok(());
    }
    db.batch("LOCK TABLE audit IN EXCLUSIVE MODE").await?;
    let last = db.query_opt("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", &[]).await?;
    let (mut seq, mut hash): (i64, String) = match last {
        Some(row) => (column(&row, 0)?, column(&row, 1)?),
        None => (0, String::new()),
    };
    let mut entries = Vec::with_capacity(deeds.len());
    for Deed { time_ms, actor, action, subject, detail } in deeds {
        seq += 1;
        let (actor, action, subject) = (text(&actor), text(&action), text(&subject));
        let mut entry = AuditEntry { seq, time_ms, actor, action, subject, detail, hash: String::new() };
        entry.hash = entry.chained(&hash);
        hash.clone_from(&entry.hash);
        entries.push(entry);
    }
    let names = |of: fn(&AuditEntry) -> &str| -> Vec<&str> { entries.iter().map(of).collect() };
    let seqs: Vec<i64> = entries.iter().map(|it| it.seq).collect();
    let times: Vec<i64> = entries.iter().map(|it| it.time_ms).collect();
    let details: Vec<String> = entries.iter().map(|it| it.detail.to_string()).collect();
    let (actors, actions) = (names(|it| &it.actor), names(|it| &it.action));
    let (subjects, hashes) = (names(|it| &it.subject), names(|it| &it.hash));
    let sql = format!(
        "INSERT INTO audit ({COLUMNS}) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], \
         $5::text[], $6::text[], $7::text[])"
    );
    db.execute(&sql, &[&seqs, &times, &actors, &actions, &subjects, &details, &hashes]).await?;
    Ok(())
}

/// The latest entries, the newest first.
pub(super) async fn list(
    db: &Session,
    subject: Option<&str>,
    action: Option<&str>,
    limit: usize,
) -> Result<Vec<AuditEntry>, Failure> {
    // Planned apart: there is an index for one subject.
    let of_subject =
        if subject.is_some() { "md5(subject) = md5($1::text) AND subject = $1" } else { "$1::text IS NULL" };
    let sql = format!(
        "SELECT {COLUMNS} FROM audit WHERE {of_subject} AND left(action, length($2::text)) = $2 ORDER BY seq DESC LIMIT $3"
    );
    let (subject, action) = (subject.map(text), text(action.unwrap_or_default()));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = db.query(&sql, &[&subject, &action, &limit]).await?;
    rows.iter().map(entry).collect()
}

/// Walks all entries, then all versions of documents, as they are at one moment.
pub(super) async fn verify(db: &Session) -> Result<AuditCheck, Failure> {
    db.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let mut walk = Walk::default();
    let mut after = i64::MIN;
    loop {
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2");
        let rows = db.query(&sql, &[&after, &PIECE]).await?;
        for row in &rows {
            let entry = entry(row)?;
            after = entry.seq;
            walk.entry(entry);
        }
        if is_last(&rows) {
            break;
        }
    }
    let mut after = (String::new(), String::new(), 0);
    while !walk.has_problem() {
        let sql = "SELECT kind, id, version, body, changed_ms, actor, message, cause FROM document
                   WHERE (kind, id, version) > ($1, $2, $3) ORDER BY kind, id, version LIMIT $4";
        let rows = db.query(sql, &[&after.0, &after.1, &after.2, &PIECE]).await?;
        for row in &rows {
            after = (column(row, 0)?, column(row, 1)?, column::<i32>(row, 2)?);
            walk.version(version(row)?)?;
        }
        if is_last(&rows) {
            break;
        }
    }
    db.batch("COMMIT").await?;
    Ok(walk.finish())
}

fn is_last(rows: &[Row]) -> bool {
    i64::try_from(rows.len()).unwrap_or(i64::MAX) < PIECE
}

fn entry(row: &Row) -> Result<AuditEntry, Failure> {
    Ok(AuditEntry {
        seq: column(row, 0)?,
        time_ms: column(row, 1)?,
        actor: column(row, 2)?,
        action: column(row, 3)?,
        subject: column(row, 4)?,
        detail: json(row, 5)?,
        hash: column(row, 6)?,
    })
}

fn version(row: &Row) -> Result<WrittenVersion, Failure> {
    Ok(WrittenVersion {
        kind: column(row, 0)?,
        id: column(row, 1)?,
        version: u64::try_from(column::<i32>(row, 2)?).unwrap_or_default(),
        body: column(row, 3)?,
        changed_ms: column(row, 4)?,
        actor: column(row, 5)?,
        message: column(row, 6)?,
        cause: column(row, 7)?,
    })
}
