//! Syslog by TCP: messages one a line, or each after its length (RFC 6587).

use std::sync::Arc;

use jiff::tz::TimeZone;
use lanner_wire::syslog::Frames;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::connections::serve_each;
use super::kind::{Kind, Ready, Start, Task};
use super::lines::{WEB, is_web};
use super::places::Heard;
use super::waiting_events::of_syslog;
use crate::intake::error::IntakeError;
use crate::intake::service::IntakeService;

pub(super) const KIND: Kind =
    Kind { name: "syslog", address: |settings| settings.syslog, start: Start::Tcp(serve) };

/// Room made for what a read brings.
const READ_BYTES: usize = 64 * 1024;

fn serve(listener: TcpListener, ready: &Ready) -> Task {
    let zone = ready.services.base.settings.time_zone.clone();
    serve_each("syslog", listener, ready, move |service, stream| take(service, stream, zone.clone()))
}

/// Takes the messages of one sender.
async fn take(service: Arc<IntakeService>, mut stream: Heard, zone: TimeZone) -> Result<(), IntakeError> {
    let sender =
        stream.peer_addr().map(|address| address.ip().to_canonical().to_string()).unwrap_or_default();
    let (mut received, mut frames) = (bytes::BytesMut::new(), Frames::default());
    let mut waiting = of_syslog(&service);
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    let (mut is_first, mut is_foreign) = (true, false);
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
        let mut on_message = |message: &[u8]| {
            is_foreign |= std::mem::take(&mut is_first) && is_web(message);
            if !is_foreign {
                waiting.add_message(message, &sender, &zone);
            }
        };
        frames.take(&received.split(), &mut on_message);
        if has_ended {
            frames.end(&mut on_message);
        }
        if is_foreign {
            waiting.refuse(WEB);
        }
        if has_ended || is_foreign {
            return waiting.commit().await;
        }
        if waiting.is_due() {
            waiting.commit().await?;
        }
    }
}
