//! Offsets that clients commit, as `OffsetCommit` and `TxnOffsetCommit` bring them: read and judged partition by partition.

use crate::{
    broker::{TopicRef, find_partition},
    context::Context,
    error::Refusal,
};
use cluster::Image;
use coordinator::{OffsetCommit, group::CommittedOffset};
use kafka_protocol::{ResponseError, protocol::StrBytes};
use model::{LeaderEpoch, Offset, config::broker as keys};
use security::acl::Operation;

/// One partition's offset on the wire.
pub(super) struct WireOffset<'a> {
    /// The partition.
    pub(super) partition: i32,
    /// The offset.
    pub(super) offset: i64,
    /// The epoch of the record before it; −1 when it is not known.
    pub(super) leader_epoch: i32,
    /// A note of the client's.
    pub(super) metadata: Option<&'a StrBytes>,
}

/// What holds for all offsets of a request.
pub(super) struct Reading {
    context: Context,
    committed_unix_ms: i64,
    expires_unix_ms: Option<i64>,
    metadata_max_bytes: usize,
}

impl Reading {
    /// Of a request that is read now. `retention_ms` is how long its offsets are to be kept; negative leaves it to the broker.
    pub(super) fn new(context: &Context, retention_ms: i64) -> Self {
        let broker = context.broker();
        let committed_unix_ms = broker.coordinator.groups().unix_ms();
        let configs = &broker.options.static_configs;
        let most = keys::OFFSET_METADATA_MAX_BYTES.number_in(configs).unwrap_or(4096);
        Self {
            context: context.clone(),
            committed_unix_ms,
            expires_unix_ms: (retention_ms >= 0)
                .then(|| committed_unix_ms.saturating_add(retention_ms)),
            metadata_max_bytes: usize::try_from(most).unwrap_or(usize::MAX),
        }
    }

    /// What can be committed of a topic's offsets, and each partition's code: 0 for those, whose code is what becomes of the commit.
    pub(super) fn topic<'a>(
        &self,
        image: &Image,
        name: &str,
        offsets: impl Iterator<Item = WireOffset<'a>>,
    ) -> (Option<OffsetCommit>, Vec<(i32, i16)>) {
        let known = self.context.find_authorized(Operation::Read, image, TopicRef::Name(name));
        let mut partitions = Vec::with_capacity(offsets.size_hint().0);
        let codes = offsets.map(|wire| {
            let offset = known
                .clone()
                .and_then(|topic| find_partition(topic, wire.partition))
                .and_then(|(index, _)| Ok((index.get(), self.offset(&wire)?)));
            let code = offset.map(|offset| partitions.push(offset)).err().map_or(0, |it| it.code());
            (wire.partition, code)
        });
        let codes = codes.collect();
        let commit = known.ok().filter(|_| !partitions.is_empty());
        (commit.map(|topic| OffsetCommit { topic: topic.id, partitions }), codes)
    }

    fn offset(&self, wire: &WireOffset<'_>) -> Result<CommittedOffset, Refusal> {
        let metadata = wire.metadata.map(StrBytes::as_str).unwrap_or_default();
        // As Kafka counts it: in Java's letters.
        if metadata.encode_utf16().count() > self.metadata_max_bytes {
            return Err(ResponseError::OffsetMetadataTooLarge.into());
        }
        let offset = Offset::from_wire(wire.offset);
        Ok(CommittedOffset {
            offset: offset.ok_or(ResponseError::InvalidCommitOffsetSize)?,
            leader_epoch: LeaderEpoch::from_wire(wire.leader_epoch),
            metadata: metadata.into(),
            committed_unix_ms: self.committed_unix_ms,
            expires_unix_ms: self.expires_unix_ms,
        })
    }
}
