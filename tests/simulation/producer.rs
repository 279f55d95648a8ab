//! [`Producer`]: an idempotent producer that sends each batch until it is acknowledged.

use crate::{
    client::{Client, PARTITIONS, name, topic},
    recorder::Recorder,
};
use bytes::Bytes;
use formats::{compression::Codec, record_batch::BatchBuilder};
use history::{Action, Phase};
use kafka_protocol::{
    ResponseError,
    messages::{
        InitProducerIdRequest, ProduceRequest,
        produce_request::{PartitionProduceData, TopicProduceData},
    },
};
use std::{collections::BTreeMap, time::Duration};
use tokio::{sync::watch, time};

/// Records of one batch, at most.
const BATCH_RECORDS: u64 = 3;
/// Pause between two batches, at most.
const PAUSE_MS: u64 = 100;

/// A producer.
#[derive(Debug)]
pub struct Producer {
    process: u32,
    client: Client,
    recorder: Recorder,
    /// Its id and epoch.
    id: (i64, i16),
    sequences: BTreeMap<i32, i32>,
    next_value: u64,
}

impl Producer {
    pub fn new(process: u32, client: Client, recorder: Recorder) -> Self {
        let next_value = u64::from(process) * 1_000_000;
        Self { process, client, recorder, id: (-1, -1), sequences: BTreeMap::new(), next_value }
    }

    /// Sends until it is told to stop, and then until everything is acknowledged.
    pub async fn run(mut self, stop: watch::Receiver<bool>) {
        self.init().await;
        while !*stop.borrow() {
            let partition = self.client.randomness.below(PARTITIONS as u64) as i32;
            self.send(partition).await;
            let pause = self.client.randomness.below(PAUSE_MS);
            time::sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn init(&mut self) {
        let request = InitProducerIdRequest::default().with_transactional_id(None);
        loop {
            if let Some(given) = self.client.call_any(4, &request).await
                && given.error_code == 0
            {
                self.id = (given.producer_id.0, given.producer_epoch);
                return;
            }
            self.client.pause().await;
        }
    }

    async fn send(&mut self, partition: i32) {
        let values = self.take_values();
        let request = self.request(partition, &values);
        let unplaced = values.iter().map(|value| (None, *value)).collect();
        let records = BTreeMap::from([(name(partition), unplaced)]);
        let operation = self.recorder.invoke(self.process, Action::Send { records });
        let first = self.until_acknowledged(partition, &request).await;
        let placed = (first..).zip(&values).map(|(offset, value)| (Some(offset), *value));
        let records = BTreeMap::from([(name(partition), placed.collect())]);
        self.recorder.complete(self.process, operation, Phase::Ok, Action::Send { records });
        *self.sequences.entry(partition).or_default() += values.len() as i32;
    }

    /// Sends a batch, again and again; answers its first record's offset.
    async fn until_acknowledged(&mut self, partition: i32, request: &ProduceRequest) -> u64 {
        loop {
            if let Some(offset) = self.try_send(partition, request).await {
                return offset;
            }
            self.client.doubt_leader(partition);
            self.client.pause().await;
        }
    }

    async fn try_send(&mut self, partition: i32, request: &ProduceRequest) -> Option<u64> {
        let (error, offset) = self.client.produce(partition, 9, request).await?;
        match ResponseError::try_from_code(error) {
            None => Some(offset),
            Some(error) if error.is_retriable() => None,
            Some(error) => panic!("producer {} was told {error:?}", self.process),
        }
    }

    fn take_values(&mut self) -> Vec<u64> {
        let first = self.next_value;
        self.next_value += 1 + self.client.randomness.below(BATCH_RECORDS);
        (first..self.next_value).collect()
    }

    fn request(&self, partition: i32, values: &[u64]) -> ProduceRequest {
        let sequence = self.sequences.get(&partition).copied().unwrap_or_default();
        produce(partition, &Batch { producer: self.id, sequence, transactional: false, values })
    }
}

/// A batch, as a producer sends it.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Its id and epoch.
    pub producer: (i64, i16),
    pub sequence: i32,
    pub transactional: bool,
    pub values: &'a [u64],
}

impl Batch<'_> {
    fn build(&self) -> Bytes {
        let (id, epoch) = self.producer;
        let mut builder = BatchBuilder::new(Codec::None).producer(id, epoch, self.sequence);
        if self.transactional {
            builder = builder.transactional();
        }
        for value in self.values {
            builder.push(1_700_000_000_000, None, Some(&value.to_be_bytes()), &[]);
        }
        builder.build()
    }
}

/// The request that sends it with `acks=all`.
pub fn produce(partition: i32, batch: &Batch<'_>) -> ProduceRequest {
    let records = Some(batch.build());
    let partition = PartitionProduceData::default().with_index(partition).with_records(records);
    let topic = TopicProduceData::default().with_name(topic()).with_partition_data(vec![partition]);
    ProduceRequest::default().with_acks(-1).with_timeout_ms(5_000).with_topic_data(vec![topic])
}
