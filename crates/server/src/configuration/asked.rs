//! Somebody asks for the configuration file to be read again.

use std::sync::Mutex;

use axum::http::StatusCode;
use lanner_wire::api::{ProblemView, ReloadView};
use tokio::sync::{mpsc, oneshot};

use crate::http::ApiError;
use crate::sync::locked;

/// Why the configuration was not read again; nothing has changed.
#[derive(Debug)]
pub enum ReloadError {
    /// The server was started without a configuration file.
    NoFile,
    /// What is wrong with it.
    Problems(Vec<ProblemView>),
    /// It cannot be read, or the store failed.
    Failed(String),
}

impl From<ReloadError> for ApiError {
    fn from(error: ReloadError) -> Self {
        match error {
            ReloadError::NoFile => {
                let message = "the server was started without a configuration file, so there is none to read again; start it \
                               with --config";
                Self::new(StatusCode::CONFLICT, message)
            }
            ReloadError::Problems(problems) => Self::problems(problems),
            ReloadError::Failed(why) => Self::internal(why),
        }
    }
}

/// Where the answer goes to somebody who asked for the configuration to be read again.
pub type Asked = oneshot::Sender<Result<ReloadView, ReloadError>>;

/// Passes on that somebody wants the configuration to be read again.
#[derive(Debug, Default)]
pub struct Reloads(Mutex<Option<mpsc::Sender<Asked>>>);

impl Reloads {
    /// Who holds the configuration file listens here.
    pub fn listen(&self) -> mpsc::Receiver<Asked> {
        let (sender, receiver) = mpsc::channel(1);
        *locked(&self.0) = Some(sender);
        receiver
    }

    /// Has the configuration read again, and waits until it is in force.
    ///
    /// # Errors
    /// [`ReloadError`]; then nothing has changed.
    pub async fn ask(&self) -> Result<ReloadView, ReloadError> {
        let stops = || ReloadError::Failed("the server stops".to_owned());
        let listener = locked(&self.0).clone().ok_or(ReloadError::NoFile)?;
        let (answer, answered) = oneshot::channel();
        listener.send(answer).await.map_err(|_| stops())?;
        answered.await.map_err(|_| stops())?
    }
}
