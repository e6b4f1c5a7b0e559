//! StatsD by UDP: lines in datagrams. This task also ends intervals, those of lines by TCP included.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::kind::{Kind, Ready, Start, Task};
use super::lines::MAX_LINE_BYTES;
use crate::intake::service::IntakeService;
use crate::intake::statsd;

pub(super) const KIND: Kind = Kind {
    name: "statsd_udp",
    address: |settings| settings.statsd.as_ref().map(|statsd| statsd.listen),
    start: Start::Udp(serve),
};

/// How often the clock is looked at, which may be one that is put on.
const LOOK: Duration = Duration::from_millis(100);

fn serve(socket: UdpSocket, ready: &Ready) -> Task {
    Box::pin(take(socket, Arc::clone(&ready.services.intake)))
}

async fn take(socket: UdpSocket, service: Arc<IntakeService>) {
    // Beside each other: while samples wait for the disk, more is received.
    tokio::join!(receive(&socket, &service), end_intervals(&service));
    statsd::end_early(&service).await;
}

async fn receive(socket: &UdpSocket, service: &IntakeService) {
    let mut datagram = vec![0; MAX_LINE_BYTES];
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    loop {
        tokio::select! {
            received = socket.recv(&mut datagram) => match received {
                Ok(n_bytes) => statsd::add(service, &datagram[..n_bytes]),
                Err(error) => tracing::debug!("statsd over UDP: {error}"),
            },
            () = &mut stopped => return,
        }
    }
}

async fn end_intervals(service: &IntakeService) {
    let mut looks = tokio::time::interval(LOOK);
    let mut stopped = std::pin::pin!(service.shutdown.begun());
    loop {
        tokio::select! {
            _ = looks.tick() => statsd::end_if_over(service).await,
            () = &mut stopped => return,
        }
    }
}
