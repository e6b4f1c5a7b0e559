//! Carbon's pickles by TCP: frames of lists of samples.

use std::sync::Arc;

use lanner_wire::pickle;
use tokio::io::AsyncReadExt as _;

use super::connections::serve_each;
use super::kind::{Kind, Start};
use super::places::Heard;
use super::waiting::Waiting;
use crate::intake::error::IntakeError;
use crate::intake::service::IntakeService;

pub(super) const KIND: Kind = Kind {
    name: "carbon_pickle",
    address: |settings| settings.carbon_pickle,
    start: Start::Tcp(|listener, ready| serve_each("carbon_pickle", listener, ready, serve)),
};

/// Room made for what a read brings.
const READ_BYTES: usize = 64 * 1024;

async fn serve(service: Arc<IntakeService>, mut stream: Heard) -> Result<(), IntakeError> {
    let mut received = bytes::BytesMut::new();
    let mut waiting = Waiting::new(&service);
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    loop {
        received.reserve(READ_BYTES);
        let has_ended = tokio::select! {
            read = stream.read_buf(&mut received) => !matches!(read, Ok(1..)),
            () = tokio::time::sleep_until(waiting.deadline()), if !waiting.is_empty() => {
                waiting.commit().await?;
                continue;
            }
            () = &mut stopped => true,
        };
        let is_lost = !take_frames(&mut received, &mut waiting).await?;
        if has_ended || is_lost {
            return waiting.commit().await;
        }
    }
}

/// Takes the frames that are whole; whether the next one can be found.
async fn take_frames(received: &mut bytes::BytesMut, waiting: &mut Waiting<'_>) -> Result<bool, IntakeError> {
    loop {
        match pickle::next_frame(received) {
            Ok(Some((frame, used))) => {
                waiting.add_frame(frame);
                bytes::Buf::advance(received, used);
            }
            Ok(None) => return Ok(true),
            Err(error) => {
                waiting.refuse(error);
                return Ok(false);
            }
        }
        if waiting.is_full() {
            waiting.commit().await?;
        }
    }
}
