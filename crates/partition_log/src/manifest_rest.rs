//! [`Rest`]: the part of a manifest that lies in an object, with those of many partitions: runs, epochs, producer state.
//!
//! Each is a `ManifestRest` followed by its CRC32C (4 bytes, little endian); the manifest's reference covers both.

use crate::index::IndexRun;
use bytes::Bytes;
use formats::{
    crc32c::checksum,
    metadata::{EpochStart, ManifestRest, ProducerSnapshot, Reference, SliceGroup},
};
use model::{Offset, SessionId, TimestampMs};
use prost::Message;
use storage::ObjectName;

/// Version of the message's format.
const FORMAT: u32 = 1;
const CHECKSUM_BYTES: usize = 4;

/// What a manifest refers to. The last run is kept even below the log start: it says where the rest ends.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Rest {
    /// In offset order, without gaps.
    pub(crate) runs: Vec<IndexRun>,
    /// Epochs that have records.
    pub(crate) epochs: Vec<EpochStart>,
    /// As of the last run's end.
    pub(crate) producers: ProducerSnapshot,
    /// Offsets below have been compacted.
    pub(crate) cleaned_through: Offset,
}

/// How far a manifest goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Covered {
    /// The offset after the last that its rest names; `None` without a rest.
    pub(crate) end: Option<Offset>,
    /// Offsets below have been compacted.
    pub(crate) cleaned_through: Offset,
}

impl Rest {
    /// Whether there is nothing worth an object.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.epochs.is_empty() && self.producers.producers.is_empty()
    }

    /// How far it goes.
    pub(crate) fn covered(&self) -> Covered {
        let end = self.runs.last().map(|run| run.end_offset);
        Covered { end, cleaned_through: self.cleaned_through }
    }

    /// End of the partition segments that it begins with: no other segment is needed below.
    pub(crate) fn merged_through(&self) -> Offset {
        let merged = self.runs.iter().take_while(|run| run.is_merged());
        merged.last().map_or(Offset::ZERO, |run| run.end_offset)
    }

    /// Its runs, as they are written.
    pub(crate) fn groups(&self) -> Vec<SliceGroup> {
        self.runs.iter().map(group).collect()
    }

    /// Its bytes.
    pub(crate) fn encode(&self) -> Bytes {
        let message = ManifestRest {
            format: FORMAT,
            groups: self.groups(),
            epochs: self.epochs.clone(),
            producer_state: self.producers.encode_to_vec().into(),
            cleaned_through: self.cleaned_through.get(),
        };
        let mut bytes = message.encode_to_vec();
        bytes.extend(checksum(&bytes).to_le_bytes());
        bytes.into()
    }

    /// Reads it back.
    ///
    /// # Errors
    /// A sentence, when the bytes are damaged or of a version that this program does not know.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (bytes, stored) =
            bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or("it is shorter than a checksum")?;
        if checksum(bytes) != u32::from_le_bytes(*stored) {
            return Err("its checksum does not match".to_owned());
        }
        let message = ManifestRest::decode(bytes).map_err(|error| error.to_string())?;
        if message.format != FORMAT {
            return Err(format!("its format is {}, this program reads {FORMAT}", message.format));
        }
        let producers =
            ProducerSnapshot::decode(message.producer_state).map_err(|error| error.to_string())?;
        let runs: Option<Vec<_>> = message.groups.iter().map(run).collect();
        let runs = runs.ok_or("a group has impossible values")?;
        let cleaned_through = Offset::new(message.cleaned_through);
        let cleaned_through = cleaned_through.ok_or("it was compacted to an impossible offset")?;
        Ok(Self { runs, epochs: message.epochs, producers, cleaned_through })
    }
}

fn group(run: &IndexRun) -> SliceGroup {
    SliceGroup {
        object: run.object.to_string(),
        level: run.level,
        index: Some(Reference {
            object: run.object.to_string(),
            offset: run.bytes.start,
            length: run.bytes.end - run.bytes.start,
        }),
        base_offset: run.base_offset.get(),
        end_offset: run.end_offset.get(),
        size_bytes: run.size_bytes,
        max_timestamp_ms: run.max_timestamp.0,
        session: Bytes::copy_from_slice(run.session.as_bytes()),
        from_seq: run.from_seq,
        through_seq: run.through_seq,
    }
}

fn run(group: &SliceGroup) -> Option<IndexRun> {
    let index = group.index.as_ref()?;
    Some(IndexRun {
        object: ObjectName::new(&index.object).ok()?,
        level: group.level,
        bytes: index.offset..index.offset.checked_add(index.length)?,
        base_offset: Offset::new(group.base_offset)?,
        end_offset: Offset::new(group.end_offset)?,
        size_bytes: group.size_bytes,
        max_timestamp: TimestampMs(group.max_timestamp_ms),
        session: SessionId::from_slice(&group.session)?,
        from_seq: group.from_seq,
        through_seq: group.through_seq,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest() -> Rest {
        let run = IndexRun {
            object: ObjectName::new("data/1").expect("a name"),
            level: 0,
            bytes: 100..164,
            base_offset: Offset::ZERO,
            end_offset: Offset::new(3).expect("small"),
            size_bytes: 84,
            max_timestamp: TimestampMs(-1),
            session: SessionId::from_bytes([1; 16]),
            from_seq: 5,
            through_seq: 5,
        };
        let epochs = vec![EpochStart { epoch: 1, start_offset: 0 }];
        let producers = ProducerSnapshot::default();
        Rest { runs: vec![run], epochs, producers, cleaned_through: Offset::new(2).expect("small") }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(Rest::decode(&rest().encode()), Ok(rest()));
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed() {
        let whole = rest().encode();
        for position in 0..whole.len() {
            let mut bytes = whole.to_vec();
            bytes[position] ^= 1;
            assert!(Rest::decode(&bytes).is_err(), "byte {position}");
            assert!(Rest::decode(&whole[..position]).is_err(), "cut at {position}");
        }
    }
}
