//! Leader epoch cache: which epoch begins at which offset (KIP-101, KIP-320).
//!
//! Only epochs that have records are kept, in rising order of epoch and of offset. The owner calls [`EpochStarts::begin`] when the
//! first batch of an epoch is appended, or a slice with another epoch is read; asking is pure.

use crate::EpochEnd;
use formats::metadata::EpochStart;
use model::{LeaderEpoch, Offset};

/// Where each epoch with records starts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct EpochStarts {
    starts: Vec<(LeaderEpoch, Offset)>,
}

impl EpochStarts {
    /// Reads what a manifest keeps. Entries that do not rise, or can't be Kafka values, answer `None`: damage.
    pub(crate) fn from_values(values: &[EpochStart]) -> Option<Self> {
        let mut starts = Self::default();
        for value in values {
            let epoch = LeaderEpoch::new(value.epoch)?;
            let start = Offset::new(value.start_offset)?;
            if starts.starts.last().is_some_and(|&(e, o)| epoch <= e || start <= o) {
                return None;
            }
            starts.starts.push((epoch, start));
        }
        Some(starts)
    }

    /// The same as a manifest keeps it.
    pub(crate) fn to_values(&self) -> Vec<EpochStart> {
        let value = |&(epoch, start): &(LeaderEpoch, Offset)| EpochStart {
            epoch: epoch.get(),
            start_offset: start.get(),
        };
        self.starts.iter().map(value).collect()
    }

    /// Notes that a batch of `epoch` lies at `offset`. Nothing changes when the epoch is already known to begin earlier,
    /// or is older than the newest. Epochs that begin there or later, because the log start took their start along, have no
    /// records left.
    pub(crate) fn begin(&mut self, epoch: LeaderEpoch, offset: Offset) {
        if self.starts.last().is_some_and(|&(newest, _)| epoch <= newest) {
            return;
        }
        self.starts.retain(|&(_, start)| start < offset);
        self.starts.push((epoch, offset));
    }

    /// The newest epoch that has records, and where it starts.
    pub(crate) fn newest(&self) -> Option<(LeaderEpoch, Offset)> {
        self.starts.last().copied()
    }

    /// Answers `OffsetForLeaderEpoch`: the largest epoch at or below `requested` that has records, and where it ends:
    /// the start of the next one, or `log_end` for the newest. `present` is the owner's own epoch: it counts as
    /// starting at `log_end` while it has no records. An epoch before all that are known ended where the first of them
    /// starts; one after `present` is not known.
    pub(crate) fn epoch_end(
        &self,
        requested: LeaderEpoch,
        present: LeaderEpoch,
        log_end: Offset,
    ) -> Option<EpochEnd> {
        if requested >= present {
            let end = EpochEnd { epoch: present, end_offset: log_end };
            return (requested == present).then_some(end);
        }
        let beyond = self.starts.partition_point(|&(epoch, _)| epoch <= requested);
        let known = beyond.checked_sub(1).and_then(|last| self.starts.get(last));
        let epoch = known.map_or(requested, |&(epoch, _)| epoch);
        let end_offset = self.starts.get(beyond).map_or(log_end, |&(_, start)| start);
        Some(EpochEnd { epoch, end_offset })
    }

    /// The epoch that the record at `offset` was appended in; `None` before the first known start.
    pub(crate) fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let beyond = self.starts.partition_point(|&(_, start)| start <= offset);
        Some(self.starts.get(beyond.checked_sub(1)?)?.0)
    }

    /// Forgets epochs that ended at or below `log_start`; the one in force there starts at `log_start` from now on.
    pub(crate) fn truncate_before(&mut self, log_start: Offset) {
        let beyond = self.starts.partition_point(|&(_, start)| start <= log_start);
        let Some(in_force) = beyond.checked_sub(1) else { return };
        self.starts.drain(..in_force);
        if let Some((_, start)) = self.starts.first_mut() {
            *start = log_start.max(*start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(value: u32) -> LeaderEpoch {
        LeaderEpoch::new(value).unwrap()
    }

    fn offset(value: u64) -> Offset {
        Offset::new(value).unwrap()
    }

    /// Epoch 2 from offset 10, 5 from 30, 7 from 60.
    fn starts() -> EpochStarts {
        let mut starts = EpochStarts::default();
        for (value, start) in [(2, 10), (5, 30), (5, 40), (7, 60)] {
            starts.begin(epoch(value), offset(start));
        }
        starts
    }

    fn end_of(requested: u32) -> Option<(u32, u64)> {
        let end = starts().epoch_end(epoch(requested), epoch(9), offset(80));
        end.map(|end| (end.epoch.get(), end.end_offset.get()))
    }

    #[test]
    fn an_epoch_ends_where_the_next_with_records_starts() {
        assert_eq!(
            [end_of(2), end_of(5), end_of(7)],
            [Some((2, 30)), Some((5, 60)), Some((7, 80))]
        );
    }

    #[test]
    fn an_epoch_without_records_answers_the_largest_below_it() {
        assert_eq!([end_of(4), end_of(8)], [Some((2, 30)), Some((7, 80))]);
        assert_eq!(end_of(9), Some((9, 80)));
    }

    #[test]
    fn an_epoch_before_all_ended_where_they_start_and_one_to_come_has_no_end() {
        assert_eq!([end_of(1), end_of(10)], [Some((1, 10)), None]);
    }

    #[test]
    fn each_offset_has_its_epoch() {
        let at = |value| starts().epoch_at(offset(value)).map(LeaderEpoch::get);
        let found = [at(9), at(10), at(29), at(30), at(60), at(99)];
        assert_eq!(found, [None, Some(2), Some(2), Some(5), Some(7), Some(7)]);
    }

    #[test]
    fn truncation_keeps_the_epoch_in_force() {
        let mut starts = starts();
        starts.truncate_before(offset(35));
        assert_eq!(starts.epoch_at(offset(35)), Some(epoch(5)));
        assert_eq!(starts.epoch_at(offset(34)), None);
        assert_eq!(starts.newest(), Some((epoch(7), offset(60))));
    }

    #[test]
    fn an_epoch_that_begins_where_everything_before_was_deleted_is_noted() {
        let mut starts = starts();
        starts.truncate_before(offset(80));
        assert_eq!(starts.newest(), Some((epoch(7), offset(80))));
        starts.begin(epoch(8), offset(80));
        assert_eq!(starts.to_values().len(), 1);
        assert_eq!(starts.epoch_at(offset(80)), Some(epoch(8)));
    }

    #[test]
    fn stored_values_come_back_and_disordered_ones_are_damage() {
        let mut values = starts().to_values();
        assert_eq!(EpochStarts::from_values(&values), Some(starts()));
        values.swap(0, 1);
        assert_eq!(EpochStarts::from_values(&values), None);
    }
}
