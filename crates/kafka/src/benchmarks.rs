//! Doors for `benches/` to what is private otherwise. No part of the API.

use crate::{
    budget::Reservation,
    frame::{Reply, RequestHead, encode_response},
    rope::{Rope, placeholder},
};
use bytes::{Buf, Bytes};
use kafka_protocol::{
    messages::{
        ApiKey, FetchResponse,
        fetch_response::{FetchableTopicResponse, PartitionData},
    },
    protocol::{Encodable, HeaderVersion},
};
use std::collections::VecDeque;

/// Encodes a Fetch answer with these records, one partition each, as the handler does; returns the frame's length.
///
/// # Errors
/// In words, when the version can't carry it.
pub fn encode_fetch(version: i16, partitions: &[Bytes]) -> Result<usize, String> {
    let data = partitions.iter().enumerate().map(|(index, records)| {
        PartitionData::default()
            .with_partition_index(index as i32)
            .with_records(placeholder(records.len()))
    });
    let topic = FetchableTopicResponse::default().with_partitions(data.collect());
    let reply = FetchWith {
        response: FetchResponse::default().with_responses(vec![topic]),
        records: partitions.iter().map(|records| Rope::from_iter([records.clone()])).collect(),
    };
    let head = RequestHead { api_key: ApiKey::Fetch as i16, version, correlation_id: 1 };
    encode_response(head, reply).map(|answer| answer.frame.remaining())
}

struct FetchWith {
    response: FetchResponse,
    records: VecDeque<Rope>,
}

impl Reply for FetchWith {
    fn header_version(version: i16) -> i16 {
        <FetchResponse as HeaderVersion>::header_version(version)
    }

    fn into_parts(self) -> (impl Encodable, VecDeque<Rope>, Vec<Reservation>) {
        (self.response, self.records, Vec::new())
    }
}
