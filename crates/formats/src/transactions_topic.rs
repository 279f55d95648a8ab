//! Records of `__transaction_state`, byte by byte as Kafka's transaction coordinator writes them.
//!
//! Tools dump that topic and decode them. Keys and values are of version 0, which all of them know. A record without a value says
//! that its id has expired. Nothing here reads them. Source: Kafka's `TransactionLogKey` and `TransactionLogValue` schemas.

use crate::kafka_fields::Fields;
use bytes::{BufMut, Bytes};

const VERSION: i16 = 0;

/// Names a transactional id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionKey<'a>(pub &'a str);

/// Where a transactional id stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionValue<'a> {
    /// Its producer.
    pub producer: i64,
    /// That one's epoch.
    pub epoch: i16,
    /// How long a transaction may take.
    pub timeout_ms: i32,
    /// Kafka's number of its state.
    pub status: i8,
    /// Where its transaction wrote, by topic; `None` while it is empty.
    pub partitions: Option<Vec<(&'a str, Vec<i32>)>>,
    /// When anything changed last, in milliseconds since 1970.
    pub updated_unix_ms: i64,
    /// When its transaction began; −1 without one.
    pub started_unix_ms: i64,
}

impl TransactionKey<'_> {
    /// Its bytes; `None` when the id is longer than the format can say, 32,767 bytes.
    pub fn encode(&self) -> Option<Bytes> {
        let mut fields = Fields::of_version(VERSION);
        fields.text(self.0)?;
        Some(fields.0.into())
    }
}

impl TransactionValue<'_> {
    /// Its bytes; `None` when there is more of something than the format can say.
    pub fn encode(&self) -> Option<Bytes> {
        let mut fields = Fields::of_version(VERSION);
        fields.0.put_i64(self.producer);
        fields.0.put_i16(self.epoch);
        fields.0.put_i32(self.timeout_ms);
        fields.0.put_i8(self.status);
        match &self.partitions {
            None => fields.0.put_i32(-1),
            Some(topics) => {
                fields.0.put_i32(i32::try_from(topics.len()).ok()?);
                for (topic, partitions) in topics {
                    fields.text(topic)?;
                    fields.0.put_i32(i32::try_from(partitions.len()).ok()?);
                    for partition in partitions {
                        fields.0.put_i32(*partition);
                    }
                }
            }
        }
        fields.0.put_i64(self.updated_unix_ms);
        fields.0.put_i64(self.started_unix_ms);
        Some(fields.0.into())
    }
}
