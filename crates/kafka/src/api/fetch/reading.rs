//! The answer to a fetch: allots the bytes, reads all partitions side by side, and says what was found.

use super::{
    FetchReply,
    long_poll::{Survey, Wanted},
    zones::{ConsumerZone, Distance},
};
use crate::{
    api::list_offsets::isolation,
    broker::TopicRef,
    context::Context,
    error::Refusal,
    rope::{PLACEHOLDER_MAX_BYTES, Rope, placeholder},
};
use bytes::{Buf, Bytes};
use cluster::Image;
use kafka_protocol::{
    ResponseError,
    messages::{
        FetchRequest, FetchResponse,
        fetch_request::FetchTopic,
        fetch_response::{
            AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch,
            NodeEndpoint, PartitionData,
        },
    },
    protocol::StrBytes,
};
use model::{BrokerId, TopicId};
use partition_log::{Isolation, Partition, ReadAnswer, ReadRequest, Watermarks};
use security::quota::CONSUMER_BYTE_RATE;
use std::collections::{BTreeMap, VecDeque};

/// Granted to every fetch, however little of the budget is free: consumers slow down and do not stand still.
const FLOOR_BYTES: usize = 1 << 20;

/// What one partition came to.
enum Found {
    Refused(Refusal),
    Diverged(Partition, partition_log::EpochEnd),
    Read(ReadAnswer),
    /// No bytes were left for it.
    Positions(Watermarks, Isolation),
    /// Nothing is known of it yet.
    Opening,
    /// Another broker serves it to the consumer's zone.
    Elsewhere(Watermarks, Isolation, BrokerId),
}

/// Reads what `survey` wants and answers.
pub(super) async fn answer(
    context: &Context,
    request: &FetchRequest,
    survey: Survey,
) -> FetchReply {
    let broker = context.broker();
    // Who wants no bytes gets a batch all the same, as in Kafka.
    let limit = usize::try_from(request.max_bytes).unwrap_or(0);
    let limit = limit.clamp(1, broker.options.fetch_max_bytes.max(1));
    let limit = context.allowance(CONSUMER_BYTE_RATE).map_or(limit, |most| limit.min(most).max(1));
    let available = survey.iter().flatten().fold(0, |sum: usize, wanted| match wanted {
        Wanted::Read { available, .. } => sum.saturating_add(*available),
        _ => sum,
    });
    let mut held = broker.fetch_budget.take_up_to(limit.min(available), FLOOR_BYTES);
    let image = broker.cluster.image();
    let distance = ConsumerZone::of(request).distance(context, &image);
    let isolation = isolation(request.isolation_level);
    let found = read_all(survey, isolation, distance, held.bytes()).await;
    let mut building =
        Building { context, image: &image, records: VecDeque::new(), endpoints: BTreeMap::new() };
    let topics = request.topics.iter().zip(found);
    let responses = topics.map(|(topic, found)| building.topic(topic, found)).collect();
    let response = FetchResponse::default()
        .with_responses(responses)
        .with_node_endpoints(building.endpoints.into_values().collect());
    let records = building.records;
    let bytes = records.iter().map(Buf::remaining).sum();
    held.shrink_to(bytes);
    let throttle = context.throttle(CONSUMER_BYTE_RATE, bytes);
    let response = response.with_throttle_time_ms(throttle.as_millis() as i32);
    FetchReply { response, records, held: Some(held) }
}

/// Reads side by side. Bytes go to the partitions in the request's order; only the first that has any may exceed its share, by one
/// batch, so that a consumer always gets on (KIP-74).
async fn read_all(
    survey: Survey,
    isolation: Isolation,
    distance: Distance,
    mut bytes: usize,
) -> Vec<Vec<Found>> {
    let mut first = true;
    let mut reads = Vec::new();
    let mut begin = |wanted: Wanted| {
        let (partition, from, share) = match wanted {
            Wanted::Read { partition, from, available } if available.min(bytes) > 0 => {
                (partition, from, available.min(bytes))
            }
            other => return Some(found_at_once(other, isolation)),
        };
        bytes -= share;
        // The epoch was checked when the partition was looked at; what is committed does not change with it.
        let request = ReadRequest {
            from,
            max_bytes: share,
            at_least_one_batch: std::mem::take(&mut first),
            isolation,
            current_leader_epoch: None,
        };
        reads.push((partition, request));
        None
    };
    let mut begin_topic = |topic: Vec<Wanted>| topic.into_iter().map(&mut begin).collect();
    let begun: Vec<Vec<_>> = survey.into_iter().map(&mut begin_topic).collect();
    let partitions: Vec<_> = reads.iter().map(|(partition, _)| partition.clone()).collect();
    let answers = partition_log::read_side_by_side(reads).await;
    let mut read = partitions.iter().zip(answers).map(|(partition, answer)| match answer {
        Ok(answer) => {
            distance.count(partition, &answer);
            Found::Read(answer)
        }
        Err(error) => Found::Refused(error.into()),
    });
    let mut found = |at_once: Option<Found>| at_once.or_else(|| read.next());
    begun.into_iter().map(|topic| topic.into_iter().filter_map(&mut found).collect()).collect()
}

/// What needs no reading.
fn found_at_once(wanted: Wanted, isolation: Isolation) -> Found {
    match wanted {
        Wanted::Refused(refusal) => Found::Refused(refusal),
        Wanted::Opening => Found::Opening,
        Wanted::Elsewhere(partition, reader) => {
            Found::Elsewhere(partition.watermarks(), isolation, reader)
        }
        Wanted::Diverged(partition, end) => Found::Diverged(partition, end),
        Wanted::Read { partition, .. } => Found::Positions(partition.watermarks(), isolation),
    }
}

struct Building<'a> {
    context: &'a Context,
    image: &'a Image,
    records: VecDeque<Rope>,
    endpoints: BTreeMap<i32, NodeEndpoint>,
}

impl Building<'_> {
    fn topic(&mut self, topic: &FetchTopic, found: Vec<Found>) -> FetchableTopicResponse {
        let partitions = topic.partitions.iter().zip(found);
        let data = partitions
            .map(|(wanted, found)| {
                let data = self.partition(found).with_partition_index(wanted.partition);
                self.name_leader(topic, data)
            })
            .collect();
        let response = FetchableTopicResponse::default().with_partitions(data);
        if self.context.version() >= 13 {
            return response.with_topic_id(topic.topic_id);
        }
        response.with_topic(topic.topic.clone())
    }

    fn partition(&mut self, found: Found) -> PartitionData {
        let empty = PartitionData::default().with_aborted_transactions(None);
        match found {
            Found::Refused(refusal) => {
                empty.with_high_watermark(-1).with_error_code(refusal.code())
            }
            Found::Positions(watermarks, isolation) => {
                let aborted = (isolation == Isolation::ReadCommitted).then(Vec::new);
                self.positions(empty, &watermarks).with_aborted_transactions(aborted)
            }
            // No error: the consumer asks again, and here.
            Found::Opening => empty.with_high_watermark(-1),
            Found::Elsewhere(watermarks, isolation, reader) => {
                let aborted = (isolation == Isolation::ReadCommitted).then(Vec::new);
                self.positions(empty, &watermarks)
                    .with_aborted_transactions(aborted)
                    .with_preferred_read_replica(reader.to_wire().into())
            }
            Found::Diverged(partition, end) => {
                let data = self.positions(empty, &partition.watermarks());
                data.with_diverging_epoch(
                    EpochEndOffset::default()
                        .with_epoch(end.epoch.to_wire())
                        .with_end_offset(end.end_offset.to_wire()),
                )
            }
            Found::Read(answer) => {
                let aborted = answer.aborted.map(|aborted| {
                    aborted
                        .into_iter()
                        .map(|transaction| {
                            AbortedTransaction::default()
                                .with_producer_id(transaction.producer.to_wire().into())
                                .with_first_offset(transaction.first_offset.to_wire())
                        })
                        .collect()
                });
                let records = self.records(answer.batches);
                self.positions(empty, &answer.watermarks)
                    .with_aborted_transactions(aborted)
                    .with_records(Some(records))
            }
        }
    }

    fn positions(&self, data: PartitionData, watermarks: &Watermarks) -> PartitionData {
        let data = data
            .with_high_watermark(watermarks.high_watermark.to_wire())
            .with_last_stable_offset(watermarks.last_stable.to_wire());
        if self.context.version() < 5 {
            return data;
        }
        data.with_log_start_offset(watermarks.log_start.to_wire())
    }

    /// Queues the batches and answers what stands for them in the message.
    fn records(&mut self, batches: Vec<Bytes>) -> Bytes {
        let mut rope: Rope = batches.into_iter().collect();
        let length = rope.remaining();
        match placeholder(length) {
            Some(stand_in) => {
                self.records.push_back(rope);
                stand_in
            }
            None if length > PLACEHOLDER_MAX_BYTES => rope.copy_to_bytes(length),
            None => Bytes::new(),
        }
    }

    /// Adds the leader to an answer that says "not here" (KIP-951).
    fn name_leader(&mut self, topic: &FetchTopic, data: PartitionData) -> PartitionData {
        let version = self.context.version();
        if version < 12 || data.error_code != ResponseError::NotLeaderOrFollower.code() {
            return data;
        }
        let wanted = if version >= 13 {
            TopicRef::Id(TopicId::from(topic.topic_id))
        } else {
            TopicRef::Name(topic.topic.as_str())
        };
        let broker = self.context.broker();
        let Some(info) = broker.other_leader(self.image, wanted, data.partition_index) else {
            return data;
        };
        let Some(leader) = info.leader.and_then(|id| self.image.brokers.get(&id)) else {
            return data;
        };
        let reachable = leader.endpoint(&self.context.connection.listener);
        if let Some(endpoint) = reachable.filter(|_| version >= 16) {
            let node = NodeEndpoint::default()
                .with_node_id(leader.id.to_wire().into())
                .with_host(StrBytes::from_string(endpoint.host.clone()))
                .with_port(i32::from(endpoint.port))
                .with_rack(leader.rack.clone().map(StrBytes::from_string));
            self.endpoints.insert(leader.id.to_wire(), node);
        }
        data.with_current_leader(
            LeaderIdAndEpoch::default()
                .with_leader_id(leader.id.to_wire().into())
                .with_leader_epoch(info.leader_epoch.to_wire()),
        )
    }
}
