//! HTTP, plain or with TLS: all routes.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::kind::{Kind, Ready, Start, Task};
use crate::router::router;

pub(super) const KIND: Kind =
    Kind { name: "http", address: |settings| Some(settings.listen), start: Start::Tcp(serve) };

fn serve(listener: TcpListener, ready: &Ready) -> Task {
    let (stop, stopped) = oneshot::channel();
    let shutdown = Arc::clone(&ready.services.base.shutdown);
    let router = router(ready.services.clone());
    let serving = lanner_io::http::serve(listener, ready.certificates.clone(), router, stopped);
    let stopping = async move {
        shutdown.begun().await;
        // Nobody to tell when HTTP ended before.
        let _ = stop.send(());
    };
    Box::pin(async move {
        tokio::join!(serving, stopping);
    })
}
