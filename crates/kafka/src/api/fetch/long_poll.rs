//! The wait of a fetch: until enough bytes are there, something went wrong, or time is up.

use crate::{api::list_offsets::isolation, broker::TopicRef, context::Context, error::Refusal};
use cluster::Image;
use kafka_protocol::{
    ResponseError,
    messages::{FetchRequest, fetch_request::FetchPartition},
};
use model::{LeaderEpoch, Offset, TopicId};
use partition_log::{EpochEnd, Isolation, Partition, Watermarks};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, time::Instant};

/// What is to be done for one partition of the request.
pub(super) enum Wanted {
    /// Nothing: it is refused.
    Refused(Refusal),
    /// Nothing: the consumer's history is not this log's (KIP-595).
    Diverged(Partition, EpochEnd),
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
    let out_of_time = tokio::time::sleep_until(deadline);
    tokio::pin!(out_of_time);
    loop {
        let image = context.broker().cluster.image();
        let survey = survey(context, &image, request, &advanced);
        if out_of_time.is_elapsed() || is_ready(&survey, min_bytes) {
            return survey;
        }
        tokio::select! {
            () = advanced.notified() => {}
            () = &mut out_of_time => {}
            () = context.connection.shutdown.requested() => return survey,
        }
    }
}

fn is_ready(survey: &Survey, min_bytes: usize) -> bool {
    let mut available = 0_usize;
    for wanted in survey.iter().flatten() {
        match wanted {
            Wanted::Refused(_) | Wanted::Diverged(..) => return true,
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
    advanced: &Arc<Notify>,
) -> Survey {
    let isolation = isolation(request.isolation_level);
    let by_id = context.version() >= 13;
    let topics = request.topics.iter().map(|topic| {
        let name = if by_id {
            TopicRef::Id(TopicId::from(topic.topic_id))
        } else {
            TopicRef::Name(topic.topic.as_str())
        };
        let looked_at = topic.partitions.iter().map(|wanted| {
            context
                .broker()
                .partition(image, name, wanted.partition)
                .and_then(|partition| {
                    partition.wake_on_advance(advanced);
                    look_at(partition, wanted, isolation)
                })
                .unwrap_or_else(Wanted::Refused)
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
    let from = checked_offset(wanted.fetch_offset, &watermarks)?;
    if let Some(end) = divergence(&partition, wanted.last_fetched_epoch, from)? {
        return Ok(Wanted::Diverged(partition, end));
    }
    let limit = usize::try_from(wanted.partition_max_bytes).unwrap_or(0);
    let there = partition.available_bytes(from, isolation);
    // A partition whose limit is below its first batch still counts as having something.
    let available = usize::try_from(there).unwrap_or(usize::MAX).min(limit.max(1));
    Ok(Wanted::Read { partition, from, available })
}

/// An offset between the high watermark and the log's end is not there yet: it waits.
fn checked_offset(offset: i64, watermarks: &Watermarks) -> Result<Offset, Refusal> {
    Offset::from_wire(offset)
        .filter(|offset| (watermarks.log_start..=watermarks.log_end).contains(offset))
        .ok_or_else(|| ResponseError::OffsetOutOfRange.into())
}

/// Where the history that the consumer fetched parts from this log; `None` when it does not, or the consumer does not say.
fn divergence(
    partition: &Partition,
    last_fetched_epoch: i32,
    from: Offset,
) -> Result<Option<EpochEnd>, Refusal> {
    let Some(epoch) = LeaderEpoch::from_wire(last_fetched_epoch) else { return Ok(None) };
    let end = partition.epoch_end(epoch)?.ok_or(ResponseError::OffsetOutOfRange)?;
    Ok((end.epoch < epoch || end.end_offset < from).then_some(end))
}
