//! `brokers/{broker}`: what a broker says of itself; it outlives sessions.

use super::{
    Keys,
    keys::{digits, parse_digits},
    value::value,
};
use bytes::Bytes;
use formats::metadata::Broker;
use model::BrokerId;

value!(Broker, |broker| match broker.wal_id.len() {
    0 | 16 => Ok(()),
    _ => Err("the WAL id is not 16 bytes"),
});

impl Keys {
    /// The record of `broker`.
    pub fn broker(&self, broker: BrokerId) -> Bytes {
        self.at(&format!("brokers/{}", digits(u64::from(broker.get()))))
    }

    /// Every broker's record.
    pub fn brokers(&self) -> Bytes {
        self.at("brokers/")
    }

    /// Which broker a key of [`Keys::brokers`] is about.
    pub fn parse_broker(&self, key: &[u8]) -> Option<BrokerId> {
        BrokerId::new(parse_digits(self.rest("brokers/", key)?)?)
    }
}
