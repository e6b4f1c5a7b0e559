//! StatsD by TCP: a line a metric.

use std::sync::Arc;

use super::connections::serve_each;
use super::kind::{Kind, Start};
use super::lines::{Lines, MAX_LINE_BYTES, WEB, is_web};
use super::places::Heard;
use crate::intake::error::IntakeError;
use crate::intake::service::IntakeService;
use crate::intake::statsd;

pub(super) const KIND: Kind = Kind {
    name: "statsd",
    address: |settings| settings.statsd.as_ref().map(|statsd| statsd.listen),
    start: Start::Tcp(|listener, ready| serve_each("statsd", listener, ready, serve)),
};

/// Takes the lines of one sender.
async fn serve(service: Arc<IntakeService>, stream: Heard) -> Result<(), IntakeError> {
    let mut lines = Lines::new(stream);
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    let mut is_first = true;
    loop {
        let line = tokio::select! {
            line = lines.next() => line,
            () = &mut stopped => {
                // Whoever ends intervals may have ended the last one already.
                statsd::end_early(&service).await;
                return Ok(());
            }
        };
        match line {
            None => return Ok(()),
            Some(line) if std::mem::take(&mut is_first) && is_web(&line) => {
                statsd::reject(&service, WEB);
                return Ok(());
            }
            Some(line) if line.len() > MAX_LINE_BYTES => {
                statsd::reject(&service, "the line is longer than 64 KiB");
            }
            Some(line) => statsd::add(&service, &line),
        }
    }
}
