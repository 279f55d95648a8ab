use super::*;
use crate::adoption::choice::Claimed;
use TransactionResult::{Abort, Commit};
use model::{Offset, PartitionIndex, SessionId, TopicId};

const DATA: Option<TransactionResult> = None;

fn partition(index: u32) -> PartitionId {
    let partition = PartitionIndex::new(index).unwrap();
    PartitionId { topic: TopicId::from_bytes([1; 16]), partition }
}

fn producer(id: u64) -> ProducerId {
    ProducerId::new(id).unwrap()
}

fn epoch(epoch: u16) -> ProducerEpoch {
    ProducerEpoch::new(epoch).unwrap()
}

fn session(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 16])
}

/// A slice of one step: session, commit, time in the object store, partition, epoch, and what producer 7 did.
type Written = (u8, u64, i64, u32, u16, Option<TransactionResult>);

/// Traces producer 7 through slices, each in a segment of its own.
fn traced(open: &[(u32, u16)], written: &[Written]) -> TracedProducer {
    let mut segments = BTreeMap::new();
    let mut attached: HashMap<PartitionId, Vec<Attached>> = HashMap::new();
    for &(by, seq, time, index, of, end) in written {
        let offsets = Offset::ZERO..Offset::ZERO;
        let claimed = Claimed {
            partition: partition(index),
            offsets: offsets.clone(),
            epochs: Vec::new(),
            steps: vec![Step { producer: producer(7), epoch: epoch(of), end }],
            size_bytes: 0,
        };
        let segment = Segment { age: (1, time), slices: vec![claimed], ..Segment::default() };
        segments.insert((session(by), seq), segment);
        let commit = (session(by), seq);
        let it = Attached { commit, offsets, epochs: Vec::new() };
        attached.entry(partition(index)).or_default().push(it);
    }
    let mut before: HashMap<_, Vec<_>> = HashMap::new();
    for &(index, of) in open {
        attached.entry(partition(index)).or_default();
        before.entry(partition(index)).or_default().push((producer(7), epoch(of)));
    }
    trace(&segments, &attached, &before).pop().unwrap()
}

/// Partitions where it is open, whether it is new, whether it was committed.
fn open(traced: &TracedProducer) -> (Vec<u32>, bool, bool) {
    let open = traced.open.as_ref().unwrap();
    let partitions = open.partitions.iter().map(|it| it.partition.get()).collect();
    (partitions, open.is_new, open.was_committed)
}

#[test]
fn without_a_marker_a_transaction_was_not_committed() {
    let traced = traced(&[], &[(1, 1, 0, 0, 4, DATA), (1, 2, 0, 1, 4, DATA)]);
    assert_eq!(open(&traced), (vec![0, 1], true, false));
    assert_eq!((traced.newest_epoch, traced.first_end), (epoch(4), None));
}

#[test]
fn a_commit_marker_of_another_partition_decides_whichever_epoch_it_bears() {
    for marker in [4, 5] {
        let written =
            [(1, 1, 10, 0, 4, DATA), (1, 2, 10, 1, 4, DATA), (1, 3, 20, 0, marker, Some(Commit))];
        let traced = traced(&[], &written);
        assert_eq!(open(&traced), (vec![1], true, true), "marker of epoch {marker}");
        assert_eq!(traced.newest_epoch, epoch(marker));
    }
}

#[test]
fn an_abort_marker_decides_nothing_but_the_abort() {
    let written = [(1, 1, 0, 0, 4, DATA), (1, 2, 0, 1, 4, DATA), (1, 3, 0, 0, 5, Some(Abort))];
    let traced = traced(&[], &written);
    assert_eq!((open(&traced), traced.first_end), ((vec![1], true, false), Some(Abort)));
}

#[test]
fn the_commit_before_decides_nothing_for_the_next_transaction() {
    // Version 1: the same epoch, told apart by the order within the session, or by time between two.
    for (by, time) in [(1, 0), (2, 30), (2, 20)] {
        let written =
            [(1, 1, 10, 0, 4, DATA), (1, 2, 20, 0, 4, Some(Commit)), (by, 9, time, 1, 4, DATA)];
        assert_eq!(open(&traced(&[], &written)), (vec![1], true, false), "{by} {time}");
    }
    // Version 2: the marker has the epoch of the next one.
    let written = [(1, 1, 10, 0, 4, DATA), (1, 2, 20, 0, 5, Some(Commit)), (2, 1, 10, 1, 5, DATA)];
    assert_eq!(open(&traced(&[], &written)), (vec![1], true, false));
}

#[test]
fn between_two_sessions_an_earlier_batch_belongs_to_what_was_committed() {
    let written = [(2, 9, 10, 1, 4, DATA), (1, 1, 10, 0, 4, DATA), (1, 2, 20, 0, 4, Some(Commit))];
    assert_eq!(open(&traced(&[], &written)), (vec![1], true, true));
}

#[test]
fn what_was_open_before_is_decided_by_what_was_found_since() {
    let committed = traced(&[(0, 4), (1, 4)], &[(1, 1, 0, 0, 5, Some(Commit))]);
    assert_eq!((open(&committed), committed.first_end), ((vec![1], false, true), Some(Commit)));
    assert_eq!(open(&traced(&[(1, 4)], &[])), (vec![1], false, false));
}

#[test]
fn what_ended_everywhere_is_open_nowhere() {
    let written =
        [(1, 1, 0, 0, 5, Some(Commit)), (1, 2, 0, 0, 5, DATA), (1, 3, 0, 0, 6, Some(Abort))];
    let traced = traced(&[(0, 4)], &written);
    assert_eq!((traced.open.clone(), traced.first_end), (None, Some(Commit)));
    assert_eq!(traced.newest_epoch, epoch(6));
}
