//! Answers: what a connection's requests come to, written strictly in the order of the requests.

use crate::{
    budget::Reservation,
    connection::{ConnectionLimits, PACE_CHECK},
    pace::Progress,
    rope::Rope,
};
use bytes::Buf;
use futures::{StreamExt, future::BoxFuture, stream::FuturesOrdered};
use runtime::traces;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::timeout,
};
use tracing::Span;

/// An encoded answer, with what it holds of budgets until it is written.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The frame.
    pub(crate) frame: Rope,
    /// Given back once it is written.
    pub(crate) held: Vec<Reservation>,
    /// Of the request's trace.
    pub(crate) responding: Responding,
}

/// The last part of a request's trace: from when its answer is ready until it is written, behind those before it.
#[derive(Debug, Default)]
pub(crate) struct Responding(Option<Spans>);

#[derive(Debug)]
struct Spans {
    respond: Span,
    request: Span,
}

impl Responding {
    /// Begins it; nothing when the request is not traced.
    pub(crate) fn begin(request: Span) -> Self {
        if request.is_disabled() {
            return Self(None);
        }
        let respond = tracing::info_span!(target: traces::TARGET, parent: &request, "respond");
        Self(Some(Spans { respond, request }))
    }

    fn end(self) {
        if let Some(Spans { respond, request }) = self.0 {
            drop(respond);
            // A span lasts until it was left for the last time.
            request.in_scope(|| ());
        }
    }
}

/// A request that was begun: ends in its answer, or in the reason to close the connection.
pub(crate) type Waiting = BoxFuture<'static, Result<Answer, String>>;

/// Requests of a connection that were begun and not yet answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    /// Counts one more.
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether every request was answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn remove(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Works on begun requests side by side, as many as `limits` allow, and writes their answers in order, until the queue ends. A client
/// that takes an answer too slowly is given up.
pub(crate) async fn write<W: AsyncWrite + Unpin>(
    mut stream: W,
    mut queue: mpsc::Receiver<Waiting>,
    limits: &ConnectionLimits,
    in_flight: InFlight,
) -> io::Result<()> {
    let mut waiting = FuturesOrdered::new();
    let mut open = true;
    while open || !waiting.is_empty() {
        tokio::select! {
            Some(answer) = waiting.next(), if !waiting.is_empty() => {
                let answer: Answer = Result::map_err(answer, io::Error::other)?;
                write_frame(&mut stream, answer.frame, limits).await?;
                in_flight.remove();
                answer.responding.end();
                drop(answer.held);
            }
            begun = queue.recv(), if open && waiting.len() < limits.max_in_flight => match begun {
                Some(begun) => waiting.push_back(begun),
                None => open = false,
            },
        }
    }
    stream.shutdown().await
}

async fn write_frame<W: AsyncWrite + Unpin>(
    stream: &mut W,
    mut frame: Rope,
    limits: &ConnectionLimits,
) -> io::Result<()> {
    metrics::counter!("kafka_response_bytes_total").increment(frame.remaining() as u64);
    let mut progress = Progress::begin(frame.remaining());
    while frame.has_remaining() {
        match timeout(PACE_CHECK, stream.write_buf(&mut frame)).await {
            Err(_) => {}
            Ok(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => progress.moved(written?),
        }
        if frame.has_remaining() && progress.is_behind(limits.answer_pace()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    stream.flush().await
}
