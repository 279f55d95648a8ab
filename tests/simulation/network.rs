//! A network in memory: every write arrives after a delay of its own, in order; ways between two machines can be cut, and what was
//! under way then waits, as it does in TCP.

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use runtime::{
    Randomness,
    net::{BoxedStream, Listener, Network},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};

/// Bytes under way in one direction of a connection, at most.
const WINDOW_BYTES: usize = 256 << 10;
/// Connections that wait to be accepted, at most.
const BACKLOG: usize = 128;
/// So long after a connection could not be made, it is tried again.
const CONNECT_AGAIN: Duration = Duration::from_millis(200);
/// What a write takes to arrive, in microseconds, at most.
const LATENCY_US: u64 = 2_000;

/// The wires of all machines. Clones are the same.
#[derive(Clone, Debug)]
pub struct Wires(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Duration,
    randomness: Randomness,
    listeners: BTreeMap<SocketAddr, Accepted>,
    pipes: BTreeMap<u64, Pipe>,
    next_pipe: u64,
    cuts: BTreeSet<(IpAddr, IpAddr)>,
}

/// Where a listener takes connections from.
type Accepted = mpsc::Sender<(End, SocketAddr)>;

/// One direction of a connection.
#[derive(Debug)]
struct Pipe {
    way: (IpAddr, IpAddr),
    under_way: VecDeque<(Duration, Bytes)>,
    bytes: usize,
    last_arrival: Duration,
    writer_closed: bool,
    reader_gone: bool,
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Wires {
    pub fn new(randomness: Randomness) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            randomness,
            listeners: BTreeMap::new(),
            pipes: BTreeMap::new(),
            next_pipe: 0,
            cuts: BTreeSet::new(),
        })))
    }

    /// The network as the machine of this address sees it.
    pub fn of(&self, host: IpAddr) -> Arc<dyn Network> {
        Arc::new(Socket { wires: self.clone(), host })
    }

    /// It is `now`: whoever waits for what has arrived is woken.
    pub fn deliver(&self, now: Duration) {
        let mut state = self.0.lock();
        state.now = now;
        let State { pipes, cuts, .. } = &mut *state;
        for pipe in pipes.values_mut().filter(|pipe| !cuts.contains(&pipe.way)) {
            if pipe.has_arrived(now)
                && let Some(reader) = pipe.reader.take()
            {
                reader.wake();
            }
        }
    }

    /// From now on nothing comes from one machine to the other.
    pub fn cut(&self, from: IpAddr, to: IpAddr) {
        self.0.lock().cuts.insert((from, to));
    }

    /// Ends all cuts.
    pub fn heal(&self) {
        self.0.lock().cuts.clear();
    }

    /// A machine is gone: nobody listens there any more, and its connections break.
    pub fn unplug(&self, host: IpAddr) {
        let mut state = self.0.lock();
        state.listeners.retain(|address, _| address.ip() != host);
        for pipe in state.pipes.values_mut().filter(|it| it.way.0 == host || it.way.1 == host) {
            pipe.broken = true;
            pipe.wake();
        }
    }
}

impl Wires {
    fn close_writing(&self, pipe: u64) {
        self.close(pipe, |pipe| pipe.writer_closed = true);
    }

    fn close_reading(&self, pipe: u64) {
        self.close(pipe, |pipe| pipe.reader_gone = true);
    }

    fn close(&self, id: u64, how: impl FnOnce(&mut Pipe)) {
        let mut state = self.0.lock();
        let Some(pipe) = state.pipes.get_mut(&id) else { return };
        how(pipe);
        pipe.wake();
        if pipe.writer_closed && pipe.reader_gone {
            state.pipes.remove(&id);
        }
    }
}

impl State {
    fn open(&mut self, from: IpAddr, to: IpAddr) -> u64 {
        let id = self.next_pipe;
        self.next_pipe += 1;
        let pipe = Pipe {
            way: (from, to),
            under_way: VecDeque::new(),
            bytes: 0,
            last_arrival: Duration::ZERO,
            writer_closed: false,
            reader_gone: false,
            broken: false,
            reader: None,
            writer: None,
        };
        self.pipes.insert(id, pipe);
        id
    }
}

impl Pipe {
    fn has_arrived(&self, now: Duration) -> bool {
        self.broken
            || self.under_way.front().is_some_and(|(at, _)| *at <= now)
            || (self.under_way.is_empty() && self.writer_closed)
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

/// A machine's way into the network.
#[derive(Debug)]
struct Socket {
    wires: Wires,
    host: IpAddr,
}

#[async_trait]
impl Network for Socket {
    async fn bind(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let (sender, incoming) = mpsc::channel(BACKLOG);
        let mut state = self.wires.0.lock();
        if state.listeners.insert(address, sender).is_some() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(Box::new(Accepting { address, incoming }))
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<BoxedStream> {
        loop {
            let round_trip = 2 * self.wires.0.lock().randomness.below(LATENCY_US);
            tokio::time::sleep(Duration::from_micros(round_trip)).await;
            if let Some((near, far, listener)) = self.try_connect(address)? {
                let peer = SocketAddr::new(self.host, 40_000);
                let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
                listener.send((far, peer)).await.map_err(refused)?;
                return Ok(Box::new(near));
            }
            tokio::time::sleep(CONNECT_AGAIN).await;
        }
    }
}

impl Socket {
    /// Both ends of a new connection; `None` while the way is cut.
    fn try_connect(&self, address: SocketAddr) -> io::Result<Option<(End, End, Accepted)>> {
        let mut state = self.wires.0.lock();
        let ways = [(self.host, address.ip()), (address.ip(), self.host)];
        if ways.iter().any(|way| state.cuts.contains(way)) {
            return Ok(None);
        }
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let listener = state.listeners.get(&address).cloned().ok_or_else(refused)?;
        let [there, back] = ways.map(|(from, to)| state.open(from, to));
        let end = |reads, writes| End { wires: self.wires.clone(), reads, writes };
        Ok(Some((end(back, there), end(there, back), listener)))
    }
}

/// A bound socket.
#[derive(Debug)]
struct Accepting {
    address: SocketAddr,
    incoming: mpsc::Receiver<(End, SocketAddr)>,
}

#[async_trait]
impl Listener for Accepting {
    async fn accept(&mut self) -> io::Result<(BoxedStream, SocketAddr)> {
        match self.incoming.recv().await {
            Some((end, peer)) => Ok((Box::new(end), peer)),
            None => std::future::pending().await,
        }
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// One end of a connection.
#[derive(Debug)]
struct End {
    wires: Wires,
    reads: u64,
    writes: u64,
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.wires.0.lock();
        let State { now, pipes, cuts, .. } = &mut *state;
        let Some(pipe) = pipes.get_mut(&self.reads).filter(|pipe| !pipe.broken) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        if cuts.contains(&pipe.way) || !pipe.has_arrived(*now) {
            pipe.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        if let Some((_, bytes)) = pipe.under_way.front_mut() {
            let taken = bytes.len().min(buffer.remaining());
            buffer.put_slice(&bytes.split_to(taken));
            pipe.bytes -= taken;
            if bytes.is_empty() {
                pipe.under_way.pop_front();
            }
            if let Some(writer) = pipe.writer.take() {
                writer.wake();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.wires.0.lock();
        let State { now, pipes, randomness, .. } = &mut *state;
        let open = |pipe: &&mut Pipe| !pipe.broken && !pipe.reader_gone && !pipe.writer_closed;
        let Some(pipe) = pipes.get_mut(&self.writes).filter(open) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let taken = bytes.len().min(WINDOW_BYTES - pipe.bytes);
        if taken == 0 {
            pipe.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let latency = Duration::from_micros(randomness.below(LATENCY_US));
        pipe.last_arrival = pipe.last_arrival.max(*now + latency);
        let sent = Bytes::copy_from_slice(bytes.split_at(taken).0);
        pipe.under_way.push_back((pipe.last_arrival, sent));
        pipe.bytes += taken;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wires.close_writing(self.writes);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.wires.close_writing(self.writes);
        self.wires.close_reading(self.reads);
    }
}
