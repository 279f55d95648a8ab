use super::*;
use model::{PartitionIndex, TopicId};

fn offset(offset: u64) -> Offset {
    Offset::new(offset).unwrap()
}

fn epoch(epoch: u32) -> LeaderEpoch {
    LeaderEpoch::new(epoch).unwrap()
}

fn partition(index: u32) -> PartitionId {
    let partition = PartitionIndex::new(index).unwrap();
    PartitionId { topic: TopicId::from_bytes([1; 16]), partition }
}

fn session(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 16])
}

/// Partition, offsets, epochs with their starts.
type SliceOf<'a> = (u32, Range<u64>, &'a [(u32, u64)]);

fn segment(age: u64, slices: &[SliceOf<'_>]) -> Segment {
    let claimed = |(index, offsets, epochs): &SliceOf<'_>| Claimed {
        partition: partition(*index),
        offsets: offset(offsets.start)..offset(offsets.end),
        epochs: epochs.iter().map(|&(of, start)| (epoch(of), offset(start))).collect(),
        steps: Vec::new(),
        size_bytes: 0,
    };
    let slices = slices.iter().map(claimed).collect();
    Segment { age: (age, 0), slices, ..Segment::default() }
}

/// Chooses among segments of sessions, in logs of partitions 0 and 1 that end at 10 in epoch 1.
fn chosen(segments: &[(u8, u64, Segment)]) -> Choice {
    let segments = segments.iter().map(|(by, seq, it)| ((session(*by), *seq), it.clone()));
    let end = KnownEnd { end: offset(10), newest: Some((epoch(1), offset(0))) };
    choose(&segments.collect(), &HashMap::from([(partition(0), end), (partition(1), end)]))
}

fn taken(choice: &Choice) -> Vec<(u8, u64)> {
    choice.taken.iter().map(|(session, seq)| (session.as_bytes()[0], *seq)).collect()
}

fn ranges(choice: &Choice, index: u32) -> Vec<Range<u64>> {
    let attached = choice.attached.get(&partition(index)).into_iter().flatten();
    attached.map(|it| it.offsets.start.get()..it.offsets.end.get()).collect()
}

#[test]
fn segments_behind_the_known_end_are_taken_in_order() {
    let choice = chosen(&[
        (1, 5, segment(1, &[(0, 10..20, &[(1, 10)]), (1, 10..12, &[(1, 10)])])),
        (1, 6, segment(1, &[(0, 20..25, &[(1, 20)])])),
        (2, 1, segment(2, &[(0, 25..30, &[(2, 25)])])),
    ]);
    assert_eq!(taken(&choice), [(1, 5), (1, 6), (2, 1)]);
    assert_eq!(ranges(&choice, 0), [10..20, 20..25, 25..30]);
    assert_eq!(ranges(&choice, 1), std::slice::from_ref(&(10..12)));
    assert!(choice.refused.is_empty() && choice.gaps.is_empty());
}

#[test]
fn a_segment_that_landed_after_a_takeover_is_refused_as_a_whole_with_what_followed_it() {
    // Session 1 never committed 5: the next owner of partition 0 began epoch 2 at 10.
    let choice = chosen(&[
        (1, 5, segment(1, &[(0, 10..20, &[(1, 10)]), (1, 10..12, &[(1, 10)])])),
        (1, 6, segment(1, &[(1, 12..15, &[(1, 12)])])),
        (2, 1, segment(2, &[(0, 10..13, &[(2, 10)])])),
    ]);
    assert_eq!(taken(&choice), [(2, 1)]);
    assert_eq!(ranges(&choice, 0), std::slice::from_ref(&(10..13)));
    assert!(ranges(&choice, 1).is_empty());
    assert_eq!(choice.refused.len(), 2);
}

#[test]
fn a_late_segment_beyond_what_the_next_owner_wrote_is_refused_too() {
    let choice = chosen(&[
        (1, 6, segment(1, &[(0, 20..30, &[(1, 20)])])),
        (2, 1, segment(2, &[(0, 10..13, &[(2, 10)])])),
    ]);
    assert_eq!(taken(&choice), [(2, 1)]);
}

#[test]
fn of_two_that_replayed_the_same_wal_the_later_session_was_the_one_that_committed() {
    let choice = chosen(&[
        (9, 3, segment(1, &[(0, 10..20, &[(1, 10)])])),
        (2, 1, segment(2, &[(0, 10..25, &[(1, 10)])])),
        (2, 2, segment(2, &[(0, 25..30, &[(2, 25)])])),
    ]);
    assert_eq!(taken(&choice), [(2, 1), (2, 2)]);
    assert_eq!(ranges(&choice, 0), [10..25, 25..30]);
}

#[test]
fn what_another_segment_of_its_session_proves_committed_is_never_refused() {
    let mut last = segment(1, &[(1, 10..12, &[(1, 10)])]);
    last.committed_through = 5;
    let choice = chosen(&[
        (1, 5, segment(1, &[(0, 10..20, &[(1, 10)])])),
        (1, 6, last),
        (2, 1, segment(2, &[(0, 10..25, &[(1, 10)])])),
    ]);
    assert_eq!(taken(&choice), [(1, 5), (1, 6)]);
}

#[test]
fn what_the_log_has_already_is_not_taken_again() {
    let choice = chosen(&[(1, 5, segment(1, &[(0, 5..15, &[(1, 5)])]))]);
    assert!(choice.taken.is_empty() && choice.attached.is_empty());
}

#[test]
fn a_log_is_continued_up_to_the_first_gap_which_is_told() {
    let choice = chosen(&[
        (1, 5, segment(1, &[(0, 10..20, &[(1, 10)])])),
        (1, 7, segment(1, &[(0, 30..40, &[(1, 30)]), (1, 10..11, &[(1, 10)])])),
    ]);
    assert_eq!(taken(&choice), [(1, 5), (1, 7)]);
    assert_eq!(ranges(&choice, 0), std::slice::from_ref(&(10..20)));
    assert_eq!(ranges(&choice, 1), std::slice::from_ref(&(10..11)));
    assert_eq!(choice.gaps, [(partition(0), 20..30)]);
}

#[test]
fn a_log_with_a_gap_at_once_is_told_that_it_ends() {
    let choice = chosen(&[(1, 7, segment(1, &[(0, 30..40, &[(1, 30)])]))]);
    assert_eq!(choice.attached.get(&partition(0)).map(Vec::len), Some(0));
    assert_eq!(choice.gaps, [(partition(0), 10..30)]);
}

#[test]
fn slices_of_topics_that_are_gone_speak_neither_for_nor_against() {
    let choice = chosen(&[
        (1, 5, segment(1, &[(7, 0..20, &[(9, 0)]), (0, 10..11, &[(1, 10)])])),
        (2, 1, segment(2, &[(7, 0..20, &[(8, 0)])])),
    ]);
    assert_eq!(taken(&choice), [(1, 5), (2, 1)]);
    assert_eq!(choice.attached.len(), 1);
}
