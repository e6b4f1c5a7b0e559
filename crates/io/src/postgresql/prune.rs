//! Dropping what is too old, in pieces, so that others are written in between.

use super::session::Session;
use super::{PostgreSqlState, cursors, evaluations, measured, outbox};
use crate::store::StoreError;

impl PostgreSqlState {
    /// As [`StateStore::prune`](crate::state::StateStore::prune).
    pub(super) fn drop_old(&self, now_ms: i64) -> Result<usize, StoreError> {
        let evaluations_ms = now_ms.saturating_sub(self.options.keep_evaluations_ms);
        let history_ms = now_ms.saturating_sub(self.options.keep_history_ms);
        let sent_ms = now_ms.saturating_sub(self.options.keep_sent_ms);
        let mut n_dropped = 0;
        for table in self.pool.look(async |db| evaluations::old_days(db, evaluations_ms).await)? {
            let drop_day = async move |db: &Session| evaluations::drop_day(db, &table).await;
            n_dropped += self.writer.submit(100, drop_day)?.wait()?;
        }
        loop {
            let some = async move |db: &Session| measured::prune_some(db, history_ms).await;
            let n = self.writer.submit(100, some)?.wait()?;
            n_dropped += n;
            if !measured::is_more_than(n) {
                break;
            }
        }
        let rest = async move |db: &Session| {
            let mut n = cursors::prune(db, evaluations_ms).await?;
            n += db.execute("DELETE FROM silence WHERE end_ms < $1", &[&history_ms]).await?;
            n += outbox::prune(db, sent_ms, history_ms).await?;
            // A process that wrote nothing for so long notes itself again.
            db.execute("DELETE FROM writer WHERE at < now() - interval '30 days'", &[]).await?;
            Ok(n)
        };
        let n = self.writer.submit(100, rest)?.wait()?;
        Ok(n_dropped + usize::try_from(n).unwrap_or(usize::MAX))
    }
}
