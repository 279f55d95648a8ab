//! [`Reader`]: reads one cluster as any client could: the ends of its logs, and what groups commit.
//!
//! As Burrow does, it reads `__consumer_offsets` from its beginning and then follows it. One connection to each broker, one request at a
//! time on each: a cluster that hangs costs nothing but its own freshness.

use crate::{
    ClusterOptions, Evaluator, OffsetsRecord,
    asking::{AskedPartitions, ask, name},
    decode,
    evaluator::LIVE_FOR_MS,
};
use bytes::{Buf, Bytes};
use kafka_client::{Connection, ConnectionError, EARLIEST, LATEST};
use kafka_protocol::{
    messages::{
        FetchRequest, MetadataRequest,
        fetch_request::{FetchPartition, FetchTopic},
    },
    records::RecordBatchDecoder,
};
use runtime::{Clock, Shutdown};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const METADATA_VERSION: i16 = 9;
const FETCH_VERSION: i16 = 11;
const OFFSETS_TOPIC: &str = "__consumer_offsets";
const FETCH_WAIT: Duration = Duration::from_millis(500);
const FETCH_BYTES: i32 = 1 << 20;
/// After an error.
const PAUSE: Duration = Duration::from_secs(2);
/// Base offset and length: what lies before the bytes that a batch's length counts.
const BATCH_HEAD: usize = 12;
/// Where a batch says how far its last offset is from its first (Kafka's `RecordBatch`, magic 2).
const LAST_OFFSET_DELTA: usize = 23;

/// Why reading stopped for a moment.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("{0}")]
    Answer(String),
}

/// Reads one cluster into an evaluator, for as long as it is run.
#[derive(Debug)]
pub struct Reader {
    evaluator: Evaluator,
    cluster: ClusterOptions,
    clock: Clock,
    brokers: BTreeMap<i32, String>,
    connections: BTreeMap<i32, Connection>,
    /// Leaders of every topic's partitions; −1 where there is none.
    leaders: BTreeMap<String, Vec<i32>>,
    /// Where the next record of each partition of `__consumer_offsets` is.
    positions: BTreeMap<i32, i64>,
}

impl Reader {
    /// A reader that has not begun.
    pub fn new(evaluator: Evaluator, cluster: ClusterOptions, clock: Clock) -> Self {
        let (brokers, connections, leaders) = Default::default();
        let positions = BTreeMap::new();
        Self { evaluator, cluster, clock, brokers, connections, leaders, positions }
    }

    /// Reads until the shutdown. What fails is tried again.
    pub async fn run(mut self, shutdown: Shutdown) {
        tokio::select! {
            () = shutdown.requested() => {}
            () = self.read_for_ever() => {}
        }
    }

    async fn read_for_ever(&mut self) {
        loop {
            let Err(error) = self.read().await;
            tracing::warn!(cluster = self.cluster.name, %error, "a cluster's lag can't be read; trying again");
            self.connections.clear();
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn read(&mut self) -> Result<std::convert::Infallible, ReadError> {
        let (topic_refresh, offset_refresh) = {
            let options = self.evaluator.options();
            (options.topic_refresh, options.offset_refresh)
        };
        loop {
            self.refresh_topics().await?;
            let topics_are_old = self.clock.boot_time().plus(topic_refresh);
            while self.clock.boot_time() < topics_are_old {
                self.refresh_ends().await?;
                let ends_are_old = self.clock.boot_time().plus(offset_refresh);
                while self.clock.boot_time() < ends_are_old {
                    if !self.follow_commits().await? {
                        self.refresh_topics().await?;
                    }
                }
            }
        }
    }

    async fn connection(&mut self, broker: i32) -> Result<&mut Connection, ReadError> {
        if !self.connections.contains_key(&broker) {
            let address = self.brokers.get(&broker);
            let address =
                address.ok_or_else(|| ReadError::Answer(format!("no broker {broker}")))?;
            let opened = Connection::open(address).await?;
            self.connections.insert(broker, opened);
        }
        let connection = self.connections.get_mut(&broker);
        connection.ok_or_else(|| ReadError::Answer(format!("no broker {broker}")))
    }

    async fn refresh_topics(&mut self) -> Result<(), ReadError> {
        let mut last = ReadError::Answer("no bootstrap servers".to_owned());
        for server in &self.cluster.servers {
            let asked = async {
                let mut bootstrap = Connection::open(server).await?;
                let request = MetadataRequest::default().with_topics(None);
                Ok::<_, ReadError>(bootstrap.call(&request, METADATA_VERSION).await?)
            };
            let answer = match asked.await {
                Ok(answer) => answer,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            let brokers = answer.brokers.iter();
            self.brokers =
                brokers.map(|it| (it.node_id.0, format!("{}:{}", it.host, it.port))).collect();
            self.leaders.clear();
            for topic in answer.topics.iter().filter(|topic| topic.error_code == 0) {
                let Some(name) = &topic.name else { continue };
                let mut leaders = vec![-1; topic.partitions.len()];
                for partition in &topic.partitions {
                    let at = usize::try_from(partition.partition_index).unwrap_or(usize::MAX);
                    if let Some(leader) = leaders.get_mut(at) {
                        *leader = partition.leader_id.0;
                    }
                }
                self.leaders.insert(name.to_string(), leaders);
            }
            let now = self.evaluator.now();
            self.evaluator.with(&self.cluster.name, |offsets| {
                offsets.keep_topics(|topic| self.leaders.contains_key(topic));
                offsets.expire(now, self.evaluator.options());
            });
            return Ok(());
        }
        Err(last)
    }

    /// Asks every leader where its partitions' logs end.
    async fn refresh_ends(&mut self) -> Result<(), ReadError> {
        let ends = self.ask_offsets(LATEST, |_, _| true).await?;
        let (now, options) = (self.evaluator.now(), self.evaluator.options());
        self.evaluator.with(&self.cluster.name, |offsets| {
            for (topic, partition, end) in ends {
                let partitions = self.leaders.get(&topic).map_or(0, Vec::len);
                let Ok(partition) = u32::try_from(partition) else { continue };
                offsets.set_log_end((topic.as_str(), partition, partitions), end, now, options);
            }
        });
        Ok(())
    }

    /// The offsets that a timestamp names in partitions with a leader. Those that can't tell are left out.
    async fn ask_offsets(
        &mut self,
        timestamp: i64,
        wanted: impl Fn(&str, i32) -> bool,
    ) -> Result<Vec<(String, i32, i64)>, ReadError> {
        let mut by_leader = BTreeMap::<i32, BTreeMap<String, Vec<i32>>>::new();
        for (topic, leaders) in &self.leaders {
            for (partition, leader) in (0..).zip(leaders) {
                if *leader >= 0 && wanted(topic, partition) {
                    let topics = by_leader.entry(*leader).or_default();
                    topics.entry(topic.clone()).or_default().push(partition);
                }
            }
        }
        let mut found = Vec::new();
        for (leader, topics) in by_leader {
            let topics: AskedPartitions = topics.into_iter().collect();
            let connection = self.connection(leader).await?;
            found.extend(ask(connection, &topics, timestamp).await?);
        }
        Ok(found)
    }

    /// Reads on in `__consumer_offsets`; answers whether its partitions are where they were thought to be.
    async fn follow_commits(&mut self) -> Result<bool, ReadError> {
        let Some(leaders) = self.leaders.get(OFFSETS_TOPIC).cloned() else {
            // No group has committed yet.
            tokio::time::sleep(PAUSE).await;
            return Ok(false);
        };
        let unknown: BTreeSet<i32> = (0..)
            .zip(&leaders)
            .map(|(it, _)| it)
            .filter(|it| !self.positions.contains_key(it))
            .collect();
        if !unknown.is_empty() {
            let wanted = |topic: &str, partition: i32| {
                topic == OFFSETS_TOPIC && unknown.contains(&partition)
            };
            for (_, partition, offset) in self.ask_offsets(EARLIEST, wanted).await? {
                self.positions.insert(partition, offset);
            }
        }
        let mut by_leader = BTreeMap::<i32, Vec<FetchPartition>>::new();
        for (partition, leader) in (0..).zip(&leaders) {
            if let Some(position) = self.positions.get(&partition).filter(|_| *leader >= 0) {
                by_leader.entry(*leader).or_default().push(
                    FetchPartition::default()
                        .with_partition(partition)
                        .with_current_leader_epoch(-1)
                        .with_fetch_offset(*position)
                        .with_partition_max_bytes(FETCH_BYTES),
                );
            }
        }
        if by_leader.is_empty() {
            tokio::time::sleep(PAUSE).await;
            return Ok(false);
        }
        let wait = FETCH_WAIT / u32::try_from(by_leader.len()).unwrap_or(1);
        let mut as_thought = true;
        for (leader, partitions) in by_leader {
            let topic = FetchTopic::default().with_topic(name(OFFSETS_TOPIC));
            let request = FetchRequest::default()
                .with_replica_id((-1).into())
                .with_max_wait_ms(wait.as_millis() as i32)
                .with_min_bytes(1)
                .with_max_bytes(FETCH_BYTES * 8)
                .with_topics(vec![topic.with_partitions(partitions)]);
            let connection = self.connection(leader).await?;
            let answer = connection.call(&request, FETCH_VERSION).await?;
            for partition in answer.responses.into_iter().flat_map(|topic| topic.partitions) {
                let index = partition.partition_index;
                match partition.error_code {
                    0 => self.take_in(index, &partition.records.unwrap_or_default())?,
                    // Compacted or deleted away: begin anew where it begins now.
                    1 => as_thought &= self.positions.remove(&index).is_none(),
                    _ => as_thought = false,
                }
            }
        }
        Ok(as_thought)
    }

    fn take_in(&mut self, partition: i32, records: &Bytes) -> Result<(), ReadError> {
        let position = self.positions.entry(partition).or_insert(0);
        let (end, decoded) = decode_batches(records, *position).map_err(|reason| {
            ReadError::Answer(format!("{OFFSETS_TOPIC}-{partition} can't be read: {reason}"))
        })?;
        *position = end;
        for (offset, record) in decoded {
            self.evaluator.take_in(&self.cluster.name, record, Some(offset), LIVE_FOR_MS);
        }
        Ok(())
    }
}

type Decoded = Vec<(i64, OffsetsRecord)>;

/// What the records from `position` on say, and where the next one is. That is behind the last batch, whose last records compaction may
/// have taken away: behind the last record, the same batch would come again for ever. A batch that was cut off is left for the next answer.
fn decode_batches(mut records: &[u8], mut position: i64) -> Result<(i64, Decoded), String> {
    let mut decoded = Vec::new();
    while let Some((whole, end)) = next_batch(records) {
        let (batch, rest) = records.split_at(whole);
        records = rest;
        if end <= position {
            continue;
        }
        let sets = RecordBatchDecoder::decode_all(&mut Bytes::copy_from_slice(batch));
        let sets = sets.map_err(|error| error.to_string())?;
        let records = sets.into_iter().flat_map(|set| set.records);
        for record in records.filter(|it| it.offset >= position && !it.control) {
            let key = record.key.as_ref();
            if let Some(told) = key.and_then(|key| decode(key, record.value.as_deref())) {
                decoded.push((record.offset, told));
            }
        }
        position = end;
    }
    Ok((position, decoded))
}

/// Length of the first batch, if all of it is there, and the offset behind its last record.
fn next_batch(records: &[u8]) -> Option<(usize, i64)> {
    let mut head = records;
    let (base_offset, length) = (head.try_get_i64().ok()?, head.try_get_i32().ok()?);
    let whole = usize::try_from(length).ok()?.checked_add(BATCH_HEAD)?;
    let mut delta = records.get(LAST_OFFSET_DELTA..)?;
    let last = base_offset.checked_add(delta.try_get_i32().ok()?.into())?;
    (records.len() >= whole).then_some((whole, last.checked_add(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::{
        compression::Codec,
        offsets_topic::{OffsetKey, OffsetValue},
        record_batch::BatchBuilder,
    };

    /// A batch that begins at `base`, with a commit for each offset; compaction took away `gone` records behind them.
    fn batch(base: i64, offsets: &[i64], gone: i32) -> Vec<u8> {
        let key = OffsetKey { group: "g", topic: "t", partition: 0 }.encode().expect("short");
        let last = offsets.len() as i32 - 1 + gone;
        let mut batch = BatchBuilder::new(Codec::None).base_offset(base).last_offset_delta(last);
        for offset in offsets {
            let value = OffsetValue {
                offset: *offset,
                leader_epoch: 0,
                metadata: "",
                committed_unix_ms: 1,
            };
            let value = value.encode().expect("short");
            batch.push(1, Some(&key), Some(&value), &[]);
        }
        batch.build().to_vec()
    }

    fn committed(decoded: &Decoded) -> Vec<(i64, i64)> {
        let offsets = decoded.iter().map(|(at, record)| match record {
            OffsetsRecord::Offset { committed: Some((offset, _)), .. } => (*at, *offset),
            other => panic!("{other:?}"),
        });
        offsets.collect()
    }

    #[test]
    fn reading_goes_on_behind_a_batch_whose_end_was_compacted_away() {
        let bytes = [batch(5, &[1, 2], 3), batch(10, &[3], 0)].concat();
        let (position, decoded) = decode_batches(&bytes, 6).expect("whole batches");
        assert_eq!((position, committed(&decoded)), (11, vec![(6, 2), (10, 3)]));
        let (position, decoded) = decode_batches(&batch(5, &[1, 2], 3), 8).expect("a batch");
        assert_eq!((position, decoded.len()), (10, 0), "else it would come again for ever");
    }

    #[test]
    fn a_batch_that_was_cut_off_is_left_for_the_next_answer() {
        let mut bytes = [batch(0, &[1], 0), batch(1, &[2], 0)].concat();
        bytes.pop();
        let (position, decoded) = decode_batches(&bytes, 0).expect("a batch and a part of one");
        assert_eq!((position, committed(&decoded)), (1, vec![(0, 1)]));
    }
}
