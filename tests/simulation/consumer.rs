//! [`Consumer`]: reads every partition from its beginning, committed records only. Where that was deleted meanwhile it goes on at
//! the log's start.

use crate::{
    client::{Client, EARLIEST, PARTITIONS, name, topic},
    log_starts::LogStarts,
    recorder::Recorder,
};
use bytes::Bytes;
use formats::record_batch::{
    BatchHeader, EndTransactionMarker, Record, TransactionResult, batches, records,
};
use history::{Action, Phase, PolledRecords};
use kafka_protocol::{
    ResponseError,
    messages::{
        FetchRequest,
        fetch_request::{FetchPartition, FetchTopic},
        fetch_response::PartitionData,
    },
};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::watch;

const MAX_BYTES: i32 = 64 << 10;
const MAX_WAIT_MS: i32 = 300;

/// A consumer without a group.
#[derive(Debug)]
pub struct Consumer {
    process: u32,
    client: Client,
    recorder: Recorder,
    starts: LogStarts,
    positions: BTreeMap<i32, i64>,
}

impl Consumer {
    pub fn new(process: u32, client: Client, recorder: Recorder, starts: LogStarts) -> Self {
        Self { process, client, recorder, starts, positions: BTreeMap::new() }
    }

    /// Reads until it is told to stop.
    pub async fn run(mut self, stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            for partition in 0..PARTITIONS {
                self.poll(partition).await;
            }
        }
    }

    /// Reads every partition to the end that it has now.
    pub async fn run_to_end(mut self) {
        for partition in 0..PARTITIONS {
            while !self.poll(partition).await {}
        }
    }

    /// Answers whether the end was reached.
    async fn poll(&mut self, partition: i32) -> bool {
        let nothing = Action::Poll { records: PolledRecords::new() };
        let operation = self.recorder.invoke(self.process, nothing.clone());
        let Some(data) = self.fetch(partition).await else {
            self.recorder.complete(self.process, operation, Phase::Fail, nothing);
            self.client.doubt_leader(partition);
            self.client.pause().await;
            return false;
        };
        let (position, found) = read(self.position(partition), &data);
        let records = BTreeMap::from([(name(partition), found)]);
        self.recorder.complete(self.process, operation, Phase::Ok, Action::Poll { records });
        self.positions.insert(partition, position);
        position >= data.high_watermark
    }

    async fn fetch(&mut self, partition: i32) -> Option<PartitionData> {
        let leader = self.client.leader(partition).await?;
        let position = self.position(partition);
        let deleted = *self.starts.possible(partition).start();
        let request = request(partition, leader.epoch, position);
        let answer = self.client.call(leader.address, 12, &request).await?;
        let data = answer.responses.into_iter().next()?.partitions.into_iter().next()?;
        match ResponseError::try_from_code(data.error_code) {
            None => {
                assert!(position >= deleted, "{position} of {deleted} deleted, by {leader:?}");
                Some(data)
            }
            Some(ResponseError::OffsetOutOfRange)
                if position < *self.starts.possible(partition).end() =>
            {
                self.go_to_start(partition).await;
                None
            }
            Some(error) if error.is_retriable() && error != ResponseError::OffsetOutOfRange => None,
            Some(error) => panic!("consumer {} was told {error:?} by {leader:?}", self.process),
        }
    }

    /// Goes on where the log starts, if the leader tells.
    async fn go_to_start(&mut self, partition: i32) {
        let deleted = *self.starts.possible(partition).start();
        let Some(start) = self.client.offset(partition, EARLIEST).await else { return };
        let possible = deleted..=*self.starts.possible(partition).end();
        assert!(possible.contains(&start), "log {partition} starts at {start}, not {possible:?}");
        let sought = Action::Seek { partition: name(partition), offset: Some(start as u64) };
        let operation = self.recorder.invoke(self.process, sought.clone());
        self.recorder.complete(self.process, operation, Phase::Ok, sought);
        self.positions.insert(partition, start);
    }

    fn position(&self, partition: i32) -> i64 {
        self.positions.get(&partition).copied().unwrap_or_default()
    }
}

fn request(partition: i32, leader_epoch: i32, offset: i64) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(leader_epoch)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(MAX_BYTES);
    let topic = FetchTopic::default().with_topic(topic()).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_max_wait_ms(MAX_WAIT_MS)
        .with_min_bytes(1)
        .with_max_bytes(MAX_BYTES)
        .with_isolation_level(1)
        .with_topics(vec![topic])
}

/// The committed records from `position` on, and the position behind them.
fn read(position: i64, data: &PartitionData) -> (i64, Vec<(u64, u64)>) {
    let mut behind = position;
    let mut found = Vec::new();
    let mut committed = Committed::new(data);
    for batch in batches(data.records.clone().unwrap_or_default()) {
        let (header, bytes) = batch.unwrap();
        behind = header.next_offset();
        if committed.contain(&header, &bytes) {
            let records = records_of(&bytes).into_iter().filter(|it| it.offset >= position);
            found.extend(records.map(|record| (record.offset as u64, value(&record))));
        }
    }
    (behind, found)
}

fn records_of(batch: &Bytes) -> Vec<Record> {
    records(batch, MAX_BYTES as usize).unwrap().map(Result::unwrap).collect()
}

fn value(record: &Record) -> u64 {
    u64::from_be_bytes(record.value.as_deref().unwrap().try_into().unwrap())
}

/// Which batches are committed: all that is not of an aborted transaction, as the answer lists them.
struct Committed {
    /// First offset and producer, in order.
    aborted: BTreeSet<(i64, i64)>,
    /// Producers whose transaction here was aborted.
    open: BTreeSet<i64>,
}

impl Committed {
    fn new(data: &PartitionData) -> Self {
        let aborted = data.aborted_transactions.iter().flatten();
        let aborted = aborted.map(|it| (it.first_offset, it.producer_id.0)).collect();
        Self { aborted, open: BTreeSet::new() }
    }

    /// Asked for each batch, in order.
    fn contain(&mut self, header: &BatchHeader, bytes: &Bytes) -> bool {
        while let Some((first, producer)) = self.aborted.first().copied()
            && first <= header.last_offset()
        {
            self.aborted.remove(&(first, producer));
            self.open.insert(producer);
        }
        if !header.attributes.is_control() {
            return !(header.attributes.is_transactional()
                && self.open.contains(&header.producer_id));
        }
        let marker =
            records_of(bytes).first().and_then(|it| EndTransactionMarker::read(it).unwrap());
        if marker.is_some_and(|marker| marker.result == TransactionResult::Abort) {
            self.open.remove(&header.producer_id);
        }
        false
    }
}
