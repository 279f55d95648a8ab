//! The network as a value: the machine's TCP now, a simulated one in tests.

use async_trait::async_trait;
use std::{fmt, io, net::SocketAddr, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};

/// A connected byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connected byte stream whose kind is decided at run time.
pub type BoxedStream = Box<dyn Stream>;

/// Where sockets come from.
#[async_trait]
pub trait Network: Send + Sync + fmt::Debug {
    /// Listens on `address`; port 0 picks a free one.
    ///
    /// # Errors
    /// The operating system's, such as `AddrInUse`.
    async fn bind(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>>;

    /// Connects to `address`.
    ///
    /// # Errors
    /// The operating system's.
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxedStream>;
}

/// A bound socket that hands out connections.
#[async_trait]
pub trait Listener: Send + fmt::Debug {
    /// Waits for the next connection.
    ///
    /// # Errors
    /// The operating system's; running out of descriptors passes, so callers pause and go on.
    ///
    /// # Cancel safety
    /// Safe: no connection is lost.
    async fn accept(&mut self) -> io::Result<(BoxedStream, SocketAddr)>;

    /// The address bound, with the port that was picked.
    ///
    /// # Errors
    /// The operating system's.
    fn local_address(&self) -> io::Result<SocketAddr>;
}

/// The machine's TCP: no delay, backlog 1024, addresses reused. A peer that is gone without a word is noticed two minutes after
/// its last one (a probe after 60 s, then one every 10 s, six in all). There is no `TCP_USER_TIMEOUT`: it would also end peers that
/// live and do not read for a while.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

#[async_trait]
impl Network for Tcp {
    async fn bind(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::STREAM,
            Some(socket2::Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(1024)?;
        Ok(Box::new(TcpListener(tokio::net::TcpListener::from_std(socket.into())?)))
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<BoxedStream> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

#[derive(Debug)]
struct TcpListener(tokio::net::TcpListener);

#[async_trait]
impl Listener for TcpListener {
    async fn accept(&mut self) -> io::Result<(BoxedStream, SocketAddr)> {
        let (stream, peer) = self.0.accept().await?;
        stream.set_nodelay(true)?;
        let keepalive = socket2::TcpKeepalive::new()
            .with_time(Duration::from_secs(60))
            .with_interval(Duration::from_secs(10))
            .with_retries(6);
        socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        Ok((Box::new(stream), peer))
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}
