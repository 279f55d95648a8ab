//! [`Reading`]: the connection by which a broker reads a partition that another one owns, as a consumer would.

use super::{Peers, following::connect};
use bytes::Bytes;
use cluster::BrokerInfo;
use kafka_client::Connection;
use kafka_protocol::{
    ResponseError,
    messages::{
        FetchRequest,
        fetch_request::{FetchPartition, FetchTopic},
    },
};
use model::{Offset, PartitionId};
use std::time::Duration;
use tokio::time::timeout;

/// The first with topic ids and tagged replica state that every broker here knows.
const VERSION: i16 = 17;

/// How long the owner may wait for something to read.
const MAX_WAIT: Duration = Duration::from_millis(500);

/// An owner that does not answer for so long is asked on another connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads from one owner at a time; reconnects by itself.
#[derive(Debug)]
pub struct Reading {
    peers: Peers,
    connection: Option<(String, Connection)>,
}

/// What there was to read.
#[derive(Clone, Debug)]
pub struct RecordsRead {
    /// Whole batches, one behind the other; the first may begin before what was asked for.
    pub records: Bytes,
    /// The owner's.
    pub high_watermark: Offset,
}

impl Reading {
    pub(super) fn new(peers: Peers) -> Self {
        Self { peers, connection: None }
    }

    /// Reads from an offset on; waits half a second at most for there to be something.
    ///
    /// # Errors
    /// A sentence: the owner could not be asked, did not answer, or is none.
    ///
    /// # Cancel safety
    /// None: the next call reconnects.
    pub async fn read(
        &mut self,
        owner: &BrokerInfo,
        partition: PartitionId,
        from: Offset,
        max_bytes: i32,
    ) -> Result<RecordsRead, String> {
        let no_listener = || format!("broker {} has no listener for brokers", owner.id);
        let address = self.peers.address(owner).ok_or_else(no_listener)?;
        let mut connection = match self.connection.take().filter(|(known, _)| *known == address) {
            Some((_, connection)) => connection,
            None => connect(&self.peers, &address).await?,
        };
        let request = request(partition, from, max_bytes);
        let answered = timeout(PATIENCE, connection.call(&request, VERSION)).await;
        let response = answered.map_err(|_| "no answer within 5 s".to_owned())?;
        let response = response.map_err(|error| error.to_string())?;
        self.connection = Some((address, connection));
        let refused = |code| ResponseError::try_from_code(code).map(|error| error.to_string());
        if let Some(error) = refused(response.error_code) {
            return Err(error);
        }
        let topic = response.responses.into_iter().next();
        let found = topic.and_then(|topic| topic.partitions.into_iter().next());
        let found = found.ok_or("the partition is missing from the answer")?;
        if let Some(error) = refused(found.error_code) {
            return Err(error);
        }
        let high_watermark = Offset::from_wire(found.high_watermark);
        Ok(RecordsRead {
            records: found.records.unwrap_or_default(),
            high_watermark: high_watermark.ok_or("the high watermark is no offset")?,
        })
    }
}

fn request(partition: PartitionId, from: Offset, max_bytes: i32) -> FetchRequest {
    let wanted = FetchPartition::default()
        .with_partition(partition.partition.to_wire())
        .with_fetch_offset(from.to_wire())
        .with_partition_max_bytes(max_bytes);
    let topic = FetchTopic::default()
        .with_topic_id(partition.topic.as_uuid())
        .with_partitions(vec![wanted]);
    FetchRequest::default()
        .with_max_wait_ms(MAX_WAIT.as_millis() as i32)
        .with_min_bytes(1)
        .with_max_bytes(max_bytes)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}
