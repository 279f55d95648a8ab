//! What is worth merging. Pure.

use crate::index::IndexEntry;
use model::Offset;
use std::ops::Range;

/// The offsets to merge of a log with these entries: all that no partition segment holds, once at least `min_commits` commits may
/// have brought it. Slices are that small only while they are many.
pub(super) fn choose(entries: &[IndexEntry], min_commits: u64) -> Option<Range<Offset>> {
    let merged = entries.iter().take_while(|entry| entry.is_merged()).count();
    let loose = entries.get(merged..).unwrap_or_default();
    let commits = loose.iter().map(|entry| {
        let (_, from_seq, through_seq) = entry.commits();
        through_seq.saturating_sub(from_seq).saturating_add(1)
    });
    let worth = commits.fold(0, u64::saturating_add) >= min_commits.max(1);
    let (first, last) = (loose.first()?, loose.last()?);
    worth.then(|| first.base_offset()..last.end_offset())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::IndexRun;
    use model::{SessionId, TimestampMs};
    use storage::ObjectName;

    fn offset(value: u64) -> Offset {
        Offset::new(value).expect("small")
    }

    fn entry(offsets: Range<u64>, seqs: (u64, u64)) -> IndexEntry {
        IndexEntry::Run(IndexRun {
            object: ObjectName::new("x").expect("a name"),
            level: u32::from(seqs.1 > 0),
            bytes: 0..1,
            base_offset: offset(offsets.start),
            end_offset: offset(offsets.end),
            size_bytes: 1,
            max_timestamp: TimestampMs(0),
            session: SessionId::from_bytes([1; 16]),
            from_seq: seqs.0,
            through_seq: seqs.1,
        })
    }

    #[test]
    fn few_commits_are_left_as_they_are() {
        assert_eq!(choose(&[entry(0..5, (1, 3))], 4), None);
        assert_eq!(choose(&[], 0), None);
    }

    #[test]
    fn many_are_merged_from_where_partition_segments_end() {
        let entries = [entry(0..5, (0, 0)), entry(5..9, (1, 3)), entry(9..10, (4, 4))];
        assert_eq!(choose(&entries, 4), Some(offset(5)..offset(10)));
        assert_eq!(choose(&entries[..1], 1), None);
    }
}
