//! One connection: reads requests and begins them in order; [`crate::answers`] writes what they come to.

use crate::{
    answers::{self, Answer, InFlight, Responding, Waiting},
    api::{self, Begun},
    authentication::UNAUTHENTICATED_FRAME_BYTES,
    budget::{ByteBudget, Reservation},
    context::ConnectionContext,
    frame::{FrameError, RequestFrame, checked_length},
    log_limit::LogLimit,
    pace::{Pace, Progress},
    rope::Rope,
};
use bytes::{Bytes, BytesMut};
use futures::{FutureExt, future::join};
use runtime::net::BoxedStream;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, ReadHalf},
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

/// How fast a request's body must come: it holds memory from its first byte on.
const BODY_PACE: Pace = Pace { window: Duration::from_secs(30), parts: 64 };

/// The same while others wait for the memory that bodies hold.
const HURRIED_BODY_PACE: Pace = Pace { window: Duration::from_secs(10), parts: 8 };

/// How fast an answer must go while memory for answers is short. Consumers may be busy with what they have for a while.
const HURRIED_ANSWER_PACE: Pace = Pace { window: Duration::from_secs(30), parts: 8 };

/// How often a transfer that stands still is looked at.
pub(crate) const PACE_CHECK: Duration = Duration::from_secs(1);

/// Limits of a connection.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimits {
    /// Longest request, in bytes.
    pub(crate) request_max_bytes: usize,
    /// Bytes of this connection's requests in memory.
    pub(crate) connection_request_max_bytes: u64,
    /// Requests that may wait for their answers.
    pub(crate) max_in_flight: usize,
    /// Closed when nothing happened for so long.
    pub(crate) max_idle: Duration,
    /// How long answers may take once the server stops.
    pub(crate) stop_patience: Duration,
    /// Bytes of all connections' requests in memory.
    pub(crate) all_requests: ByteBudget,
    /// Bytes that all connections' requests need, once decoded, beyond their own.
    pub(crate) decoded: ByteBudget,
    /// Bytes of all connections' fetch answers in memory.
    pub(crate) fetch_answers: ByteBudget,
    /// Of requests that are none.
    pub(crate) invalid_requests: Arc<LogLimit>,
}

impl ConnectionLimits {
    /// How fast a body must come.
    fn body_pace(&self) -> Pace {
        if self.all_requests.is_short() { HURRIED_BODY_PACE } else { BODY_PACE }
    }

    /// How fast an answer must go.
    pub(crate) fn answer_pace(&self) -> Pace {
        if self.fetch_answers.is_short() {
            HURRIED_ANSWER_PACE
        } else {
            Pace { window: self.max_idle, ..BODY_PACE }
        }
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// The client closed it, between requests.
    #[error("closed by the client")]
    ByClient,
    /// The server stops.
    #[error("the server stops")]
    Stopping,
    /// Nothing happened for `connections.max.idle.ms`.
    #[error("idle")]
    Idle,
    /// A request's body came too slowly for the memory that it holds.
    #[error("a request came too slowly")]
    Slow,
    /// It took too long to log in.
    #[error("not logged in in time")]
    NotAuthenticated,
    /// A log-in failed.
    #[error("a log-in failed")]
    Denied,
    /// The bytes are no request.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A handler asked for it: the answer to a request that wants none.
    #[error("{0}")]
    HungUp(String),
    /// The socket failed, or the writer ended.
    #[error(transparent)]
    Socket(#[from] io::Error),
}

/// Serves a connection until either side ends it. Answers to requests that were begun go out first. Where clients log in, this one must
/// have done so at the deadline.
pub(crate) async fn serve(
    stream: BoxedStream,
    context: Arc<ConnectionContext>,
    limits: ConnectionLimits,
    authentication_deadline: Instant,
) {
    let (reader, writer) = tokio::io::split(stream);
    let (queue, begun) = mpsc::channel(1);
    let in_flight = InFlight::default();
    let reading = Reader {
        budget: ByteBudget::new(limits.connection_request_max_bytes),
        stream: reader,
        queue,
        in_flight: in_flight.clone(),
        context: Arc::clone(&context),
        limits: limits.clone(),
    };
    let writing = answers::write(writer, begun, &limits, in_flight);
    let stopping = async {
        context.shutdown.requested().await;
        tokio::time::sleep(limits.stop_patience).await;
    };
    // Not by an async block: that has room for what it joins twice over, on every connection.
    let both = join(reading.run(authentication_deadline), writing);
    tokio::select! {
        (ended, written) = both => {
            tracing::debug!(peer = %context.peer, %ended, ?written, "connection closed");
            if let Ended::Frame(error) = &ended {
                metrics::counter!("kafka_invalid_requests_total").increment(1);
                if let Some(suppressed) = limits.invalid_requests.admit() {
                    tracing::warn!(peer = %context.peer, %error, suppressed, "connection closed: no valid request");
                }
            }
        }
        () = stopping => tracing::warn!(peer = %context.peer, "answers did not go out in time"),
    }
}

struct Reader {
    stream: ReadHalf<BoxedStream>,
    queue: mpsc::Sender<Waiting>,
    in_flight: InFlight,
    budget: ByteBudget,
    context: Arc<ConnectionContext>,
    limits: ConnectionLimits,
}

impl Reader {
    /// Reads until the connection ends. Dropping the queue lets the writer finish.
    async fn run(mut self, authentication_deadline: Instant) -> Ended {
        let shutdown = self.context.shutdown.clone();
        let queue = self.queue.clone();
        tokio::select! {
            ended = self.read_requests(authentication_deadline) => match ended { Err(ended) => ended, Ok(never) => match never {} },
            () = shutdown.requested() => Ended::Stopping,
            () = queue.closed() => Ended::Socket(io::ErrorKind::BrokenPipe.into()),
        }
    }

    async fn read_requests(
        &mut self,
        authentication_deadline: Instant,
    ) -> Result<std::convert::Infallible, Ended> {
        timeout_at(authentication_deadline, self.read_until_authenticated())
            .await
            .map_err(|_| Ended::NotAuthenticated)??;
        let max_bytes = self.limits.request_max_bytes;
        loop {
            self.read_request(max_bytes).await?;
        }
    }

    /// Returns at once where nobody logs in.
    async fn read_until_authenticated(&mut self) -> Result<(), Ended> {
        let max_bytes = self.limits.request_max_bytes.min(UNAUTHENTICATED_FRAME_BYTES);
        while self.context.authentication.principal().is_none() {
            if self.context.authentication.awaits_bare_message() {
                self.read_bare_message(max_bytes).await?;
            } else {
                self.read_request(max_bytes).await?;
            }
        }
        Ok(())
    }

    async fn read_bare_message(&mut self, max_bytes: usize) -> Result<(), Ended> {
        let (message, held) = self.read_bytes(max_bytes).await?;
        let answering = api::sasl_authenticate::answer_bare(&self.context, &message);
        let answer = match Box::pin(answering).await {
            Ok(answer) => Bytes::from(answer),
            Err(denied) => {
                tokio::time::sleep(denied.delay).await;
                return Err(Ended::Denied);
            }
        };
        let length = Bytes::copy_from_slice(&(answer.len() as u32).to_be_bytes());
        let frame = Rope::from_iter([length, answer]);
        let answer = Answer { frame, held, responding: Responding::default() };
        self.answer(std::future::ready(Ok(answer)).boxed()).await
    }

    async fn read_request(&mut self, max_bytes: usize) -> Result<(), Ended> {
        self.context.unmuted().await;
        let frame = self.read_frame(max_bytes).await?;
        // An answer may have muted it while the frame came.
        self.context.unmuted().await;
        let waiting = match api::begin(&self.context, frame, &self.limits.decoded).await? {
            Begun::Waiting(answer) => answer,
            Begun::Silent => return Ok(()),
            Begun::HangUp(reason) => return Err(Ended::HungUp(reason)),
        };
        self.answer(waiting).await?;
        if self.context.authentication.has_failed() { Err(Ended::Denied) } else { Ok(()) }
    }

    async fn answer(&mut self, waiting: Waiting) -> Result<(), Ended> {
        self.in_flight.add();
        let sent = self.queue.send(waiting).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe).into())
    }

    async fn read_frame(&mut self, max_bytes: usize) -> Result<RequestFrame, Ended> {
        let (body, held) = self.read_bytes(max_bytes).await?;
        Ok(RequestFrame::parse(body, held)?)
    }

    /// Reads one frame; its bytes are taken from both budgets before they are read: from this connection's all at once, from that of all
    /// connections as they come, so that who announces much and sends little keeps nobody out.
    async fn read_bytes(&mut self, max_bytes: usize) -> Result<(Bytes, Vec<Reservation>), Ended> {
        let length = self.read_length().await?;
        let length = checked_length(length, max_bytes)?;
        let own = self.budget.take(length).await;
        let mut shared = self.limits.all_requests.take_first(length).await;
        let body = self.read_body(length, &mut shared).await?;
        metrics::counter!("kafka_request_bytes_total").increment(length as u64 + 4);
        Ok((body, vec![own, shared]))
    }

    async fn read_length(&mut self) -> Result<i32, Ended> {
        let mut bytes = BytesMut::with_capacity(4);
        while bytes.len() < 4 {
            let room = 4 - bytes.len();
            match timeout(
                self.limits.max_idle,
                (&mut self.stream).take(room as u64).read_buf(&mut bytes),
            )
            .await
            {
                Ok(Ok(0)) if bytes.is_empty() => return Err(Ended::ByClient),
                Ok(Ok(0)) => return Err(Ended::Socket(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => drop(read?),
                Err(_) if bytes.is_empty() && !self.in_flight.is_empty() => {}
                Err(_) => return Err(Ended::Idle),
            }
        }
        Ok(bytes::Buf::get_i32(&mut bytes))
    }

    /// Reads a body, which is given up when it falls behind. Allocates what is paid for, no more.
    async fn read_body(&mut self, length: usize, held: &mut Reservation) -> Result<Bytes, Ended> {
        let mut body = BytesMut::with_capacity(held.bytes().min(length));
        let mut progress = Progress::begin(length);
        while body.len() < length {
            if body.len() >= held.bytes() {
                self.limits.all_requests.grow(held, length).await;
                body.reserve(held.bytes().min(length) - body.len());
                progress.begin_window();
            }
            let paid = held.bytes().min(length) - body.len();
            let mut reader = (&mut self.stream).take(paid as u64);
            match timeout(PACE_CHECK, reader.read_buf(&mut body)).await {
                Err(_) => {}
                Ok(Ok(0)) => return Err(Ended::Socket(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => progress.moved(read?),
            }
            if body.len() < length && progress.is_behind(self.limits.body_pace()) {
                return Err(Ended::Slow);
            }
        }
        Ok(body.freeze())
    }
}
