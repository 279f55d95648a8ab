//! Answers: what a connection's requests come to, written strictly in the order of the requests.

use crate::{budget::Reservation, rope::Rope};
use bytes::Buf;
use futures::{StreamExt, future::BoxFuture, stream::FuturesOrdered};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::timeout,
};

/// An encoded answer, with what it holds of budgets until it is written.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The frame.
    pub(crate) frame: Rope,
    /// Given back once it is written.
    pub(crate) held: Vec<Reservation>,
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

/// Works on at most `max_in_flight` begun requests side by side and writes their answers in order, until the queue ends. A client
/// that takes no bytes for `patience` is given up.
pub(crate) async fn write<W: AsyncWrite + Unpin>(
    mut stream: W,
    mut queue: mpsc::Receiver<Waiting>,
    max_in_flight: usize,
    patience: Duration,
    in_flight: InFlight,
) -> io::Result<()> {
    let mut waiting = FuturesOrdered::new();
    let mut open = true;
    while open || !waiting.is_empty() {
        tokio::select! {
            Some(answer) = waiting.next(), if !waiting.is_empty() => {
                let answer: Answer = Result::map_err(answer, io::Error::other)?;
                write_frame(&mut stream, answer.frame, patience).await?;
                in_flight.remove();
                drop(answer.held);
            }
            begun = queue.recv(), if open && waiting.len() < max_in_flight => match begun {
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
    patience: Duration,
) -> io::Result<()> {
    metrics::counter!("kafka_response_bytes_total").increment(frame.remaining() as u64);
    while frame.has_remaining() {
        let written = timeout(patience, stream.write_buf(&mut frame)).await??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    stream.flush().await
}
