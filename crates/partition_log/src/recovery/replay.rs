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
        let header = BatchHeader::parse(&frame.payload).map_err(|error| {
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
            return Err(format!("the WAL goes on at offset {base_offset}, the log ends at {expected}"));
        }
        expected = end_offset;
        replay.current.push(ReplayedFrame { frame, header, end_offset });
    }
    Ok(replay)
}
