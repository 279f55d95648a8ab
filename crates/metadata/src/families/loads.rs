//! `loads/{broker}`: what a broker's partitions carry, under its session's lease.

use super::{
    Keys,
    keys::{digits, parse_digits},
    value::{check_id, value},
};
use bytes::Bytes;
use formats::metadata::Load;
use model::BrokerId;

value!(Load, |load| {
    let topics = load.busiest.iter().map(|partition| &partition.topic);
    topics.into_iter().try_for_each(|id| check_id(id, "a topic's id is not 16 bytes"))
});

impl Keys {
    /// The load of `broker`.
    pub fn load(&self, broker: BrokerId) -> Bytes {
        self.at(&format!("loads/{}", digits(u64::from(broker.get()))))
    }

    /// Every broker's.
    pub fn loads(&self) -> Bytes {
        self.at("loads/")
    }

    /// Whose load a key of [`Keys::loads`] is.
    pub fn parse_load(&self, key: &[u8]) -> Option<BrokerId> {
        BrokerId::new(parse_digits(self.rest("loads/", key)?)?)
    }
}
