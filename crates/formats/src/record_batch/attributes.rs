//! [`Attributes`]: the 16 flag bits of a batch.

use super::BatchError;
use crate::compression::Codec;

const CODEC: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
const DELETE_HORIZON: i16 = 1 << 6;

/// A batch's attributes; bits 7 to 15 are unused and kept as they came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Attributes(pub i16);

impl Attributes {
    /// How the records are compressed.
    ///
    /// # Errors
    /// [`BatchError::Header`] for a codec that does not exist.
    pub fn compression(self) -> Result<Codec, BatchError> {
        let id = self.0 & CODEC;
        Codec::from_id(id as u8)
            .ok_or(BatchError::Header { field: "compression codec", value: id.into() })
    }

    /// Whether every record has the time of its append, the batch's `max_timestamp`, instead of its own.
    pub const fn timestamp_is_log_append(self) -> bool {
        self.0 & LOG_APPEND_TIME != 0
    }

    /// Whether the batch belongs to a transaction.
    pub const fn is_transactional(self) -> bool {
        self.0 & TRANSACTIONAL != 0
    }

    /// Whether its records are control records, which consumers do not hand out.
    pub const fn is_control(self) -> bool {
        self.0 & CONTROL != 0
    }

    /// Whether `base_timestamp` holds the time from which compaction may drop tombstones (KIP-534).
    pub const fn has_delete_horizon(self) -> bool {
        self.0 & DELETE_HORIZON != 0
    }

    /// With another codec.
    #[must_use]
    pub const fn with_compression(self, codec: Codec) -> Self {
        Self(self.0 & !CODEC | codec.id() as i16)
    }

    /// With or without append times.
    #[must_use]
    pub const fn with_timestamp_is_log_append(self, set: bool) -> Self {
        self.with(LOG_APPEND_TIME, set)
    }

    /// With or without a transaction.
    #[must_use]
    pub const fn with_transactional(self, set: bool) -> Self {
        self.with(TRANSACTIONAL, set)
    }

    /// With or without the control flag.
    #[must_use]
    pub const fn with_control(self, set: bool) -> Self {
        self.with(CONTROL, set)
    }

    /// With or without a delete horizon.
    #[must_use]
    pub const fn with_delete_horizon(self, set: bool) -> Self {
        self.with(DELETE_HORIZON, set)
    }

    const fn with(self, bit: i16, set: bool) -> Self {
        Self(if set { self.0 | bit } else { self.0 & !bit })
    }
}
