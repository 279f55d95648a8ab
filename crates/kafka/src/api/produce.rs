//! `Produce` (API key 0): appends one batch to each partition named.
//!
//! The appends are the ordered part: offsets follow the order of a connection's requests, and the next request is begun while this
//! one waits to be durable. A wait that outlasts the request's timeout is answered `REQUEST_TIMED_OUT`; the records stay in the log,
//! and an idempotent producer's retry finds them. Sources: KIP-98, KIP-467 (record errors), KIP-951 (current leader), KIP-516.

mod parking;
mod permission;
mod schemas;
mod trace;
mod verification;

use super::{Api, Outcome, Versions};
use crate::{
    broker::{Broker, TopicRef},
    context::Context,
    error::Refusal,
    frame::unpinned,
};
use bytes::Bytes;
use cluster::{BrokerInfo, Image};
use formats::record_batch::Attributes;
use kafka_protocol::{
    ResponseError,
    messages::{
        ProduceRequest, ProduceResponse, TopicName,
        produce_request::{PartitionProduceData, TopicProduceData},
        produce_response::{
            BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse,
            TopicProduceResponse,
        },
    },
    protocol::StrBytes,
};
use model::TopicId;
use partition_log::{Acknowledged, Acks, AppendError, AppendOrigin, Partition, PendingAppend};
use permission::Authorized;
use schemas::Checked;
use security::quota::PRODUCER_BYTE_RATE;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;
use verification::Verified;

/// What producers are asked to wait when the broker's buffers are full.
const OVERLOAD_THROTTLE: Duration = Duration::from_millis(500);

/// How long a request may wait for room in the broker's buffers before it is refused.
const OVERLOAD_PATIENCE: Duration = Duration::from_secs(1);

/// Handles versions 3 to 13.
pub(super) struct Produce;

impl Api for Produce {
    type Request = ProduceRequest;
    type Response = ProduceResponse;
    const VERSIONS: Versions = Versions::new(3, 13);

    async fn begin(context: Context, request: ProduceRequest) -> Outcome<ProduceResponse> {
        let timeout = Duration::from_millis(request.timeout_ms.max(0) as u64);
        let deadline = Instant::now() + timeout;
        trace::describe(&context, &request);
        context.broker().logs.invited(timeout.min(OVERLOAD_PATIENCE)).await;
        let acks = wire_acks(request.acks);
        let throttle = context.throttle(PRODUCER_BYTE_RATE, records_bytes(&request));
        let authorized = permission::of(&context, &request);
        let image = parking::settled_image(&context, &request).await;
        let verified = verification::verify(&context, &image, &request, &authorized).await;
        let checked = schemas::check(&context, &image, &request, &authorized).await;
        let asked = (&authorized, &verified, &checked);
        let topics = append_all(&context, &image, acks, request.topic_data, asked);
        if acks == Some(Acks::None) {
            return match first_failure(&topics) {
                Some(refusal) => {
                    Outcome::HangUp(format!("a produce with acks=0 failed: {refusal:?}"))
                }
                None => Outcome::Silent,
            };
        }
        let awaited = awaits_commit(&topics);
        let awaited = awaited.then(|| context.connection.producer.await_commit());
        Outcome::later(async move {
            let response = answer(context, image, topics, (deadline, throttle)).await;
            drop(awaited);
            response
        })
    }
}

/// The bytes that count towards a producer's quota.
fn records_bytes(request: &ProduceRequest) -> usize {
    let partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    partitions.filter_map(|partition| Some(partition.records.as_ref()?.len())).sum()
}

/// Whether an append of the request waits for a commit.
fn awaits_commit(topics: &[Appended]) -> bool {
    let mut appends = topics.iter().flat_map(|topic| &topic.partitions);
    appends.any(|(_, appended)| appended.as_ref().is_ok_and(PendingAppend::awaits_commit))
}

fn wire_acks(acks: i16) -> Option<Acks> {
    match acks {
        0 => Some(Acks::None),
        1 => Some(Acks::Leader),
        -1 => Some(Acks::All),
        _ => None,
    }
}

/// A topic's appends.
struct Appended {
    name: TopicName,
    id: Uuid,
    partitions: Vec<(i32, Result<PendingAppend, Rejected>)>,
}

/// A refused append.
#[derive(Clone, Debug)]
struct Rejected {
    refusal: Refusal,
    /// The record to blame (KIP-467).
    record: Option<u32>,
    overloaded: bool,
}

impl From<Refusal> for Rejected {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, record: None, overloaded: false }
    }
}

impl From<AppendError> for Rejected {
    fn from(error: AppendError) -> Self {
        let record = match &error {
            AppendError::InvalidRecord { record, .. }
            | AppendError::InvalidTimestamp { record, .. } => *record,
            _ => None,
        };
        let overloaded = matches!(error, AppendError::Overloaded(_));
        Self { refusal: error.into(), record, overloaded }
    }
}

fn append_all(
    context: &Context,
    image: &Image,
    acks: Option<Acks>,
    topics: Vec<TopicProduceData>,
    (authorized, verified, checked): (&Authorized, &Verified, &Checked),
) -> Vec<Appended> {
    topics
        .into_iter()
        .enumerate()
        .map(|(topic_at, topic)| {
            let by_id = context.version() >= 13;
            let partitions = topic.partition_data.into_iter().enumerate();
            let partitions = partitions.map(|(partition_at, partition)| {
                let wanted = topic_ref(by_id, &topic.name, topic.topic_id);
                let place = (topic_at, partition_at);
                let origin = checked.at(place).and_then(|()| Ok(verified.origin(place)?));
                let authorized = authorized.topic(topic_at);
                (
                    partition.index,
                    append(context, image, acks, wanted, (&partition, authorized, origin)),
                )
            });
            let partitions = partitions.collect();
            let name = TopicName::from(unpinned(&topic.name));
            Appended { name, id: topic.topic_id, partitions }
        })
        .collect()
}

fn topic_ref(by_id: bool, name: &TopicName, id: Uuid) -> TopicRef<'_> {
    if by_id { TopicRef::Id(TopicId::from(id)) } else { TopicRef::Name(name.as_str()) }
}

fn append(
    context: &Context,
    image: &Image,
    acks: Option<Acks>,
    topic: TopicRef<'_>,
    (data, authorized, origin): (
        &PartitionProduceData,
        Result<(), Refusal>,
        Result<AppendOrigin, Rejected>,
    ),
) -> Result<PendingAppend, Rejected> {
    let acks = acks.ok_or_else(|| Refusal::from(ResponseError::InvalidRequiredAcks))?;
    authorized?;
    let id = Broker::writable_id(image, topic, data.index)?;
    let records = data.records.as_ref().filter(|records| !records.is_empty());
    let no_records = || Refusal::new(ResponseError::InvalidRecord, "there is no record batch");
    let records = records.ok_or_else(no_records)?;
    if context.version() < 7 && is_zstd(records) {
        let reason = "zstd needs version 7 of Produce";
        return Err(Refusal::new(ResponseError::UnsupportedCompressionType, reason).into());
    }
    let refused = &context.connection.refused;
    let partition = context.broker().open(id);
    let last_sequence = |producer, epoch| partition.as_ref().ok()?.last_sequence(producer, epoch);
    if let Some(error) = refused.before(id, records, last_sequence) {
        return Err(Refusal::new(error, "a batch before this one was refused").into());
    }
    let appended = append_to(partition, records, acks, origin);
    appended.inspect_err(|rejected| refused.refused(id, records, rejected.refusal.error))
}

fn append_to(
    partition: Result<Partition, Refusal>,
    records: &Bytes,
    acks: Acks,
    origin: Result<AppendOrigin, Rejected>,
) -> Result<PendingAppend, Rejected> {
    Ok(partition?.append(records, acks, origin?)?)
}

fn is_zstd(records: &Bytes) -> bool {
    use formats::{compression::Codec, record_batch::BatchHeader};
    let attributes: Option<Attributes> =
        BatchHeader::parse(records).ok().map(|header| header.attributes);
    attributes.is_some_and(|attributes| matches!(attributes.compression(), Ok(Codec::Zstd)))
}

fn first_failure(topics: &[Appended]) -> Option<&Refusal> {
    let mut partitions = topics.iter().flat_map(|topic| &topic.partitions);
    partitions.find_map(|(_, appended)| appended.as_ref().err()).map(|rejected| &rejected.refusal)
}

/// Waits for every append, and answers.
async fn answer(
    context: Context,
    image: Arc<Image>,
    topics: Vec<Appended>,
    (deadline, throttle): (Instant, Duration),
) -> ProduceResponse {
    let version = context.version();
    let mut leaders = Leaders {
        image: &image,
        listener: &context.connection.listener,
        endpoints: BTreeMap::new(),
    };
    let mut overloaded = false;
    let mut responses = Vec::with_capacity(topics.len());
    for topic in topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for (index, appended) in topic.partitions {
            // One after the other costs no time: every append makes progress by itself.
            let result = settle(appended, deadline).await;
            overloaded |= matches!(&result, Err(rejected) if rejected.overloaded);
            let wanted = topic_ref(version >= 13, &topic.name, topic.id);
            let response = partition_response(version, index, result);
            partitions.push(leaders.name_for(context.broker(), version, wanted, response));
        }
        responses.push(topic_response(version, topic.name, topic.id, partitions));
    }
    let throttle = if overloaded { throttle.max(OVERLOAD_THROTTLE) } else { throttle };
    ProduceResponse::default()
        .with_responses(responses)
        .with_throttle_time_ms(throttle.as_millis() as i32)
        .with_node_endpoints(leaders.endpoints.into_values().collect())
}

async fn settle(
    appended: Result<PendingAppend, Rejected>,
    deadline: Instant,
) -> Result<Acknowledged, Rejected> {
    match timeout_at(deadline, appended?.acknowledged()).await {
        Ok(acknowledged) => Ok(acknowledged?),
        Err(_) => Err(Refusal::from(ResponseError::RequestTimedOut).into()),
    }
}

fn topic_response(
    version: i16,
    name: TopicName,
    id: Uuid,
    partitions: Vec<PartitionProduceResponse>,
) -> TopicProduceResponse {
    let response = TopicProduceResponse::default().with_partition_responses(partitions);
    if version >= 13 { response.with_topic_id(id) } else { response.with_name(name) }
}

fn partition_response(
    version: i16,
    index: i32,
    result: Result<Acknowledged, Rejected>,
) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default().with_index(index);
    match result {
        Ok(acknowledged) => response
            .with_base_offset(acknowledged.base_offset.to_wire())
            .with_log_append_time_ms(acknowledged.log_append_time.map_or(-1, |time| time.0))
            .with_log_start_offset(acknowledged.log_start.to_wire()),
        Err(rejected) => refused(version, response, &rejected),
    }
}

fn refused(
    version: i16,
    response: PartitionProduceResponse,
    rejected: &Rejected,
) -> PartitionProduceResponse {
    let response = response.with_base_offset(-1).with_error_code(rejected.refusal.code());
    if version < 8 {
        return response;
    }
    let blame = rejected.record.map(|record| {
        BatchIndexAndErrorMessage::default()
            .with_batch_index(record as i32)
            .with_batch_index_error_message(rejected.refusal.wire_message())
    });
    response
        .with_record_errors(blame.into_iter().collect())
        .with_error_message(rejected.refusal.wire_message())
}

/// The leaders named in an answer (KIP-951), and where they are.
struct Leaders<'a> {
    image: &'a Image,
    listener: &'a str,
    endpoints: BTreeMap<i32, NodeEndpoint>,
}

impl Leaders<'_> {
    /// Adds the leader to an answer that says "not here".
    fn name_for(
        &mut self,
        broker: &Broker,
        version: i16,
        topic: TopicRef<'_>,
        response: PartitionProduceResponse,
    ) -> PartitionProduceResponse {
        if version < 10 || response.error_code != ResponseError::NotLeaderOrFollower.code() {
            return response;
        }
        let Some(info) = broker.other_leader(self.image, topic, response.index) else {
            return response;
        };
        let Some(leader) = info.leader.and_then(|leader| self.image.brokers.get(&leader)) else {
            return response;
        };
        if let Some(node) = node_endpoint(leader, self.listener) {
            self.endpoints.insert(leader.id.to_wire(), node);
        }
        response.with_current_leader(
            LeaderIdAndEpoch::default()
                .with_leader_id(leader.id.to_wire().into())
                .with_leader_epoch(info.leader_epoch.to_wire()),
        )
    }
}

fn node_endpoint(broker: &BrokerInfo, listener: &str) -> Option<NodeEndpoint> {
    let endpoint = broker.endpoint(listener)?;
    Some(
        NodeEndpoint::default()
            .with_node_id(broker.id.to_wire().into())
            .with_host(StrBytes::from_string(endpoint.host.clone()))
            .with_port(i32::from(endpoint.port))
            .with_rack(broker.rack.clone().map(StrBytes::from_string)),
    )
}
