//! A network of pipes in memory.

use async_trait::async_trait;
use parking_lot::Mutex;
use runtime::net::{BoxedStream, Listener, Network};
use std::{collections::HashMap, io, net::SocketAddr, sync::Arc};
use tokio::sync::mpsc;

/// Hosts of one machine, joined by pipes.
#[derive(Clone, Debug, Default)]
pub struct Pipes(Arc<Mutex<HashMap<SocketAddr, mpsc::Sender<BoxedStream>>>>);

#[derive(Debug)]
struct PipeListener {
    address: SocketAddr,
    incoming: mpsc::Receiver<BoxedStream>,
}

#[async_trait]
impl Network for Pipes {
    async fn bind(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let (sender, incoming) = mpsc::channel(16);
        self.0.lock().insert(address, sender);
        Ok(Box::new(PipeListener { address, incoming }))
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<BoxedStream> {
        let sender = self.0.lock().get(&address).cloned();
        let (near, far) = tokio::io::duplex(64 << 10);
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let sender = sender.ok_or_else(refused)?;
        sender.send(Box::new(far)).await.map_err(|_| refused())?;
        Ok(Box::new(near))
    }
}

#[async_trait]
impl Listener for PipeListener {
    async fn accept(&mut self) -> io::Result<(BoxedStream, SocketAddr)> {
        match self.incoming.recv().await {
            Some(stream) => Ok((stream, SocketAddr::from(([127, 0, 0, 1], 40_000)))),
            None => std::future::pending().await,
        }
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
