//! Replay: which recovered WAL frames continue a partition's log. Pure.
//!
//! Frames of the present chain of ownership (epoch ≥ `since_epoch`) are current, whatever session wrote them. Those below the
//! durable end are in objects already; the others must continue it without a gap and keep their offsets and epochs.

use formats::record_batch::BatchHeader;
use model::{LeaderEpoch, Offset};
use wal::RecoveredFrame;

/// A frame with the offset after its last record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ReplayedFrame {
    pub(crate) frame: RecoveredFrame,
    pub(crate) header: BatchHeader,
    pub(crate) end_offset: Offset,
}

/// What becomes of a partition's frames.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// To be appended, in order.
    pub(crate) current: Vec<ReplayedFrame>,
    /// Of a lost ownership.
    pub(crate) quarantined: Vec<RecoveredFrame>,
    /// How many are in objects already.
    pub(crate) covered: usize,
}

/// Sorts `frames`, which are in WAL order, out against a log that is durable up to `durable`.
///
/// # Errors
/// A sentence, when current frames do not continue the log.
pub(crate) fn replay(
    frames: Vec<RecoveredFrame>,
    since: LeaderEpoch,
    durable: Offset,
) -> Result<Replay, String> {
    let mut replay = Replay::default();
    let mut expected = durable;
    for frame in frames {
        if frame.meta.leader_epoch < since {
            replay.quarantined.push(frame);
            continue;
        }
        let header = BatchHeader::parse(&frame.head).map_err(|error| {
            format!("the WAL frame at offset {} is no batch: {error}", frame.meta.base_offset)
        })?;
        let base_offset = frame.meta.base_offset;
        let end_offset = Offset::from_wire(header.next_offset())
            .filter(|&end| end > base_offset && header.base_offset == base_offset.to_wire())
            .ok_or_else(|| format!("the WAL frame at offset {base_offset} holds another batch"))?;
        if end_offset <= durable {
            replay.covered += 1;
            continue;
        }
        if base_offset != expected {
            return Err(format!(
                "the WAL goes on at offset {base_offset}, the log ends at {expected}"
            ));
        }
        expected = end_offset;
        replay.current.push(ReplayedFrame { frame, header, end_offset });
    }
    Ok(replay)
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::{compression::Codec, record_batch::BatchBuilder};
    use model::{PartitionId, PartitionIndex, TopicId};
    use wal::{FrameMeta, WalPosition};

    fn frame(epoch: u32, base_offset: u64) -> RecoveredFrame {
        let mut batch = BatchBuilder::new(Codec::None)
            .base_offset(base_offset as i64)
            .leader_epoch(epoch as i32);
        batch.push(0, None, Some(b"a"), &[]).push(0, None, Some(b"b"), &[]);
        let partition = PartitionId {
            topic: TopicId::from_bytes([1; 16]),
            partition: PartitionIndex::new(0).expect("small"),
        };
        let meta = FrameMeta {
            partition,
            base_offset: offset(base_offset),
            leader_epoch: LeaderEpoch::new(epoch).expect("small"),
        };
        RecoveredFrame::new(meta, &batch.build(), WalPosition(base_offset))
    }

    fn offset(value: u64) -> Offset {
        Offset::new(value).expect("small")
    }

    fn replayed(frames: Vec<RecoveredFrame>, since: u32, durable: u64) -> Result<Replay, String> {
        replay(frames, LeaderEpoch::new(since).expect("small"), offset(durable))
    }

    #[test]
    fn frames_beyond_the_durable_end_continue_it_under_their_own_epochs() {
        let replay = replayed(vec![frame(1, 0), frame(1, 2), frame(2, 4)], 1, 2).expect("fits");
        assert_eq!(replay.covered, 1);
        let epochs: Vec<_> =
            replay.current.iter().map(|it| it.frame.meta.leader_epoch.get()).collect();
        assert_eq!(epochs, [1, 2]);
        assert_eq!(replay.current.last().map(|it| it.end_offset), Some(offset(6)));
    }

    #[test]
    fn frames_of_a_lost_ownership_are_never_replayed() {
        let replay = replayed(vec![frame(1, 0), frame(3, 0)], 3, 0).expect("fits");
        assert_eq!((replay.quarantined.len(), replay.current.len()), (1, 1));
    }

    #[test]
    fn a_gap_is_refused() {
        assert!(replayed(vec![frame(1, 4)], 1, 2).is_err());
        assert!(replayed(vec![frame(1, 2), frame(1, 6)], 1, 2).is_err());
    }

    #[test]
    fn an_overlap_is_refused() {
        assert!(replayed(vec![frame(1, 1)], 1, 2).is_err());
        assert!(replayed(vec![frame(1, 2), frame(2, 2)], 1, 2).is_err());
    }
}
