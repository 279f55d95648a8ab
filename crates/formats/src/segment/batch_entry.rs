//! [`BatchEntry`]: what a footer says of one batch.

use super::SegmentError;
use crate::layout::{Fields, Layout};
use crate::record_batch::{BatchHeader, EndTransactionMarker, TransactionResult};
use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};

const TRANSACTIONAL: u16 = 1;
const CONTROL: u16 = 1 << 1;
const ABORT: u16 = 1 << 2;
const COMMIT: u16 = 1 << 3;
const PRODUCER: u16 = 1 << 4;

/// One batch of a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchEntry {
    /// Its base offset.
    pub base_offset: Offset,
    /// The last offset it stands for, counted from the base offset.
    pub last_offset_delta: u32,
    /// Where it lies, counted from the slice's start.
    pub position: u32,
    /// Its bytes, header included.
    pub size: u32,
    /// The epoch it was appended in.
    pub leader_epoch: LeaderEpoch,
    /// The largest timestamp of its records.
    pub max_timestamp: TimestampMs,
    /// The idempotent producer that sent it, if one did.
    pub producer: Option<BatchProducer>,
    /// Whether it belongs to a transaction.
    pub transactional: bool,
    /// Whether it holds control records.
    pub control: bool,
    /// The end of a transaction that it marks; only control batches do.
    pub marker: Option<EndTransactionMarker>,
}

/// Who sent a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchProducer {
    /// The producer's id.
    pub id: ProducerId,
    /// Its epoch.
    pub epoch: ProducerEpoch,
    /// Sequence number of the first record; `None` for markers.
    pub base_sequence: Option<u32>,
}

impl BatchEntry {
    /// Length of the layout.
    pub const BYTES: usize = 48;

    /// What the footer says of the batch with this header, `position` bytes into its slice. The marker of a control
    /// batch lies in its record: see [`BatchEntry::with_marker`].
    ///
    /// # Errors
    /// [`SegmentError::Field`] when the batch was never given an offset and an epoch.
    pub fn new(header: &BatchHeader, position: u32) -> Result<Self, SegmentError> {
        let field = SegmentError::Field;
        Ok(Self {
            base_offset: Offset::from_wire(header.base_offset).ok_or(field("base offset"))?,
            last_offset_delta: header.last_offset_delta as u32,
            position,
            size: u32::try_from(header.total_bytes()).map_err(|_| field("batch size"))?,
            leader_epoch: LeaderEpoch::from_wire(header.leader_epoch)
                .ok_or(field("leader epoch"))?,
            max_timestamp: TimestampMs(header.max_timestamp),
            producer: BatchProducer::of(header),
            transactional: header.attributes.is_transactional(),
            control: header.attributes.is_control(),
            marker: None,
        })
    }

    /// The same, of a control batch that ends a transaction.
    #[must_use]
    pub const fn with_marker(self, marker: EndTransactionMarker) -> Self {
        Self { marker: Some(marker), ..self }
    }

    /// The offset after the last one it stands for; `None` when Kafka's wire can't carry it.
    pub const fn next_offset(&self) -> Option<Offset> {
        Offset::new(self.base_offset.get() + self.last_offset_delta as u64 + 1)
    }

    /// Position of its end, counted from the slice's start.
    pub const fn end_position(&self) -> u64 {
        self.position as u64 + self.size as u64
    }

    pub(super) fn encode(&self) -> [u8; Self::BYTES] {
        let mut layout = Layout::new();
        layout
            .put(&self.base_offset.get().to_le_bytes())
            .put(&self.max_timestamp.0.to_le_bytes())
            .put(&self.producer.map_or(0, |producer| producer.id.get()).to_le_bytes())
            .put(&self.last_offset_delta.to_le_bytes())
            .put(&self.position.to_le_bytes())
            .put(&self.size.to_le_bytes())
            .put(&self.leader_epoch.get().to_le_bytes())
            .put(&self.sequence_or_coordinator_epoch().to_le_bytes())
            .put(&self.producer.map_or(0, |producer| producer.epoch.get()).to_le_bytes())
            .put(&self.flags().to_le_bytes());
        layout.finish()
    }

    pub(super) fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let base_offset = Offset::new(fields.u64()?)?;
        let max_timestamp = TimestampMs(fields.i64()?);
        let producer_id = ProducerId::new(fields.u64()?)?;
        let last_offset_delta = fields.u32()?;
        let position = fields.u32()?;
        let size = fields.u32()?;
        let leader_epoch = LeaderEpoch::new(fields.u32()?)?;
        let sequence_or_coordinator_epoch = fields.u32()? as i32;
        let producer_epoch = ProducerEpoch::new(fields.u16()?)?;
        let flags = fields.u16()?;
        let producer = BatchProducer {
            id: producer_id,
            epoch: producer_epoch,
            base_sequence: u32::try_from(sequence_or_coordinator_epoch)
                .ok()
                .filter(|_| flags & (ABORT | COMMIT) == 0),
        };
        Some(Self {
            base_offset,
            last_offset_delta,
            position,
            size,
            leader_epoch,
            max_timestamp,
            producer: (flags & PRODUCER != 0).then_some(producer),
            transactional: flags & TRANSACTIONAL != 0,
            control: flags & CONTROL != 0,
            marker: result_of(flags).map(|result| EndTransactionMarker {
                result,
                coordinator_epoch: sequence_or_coordinator_epoch,
            }),
        })
    }

    /// One place for both: a marker has no sequence number.
    fn sequence_or_coordinator_epoch(&self) -> i32 {
        match (self.marker, self.producer.and_then(|producer| producer.base_sequence)) {
            (Some(marker), _) => marker.coordinator_epoch,
            (None, Some(sequence)) => sequence as i32,
            (None, None) => -1,
        }
    }

    fn flags(&self) -> u16 {
        let marker = match self.marker.map(|marker| marker.result) {
            Some(TransactionResult::Abort) => ABORT,
            Some(TransactionResult::Commit) => COMMIT,
            None => 0,
        };
        let set = |condition, bit| if condition { bit } else { 0 };
        marker
            | set(self.transactional, TRANSACTIONAL)
            | set(self.control, CONTROL)
            | set(self.producer.is_some(), PRODUCER)
    }
}

impl BatchProducer {
    fn of(header: &BatchHeader) -> Option<Self> {
        Some(Self {
            id: ProducerId::from_wire(header.producer_id)?,
            epoch: ProducerEpoch::from_wire(header.producer_epoch)?,
            base_sequence: u32::try_from(header.base_sequence).ok(),
        })
    }
}

const fn result_of(flags: u16) -> Option<TransactionResult> {
    match flags & (ABORT | COMMIT) {
        ABORT => Some(TransactionResult::Abort),
        COMMIT => Some(TransactionResult::Commit),
        _ => None,
    }
}
