//! [`Producer`]: one connection that keeps a window of produce requests full, or sends them at a pace.

use crate::{
    batch_shape::Batch,
    broker_error::BrokerError,
    cluster::Led,
    connection::Connection,
    error::DriverError,
    latency::Latency,
    pace::Pace,
    report::Counts,
    wire::{Answer, Request},
};
use runtime::{BootTime, Clock};
use std::{
    collections::VecDeque,
    io::IoSlice,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

const PRODUCE: (i16, i16) = (0, 7);
const TIMEOUT_MS: i32 = 30_000;

/// So long batches keep the time that their records carry.
const DATED_FOR: Duration = Duration::from_secs(1);

/// What is the same for all connections of a run.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) topic: &'a str,
    pub(crate) acks: i16,
    pub(crate) in_flight: usize,
    pub(crate) batches_per_request: usize,
    /// Whether batches carry the time they were due.
    pub(crate) stamped: bool,
    /// When to stop sending.
    pub(crate) until: BootTime,
    /// Requests that may still be sent, of all connections.
    pub(crate) requests_left: &'a AtomicU64,
}

/// One connection's part of the load.
#[derive(Debug)]
pub(crate) struct Producer<'a> {
    load: &'a Load<'a>,
    connection: Connection,
    partitions: std::iter::Cycle<std::vec::IntoIter<i32>>,
    batch: Batch,
    /// When the batch's records were made as young as they are.
    dated: BootTime,
    pace: Pace,
    waiting: VecDeque<BootTime>,
    /// The broker asked for silence until then (KIP-219).
    throttled_until: BootTime,
    correlation: i32,
    done: Done,
}

/// What one connection measured.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) counts: Counts,
    pub(crate) latency: Latency,
    pub(crate) start: BootTime,
    pub(crate) end: BootTime,
}

impl<'a> Producer<'a> {
    /// Connects to the leader.
    pub(crate) fn open(
        load: &'a Load<'a>,
        led: &Led,
        batch: Batch,
        pace: Pace,
    ) -> Result<Self, DriverError> {
        let now = load.clock.boot_time();
        Ok(Self {
            load,
            connection: Connection::open(&led.address)?,
            partitions: led.partitions.clone().into_iter().cycle(),
            batch,
            dated: now,
            pace,
            waiting: VecDeque::with_capacity(load.in_flight),
            throttled_until: BootTime::default(),
            correlation: 0,
            done: Done {
                counts: Counts::default(),
                latency: Latency::new()?,
                start: now,
                end: now,
            },
        })
    }

    /// Sends until the run ends and every answer is in.
    pub(crate) fn run(mut self) -> Result<Done, DriverError> {
        let mut sending = true;
        loop {
            let now = self.load.clock.boot_time();
            sending &= now < self.load.until;
            let room = sending && self.waiting.len() < self.load.in_flight;
            let silence = self.throttled_until.since(now);
            if let Some(due) = self.pace.due(now).filter(|_| room && silence.is_zero()) {
                sending = self.send(due)?;
                continue;
            }
            if !sending && self.waiting.is_empty() {
                return Ok(self.done);
            }
            let wait = self.pace.wait(now).max(silence).max(Duration::from_micros(1));
            let patience = room.then_some(wait);
            if self.connection.readable(patience)? && !self.waiting.is_empty() {
                self.receive()?;
            }
        }
    }

    /// Sends one request; `false` when the run has sent all it was to.
    fn send(&mut self, due: BootTime) -> Result<bool, DriverError> {
        let left = &self.load.requests_left;
        if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_err() {
            return Ok(false);
        }
        if due.since(self.dated) >= DATED_FOR {
            self.batch.date(self.load.clock.unix_ms());
            self.dated = due;
        }
        if self.load.stamped {
            self.batch.stamp(due);
        }
        let partitions: Vec<i32> =
            self.partitions.by_ref().take(self.load.batches_per_request).collect();
        self.correlation = self.correlation.wrapping_add(1);
        let (head, cuts) = self.head(&partitions);
        let mut parts = Vec::with_capacity(2 * partitions.len());
        let mut rest = head.as_slice();
        for cut in cuts {
            let (part, behind) = rest.split_at(cut);
            parts.extend([IoSlice::new(part), IoSlice::new(self.batch.bytes())]);
            rest = behind;
        }
        self.connection.send(&mut parts)?;
        self.waiting.push_back(due);
        self.pace.advance();
        Ok(true)
    }

    /// The request without its batches, and how many bytes of it come before each batch.
    fn head(&self, partitions: &[i32]) -> (Vec<u8>, Vec<usize>) {
        let batch_bytes = self.batch.bytes().len();
        let mut request = Request::new(PRODUCE.0, PRODUCE.1, self.correlation);
        request.i16(-1).i16(self.load.acks).i32(TIMEOUT_MS);
        request.i32(1).text(self.load.topic).i32(partitions.len() as i32);
        let mut cuts = Vec::with_capacity(partitions.len());
        let mut before = 0;
        for partition in partitions {
            request.i32(*partition).i32(batch_bytes as i32);
            cuts.push(request.len() - before);
            before = request.len();
        }
        (request.finish(batch_bytes * partitions.len()), cuts)
    }

    fn receive(&mut self) -> Result<(), DriverError> {
        let mut answer = Answer::new("Produce", self.connection.receive()?)?;
        let now = self.load.clock.boot_time();
        for _ in 0..answer.count()? {
            answer.text()?;
            for _ in 0..answer.count()? {
                let (_, code) = (answer.i32()?, answer.i16()?);
                let (_, _, _) = (answer.i64()?, answer.i64()?, answer.i64()?);
                if let Some(BrokerError(code)) = BrokerError::from_wire(code) {
                    *self.done.counts.errors.entry(code).or_default() += 1;
                } else {
                    self.done.counts.records += self.batch.records();
                    self.done.counts.bytes += self.batch.bytes().len() as u64;
                }
            }
        }
        let throttle = Duration::from_millis(u64::try_from(answer.i32()?).unwrap_or(0));
        self.throttled_until = now.plus(throttle);
        self.done.counts.requests += 1;
        self.done.counts.throttled_requests += u64::from(!throttle.is_zero());
        self.done.end = now;
        if let Some(due) = self.waiting.pop_front() {
            self.done.latency.record(now.since(due));
        }
        Ok(())
    }
}
