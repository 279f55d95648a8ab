//! The cleaner against a model of what compaction promises, over generated histories.

use super::*;
use crate::producer_state::LastRecord;
use bytes::Bytes;
use formats::{
    compression::Codec,
    record_batch::{
        BatchBuilder, BatchHeader, EndTransactionMarker, TransactionResult, patched_head, records,
    },
    segment::AbortedTransaction,
};
use model::{Offset, ProducerEpoch, ProducerId, TimestampMs};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

const NOW: TimestampMs = TimestampMs(1_700_000_000_000);
const RETENTION_MS: u64 = 1_000;

/// A surviving record: offset, key, value.
type Survivor = (i64, Option<Vec<u8>>, Option<Vec<u8>>);

fn offset(value: i64) -> Offset {
    Offset::from_wire(value).expect("not negative")
}

/// A log under construction.
#[derive(Clone, Debug, Default)]
struct Log {
    batches: Vec<Bytes>,
    end: i64,
    aborted: Vec<AbortedTransaction>,
    open: BTreeMap<i64, i64>,
    /// Records that belong to aborted transactions, by offset.
    void: Vec<i64>,
    in_open: BTreeMap<i64, Vec<i64>>,
}

impl Log {
    fn push(&mut self, batch: &Bytes) {
        let header = BatchHeader::parse(batch).expect("a batch");
        let head = patched_head(batch, self.end, 3);
        self.batches.push([head.as_slice(), &batch.slice(16..)].concat().into());
        self.end += i64::from(header.last_offset_delta) + 1;
    }

    /// Keys and values: `None` is null.
    fn records(
        &mut self,
        codec: Codec,
        producer: Option<i64>,
        records: &[(Option<u8>, Option<u8>)],
    ) {
        let mut builder = BatchBuilder::new(codec);
        if let Some(producer) = producer {
            builder = builder.producer(producer, 0, 0).transactional();
            self.open.entry(producer).or_insert(self.end);
            let offsets = self.end..self.end + records.len() as i64;
            self.in_open.entry(producer).or_default().extend(offsets);
        }
        for (key, value) in records {
            let (key, value) = (key.map(|key| vec![key]), value.map(|value| vec![value]));
            builder.push(NOW.0 - 10_000, key.as_deref(), value.as_deref(), &[]);
        }
        self.push(&builder.build());
    }

    fn mark(&mut self, producer: i64, result: TransactionResult) {
        let first = self.open.remove(&producer);
        let offsets = self.in_open.remove(&producer).unwrap_or_default();
        if let (Some(first), TransactionResult::Abort) = (first, result) {
            self.void.extend(offsets);
            self.aborted.push(AbortedTransaction {
                producer_id: ProducerId::from_wire(producer).expect("an id"),
                first_offset: offset(first),
                last_offset: offset(self.end),
            });
        }
        let marker = EndTransactionMarker { result, coordinator_epoch: 0 };
        self.push(&marker.batch(producer, 0, NOW.0 - 10_000));
    }

    /// What a consumer finds, markers left out.
    fn survivors(&self) -> Vec<Survivor> {
        let mut found = Vec::new();
        for batch in &self.batches {
            let header = BatchHeader::parse(batch).expect("a batch");
            if header.attributes.is_control() {
                continue;
            }
            for record in records(batch, 1 << 20).expect("records") {
                let record = record.expect("a record");
                let bytes = |it: Option<Bytes>| it.map(|it| it.to_vec());
                found.push((record.offset, bytes(record.key), bytes(record.value)));
            }
        }
        found
    }

    fn markers(&self) -> usize {
        let controls = self.batches.iter().map(|batch| BatchHeader::parse(batch).expect("a batch"));
        controls.filter(|header| header.attributes.is_control() && header.record_count > 0).count()
    }

    /// Cleans all of it with room for `keys` keys; answers how far the keys were known.
    fn clean(
        &mut self,
        dirty_from: i64,
        keys: u64,
        now: TimestampMs,
        producers: HashMap<ProducerId, LastRecord>,
    ) -> i64 {
        let map = KeyOffsets::new(keys, u64::MAX);
        let reach = self.aborted.iter().filter(|it| it.last_offset.to_wire() >= dirty_from);
        let mut dirty = DirtyKeys::new(map, reach.copied().collect(), offset(dirty_from));
        for batch in &self.batches {
            let header = BatchHeader::parse(batch).expect("a batch");
            if header.next_offset() > dirty_from {
                dirty.take(batch);
            }
        }
        dirty.pass(Some(offset(self.end)));
        let (keys, mapped_end) = dirty.finish();
        let round = Round {
            keys,
            mapped_end,
            upper_bound: offset(self.end),
            producers,
            now,
            delete_retention_ms: RETENTION_MS,
        };
        let mut cleaner = Cleaner::new(round, self.aborted.clone());
        let left: Vec<_> = self.batches.iter().filter_map(|batch| cleaner.clean(batch)).collect();
        self.batches = left;
        self.aborted = cleaner.take_aborted();
        assert_eq!(cleaner.unreadable(), 0);
        mapped_end.to_wire()
    }
}

/// The last record of each key, without void ones, without those that have no key; tombstones included.
fn last_of_each_key(log: &Log) -> Vec<Survivor> {
    let mut last: BTreeMap<Vec<u8>, Survivor> = BTreeMap::new();
    for (at, key, value) in log.survivors() {
        if let (Some(key), false) = (key, log.void.contains(&at)) {
            last.insert(key.clone(), (at, Some(key), value));
        }
    }
    let mut survivors: Vec<_> = last.into_values().collect();
    survivors.sort_unstable();
    survivors
}

#[derive(Clone, Debug)]
enum Step {
    Records(Vec<(Option<u8>, Option<u8>)>, u8),
    InTransaction(u8, Vec<(Option<u8>, Option<u8>)>),
    Commit(u8),
    Abort(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = prop_oneof![1 => Just(None), 9 => (0_u8..12).prop_map(Some)];
    let value = prop_oneof![1 => Just(None), 4 => any::<u8>().prop_map(Some)];
    let records = prop::collection::vec((key, value), 1..6);
    let step = prop_oneof![
        4 => (records.clone(), 0_u8..5).prop_map(|(records, codec)| Step::Records(records, codec)),
        2 => (0_u8..3, records).prop_map(|(producer, records)| Step::InTransaction(producer, records)),
        1 => (0_u8..3).prop_map(Step::Commit),
        1 => (0_u8..3).prop_map(Step::Abort),
    ];
    prop::collection::vec(step, 1..40)
}

fn log_of(steps: &[Step]) -> Log {
    let mut log = Log::default();
    for step in steps {
        match step {
            Step::Records(records, codec) => {
                let codec = Codec::from_id(*codec).expect("a codec");
                log.records(codec, None, records);
            }
            Step::InTransaction(producer, records) => {
                log.records(Codec::None, Some(i64::from(*producer)), records);
            }
            Step::Commit(producer) => log.mark(i64::from(*producer), TransactionResult::Commit),
            Step::Abort(producer) => log.mark(i64::from(*producer), TransactionResult::Abort),
        }
    }
    // Nothing beyond the last stable offset is cleaned: every transaction ends.
    for producer in log.open.clone().into_keys() {
        log.mark(producer, TransactionResult::Commit);
    }
    log
}

proptest! {
    #[test]
    fn the_last_record_of_each_key_stays_at_its_offset(steps in steps()) {
        let mut log = log_of(&steps);
        let expected = last_of_each_key(&log);
        let end = log.end;
        prop_assert_eq!(log.clean(0, u64::from(u8::MAX), NOW, HashMap::new()), end);
        prop_assert_eq!(log.survivors(), expected);
        let ends = log.batches.last().map(|batch| BatchHeader::parse(batch).expect("a batch").next_offset());
        prop_assert_eq!(ends, Some(end), "the last batch tells where the log ends");
    }

    #[test]
    fn tombstones_go_after_their_time_and_markers_with_them(steps in steps()) {
        let mut log = log_of(&steps);
        let mut expected = last_of_each_key(&log);
        let end = log.end;
        log.clean(0, u64::from(u8::MAX), NOW, HashMap::new());
        log.clean(end, 1, TimestampMs(NOW.0 + RETENTION_MS as i64 - 1), HashMap::new());
        prop_assert_eq!(log.survivors(), expected.clone(), "not before");
        log.clean(end, 1, TimestampMs(NOW.0 + RETENTION_MS as i64), HashMap::new());
        expected.retain(|(_, _, value)| value.is_some());
        prop_assert_eq!(log.survivors(), expected);
        // Once nothing of a transaction is left, its marker gets its horizon, and goes when that has passed.
        for round in 1..4 {
            log.clean(end, 1, TimestampMs(NOW.0 + (1 + round) * RETENTION_MS as i64), HashMap::new());
        }
        prop_assert!(log.aborted.is_empty());
        let transactions_left = log.batches.iter().any(|batch| {
            let header = BatchHeader::parse(batch).expect("a batch");
            header.attributes.is_transactional() && !header.attributes.is_control()
        });
        prop_assert!(transactions_left || log.markers() == 0, "{} markers", log.markers());
    }

    #[test]
    fn rounds_with_little_memory_end_where_one_with_much_does(steps in steps(), room in 0_u64..4) {
        let mut log = log_of(&steps);
        let expected = last_of_each_key(&log);
        let mut from = 0;
        while from < log.end {
            let mapped = log.clean(from, room, NOW, HashMap::new());
            prop_assert!(mapped > from, "each round gets on");
            from = mapped;
        }
        prop_assert_eq!(log.survivors(), expected);
    }

    #[test]
    fn a_log_that_is_clean_stays_as_it_is(steps in steps()) {
        let mut log = log_of(&steps);
        log.clean(0, u64::from(u8::MAX), NOW, HashMap::new());
        log.clean(0, u64::from(u8::MAX), NOW, HashMap::new());
        let before = log.batches.clone();
        log.clean(0, u64::from(u8::MAX), NOW, HashMap::new());
        prop_assert_eq!(log.batches, before);
    }
}

#[test]
fn a_producers_last_batch_stays_as_a_header() {
    let mut log = Log::default();
    let batch = |sequence, value: &[u8]| {
        let mut builder = BatchBuilder::new(Codec::Zstd).producer(9, 2, sequence);
        builder.push(NOW.0, Some(b"k"), Some(value), &[]);
        builder.push(NOW.0, Some(b"k"), Some(value), &[]);
        builder.build()
    };
    log.push(&batch(0, b"a"));
    log.push(&batch(2, b"b"));
    log.records(Codec::None, None, &[(Some(b'k'), Some(1))]);
    let last = LastRecord { data: Some(offset(3)), epoch: ProducerEpoch::new(2).expect("small") };
    let producers = HashMap::from([(ProducerId::from_wire(9).expect("an id"), last)]);
    log.clean(0, 9, NOW, producers);
    assert_eq!(log.batches.len(), 2);
    let header = BatchHeader::parse(&log.batches[0]).expect("a header");
    assert_eq!((header.base_offset, header.next_offset(), header.record_count), (2, 4, 0));
    assert_eq!((header.producer_id, header.base_sequence, header.max_timestamp), (9, 2, NOW.0));
    formats::record_batch::verify_crc(&log.batches[0]).expect("a sound batch");
}

#[test]
fn a_batch_that_can_not_be_read_stays_as_it_is() {
    let mut builder = BatchBuilder::new(Codec::None);
    builder.push(NOW.0, Some(b"k"), Some(b"v"), &[]);
    let mut bytes = builder.build().to_vec();
    // Codec 7 does not exist.
    bytes[22] |= 7;
    let unreadable = Bytes::from(bytes);
    let round = Round {
        keys: KeyOffsets::new(1, 1 << 10),
        mapped_end: offset(1),
        upper_bound: offset(1),
        producers: HashMap::new(),
        now: NOW,
        delete_retention_ms: 0,
    };
    let mut cleaner = Cleaner::new(round, Vec::new());
    assert_eq!(cleaner.clean(&unreadable), Some(unreadable));
    assert_eq!(cleaner.unreadable(), 1);
}
