//! Why a database has no answer: it says so, or what it answers is none.

use super::RequestError;

/// Why there is no answer; `E` is an error of the database's client.
pub(super) enum Failure<E> {
    Database(E),
    Answer(RequestError),
}

impl<E> From<RequestError> for Failure<E> {
    fn from(error: RequestError) -> Self {
        Self::Answer(error)
    }
}

impl From<tokio_postgres::Error> for Failure<tokio_postgres::Error> {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

#[cfg(feature = "mysql")]
impl From<mysql_async::Error> for Failure<mysql_async::Error> {
    fn from(error: mysql_async::Error) -> Self {
        Self::Database(error)
    }
}
