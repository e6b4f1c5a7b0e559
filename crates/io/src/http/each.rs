//! Connections that a door lets in, each served in a task of its own until all of them are asked to end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use axum::serve::Listener as _;
use hyper::body::Incoming;
use tokio::sync::oneshot::Receiver;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_service::Service as _;

use super::door::{Connection, Door};

/// Comes when connections are to end.
pub(super) struct Ending(watch::Receiver<bool>);

impl Ending {
    pub(super) async fn begun(&mut self) {
        // Whoever could tell is gone: it has begun as well.
        let _ = self.0.wait_for(|is_ending| *is_ending).await;
    }
}

/// Serves connections until `stopped` is told or dropped, then those that are left to their end.
pub(super) async fn each<F>(
    mut door: Door,
    mut stopped: Receiver<()>,
    serve: impl Fn(Connection, SocketAddr, Ending) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let (end, ending) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // A dropped sender stops as well.
            _ = &mut stopped => break,
            (connection, address) = door.accept() => {
                drop(connections.spawn(serve(connection, address, Ending(ending.clone()))));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(door);
    end.send_replace(true);
    while connections.join_next().await.is_some() {}
}

/// What answers a request.
type Answered = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// Answers the requests of one connection, which handlers find as `ConnectInfo<SocketAddr>`.
pub(super) fn answers(router: Router, address: SocketAddr) -> impl Fn(Request<Incoming>) -> Answered {
    move |request| {
        let mut router = router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(address));
        Box::pin(async move { router.call(request).await })
    }
}
