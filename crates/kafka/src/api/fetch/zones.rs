//! Consumers and zones: who is sent to the reader of their zone (KIP-392), and how many bytes cross zones.

use crate::context::Context;
use cluster::Image;
use kafka_protocol::messages::FetchRequest;
use model::BrokerId;
use partition_log::{Partition, ReadAnswer};

/// Where the consumer of a fetch is, as far as it says.
pub(super) struct ConsumerZone<'a>(Option<&'a str>);

/// How the consumer's zone stands to this broker's; labels a metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Distance {
    SameZone,
    OtherZone,
    Unknown,
}

impl<'a> ConsumerZone<'a> {
    /// The zone that a consumer names. Others that fetch are sent nowhere.
    pub(super) fn of(request: &'a FetchRequest) -> Self {
        let is_consumer = request.replica_id.0 < 0 && request.replica_state.replica_id.0 < 0;
        let rack = Some(request.rack_id.as_str());
        Self(rack.filter(|rack| is_consumer && !rack.is_empty()))
    }

    /// The broker in the consumer's zone that serves a partition that this one owns, if it follows closely.
    pub(super) fn reader(
        &self,
        context: &Context,
        image: &Image,
        partition: &Partition,
    ) -> Option<BrokerId> {
        let rack = self.0?;
        let broker = context.broker();
        if partition.is_followed() || image.rack_of(broker.cluster.broker()) == Some(rack) {
            return None;
        }
        let id = partition.id();
        let topic = image.topic_by_id(id.topic)?;
        let mut readers = image.readers(topic, id.partition);
        let reader = readers.find(|reader| image.rack_of(*reader) == Some(rack))?;
        let is_reachable = image.brokers.get(&reader)?.endpoint(&context.connection.listener);
        is_reachable.filter(|_| broker.logs.is_current(reader, id)).map(|_| reader)
    }

    /// How far the consumer is from this broker.
    pub(super) fn distance(&self, context: &Context, image: &Image) -> Distance {
        match (self.0, image.rack_of(context.broker().cluster.broker())) {
            (Some(consumer), Some(own)) if consumer == own => Distance::SameZone,
            (Some(_), Some(_)) => Distance::OtherZone,
            _ => Distance::Unknown,
        }
    }
}

impl Distance {
    /// Counts the records of an answer.
    pub(super) fn count(self, partition: &Partition, answer: &ReadAnswer) {
        let zone = match self {
            Self::SameZone => "same",
            Self::OtherZone => "other",
            Self::Unknown => "unknown",
        };
        let served_by = if partition.is_followed() { "reader" } else { "owner" };
        let bytes: usize = answer.batches.iter().map(bytes::Bytes::len).sum();
        metrics::counter!("kafka_fetch_record_bytes_total", "served_by" => served_by, "zone" => zone)
            .increment(bytes as u64);
    }
}
