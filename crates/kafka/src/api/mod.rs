//! Every API key that is served: one line of [`TABLE`] and one file each.
//!
//! Dispatch, `ApiVersions` and metric labels derive from the table.

mod acl_wire;
mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod alter_client_quotas;
mod alter_configs;
mod alter_partition_reassignments;
mod alter_user_scram_credentials;
mod api_versions;
mod assignment;
mod committed_offsets;
mod config_resource;
mod config_view;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod create_acls;
mod create_partitions;
mod create_topics;
mod delete_acls;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_acls;
mod describe_client_quotas;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_topic_partitions;
mod describe_transactions;
mod describe_user_scram_credentials;
mod elect_leaders;
mod end_txn;
mod fetch;
mod find_coordinator;
mod group_text;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod list_transactions;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod repetitions;
pub(crate) mod sasl_authenticate;
mod sasl_handshake;
mod sync_group;
mod txn_offset_commit;
mod unregister_broker;
mod write_txn_markers;

use crate::{
    answers::{Answer, Responding, Waiting},
    budget::{ByteBudget, Reservation},
    context::{ConnectionContext, Context},
    frame::{FrameError, Reply, RequestFrame, RequestHead, encode_response, take_client_id},
};
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use kafka_protocol::{
    messages::ApiKey,
    protocol::{Decodable, HeaderVersion, Message, StrBytes},
};
pub(crate) use request_schema::Versions;
use runtime::traces;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};

/// Most bytes that a request may take in memory once it is decoded, besides its own: some 300,000 small elements.
const DECODED_LIMIT_BYTES: usize = 32 << 20;

/// What a handler's ordered part comes to.
pub(crate) enum Outcome<R> {
    /// The answer.
    Ready(R),
    /// The answer will take a while; later requests are begun meanwhile.
    Later(BoxFuture<'static, R>),
    /// The client wants no answer.
    Silent,
    /// The client wants no answer and must learn of an error: its connection is closed.
    HangUp(String),
}

impl<R> Outcome<R> {
    /// An answer that takes a while.
    fn later(answer: impl Future<Output = R> + Send + 'static) -> Self {
        Self::Later(answer.boxed())
    }
}

/// One API key.
pub(crate) trait Api: 'static {
    /// The request.
    type Request: Decodable + HeaderVersion + Message + Send;
    /// The answer.
    type Response: Reply;
    /// Versions that are served.
    const VERSIONS: Versions;

    /// Does what must be done before the connection's next request is begun, and says how the answer comes about.
    fn begin(
        context: Context,
        request: Self::Request,
    ) -> impl Future<Output = Outcome<Self::Response>> + Send;
}

/// A line of the table.
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: ApiKey,
    /// Its name, which labels metrics and logs.
    pub(crate) name: &'static str,
    /// Versions that are served.
    pub(crate) served: Versions,
    /// Versions that `ApiVersions` names.
    pub(crate) advertised: Versions,
    /// Whether it is served before a log-in. What else it takes is asked by each handler of [`Context`]; a test walks the table.
    open_to_everyone: bool,
    /// Whether its request's bytes may be forgotten once it is begun, because what matters of them was copied.
    frees_request_early: bool,
    schema: &'static request_schema::Message,
    run: fn(Context, Bytes) -> BoxFuture<'static, Result<Begin, FrameError>>,
    check: fn(RequestHead, Bytes) -> Result<(), FrameError>,
}

/// What running an entry comes to: [`Begun`] before the budgets are settled.
enum Begin {
    Waiting(BoxFuture<'static, Result<Answer, String>>),
    Silent,
    HangUp(String),
}

/// A request that was begun.
pub(crate) enum Begun {
    /// Its answer is on the way.
    Waiting(Waiting),
    /// It has none.
    Silent,
    /// It has none, and the connection is to be closed.
    HangUp(String),
}

const fn entry<A: Api>(key: ApiKey, name: &'static str) -> Entry {
    Entry {
        key,
        name,
        served: A::VERSIONS,
        advertised: A::VERSIONS,
        open_to_everyone: false,
        frees_request_early: false,
        schema: schema(key, A::VERSIONS),
        run: run::<A>,
        check: |head, rest| decode::<A>(head, rest).map(drop),
    }
}

/// The schema by which requests are walked: it must know every version that is served.
const fn schema(key: ApiKey, served: Versions) -> &'static request_schema::Message {
    match request_schema::request(key as i16) {
        Some(schema) if schema.versions.min <= served.min && served.max <= schema.versions.max => {
            schema
        }
        _ => panic!("tools/request-schemas was run with an older Kafka"),
    }
}

impl Entry {
    /// Names `min` as the lowest version although it is refused: librdkafka takes the absence of old versions for the absence of
    /// compression (KAFKA-18659).
    const fn advertised_from(mut self, min: i16) -> Self {
        self.advertised.min = min;
        self
    }

    const fn open_to_everyone(mut self) -> Self {
        self.open_to_everyone = true;
        self
    }

    const fn freeing_request_early(mut self) -> Self {
        self.frees_request_early = true;
        self
    }
}

/// Every API key that is served, by key.
pub(crate) static TABLE: &[Entry] = {
    &[
        entry::<produce::Produce>(ApiKey::Produce, "Produce")
            .advertised_from(0)
            .freeing_request_early(),
        entry::<fetch::Fetch>(ApiKey::Fetch, "Fetch"),
        entry::<list_offsets::ListOffsets>(ApiKey::ListOffsets, "ListOffsets"),
        entry::<metadata::Metadata>(ApiKey::Metadata, "Metadata"),
        entry::<offset_commit::OffsetCommit>(ApiKey::OffsetCommit, "OffsetCommit"),
        entry::<offset_fetch::OffsetFetch>(ApiKey::OffsetFetch, "OffsetFetch"),
        entry::<find_coordinator::FindCoordinator>(ApiKey::FindCoordinator, "FindCoordinator"),
        entry::<join_group::JoinGroup>(ApiKey::JoinGroup, "JoinGroup").freeing_request_early(),
        entry::<heartbeat::Heartbeat>(ApiKey::Heartbeat, "Heartbeat"),
        entry::<leave_group::LeaveGroup>(ApiKey::LeaveGroup, "LeaveGroup"),
        entry::<sync_group::SyncGroup>(ApiKey::SyncGroup, "SyncGroup").freeing_request_early(),
        entry::<describe_groups::DescribeGroups>(ApiKey::DescribeGroups, "DescribeGroups"),
        entry::<list_groups::ListGroups>(ApiKey::ListGroups, "ListGroups"),
        entry::<sasl_handshake::SaslHandshake>(ApiKey::SaslHandshake, "SaslHandshake")
            .open_to_everyone(),
        entry::<api_versions::ApiVersions>(ApiKey::ApiVersions, "ApiVersions").open_to_everyone(),
        entry::<create_topics::CreateTopics>(ApiKey::CreateTopics, "CreateTopics"),
        entry::<delete_topics::DeleteTopics>(ApiKey::DeleteTopics, "DeleteTopics"),
        entry::<delete_records::DeleteRecords>(ApiKey::DeleteRecords, "DeleteRecords"),
        entry::<init_producer_id::InitProducerId>(ApiKey::InitProducerId, "InitProducerId"),
        entry::<offset_for_leader_epoch::OffsetForLeaderEpoch>(
            ApiKey::OffsetForLeaderEpoch,
            "OffsetForLeaderEpoch",
        ),
        entry::<add_partitions_to_txn::AddPartitionsToTxn>(
            ApiKey::AddPartitionsToTxn,
            "AddPartitionsToTxn",
        ),
        entry::<add_offsets_to_txn::AddOffsetsToTxn>(ApiKey::AddOffsetsToTxn, "AddOffsetsToTxn"),
        entry::<end_txn::EndTxn>(ApiKey::EndTxn, "EndTxn"),
        entry::<write_txn_markers::WriteTxnMarkers>(ApiKey::WriteTxnMarkers, "WriteTxnMarkers"),
        entry::<txn_offset_commit::TxnOffsetCommit>(ApiKey::TxnOffsetCommit, "TxnOffsetCommit"),
        entry::<describe_acls::DescribeAcls>(ApiKey::DescribeAcls, "DescribeAcls"),
        entry::<create_acls::CreateAcls>(ApiKey::CreateAcls, "CreateAcls"),
        entry::<delete_acls::DeleteAcls>(ApiKey::DeleteAcls, "DeleteAcls"),
        entry::<describe_configs::DescribeConfigs>(ApiKey::DescribeConfigs, "DescribeConfigs"),
        entry::<alter_configs::AlterConfigs>(ApiKey::AlterConfigs, "AlterConfigs"),
        entry::<describe_log_dirs::DescribeLogDirs>(ApiKey::DescribeLogDirs, "DescribeLogDirs"),
        entry::<sasl_authenticate::SaslAuthenticate>(ApiKey::SaslAuthenticate, "SaslAuthenticate")
            .open_to_everyone(),
        entry::<create_partitions::CreatePartitions>(ApiKey::CreatePartitions, "CreatePartitions"),
        entry::<delete_groups::DeleteGroups>(ApiKey::DeleteGroups, "DeleteGroups"),
        entry::<elect_leaders::ElectLeaders>(ApiKey::ElectLeaders, "ElectLeaders"),
        entry::<incremental_alter_configs::IncrementalAlterConfigs>(
            ApiKey::IncrementalAlterConfigs,
            "IncrementalAlterConfigs",
        ),
        entry::<alter_partition_reassignments::AlterPartitionReassignments>(
            ApiKey::AlterPartitionReassignments,
            "AlterPartitionReassignments",
        ),
        entry::<list_partition_reassignments::ListPartitionReassignments>(
            ApiKey::ListPartitionReassignments,
            "ListPartitionReassignments",
        ),
        entry::<offset_delete::OffsetDelete>(ApiKey::OffsetDelete, "OffsetDelete"),
        entry::<describe_client_quotas::DescribeClientQuotas>(
            ApiKey::DescribeClientQuotas,
            "DescribeClientQuotas",
        ),
        entry::<alter_client_quotas::AlterClientQuotas>(
            ApiKey::AlterClientQuotas,
            "AlterClientQuotas",
        ),
        entry::<describe_user_scram_credentials::DescribeUserScramCredentials>(
            ApiKey::DescribeUserScramCredentials,
            "DescribeUserScramCredentials",
        ),
        entry::<alter_user_scram_credentials::AlterUserScramCredentials>(
            ApiKey::AlterUserScramCredentials,
            "AlterUserScramCredentials",
        ),
        entry::<describe_cluster::DescribeCluster>(ApiKey::DescribeCluster, "DescribeCluster"),
        entry::<describe_producers::DescribeProducers>(
            ApiKey::DescribeProducers,
            "DescribeProducers",
        ),
        entry::<unregister_broker::UnregisterBroker>(ApiKey::UnregisterBroker, "UnregisterBroker"),
        entry::<describe_transactions::DescribeTransactions>(
            ApiKey::DescribeTransactions,
            "DescribeTransactions",
        ),
        entry::<list_transactions::ListTransactions>(ApiKey::ListTransactions, "ListTransactions"),
        entry::<consumer_group_heartbeat::ConsumerGroupHeartbeat>(
            ApiKey::ConsumerGroupHeartbeat,
            "ConsumerGroupHeartbeat",
        ),
        entry::<consumer_group_describe::ConsumerGroupDescribe>(
            ApiKey::ConsumerGroupDescribe,
            "ConsumerGroupDescribe",
        ),
        entry::<describe_topic_partitions::DescribeTopicPartitions>(
            ApiKey::DescribeTopicPartitions,
            "DescribeTopicPartitions",
        ),
    ]
};

/// The table's line for a key on the wire.
pub(crate) fn find(api_key: i16) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.key as i16 == api_key)
}

/// Reads a request, without its frame's length, as a connection does, and serves nothing.
///
/// # Errors
/// [`FrameError`]. [`FrameError::Undecodable`] is never expected.
pub fn check_request(bytes: Bytes) -> Result<(), FrameError> {
    let RequestFrame { head, rest, .. } = RequestFrame::parse(bytes, Vec::new())?;
    let entry = find(head.api_key).ok_or(FrameError::UnknownApi(head.api_key))?;
    if !entry.served.contains(head.version) {
        return Err(FrameError::UnsupportedVersion { api: entry.name, version: head.version });
    }
    decoded_bytes(entry, head, &rest)?;
    (entry.check)(head, rest)
}

/// Begins a request: its ordered part is done on return. What its decoded form needs beyond its own bytes is taken from
/// `decoded`; whoever waits there holds memory that no holder of `decoded` waits for.
///
/// # Errors
/// [`FrameError`] for a key or version that is not served, and for bytes that do not parse: the connection is to be closed.
pub(crate) async fn begin(
    connection: &Arc<ConnectionContext>,
    frame: RequestFrame,
    decoded: &ByteBudget,
) -> Result<Begun, FrameError> {
    let RequestFrame { head, rest, mut held } = frame;
    let entry = find(head.api_key).ok_or(FrameError::UnknownApi(head.api_key))?;
    if !entry.served.contains(head.version) {
        return refuse_version(entry, head);
    }
    if !entry.open_to_everyone && !connection.authentication.is_valid() {
        return Err(FrameError::NotAuthenticated(entry.name));
    }
    let surplus_bytes = decoded_bytes(entry, head, &rest)?.saturating_sub(rest.len());
    if surplus_bytes > 0 {
        held.push(decoded.take(surplus_bytes).await);
    }
    let started = Instant::now();
    metrics::counter!("kafka_requests_total", "api" => entry.name).increment(1);
    let context = Context { connection: Arc::clone(connection), head, client_id: None };
    let span = tracing::debug_span!(
        "request",
        api = entry.name,
        version = head.version,
        correlation_id = head.correlation_id
    );
    let traced = trace(entry, head, connection);
    let run = (entry.run)(context, rest).instrument(traced.clone());
    let begun = run.instrument(span.clone()).await?;
    if entry.frees_request_early {
        held.clear();
    }
    Ok(match begun {
        Begin::Waiting(answer) => {
            let answered = Answered { api: entry.name, started };
            Begun::Waiting(holding(held, answer, answered, traced, span))
        }
        Begin::Silent => Begun::Silent,
        Begin::HangUp(reason) => Begun::HangUp(reason),
    })
}

/// Walks the request by its schema, so that the decoder, which believes every length, only sees what it can believe.
fn decoded_bytes(entry: &Entry, head: RequestHead, rest: &[u8]) -> Result<usize, FrameError> {
    let walked = request_schema::walk(entry.schema, head.version, rest, DECODED_LIMIT_BYTES);
    walked.map(|walked| walked.decoded_bytes).map_err(|error| FrameError::Malformed {
        api: entry.name,
        version: head.version,
        error,
    })
}

/// Begins the request's trace, if it is one of those that are traced.
fn trace(entry: &Entry, head: RequestHead, connection: &ConnectionContext) -> Span {
    tracing::info_span!(
        target: traces::TARGET,
        "request",
        otel.name = entry.name,
        otel.kind = "server",
        api = entry.name,
        version = head.version,
        correlation_id = head.correlation_id,
        listener = &*connection.listener,
        client_id = Empty,
        topic = Empty,
        partitions = Empty,
        bytes = Empty,
        acks = Empty,
    )
}

/// Notes how long a request took until its answer was ready: with what it waited for, but not for its client to read.
struct Answered {
    api: &'static str,
    started: Instant,
}

impl Answered {
    fn note(self) {
        metrics::histogram!("kafka_request_duration_seconds", "api" => self.api)
            .record(self.started.elapsed().as_secs_f64());
    }
}

fn holding(
    held: Vec<Reservation>,
    answer: BoxFuture<'static, Result<Answer, String>>,
    answered: Answered,
    traced: Span,
    span: Span,
) -> Waiting {
    let request = traced.clone();
    async move {
        let answer = answer.await;
        answered.note();
        let mut answer = answer?;
        answer.held.extend(held);
        answer.responding = Responding::begin(request);
        Ok(answer)
    }
    .instrument(traced)
    .instrument(span)
    .boxed()
}

/// A client that asks `ApiVersions` in a version of the future is answered in version 0 and asks again; any other closes.
fn refuse_version(entry: &Entry, head: RequestHead) -> Result<Begun, FrameError> {
    if entry.key != ApiKey::ApiVersions {
        return Err(FrameError::UnsupportedVersion { api: entry.name, version: head.version });
    }
    let head = RequestHead { version: 0, ..head };
    let answer = encode_response(head, api_versions::unsupported_version());
    Ok(Begun::Waiting(futures::future::ready(answer).boxed()))
}

fn run<A: Api>(mut context: Context, rest: Bytes) -> BoxFuture<'static, Result<Begin, FrameError>> {
    async move {
        let head = context.head;
        let (client_id, request) = decode::<A>(head, rest)?;
        context.client_id = client_id;
        let answer = match A::begin(context, request).await {
            Outcome::Ready(response) => {
                futures::future::ready(encode_response(head, response)).boxed()
            }
            Outcome::Later(response) => {
                async move { encode_response(head, response.await) }.boxed()
            }
            Outcome::Silent => return Ok(Begin::Silent),
            Outcome::HangUp(reason) => return Ok(Begin::HangUp(reason)),
        };
        Ok(Begin::Waiting(answer))
    }
    .boxed()
}

/// Decodes what was walked.
fn decode<A: Api>(
    head: RequestHead,
    mut rest: Bytes,
) -> Result<(Option<StrBytes>, A::Request), FrameError> {
    let undecodable = |reason| {
        let api = find(head.api_key).map_or("?", |entry| entry.name);
        FrameError::Undecodable { api, version: head.version, reason }
    };
    let header_version = A::Request::header_version(head.version);
    let client_id = take_client_id(&mut rest, header_version).map_err(undecodable)?;
    let request = A::Request::decode(&mut rest, head.version)
        .map_err(|error| undecodable(error.to_string()))?;
    Ok((client_id, request))
}
