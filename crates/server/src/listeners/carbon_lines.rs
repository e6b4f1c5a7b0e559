//! Carbon's plaintext by TCP: `path value timestamp`, a line a sample.

use std::sync::Arc;

use super::connections::serve_each;
use super::kind::{Kind, Start};
use super::lines::{Lines, WEB, is_web};
use super::places::Heard;
use super::waiting::Waiting;
use crate::intake::error::IntakeError;
use crate::intake::service::IntakeService;

pub(super) const KIND: Kind = Kind {
    name: "carbon",
    address: |settings| settings.carbon,
    start: Start::Tcp(|listener, ready| serve_each("carbon", listener, ready, serve)),
};

/// Takes the lines of one sender.
async fn serve(service: Arc<IntakeService>, stream: Heard) -> Result<(), IntakeError> {
    let mut lines = Lines::new(stream);
    let mut waiting = Waiting::new(&service);
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    let mut is_first = true;
    loop {
        let next = tokio::select! {
            line = lines.next() => Ok(line),
            () = tokio::time::sleep_until(waiting.deadline()), if !waiting.is_empty() => Err(()),
            () = &mut stopped => Ok(None),
        };
        match next {
            Ok(Some(line)) if std::mem::take(&mut is_first) && is_web(&line) => {
                waiting.refuse(WEB);
                return waiting.commit().await;
            }
            // Half a number is a number as well, and half a time lies in 1970. Carbon drops it too.
            Ok(Some(_)) if lines.is_cut() => waiting.refuse("the connection ended within this line"),
            Ok(Some(line)) => waiting.add_line(&line),
            Ok(None) => return waiting.commit().await,
            Err(()) => waiting.commit().await?,
        }
        if waiting.is_full() {
            waiting.commit().await?;
        }
    }
}
