//! Syslog by UDP: a message a datagram. What comes faster than it can be stored is dropped by the operating system, as senders
//! by UDP accept.

use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio::net::UdpSocket;

use super::kind::{Kind, Ready, Start, Task};
use super::waiting_events::{WaitingEvents, of_syslog};
use crate::intake::service::IntakeService;

pub(super) const KIND: Kind =
    Kind { name: "syslog_udp", address: |settings| settings.syslog, start: Start::Udp(serve) };

/// The longest datagram there is.
const MAX_DATAGRAM_BYTES: usize = 64 * 1024;

fn serve(socket: UdpSocket, ready: &Ready) -> Task {
    let zone = ready.services.base.settings.time_zone.clone();
    Box::pin(take(socket, Arc::clone(&ready.services.intake), zone))
}

async fn take(socket: UdpSocket, service: Arc<IntakeService>, zone: TimeZone) {
    let mut datagram = vec![0; MAX_DATAGRAM_BYTES];
    let mut waiting = of_syslog(&service);
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut datagram) => Some(received),
            () = tokio::time::sleep_until(waiting.deadline()), if !waiting.is_empty() => None,
            () = &mut stopped => break,
        };
        match received {
            Some(Ok((n_bytes, sender))) => {
                let sender = sender.ip().to_canonical().to_string();
                waiting.add_message(&datagram[..n_bytes], &sender, &zone);
            }
            Some(Err(error)) => tracing::debug!("syslog over UDP: {error}"),
            None => {}
        }
        if waiting.is_due() {
            commit_or_log(&mut waiting).await;
        }
    }
    commit_or_log(&mut waiting).await;
}

/// Nobody waits for an answer: a batch that cannot be stored is logged, and the next one is taken.
async fn commit_or_log(waiting: &mut WaitingEvents<'_>) {
    if let Err(error) = waiting.commit().await {
        tracing::warn!("syslog over UDP: a batch is not stored: {error}");
    }
}
