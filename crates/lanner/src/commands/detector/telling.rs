//! A training that tells a server how it goes: the errors after each pass are samples, which its page draws.

use std::fmt::Write as _;

use lanner_deep::Progress;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::client::{self, Access, Client, ServerArgs};
use crate::failure::{Failure, Outcome, Result, remark};

/// What the errors are called, in the order of [`Progress::losses`].
const ERRORS: [&str; 4] = ["forecast", "reconstruction", "later_forecast", "later_reconstruction"];

/// Does `work`, and tells the server what that passes on. A server that goes away ends no training.
///
/// # Errors
/// When the server cannot be reached at the start, and where `work` panics.
pub(super) fn told<T: Send + 'static>(
    server: &ServerArgs,
    name: &str,
    work: impl FnOnce(&mut dyn FnMut(&Progress)) -> T + Send + 'static,
) -> Result<T> {
    let mut done = None;
    client::with_access(server, Access::Change, async |client| {
        let (sender, mut told) = mpsc::unbounded_channel();
        let mut pass_on = move |step: &Progress| {
            if let Some(fields) = fields(step) {
                let _ = sender.send(fields);
            }
        };
        let working = spawn_blocking(move || work(&mut pass_on));
        let mut is_well = true;
        while let Some(fields) = told.recv().await {
            let sent = write(client, format!("detector.training,detector={name} {fields}\n")).await;
            if let (Err(failure), true) = (&sent, is_well) {
                remark(&format!("the server is not told how the training goes: {}", failure.text()));
            }
            is_well = sent.is_ok();
        }
        let ended =
            working.await.map_err(|error| Failure::program(format!("the training broke off: {error}")));
        done = Some(ended?);
        Ok(Outcome::Fine)
    })?;
    done.ok_or_else(|| Failure::program("the training did not run".to_owned()))
}

/// What is told of a pass; `None` for steps that are none.
fn fields(step: &Progress) -> Option<String> {
    let mut fields = format!("pass={},passes={}", step.n_done, step.n);
    for (name, error) in ERRORS.iter().zip(step.losses?).filter(|(_, error)| error.is_finite()) {
        let _ = write!(fields, ",{name}={error}");
    }
    Some(fields)
}

async fn write(client: &Client, line: String) -> Result<()> {
    let report = client.write(&["api", "v2", "write"], &[], line.into_bytes()).await?;
    match report.problems.first() {
        None => Ok(()),
        Some(problem) => Err(Failure::user(problem.message.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_fields() {
        let step =
            Progress { n_done: 2, n: 10, losses: Some([0.5, 0.25, f64::NAN, 1e-9]), ..Progress::default() };
        let expected = "pass=2,passes=10,forecast=0.5,reconstruction=0.25,later_reconstruction=0.000000001";
        assert_eq!(fields(&step).as_deref(), Some(expected));
        assert_eq!(fields(&Progress { losses: None, ..step }), None);
    }
}
