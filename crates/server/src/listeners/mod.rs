//! Listeners: where data and questions come in, each on an address of its own.
//!
//! To add one: a file here, an entry in [`KINDS`], and the setting of its address. A listener of data turns what it reads
//! into [`Samples`](crate::intake::samples::Samples) or events, and leaves the rest to intake. It accepts nothing more once the
//! server stops, and its task ends when what came before is answered or committed.

mod carbon_datagrams;
mod carbon_lines;
mod carbon_pickles;
mod connections;
mod http;
mod kind;
mod kinds;
mod lines;
#[cfg(feature = "grpc")]
mod otlp_calls;
mod places;
mod statsd_datagrams;
mod statsd_lines;
mod syslog_connections;
mod syslog_datagrams;
mod waiting;
mod waiting_events;

use std::net::SocketAddr;

pub(crate) use kind::{Kind, Ready, Start, Task};
pub(crate) use kinds::KINDS;
use tokio::net::{TcpListener, UdpSocket};

use crate::settings::Settings;

/// What listens at an address, and accepts nothing yet.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener, fn(TcpListener, &Ready) -> Task),
    Udp(UdpSocket, fn(UdpSocket, &Ready) -> Task),
}

impl Bound {
    /// Accepts what comes, until the server stops.
    pub(crate) fn start(self, ready: &Ready) -> Task {
        match self.socket {
            Socket::Tcp(listener, start) => start(listener, ready),
            Socket::Udp(socket, start) => start(socket, ready),
        }
    }
}

/// Takes the address of every listener that has one.
///
/// # Errors
/// The first address that cannot be had, and why.
pub(crate) async fn bind(settings: &Settings) -> Result<Vec<Bound>, (SocketAddr, std::io::Error)> {
    let mut all = Vec::new();
    for kind in KINDS {
        let Some(address) = (kind.address)(settings) else { continue };
        let bound = bind_one(kind, address).await;
        all.push(bound.map_err(|error| (address, error))?);
    }
    Ok(all)
}

async fn bind_one(kind: &Kind, address: SocketAddr) -> std::io::Result<Bound> {
    let (address, socket) = match kind.start {
        Start::Tcp(start) => {
            let listener = TcpListener::bind(address).await?;
            (listener.local_addr()?, Socket::Tcp(listener, start))
        }
        Start::Udp(start) => {
            let socket = UdpSocket::bind(address).await?;
            (socket.local_addr()?, Socket::Udp(socket, start))
        }
    };
    Ok(Bound { name: kind.name, address, socket })
}
