//! `producer_ids`: the next producer id that no broker has taken; brokers take blocks.

use super::{Keys, value::value};
use bytes::Bytes;
use formats::metadata::ProducerIds;

value!(ProducerIds);

impl Keys {
    /// The counter of producer ids.
    pub fn producer_ids(&self) -> Bytes {
        self.at("producer_ids")
    }
}
