//! [`PartitionMarker`]: markers as a `WriteTxnMarkers` request, and what its answer says of each.
//!
//! Version 1 does not say whether a marker's epoch belongs to its transaction alone (KIP-890): a tagged field of ours does, which
//! other senders leave out.

use super::line::Letter;
use bytes::Bytes;
use coordinator::transaction::{Marked, Marker, TransactionResult};
use kafka_protocol::{
    ResponseError,
    messages::{
        ProducerId, TopicName, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
        write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic},
    },
    protocol::StrBytes,
};
use model::PartitionIndex;
use std::collections::{BTreeMap, HashMap};

/// Tag of a marker whose epoch no other end of a transaction bears; without content.
const OWN_EPOCH_TAG: i32 = 10_000;

/// The end of a transaction, for one partition.
#[derive(Clone, Debug)]
pub struct PartitionMarker {
    /// The partition's topic.
    pub topic: model::TopicName,
    /// The partition.
    pub partition: PartitionIndex,
    /// What it is told.
    pub marker: Marker,
}

impl Letter for PartitionMarker {
    type Answer = Marked;
    type Request = WriteTxnMarkersRequest;
    const VERSION: i16 = 1;

    /// One request for all of them: partitions that are told the same share a marker.
    fn request(markers: &[&Self]) -> WriteTxnMarkersRequest {
        let mut ends: Vec<(Marker, BTreeMap<&str, Vec<i32>>)> = Vec::new();
        for PartitionMarker { topic, partition, marker } in markers {
            let at = ends.iter().position(|(known, _)| known == marker).unwrap_or(ends.len());
            if at == ends.len() {
                ends.push((*marker, BTreeMap::new()));
            }
            if let Some((_, topics)) = ends.get_mut(at) {
                topics.entry(topic.as_str()).or_default().push(partition.to_wire());
            }
        }
        let ends = ends.into_iter().map(|(marker, topics)| writable(marker, topics)).collect();
        WriteTxnMarkersRequest::default().with_markers(ends)
    }

    fn answers(markers: &[&Self], response: &WriteTxnMarkersResponse) -> Vec<Marked> {
        let mut codes = HashMap::new();
        for marker in &response.markers {
            for topic in &marker.topics {
                for partition in &topic.partitions {
                    let key =
                        (marker.producer_id.0, topic.name.as_str(), partition.partition_index);
                    codes.insert(key, partition.error_code);
                }
            }
        }
        let code_of = |it: &&PartitionMarker| {
            let key = (it.marker.producer.to_wire(), it.topic.as_str(), it.partition.to_wire());
            codes.get(&key).copied()
        };
        markers.iter().map(|marker| outcome(code_of(marker))).collect()
    }

    fn unanswered(reason: String) -> Marked {
        Marked::Failed(reason)
    }
}

/// Whether no other end of a transaction bears this marker's epoch.
pub(crate) fn bears_its_own_epoch(marker: &WritableTxnMarker) -> bool {
    marker.unknown_tagged_fields.contains_key(&OWN_EPOCH_TAG)
}

fn writable(marker: Marker, topics: BTreeMap<&str, Vec<i32>>) -> WritableTxnMarker {
    let topics = topics.into_iter().map(|(name, partitions)| {
        WritableTxnMarkerTopic::default()
            .with_name(TopicName(StrBytes::from_string(name.to_owned())))
            .with_partition_indexes(partitions)
    });
    let writable = WritableTxnMarker::default()
        .with_producer_id(ProducerId(marker.producer.to_wire()))
        .with_producer_epoch(marker.epoch.to_wire())
        .with_transaction_result(marker.result == TransactionResult::Commit)
        .with_topics(topics.collect())
        .with_coordinator_epoch(marker.coordinator_epoch.to_wire());
    if marker.epoch_is_its_own {
        return writable.with_unknown_tagged_field(OWN_EPOCH_TAG, Bytes::new());
    }
    writable
}

fn outcome(code: Option<i16>) -> Marked {
    let Some(code) = code else { return Marked::Failed("it was not answered".to_owned()) };
    match ResponseError::try_from_code(code) {
        None if code == 0 => Marked::Written,
        Some(
            error @ (ResponseError::InvalidProducerEpoch
            | ResponseError::TransactionCoordinatorFenced),
        ) => Marked::Fenced(error.to_string()),
        Some(error) => Marked::Failed(error.to_string()),
        None => Marked::Failed(format!("error {code}")),
    }
}
