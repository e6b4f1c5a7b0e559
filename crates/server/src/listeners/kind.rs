//! What a kind of listener is.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use lanner_io::http::Certificates;
use tokio::net::{TcpListener, UdpSocket};

use crate::services::Services;
use crate::settings::Settings;

/// One kind of listener.
pub(crate) struct Kind {
    /// What it is called, as in the settings.
    pub(crate) name: &'static str,
    /// Where it listens; `None` where it should not.
    pub(crate) address: fn(&Settings) -> Option<SocketAddr>,
    /// What it needs and how it begins.
    pub(crate) start: Start,
}

/// What a listener needs to begin: a socket, bound before anything else starts, and a server that is ready.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    /// Connections.
    Tcp(fn(TcpListener, &Ready) -> Task),
    /// Datagrams.
    Udp(fn(UdpSocket, &Ready) -> Task),
}

/// A server that is ready to take what comes.
pub(crate) struct Ready {
    /// Who takes it.
    pub(crate) services: Services,
    /// By which clients know the server, if it has some.
    pub(crate) certificates: Option<Arc<Certificates>>,
}

/// Runs until the server stops.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
