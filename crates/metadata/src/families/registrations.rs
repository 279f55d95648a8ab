//! `registrations/{broker}`: the feature levels a broker can run; `registrations` itself is bumped with each of them,
//! so that finalising a level compares one key against registrations it did not see.

use super::{
    Keys,
    keys::{digits, parse_digits},
    value::value,
};
use bytes::Bytes;
use formats::metadata::Registration;
use model::BrokerId;

value!(Registration);

impl Keys {
    /// The levels of `broker`.
    pub fn registration(&self, broker: BrokerId) -> Bytes {
        self.at(&format!("registrations/{}", digits(u64::from(broker.get()))))
    }

    /// Every broker's levels.
    pub fn registrations(&self) -> Bytes {
        self.at("registrations/")
    }

    /// Put (empty) by every registration; its mod revision is what finalising compares.
    pub fn registrations_bump(&self) -> Bytes {
        self.at("registrations")
    }

    /// Whose levels a key of [`Keys::registrations`] holds.
    pub fn parse_registration(&self, key: &[u8]) -> Option<BrokerId> {
        BrokerId::new(parse_digits(self.rest("registrations/", key)?)?)
    }
}
