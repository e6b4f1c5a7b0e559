//! The sockets that AMQP runs on: opened by us, plain or with our TLS, and handed to the client.
//!
//! The client brings TLS of its own only with other cryptography, other authorities and forty more crates, and takes nothing but a
//! socket of TCP. So a connection with TLS is given to it through a pair of sockets on this machine.

use std::io::{Error, Result};
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// Opens a socket, with TLS if it is told how.
pub(super) async fn open(host: &str, port: u16, tls: Option<Arc<rustls::ClientConfig>>) -> Result<TcpStream> {
    // As an address of IPv6 stands in a URL.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(stream) };
    let name = host.to_owned().try_into().map_err(Error::other)?;
    let mut stream = TlsConnector::from(tls).connect(name, stream).await?;
    let (ours, mut theirs) = pair().await?;
    // Ends with either side.
    drop(tokio::spawn(async move {
        if let Err(error) = copy_bidirectional(&mut stream, &mut theirs).await {
            tracing::debug!("a connection with TLS ended: {error}");
        }
    }));
    Ok(ours)
}

/// Two sockets that are connected with one another.
async fn pair() -> Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let ours = TcpStream::connect(listener.local_addr()?).await?;
    ours.set_nodelay(true)?;
    loop {
        let (theirs, peer) = listener.accept().await?;
        // Others on this machine could connect as well.
        if peer == ours.local_addr()? {
            theirs.set_nodelay(true)?;
            return Ok((ours, theirs));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_pair_is_connected() {
        let (mut ours, mut theirs) = pair().await.unwrap();
        ours.write_all(b"hello").await.unwrap();
        let mut found = [0; 5];
        theirs.read_exact(&mut found).await.unwrap();
        assert_eq!(&found, b"hello");
    }
}
