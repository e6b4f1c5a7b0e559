//! Acknowledgements on their way to the worker that evaluates an alert: it alone changes the alert.
//!
//! One is asked for by a row, which the worker drops when the alert is written. So whoever asks sees that it was taken, and a
//! worker that ends in between is followed by one that takes it again, which changes nothing.

use lanner_core::Acknowledgement;

use super::PostgreSqlState;
use super::session::{Failure, column, text};
use crate::store::StoreError;

/// An acknowledgement that nobody has taken yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Its number.
    pub seq: i64,
    /// The shard of the alert's rule.
    pub shard: u8,
    /// The alert.
    pub fingerprint: String,
    /// Who has taken it on; `None` gives it back.
    pub acknowledged: Option<Acknowledgement>,
}

impl PostgreSqlState {
    /// Asks the worker of a shard to note who has taken on an alert, or that nobody has any more. Returns the number to ask about.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn ask_to_acknowledge(
        &self,
        shard: u8,
        fingerprint: &str,
        acknowledged: Option<&Acknowledgement>,
    ) -> Result<i64, StoreError> {
        let (shard, fingerprint) = (i16::from(shard), text(fingerprint));
        let body = acknowledged.map(serde_json::to_string).transpose()?;
        self.pool.look(async |db| {
            let sql =
                "INSERT INTO acknowledgement (shard, fingerprint, body) VALUES ($1, $2, $3) RETURNING seq";
            let row = db.query_opt(sql, &[&shard, &fingerprint, &body]).await?;
            row.map_or(Ok(0), |row| column(&row, 0))
        })
    }

    /// Whether nobody has taken this one yet.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn is_asked(&self, seq: i64) -> Result<bool, StoreError> {
        self.pool.look(async |db| {
            let row = db.query_opt("SELECT 1 FROM acknowledgement WHERE seq = $1", &[&seq]).await?;
            Ok(row.is_some())
        })
    }

    /// Asks no more, or notes that it is taken. Returns whether that was still open.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn drop_asked(&self, seq: i64) -> Result<bool, StoreError> {
        self.pool
            .look(async |db| Ok(db.execute("DELETE FROM acknowledgement WHERE seq = $1", &[&seq]).await? > 0))
    }

    /// What is asked of some shards, in its order.
    ///
    /// # Errors
    /// Failures of the database.
    pub fn asked(&self, shards: &[u8]) -> Result<Vec<Asked>, StoreError> {
        let shards: Vec<i16> = shards.iter().copied().map(i16::from).collect();
        self.pool.look(async |db| {
            let sql = "SELECT seq, shard, fingerprint, body FROM acknowledgement WHERE shard = ANY($1) ORDER BY seq";
            let rows = db.query(sql, &[&shards]).await?;
            let asked = |row: &tokio_postgres::Row| {
                let body: Option<String> = column(row, 3)?;
                Ok(Asked {
                    seq: column(row, 0)?,
                    shard: u8::try_from(column::<i16>(row, 1)?).unwrap_or(0),
                    fingerprint: column(row, 2)?,
                    acknowledged: body.map(|body| serde_json::from_str(&body)).transpose()?,
                })
            };
            rows.iter().map(asked).collect::<Result<_, Failure>>()
        })
    }
}
