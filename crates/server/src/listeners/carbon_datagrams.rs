//! Carbon's plaintext by UDP: whole lines in each datagram. What comes faster than it can be stored is dropped by the
//! operating system, as senders by UDP accept.

use std::sync::Arc;

use tokio::net::UdpSocket;

use super::kind::{Kind, Ready, Start, Task};
use super::waiting::Waiting;
use crate::intake::service::IntakeService;

pub(super) const KIND: Kind =
    Kind { name: "carbon_udp", address: |settings| settings.carbon_udp, start: Start::Udp(serve) };

/// The longest datagram there is.
const MAX_DATAGRAM_BYTES: usize = 64 * 1024;

fn serve(socket: UdpSocket, ready: &Ready) -> Task {
    Box::pin(take(socket, Arc::clone(&ready.services.intake)))
}

async fn take(socket: UdpSocket, service: Arc<IntakeService>) {
    let mut datagram = vec![0; MAX_DATAGRAM_BYTES];
    let mut waiting = Waiting::new(&service);
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    loop {
        let received = tokio::select! {
            received = socket.recv(&mut datagram) => received,
            () = tokio::time::sleep_until(waiting.deadline()), if !waiting.is_empty() => Ok(0),
            () = &mut stopped => break,
        };
        match received {
            Ok(n_bytes) => {
                for line in datagram[..n_bytes].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    waiting.add_line(line);
                }
            }
            Err(error) => tracing::debug!("carbon over UDP: {error}"),
        }
        if waiting.is_due() {
            commit_or_log(&mut waiting).await;
        }
    }
    commit_or_log(&mut waiting).await;
}

/// Nobody waits for an answer: a batch that cannot be stored is logged, and the next one is taken.
async fn commit_or_log(waiting: &mut Waiting<'_>) {
    if let Err(error) = waiting.commit().await {
        tracing::warn!("carbon over UDP: a batch is not stored: {error}");
    }
}
