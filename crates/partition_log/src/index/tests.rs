use super::*;

fn offset(value: u64) -> Offset {
    Offset::new(value).unwrap()
}

fn run(offsets: Range<u64>, seqs: (u64, u64)) -> IndexRun {
    IndexRun {
        object: ObjectName::new("index").unwrap(),
        level: 1,
        bytes: 0..10,
        base_offset: offset(offsets.start),
        end_offset: offset(offsets.end),
        size_bytes: (offsets.end - offsets.start) * 10,
        max_timestamp: TimestampMs(offsets.end as i64),
        session: SessionId::from_bytes([1; 16]),
        from_seq: seqs.0,
        through_seq: seqs.1,
    }
}

/// Five entries of ten offsets each from offset 50, of the commits 1 to 5.
fn index() -> LogIndex {
    let mut index = LogIndex::new(offset(50));
    for seq in 1..=5 {
        index.push(IndexEntry::Run(run(40 + seq * 10..50 + seq * 10, (seq, seq)))).unwrap();
    }
    index
}

fn bases<'a>(entries: impl Iterator<Item = &'a IndexEntry>) -> Vec<u64> {
    entries.map(|entry| entry.base_offset().get()).collect()
}

#[test]
fn entries_follow_each_other_without_gap_or_overlap() {
    let mut index = index();
    for base in [90, 99, 101] {
        let error = index.push(IndexEntry::Run(run(base..110, (6, 6)))).unwrap_err();
        assert!(matches!(error, IndexError::NotContiguous { .. }));
    }
    assert_eq!((index.start(), index.end(), index.size_bytes()), (offset(50), offset(100), 500));
}

#[test]
fn an_offset_is_found_in_the_entry_that_holds_it() {
    assert_eq!(bases(index().entries_from(offset(69))), [60, 70, 80, 90]);
    assert_eq!(bases(index().entries_from(offset(70))), [70, 80, 90]);
    assert_eq!(bases(index().entries_from(offset(100))), [0; 0]);
    assert_eq!(bases(index().entries_at_or_after(offset(50), TimestampMs(81))), [80, 90]);
}

#[test]
fn a_fold_replaces_its_commits_and_nothing_else_changes() {
    let mut index = index();
    index.fold(&run(60..90, (2, 4))).unwrap();
    assert_eq!(bases(index.entries()), [50, 60, 90]);
    assert_eq!((index.start(), index.end(), index.size_bytes()), (offset(50), offset(100), 500));
}

#[test]
fn a_fold_that_covers_other_offsets_than_its_commits_is_refused() {
    for wrong in [60..80, 50..90, 60..100, 70..90] {
        let mut index = index();
        assert!(index.fold(&run(wrong, (2, 4))).is_err());
        assert_eq!(bases(index.entries()), [50, 60, 70, 80, 90]);
    }
}

#[test]
fn a_fold_of_commits_that_are_partly_or_wholly_pruned_is_no_error() {
    let mut index = index();
    index.prune(offset(75));
    index.fold(&run(50..90, (1, 4))).unwrap();
    assert_eq!(bases(index.entries()), [70, 90]);
    index.prune(offset(90));
    index.fold(&run(50..90, (1, 4))).unwrap();
    assert_eq!((bases(index.entries()), index.size_bytes()), (vec![90], 100));
}

#[test]
fn pruning_keeps_the_entry_that_holds_the_log_start() {
    let mut index = index();
    assert_eq!(bases(index.prune(offset(69)).iter()), [50]);
    assert_eq!((index.start(), index.size_bytes()), (offset(60), 400));
    assert_eq!(bases(index.prune(offset(100)).iter()), [60, 70, 80, 90]);
    assert_eq!((index.start(), index.end(), index.size_bytes()), (offset(100), offset(100), 0));
}

fn partition_segment(offsets: Range<u64>) -> IndexRun {
    IndexRun { level: 0, size_bytes: 1, ..run(offsets, (0, 0)) }
}

#[test]
fn a_partition_segment_takes_the_place_of_what_it_covers() {
    let mut index = index();
    index.replace(vec![partition_segment(50..60), partition_segment(60..80)]).unwrap();
    assert_eq!(bases(index.entries()), [50, 60, 80, 90]);
    assert_eq!((index.start(), index.end(), index.size_bytes()), (offset(50), offset(100), 202));
    index.replace(vec![partition_segment(50..80)]).unwrap();
    assert_eq!((bases(index.entries()), index.size_bytes()), (vec![50, 80, 90], 201));
}

#[test]
fn what_does_not_cover_whole_entries_takes_nobodys_place() {
    for wrong in [50..75, 55..80, 90..110, 100..110] {
        let mut index = index();
        assert!(index.replace(vec![partition_segment(wrong)]).is_err());
        assert_eq!((bases(index.entries()), index.size_bytes()), (vec![50, 60, 70, 80, 90], 500));
    }
}

#[test]
fn entries_that_were_pruned_meanwhile_can_be_replaced() {
    let mut index = index();
    index.prune(offset(65));
    index.replace(vec![partition_segment(50..80)]).unwrap();
    assert_eq!((bases(index.entries()), index.size_bytes()), (vec![50, 80, 90], 201));
}

#[test]
fn a_fold_of_commits_that_are_partly_or_wholly_merged_takes_the_others() {
    let mut index = index();
    index.replace(vec![partition_segment(50..80)]).unwrap();
    index.fold(&run(50..90, (1, 4))).unwrap();
    assert_eq!((bases(index.entries()), index.size_bytes()), (vec![50, 80, 90], 201));
    assert_eq!(index.entries().nth(1).unwrap().commits().2, 4);
    index.replace(vec![partition_segment(50..90)]).unwrap();
    index.fold(&run(50..90, (1, 4))).unwrap();
    assert_eq!(bases(index.entries()), [50, 90]);
}

fn of_another_session(offsets: Range<u64>, seqs: (u64, u64)) -> IndexEntry {
    IndexEntry::Run(IndexRun { session: SessionId::from_bytes([2; 16]), ..run(offsets, seqs) })
}

/// Commits 1 and 2 of one session, 7 of another, 3 and 4 of the first again.
fn owned_twice() -> LogIndex {
    let mut index = LogIndex::new(offset(0));
    for (offsets, seq) in [(0..10, 1), (10..20, 2)] {
        index.push(IndexEntry::Run(run(offsets, (seq, seq)))).unwrap();
    }
    index.push(of_another_session(20..30, (7, 7))).unwrap();
    for (offsets, seq) in [(30..40, 3), (40..50, 4)] {
        index.push(IndexEntry::Run(run(offsets, (seq, seq)))).unwrap();
    }
    index
}

#[test]
fn a_fold_leaves_what_another_session_wrote_in_between() {
    let mut index = owned_twice();
    index.fold(&run(0..50, (1, 4))).unwrap();
    let listed: Vec<_> = index
        .entries()
        .map(|it| (it.base_offset().get(), it.end_offset().get(), it.size_bytes()))
        .collect();
    assert_eq!(listed, [(0, 20, 200), (20, 30, 100), (30, 50, 200)]);
    assert_eq!(index.size_bytes(), 500);
}

#[test]
fn a_list_that_was_read_anew_keeps_what_came_since() {
    let mut index = owned_twice();
    let mut fresh = LogIndex::new(offset(0));
    fresh.push(IndexEntry::Run(run(0..20, (1, 2)))).unwrap();
    fresh.push(of_another_session(20..30, (1, 9))).unwrap();
    assert!(index.relist(fresh));
    assert_eq!(bases(index.entries()), [0, 20, 30, 40]);
    assert_eq!((index.end(), index.size_bytes()), (offset(50), 500));
}

#[test]
fn a_list_that_was_read_anew_is_not_taken_where_it_does_not_meet_what_came_since() {
    let mut index = owned_twice();
    let mut fresh = LogIndex::new(offset(0));
    fresh.push(IndexEntry::Run(run(0..15, (1, 2)))).unwrap();
    assert!(!index.relist(fresh));
    assert_eq!(bases(index.entries()), [0, 10, 20, 30, 40]);
}
