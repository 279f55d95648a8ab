//! The wait of a fetch: until enough bytes are there, something went wrong, or time is up.

use super::zones::ConsumerZone;
use crate::{
    api::list_offsets::isolation,
    broker::{Readable, TopicRef},
    context::Context,
    error::Refusal,
};
use cluster::Image;
use kafka_protocol::{
    ResponseError,
    messages::{
        FetchRequest,
        fetch_request::{FetchPartition, FetchTopic},
    },
};
use model::{BrokerId, LeaderEpoch, Offset, TopicId};
use partition_log::{EpochEnd, Isolation, Partition, Watermarks};
use security::acl::Operation;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, time::Instant};

/// The first version in which a replica names itself in its state (KIP-903).
const REPLICA_STATE: i16 = 15;

/// What is to be done for one partition of the request.
pub(super) enum Wanted {
    /// Nothing: it is refused.
    Refused(Refusal),
    /// Nothing: the consumer's history is not this log's (KIP-595).
    Diverged(Partition, EpochEnd),
    /// Nothing: it is being opened for this zone.
    Opening,
    /// Nothing: the consumer is sent to the reader of its zone (KIP-392).
    Elsewhere(Partition, BrokerId),
    /// Reads.
    Read {
        /// From here.
        partition: Partition,
        /// First offset.
        from: Offset,
        /// About so many bytes are there, within the partition's limit.
        available: usize,
    },
}

/// Partitions of a request, in its order: the outer list is by topic.
pub(super) type Survey = Vec<Vec<Wanted>>;

/// Waits until the fetch should be answered.
pub(super) async fn until_ready(context: &Context, request: &FetchRequest) -> Survey {
    let patience = Duration::from_millis(request.max_wait_ms.max(0) as u64);
    let deadline = Instant::now() + patience;
    let min_bytes = usize::try_from(request.min_bytes).unwrap_or(0);
    let advanced = Arc::new(Notify::new());
    let followed = context.broker().logs.followed();
    let authorized = authorize(context, request);
    let out_of_time = tokio::time::sleep_until(deadline);
    tokio::pin!(out_of_time);
    loop {
        let image = context.broker().cluster.image();
        let opened = followed.settled();
        let survey = survey(context, &image, request, &authorized, &advanced);
        if out_of_time.is_elapsed() || is_ready(&survey, min_bytes) {
            return survey;
        }
        tokio::select! {
            () = advanced.notified() => {}
            () = opened, if is_opening(&survey) => {}
            () = &mut out_of_time => {}
            () = context.connection.shutdown.requested() => return survey,
        }
    }
}

/// Whether each topic may be read; a replica, which reads any topic, must be a broker.
fn authorize(context: &Context, request: &FetchRequest) -> Vec<Result<(), Refusal>> {
    let replica = match context.version() >= REPLICA_STATE {
        true => request.replica_state.replica_id.0,
        false => request.replica_id.0,
    };
    if replica >= 0 {
        let authorized = context.authorize_cluster(Operation::ClusterAction);
        let authorized =
            authorized.map_err(|_| Refusal::from(ResponseError::TopicAuthorizationFailed));
        return vec![authorized; request.topics.len()];
    }
    let image = context.broker().cluster.image();
    let by_id = context.version() >= 13;
    let topics = request.topics.iter();
    let authorize =
        |topic| context.authorize_topic(Operation::Read, &image, topic_ref(topic, by_id));
    topics.map(authorize).collect()
}

fn topic_ref(topic: &FetchTopic, by_id: bool) -> TopicRef<'_> {
    if by_id {
        TopicRef::Id(TopicId::from(topic.topic_id))
    } else {
        TopicRef::Name(topic.topic.as_str())
    }
}

fn is_opening(survey: &Survey) -> bool {
    survey.iter().flatten().any(|wanted| matches!(wanted, Wanted::Opening))
}

fn is_ready(survey: &Survey, min_bytes: usize) -> bool {
    let mut available = 0_usize;
    for wanted in survey.iter().flatten() {
        match wanted {
            Wanted::Refused(_) | Wanted::Diverged(..) | Wanted::Elsewhere(..) => return true,
            Wanted::Opening => {}
            Wanted::Read { available: bytes, .. } => available = available.saturating_add(*bytes),
        }
    }
    available >= min_bytes || survey.iter().all(Vec::is_empty)
}

/// Looks at every partition, and asks each to wake `advanced` *before* looking, so that no advance is missed.
fn survey(
    context: &Context,
    image: &Image,
    request: &FetchRequest,
    authorized: &[Result<(), Refusal>],
    advanced: &Arc<Notify>,
) -> Survey {
    let isolation = isolation(request.isolation_level);
    let by_id = context.version() >= 13;
    let zone = ConsumerZone::of(request);
    let topics = request.topics.iter().zip(authorized).map(|(topic, authorized)| {
        let name = topic_ref(topic, by_id);
        let looked_at = topic.partitions.iter().map(|wanted| {
            let authorized = authorized.clone();
            let found =
                authorized.and_then(|()| context.broker().readable(image, name, wanted.partition));
            let looked_at = found.and_then(|found| match found {
                Readable::Opening => Ok(Wanted::Opening),
                Readable::Open(partition) => {
                    partition.wake_on_advance(advanced);
                    look_at(partition, wanted, isolation)
                }
            });
            match looked_at {
                Ok(Wanted::Read { partition, from, available }) => {
                    match zone.reader(context, image, &partition) {
                        Some(reader) => Wanted::Elsewhere(partition, reader),
                        None => Wanted::Read { partition, from, available },
                    }
                }
                Ok(wanted) => wanted,
                Err(refusal) => Wanted::Refused(refusal),
            }
        });
        looked_at.collect()
    });
    topics.collect()
}

fn look_at(
    partition: Partition,
    wanted: &FetchPartition,
    isolation: Isolation,
) -> Result<Wanted, Refusal> {
    partition.check_epoch(LeaderEpoch::from_wire(wanted.current_leader_epoch))?;
    let watermarks = partition.watermarks();
    let is_followed = partition.is_followed();
    let from = checked_offset(wanted.fetch_offset, &watermarks, is_followed)?;
    // What a follower does not know yet may well be there.
    let is_known = !is_followed || from <= watermarks.log_end;
    let last_fetched = LeaderEpoch::from_wire(wanted.last_fetched_epoch).filter(|_| is_known);
    if let Some(end) = divergence(&partition, last_fetched, from)? {
        return Ok(Wanted::Diverged(partition, end));
    }
    let limit = usize::try_from(wanted.partition_max_bytes).unwrap_or(0);
    let there = partition.available_bytes(from, isolation);
    // A partition whose limit is below its first batch still counts as having something.
    let available = usize::try_from(there).unwrap_or(usize::MAX).min(limit.max(1));
    Ok(Wanted::Read { partition, from, available })
}

/// An offset between the high watermark and the log's end is not there yet: it waits. So does one beyond the end of a followed
/// partition: its owner may have told the consumer of more than of what this broker heard.
fn checked_offset(
    offset: i64,
    watermarks: &Watermarks,
    is_followed: bool,
) -> Result<Offset, Refusal> {
    let Watermarks { log_start, log_end, .. } = *watermarks;
    Offset::from_wire(offset)
        .filter(|offset| *offset >= log_start && (*offset <= log_end || is_followed))
        .ok_or_else(|| ResponseError::OffsetOutOfRange.into())
}

/// Where the history that the consumer fetched parts from this log; `None` when it does not, or the consumer does not say.
fn divergence(
    partition: &Partition,
    last_fetched: Option<LeaderEpoch>,
    from: Offset,
) -> Result<Option<EpochEnd>, Refusal> {
    let Some(epoch) = last_fetched else { return Ok(None) };
    let end = partition.epoch_end(epoch)?.ok_or(ResponseError::OffsetOutOfRange)?;
    Ok((end.epoch < epoch || end.end_offset < from).then_some(end))
}
