//! Roll-up of old data: samples become steps, steps become wider, and data beyond its retention is dropped.

use lanner_core::time::MINUTE_MS;
use rusqlite::{Connection, params};

use super::maintain::MaintenanceReport;
use super::retention::Tier;
use super::seal::Edit;
use super::sealer::Memory;
use super::writer::Urgency;
use super::{SeriesId, Store, StoreError, evaluations, rules};

/// How often old data is looked for.
const EVERY_MS: i64 = 10 * MINUTE_MS;
/// Blocks of this many bytes are changed in one transaction.
const EDIT_BYTES: usize = 4 << 20;
/// Evaluations dropped in one transaction.
const EVALUATIONS_PER_PIECE: usize = 20_000;
/// Free pages that stay in the file (64 MB): the journal fills and empties that much again and again.
const SPARE_PAGES: i64 = 16_384;

/// What becomes of a stretch of data of some age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    RollUp(i64),
    Drop,
}

/// What becomes of data whose end has the age `age_ms`, and which has steps of `step_ms` (0: as written).
fn fate(age_ms: i64, step_ms: i64, raw_keep_ms: i64, tiers: &[Tier]) -> Fate {
    if tiers.is_empty() || age_ms <= raw_keep_ms {
        return Fate::Keep;
    }
    match tiers.iter().find(|tier| age_ms <= tier.keep_ms) {
        None => Fate::Drop,
        Some(tier) if tier.step_ms > step_ms.max(1) => Fate::RollUp(tier.step_ms),
        Some(_) => Fate::Keep,
    }
}

impl Store {
    /// Rolls up and drops what is old enough, if the last look was long enough ago.
    pub(super) fn grow_old(
        &self,
        memory: &mut Memory,
        now_ms: i64,
        report: &mut MaintenanceReport,
    ) -> Result<(), StoreError> {
        if memory.aged_ms.is_some_and(|last_ms| (0..EVERY_MS).contains(&(now_ms - last_ms))) {
            return Ok(());
        }
        let mut edit = Edit::default();
        for id in 1..=self.core().registry.last_id() {
            self.age_series(SeriesId(id), now_ms, &mut edit, report)?;
            if edit.bytes() >= EDIT_BYTES {
                self.commit_edit(std::mem::take(&mut edit))?;
            }
        }
        self.age_events(now_ms, &mut edit, report)?;
        self.commit_edit(edit)?;
        report.n_pruned += self.prune_state(now_ms)?;
        memory.aged_ms = Some(now_ms);
        Ok(())
    }

    fn age_series(
        &self,
        id: SeriesId,
        now_ms: i64,
        edit: &mut Edit,
        report: &mut MaintenanceReport,
    ) -> Result<(), StoreError> {
        let core = self.core();
        let metas = core.metas(id)?;
        let Some(key) = core.registry.key(id) else { return Ok(()) };
        if metas.is_empty() {
            return Ok(());
        }
        let tiers = &core.retention.of_series(&key.name).tiers;
        let fate = |end_ms: i64, step_ms| fate(now_ms - end_ms, step_ms, core.options.raw_keep_ms, tiers);
        if metas.iter().all(|meta| fate(meta.end_ms, meta.step_ms) == Fate::Keep) {
            return Ok(());
        }
        core.edit_series(id, edit, |mut segments, fetch| {
            for segment in &mut segments {
                match fate(segment.end_ms(), segment.step_ms()) {
                    Fate::Keep => {}
                    Fate::RollUp(step_ms) => {
                        report.n_rolled_up += 1;
                        segment.roll_up(step_ms, fetch)?;
                    }
                    Fate::Drop => {
                        report.n_dropped += 1;
                        segment.clear();
                    }
                }
            }
            Ok(segments)
        })
    }

    fn age_events(
        &self,
        now_ms: i64,
        edit: &mut Edit,
        report: &mut MaintenanceReport,
    ) -> Result<(), StoreError> {
        let retention = &self.core().retention;
        self.look(|db| {
            let mut streams = db.prepare_cached("SELECT id, name FROM stream")?;
            let mut old =
                db.prepare_cached("SELECT id FROM event_block WHERE stream = ?1 AND end_ms < ?2")?;
            let mut rows = streams.query([])?;
            while let Some(row) = rows.next()? {
                let (number, name): (i64, String) = (row.get(0)?, row.get(1)?);
                let before_ms = now_ms.saturating_sub(retention.of_stream(&name).keep_ms);
                for id in old.query_map(params![number, before_ms], |row| row.get(0))? {
                    edit.dropped_events.push(id?);
                    report.n_dropped += 1;
                }
            }
            Ok(())
        })
    }

    pub(super) fn prune_state(&self, now_ms: i64) -> Result<usize, StoreError> {
        let options = &self.core().options;
        let evaluations_ms = now_ms.saturating_sub(options.keep_evaluations_ms);
        let history_ms = now_ms.saturating_sub(options.keep_history_ms);
        let sent_ms = now_ms.saturating_sub(options.keep_sent_ms);
        let mut n_pruned = 0;
        loop {
            // In pieces, so that new data need not wait for all of it.
            let n =
                self.in_between(move |db| evaluations::prune(db, evaluations_ms, EVALUATIONS_PER_PIECE))?;
            n_pruned += n;
            if n < EVALUATIONS_PER_PIECE {
                break;
            }
        }
        n_pruned += self.in_between(move |db| {
            let mut n = prune_history(db, history_ms)?;
            n += rules::prune(db, evaluations_ms)?;
            n += db.execute("DELETE FROM silence WHERE end_ms < ?1", [history_ms])?;
            let old = "DELETE FROM outbox WHERE state = ?1 AND due_ms < ?2 AND done_ms < ?2";
            n += db.execute(old, [1, sent_ms])?;
            n += db.execute(old, [2, history_ms])?;
            n += db.execute(old, [3, sent_ms])?;
            give_back_room(db, SPARE_PAGES)?;
            Ok(n)
        })?;
        Ok(n_pruned)
    }

    /// Has the writer do housekeeping, and waits for it.
    fn in_between(
        &self,
        work: impl FnOnce(&Connection) -> Result<usize, StoreError> + Send + 'static,
    ) -> Result<usize, StoreError> {
        self.writer()?.submit(Urgency::Housekeeping, 0, work, |n| n)?.wait()
    }
}

/// Query by query, along the primary key.
fn prune_history(db: &Connection, before_ms: i64) -> Result<usize, StoreError> {
    let mut next = db.prepare_cached("SELECT min(query) FROM history WHERE query > ?1")?;
    let mut first = db.prepare_cached("SELECT min(query) FROM history")?;
    let mut delete = db.prepare_cached("DELETE FROM history WHERE query = ?1 AND start_ms < ?2")?;
    let mut n = 0;
    let mut query: Option<i64> = first.query_row([], |row| row.get(0))?;
    while let Some(current) = query {
        n += delete.execute([current, before_ms])?;
        query = next.query_row([current], |row| row.get(0))?;
    }
    Ok(n)
}

/// Makes the file smaller, some pages at a time, when more than a quarter of it and `spare_pages` are free.
fn give_back_room(db: &Connection, spare_pages: i64) -> Result<(), StoreError> {
    let n_free: i64 = db.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let n_pages: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0))?;
    if n_free > spare_pages && n_free > n_pages / 4 {
        let mut statement = db.prepare("PRAGMA incremental_vacuum(4096)")?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RetentionRule;
    use lanner_core::time::{DAY_MS, HOUR_MS};

    #[test]
    fn age_decides() {
        #[track_caller]
        fn check(age_ms: i64, step_ms: i64, expected: Fate) {
            let tiers = RetentionRule::default().tiers;
            assert_eq!(fate(age_ms, step_ms, 2 * HOUR_MS, &tiers), expected);
        }
        check(0, 0, Fate::Keep);
        check(2 * HOUR_MS, 0, Fate::Keep);
        check(2 * HOUR_MS + 1, 0, Fate::RollUp(10_000));
        check(DAY_MS, 10_000, Fate::Keep);
        check(DAY_MS + 1, 10_000, Fate::RollUp(60_000));
        check(DAY_MS + 1, 0, Fate::RollUp(60_000)); // late data goes to its tier at once
        check(31 * DAY_MS, 60_000, Fate::RollUp(HOUR_MS));
        check(31 * DAY_MS, 2 * HOUR_MS, Fate::Keep); // coarser already, after a change of settings
        check(3 * 366 * DAY_MS + 1, HOUR_MS, Fate::Drop);
        assert_eq!(fate(i64::MAX, 0, 0, &[]), Fate::Keep); // no tiers: for ever
        check(-5, 0, Fate::Keep); // from the future
    }

    #[test]
    fn free_room_goes_back_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::store::open::open_writer(folder.path(), None).unwrap().0;
        let n_pages = || -> i64 { db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap() };
        db.execute("INSERT INTO journal (body) VALUES (zeroblob(4000000))", []).unwrap();
        let full = n_pages();
        db.execute("DELETE FROM journal", []).unwrap();
        give_back_room(&db, 10_000).unwrap();
        assert_eq!(n_pages(), full);
        db.execute_batch("BEGIN; SAVEPOINT piece").unwrap(); // as the writer does it
        give_back_room(&db, 10).unwrap();
        db.execute_batch("RELEASE piece; COMMIT").unwrap();
        assert!(n_pages() < full - 900, "{} of {full}", n_pages());
    }
}
