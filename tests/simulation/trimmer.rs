//! [`Trimmer`]: moves the starts of logs forward, as retention does; one partition keeps everything.

use crate::{
    client::{Client, LATEST, PARTITIONS, topic},
    log_starts::LogStarts,
};
use kafka_protocol::{
    ResponseError,
    messages::{
        DeleteRecordsRequest,
        delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic},
    },
};
use std::time::Duration;
use tokio::{sync::watch, time};

/// Its records share segments with what is deleted, and outlive it.
const KEPT: i32 = 0;
/// Pause between two requests, at most.
const PAUSE_MS: u64 = 4_000;

/// Deletes records.
#[derive(Debug)]
pub struct Trimmer {
    client: Client,
    starts: LogStarts,
}

impl Trimmer {
    pub fn new(client: Client, starts: LogStarts) -> Self {
        Self { client, starts }
    }

    /// Deletes until it is told to stop, and then until the last request is acknowledged.
    pub async fn run(mut self, stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let pause = self.client.randomness.below(PAUSE_MS);
            time::sleep(Duration::from_millis(pause)).await;
            let partition = KEPT + 1 + self.client.randomness.below(PARTITIONS as u64 - 1) as i32;
            if let Some(end) = self.client.offset(partition, LATEST).await {
                let start = *self.starts.possible(partition).start();
                let range = (end - start).max(0) as u64 + 1;
                let offset = start + self.client.randomness.below(range) as i64;
                self.delete(partition, offset).await;
            }
        }
    }

    /// Asks again and again, until it is acknowledged.
    async fn delete(&mut self, partition: i32, offset: i64) {
        self.starts.ask(partition, offset);
        loop {
            if let Some(start) = self.try_delete(partition, offset).await {
                return self.starts.acknowledge(partition, start);
            }
            self.client.doubt_leader(partition);
            self.client.pause().await;
        }
    }

    async fn try_delete(&mut self, partition: i32, offset: i64) -> Option<i64> {
        let leader = self.client.leader(partition).await?;
        let answer = self.client.call(leader.address, 1, &request(partition, offset)).await?;
        let told = answer.topics.first()?.partitions.first()?;
        match ResponseError::try_from_code(told.error_code) {
            None => Some(told.low_watermark),
            Some(error) if error.is_retriable() && error != ResponseError::OffsetOutOfRange => None,
            Some(error) => panic!("{error:?} for a log that is to start at {offset}"),
        }
    }
}

fn request(partition: i32, offset: i64) -> DeleteRecordsRequest {
    let partition =
        DeleteRecordsPartition::default().with_partition_index(partition).with_offset(offset);
    let topic = DeleteRecordsTopic::default().with_name(topic()).with_partitions(vec![partition]);
    DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000)
}
