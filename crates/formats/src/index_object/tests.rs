//! Two reads find a partition's history; levels join; damage and arbitrary bytes.

use super::*;
use crate::segment::{Footer, Slice};
use model::{LeaderEpoch, Offset, PartitionId, PartitionIndex, SessionId, TimestampMs, TopicId};
use proptest::prelude::*;

const SESSION: SessionId = SessionId::from_bytes([5; 16]);

fn partition(index: u32) -> PartitionId {
    PartitionId {
        topic: TopicId::from_bytes([1; 16]),
        partition: PartitionIndex::new(index).unwrap(),
    }
}

fn slice(index: u32, base: u64, end: u64) -> Slice {
    Slice {
        partition: partition(index),
        bytes: 16..16 + 100 * (end - base),
        base_offset: Offset::new(base).unwrap(),
        end_offset: Offset::new(end).unwrap(),
        epochs: vec![(LeaderEpoch::ZERO, Offset::new(base).unwrap())],
        max_timestamp: TimestampMs(end as i64),
        last_stable_after: Offset::new(end).unwrap(),
        aborted: vec![],
        compacted: false,
        batches: vec![],
        extensions: vec![],
    }
}

fn footer(slices: Vec<Slice>) -> Footer {
    Footer { slices, extensions: vec![] }
}

/// An index of two commits from `seq` on: both have partition 0, the second has partition 1 too.
fn index(seq: u64, offset: u64) -> IndexObject {
    let mut writer = IndexWriter::new(SESSION, 1);
    writer
        .push_commit("segments/a", seq, &footer(vec![slice(0, offset, offset + 3)]).slices)
        .unwrap();
    let both = footer(vec![slice(0, offset + 3, offset + 5), slice(1, offset, offset + 9)]);
    writer.push_commit("segments/b", seq + 1, &both.slices).unwrap();
    writer.finish().unwrap()
}

fn run(object: &[u8], entry: &DirectoryEntry) -> Vec<u8> {
    object[entry.bytes.start as usize..entry.bytes.end as usize].to_vec()
}

#[test]
fn a_directory_and_one_run_tell_a_partitions_history() {
    let index = index(7, 10);
    let object = index.parts.concat();
    assert_eq!(object.len() as u64, index.size);
    let range = directory_range(&object[object.len() - TRAILER_BYTES..]).unwrap();
    assert_eq!(range, index.directory_offset..index.directory_offset + index.directory_length);

    let directory = decode_directory(&object[range.start as usize..range.end as usize]).unwrap();
    assert_eq!(directory, index.directory);
    assert_eq!((directory.from_seq, directory.through_seq), (7, 8));
    let entry = directory.entry(partition(0)).unwrap();
    assert_eq!((entry.base_offset.get(), entry.end_offset.get()), (10, 15));
    assert_eq!((entry.size_bytes, entry.max_timestamp, entry.slices), (500, TimestampMs(15), 2));
    assert_eq!(directory.entry(partition(2)), None);

    let history = decode_partition(&run(&object, entry)).unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(
        (history[1].object.as_str(), history[1].session, history[1].seq),
        ("segments/b", SESSION, 8)
    );
    assert_eq!(history[1].slice, slice(0, 13, 15));
}

#[test]
fn an_object_that_begins_otherwise_is_no_index() {
    let mut object = index(7, 10).parts.concat();
    assert_eq!(check_header(&object), Ok(()));
    assert_eq!(check_header(&object[..8]), Err(IndexError::Truncated));
    assert_eq!(check_header(&object[..7]), Err(IndexError::Magic));
    object[8] = 9;
    assert_eq!(check_header(&object), Err(IndexError::Version(9)));
}

#[test]
fn the_next_level_joins_the_runs_of_its_children() {
    let children = [index(1, 0), index(3, 100)];
    let mut writer = IndexWriter::new(SESSION, 2);
    for child in &children {
        let object = child.parts.concat();
        writer.cover(child.directory.from_seq, child.directory.through_seq).unwrap();
        for entry in &child.directory.entries {
            writer.push_run(entry, &run(&object, entry)).unwrap();
        }
    }
    let joined = writer.finish().unwrap();
    assert_eq!(
        (joined.directory.level, joined.directory.from_seq, joined.directory.through_seq),
        (2, 1, 4)
    );
    let entry = joined.directory.entry(partition(0)).unwrap();
    let history = decode_partition(&run(&joined.parts.concat(), entry)).unwrap();
    assert_eq!(history.iter().map(|slice| slice.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn what_does_not_ascend_is_refused() {
    let mut writer = IndexWriter::new(SESSION, 1);
    writer.push_commit("a", 5, &footer(vec![slice(0, 10, 20)]).slices).unwrap();
    let error = |field| Err(IndexError::Field(field));
    assert_eq!(writer.push_commit("b", 5, &footer(vec![]).slices), error("order of seqs"));
    assert_eq!(
        writer.push_commit("b", 6, &footer(vec![slice(0, 19, 21)]).slices),
        error("order of runs")
    );
    assert!(IndexWriter::new(SESSION, 1).finish().is_err());

    let children = [index(1, 0), index(3, 100)]
        .map(|child| run(&child.parts.concat(), child.directory.entry(partition(1)).unwrap()));
    let backwards = [children[1].clone(), children[0].clone()].concat();
    assert_eq!(decode_partition(&backwards), Err(IndexError::Field("order of entries")));
}

#[test]
fn any_flipped_bit_is_noticed() {
    let index = index(1, 0);
    let object = index.parts.concat();
    let entry = index.directory.entry(partition(1)).unwrap();
    let (run, directory) = (run(&object, entry), index.directory.encode());
    for bit in 0..run.len() * 8 {
        let mut damaged = run.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode_partition(&damaged).is_err(), "bit {bit} of the run");
    }
    for bit in 0..directory.len() * 8 {
        let mut damaged = directory.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode_directory(&damaged).is_err(), "bit {bit} of the directory");
    }
}

fn reseal(bytes: &mut [u8]) {
    let end = bytes.len() - 4;
    let checksum = crate::crc32c::checksum(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
}

proptest! {
    #[test]
    fn directories_read_back(level: u32, from_seq: u64, through_seq: u64, rows in proptest::collection::btree_map(0..1_000_u32, any::<(u32, u32, u64, i64)>(), 0..20)) {
        let entries = rows.into_iter().map(|(index, (base, more, size_bytes, newest))| DirectoryEntry {
            partition: partition(index),
            bytes: u64::from(base)..u64::from(base) + u64::from(more),
            slices: more,
            base_offset: Offset::new(base.into()).unwrap(),
            end_offset: Offset::new(u64::from(base) + u64::from(more)).unwrap(),
            size_bytes,
            max_timestamp: TimestampMs(newest),
        });
        let directory = Directory { session: SESSION, level, from_seq, through_seq, entries: entries.collect() };
        prop_assert_eq!(decode_directory(&directory.encode()), Ok(directory));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_directory(&bytes);
        let _ = decode_partition(&bytes);
        let _ = directory_range(&bytes);
    }

    #[test]
    fn damage_behind_a_right_checksum_never_panics(at in 4_usize..200, to in proptest::array::uniform4(any::<u8>())) {
        let index = index(1, 0);
        let object = index.parts.concat();
        let entry = index.directory.entry(partition(1)).unwrap();
        for (mut bytes, is_run) in [(run(&object, entry), true), (index.directory.encode(), false)] {
            for (place, byte) in bytes.iter_mut().skip(at).zip(to) {
                *place = byte;
            }
            reseal(&mut bytes);
            if is_run {
                let _ = decode_partition(&bytes);
            } else {
                let _ = decode_directory(&bytes);
            }
        }
    }
}
