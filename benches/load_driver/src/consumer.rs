//! [`Consumer`]: one connection that fetches partitions of one leader, one request after the other.

use crate::{
    batch_shape::read_stamp,
    broker_error::BrokerError,
    cluster::Led,
    connection::Connection,
    error::DriverError,
    latency::Latency,
    report::Counts,
    wire::{Answer, Request},
};
use formats::record_batch::BatchHeader;
use runtime::{BootTime, Clock};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

const FETCH: (i16, i16) = (1, 10);

/// How much a fetch asks for; the defaults are those of Kafka's consumer.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct FetchSize {
    /// Bytes of an answer, as `fetch.max.bytes`
    #[arg(long, default_value_t = 52_428_800)]
    fetch_max_bytes: i32,
    /// Bytes of each partition, as `max.partition.fetch.bytes`
    #[arg(long, default_value_t = 1_048_576)]
    partition_max_bytes: i32,
    /// How long a broker without records waits, as `fetch.max.wait.ms`
    #[arg(long, default_value_t = 500)]
    fetch_max_wait_ms: i32,
}

/// Offsets by partition.
pub(crate) type Positions = BTreeMap<i32, i64>;

/// A consumer of some partitions.
#[derive(Debug)]
pub(crate) struct Consumer<'a> {
    clock: &'a Clock,
    topic: &'a str,
    connection: Connection,
    size: FetchSize,
    positions: Positions,
    stamp_at: Option<usize>,
    pub(crate) done: Consumed,
}

/// What it measured.
#[derive(Debug)]
pub(crate) struct Consumed {
    pub(crate) counts: Counts,
    pub(crate) latency: Latency,
    pub(crate) start: BootTime,
    pub(crate) end: BootTime,
    /// The stamps of all batches by partition, where they are asked for.
    pub(crate) stamps: Option<BTreeMap<i32, BTreeSet<BootTime>>>,
}

impl<'a> Consumer<'a> {
    /// Connects to the leader, to read from `positions`. With `stamp_at`, batches tell when they were due.
    pub(crate) fn open(
        clock: &'a Clock,
        topic: &'a str,
        led: &Led,
        size: FetchSize,
        positions: Positions,
        stamp_at: Option<usize>,
    ) -> Result<Self, DriverError> {
        let now = clock.boot_time();
        let done = Consumed {
            counts: Counts::default(),
            latency: Latency::new()?,
            start: now,
            end: now,
            stamps: None,
        };
        let connection = Connection::open(&led.address)?;
        Ok(Self { clock, topic, connection, size, positions, stamp_at, done })
    }

    /// Keeps the stamp of each batch.
    pub(crate) fn keeping_stamps(mut self) -> Self {
        self.done.stamps = Some(BTreeMap::new());
        self
    }

    /// Reads until it is at `ends`, which may become known while it reads.
    pub(crate) fn run(mut self, ends: &OnceLock<Positions>) -> Result<Consumed, DriverError> {
        while !ends.get().is_some_and(|ends| self.is_at(ends)) {
            self.fetch()?;
        }
        Ok(self.done)
    }

    fn is_at(&self, ends: &Positions) -> bool {
        let reached = |(partition, position): (&i32, &i64)| {
            ends.get(partition).is_none_or(|end| position >= end)
        };
        self.positions.iter().all(reached)
    }

    fn fetch(&mut self) -> Result<(), DriverError> {
        let request = self.request();
        let mut answer = Answer::new("Fetch", self.connection.call(request)?)?;
        let now = self.clock.boot_time();
        answer.i32()?;
        if let Some(code) = BrokerError::from_wire(answer.i16()?) {
            return Err(DriverError::Broker { what: "fetching".to_owned(), code });
        }
        answer.i32()?;
        self.done.counts.requests += 1;
        let mut arrived = Arrived { stamp_at: self.stamp_at, now, done: &mut self.done };
        for _ in 0..answer.count()? {
            answer.text()?;
            for _ in 0..answer.count()? {
                let partition = answer.i32()?;
                let records = partition_records(&mut answer)?;
                if let Some(position) = self.positions.get_mut(&partition) {
                    arrived.take(partition, records, position)?;
                }
            }
        }
        Ok(())
    }

    fn request(&self) -> Request {
        let mut request = Request::new(FETCH.0, FETCH.1, 0);
        request.i32(-1).i32(self.size.fetch_max_wait_ms).i32(1).i32(self.size.fetch_max_bytes);
        // Neither read_committed nor a fetch session.
        request.i8(0).i32(0).i32(-1);
        request.i32(1).text(self.topic).i32(self.positions.len() as i32);
        for (partition, position) in &self.positions {
            request.i32(*partition).i32(-1).i64(*position).i64(-1);
            request.i32(self.size.partition_max_bytes);
        }
        request.i32(0);
        request
    }
}

/// One partition's records, behind its index.
fn partition_records<'a>(answer: &mut Answer<'a>) -> Result<&'a [u8], DriverError> {
    let code = BrokerError::from_wire(answer.i16()?);
    let (_, _, _) = (answer.i64()?, answer.i64()?, answer.i64()?);
    for _ in 0..answer.count()? {
        let (_, _) = (answer.i64()?, answer.i64()?);
    }
    let records = answer.bytes()?;
    match code {
        Some(code) => Err(DriverError::Broker { what: "fetching a partition".to_owned(), code }),
        None => Ok(records),
    }
}

/// Where batches of one answer are counted.
struct Arrived<'a> {
    stamp_at: Option<usize>,
    now: BootTime,
    done: &'a mut Consumed,
}

impl Arrived<'_> {
    /// Counts the batches of one partition and moves its position. A batch that was cut off at the end comes again.
    fn take(
        &mut self,
        partition: i32,
        mut records: &[u8],
        position: &mut i64,
    ) -> Result<(), DriverError> {
        while let Some((header, batch)) = whole_batch(records)? {
            *position = header.next_offset();
            self.done.counts.records += header.record_count as u64;
            self.done.counts.bytes += batch.len() as u64;
            self.done.end = self.now;
            if let Some(stamp) = self.stamp_at.and_then(|at| read_stamp(batch, at)) {
                self.done.latency.record(self.now.since(stamp));
                if let Some(stamps) = &mut self.done.stamps {
                    stamps.entry(partition).or_default().insert(stamp);
                }
            }
            records = records.get(batch.len()..).unwrap_or_default();
        }
        Ok(())
    }
}

fn whole_batch(records: &[u8]) -> Result<Option<(BatchHeader, &[u8])>, DriverError> {
    if records.len() < formats::record_batch::HEADER_BYTES {
        return Ok(None);
    }
    let header = BatchHeader::parse(records).map_err(|_| DriverError::Malformed("Fetch"))?;
    Ok(records.get(..header.total_bytes()).map(|batch| (header, batch)))
}
