//! [`scan`]: finds the records that are wanted in fetched batches. Pure, and bounded whatever the batches hold.

use super::shown::Shown;
use bytes::Bytes;
use formats::record_batch::{self, Record};
use memchr::memmem::Finder;
use std::collections::VecDeque;

/// A batch that unpacks to more than this is not shown.
pub(super) const BATCH_LIMIT_BYTES: usize = 32 << 20;

/// What is wanted of a partition's batches.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) partition: i32,
    /// The first offset, and the one behind the last.
    pub(super) from: i64,
    pub(super) to: i64,
    /// Records at most.
    pub(super) at_most: usize,
    pub(super) cut: usize,
    /// Empty for all.
    pub(super) contains: Vec<u8>,
}

/// A record that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    pub(super) shown: Shown,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) found: VecDeque<Found>,
    /// Where to read on.
    pub(super) next: i64,
    /// Records that were looked at.
    pub(super) records: u64,
    /// What could not be read.
    pub(super) problem: Option<String>,
}

pub(super) fn scan(batches: Bytes, wanted: &Wanted) -> Scanned {
    let mut scanned = Scanned { next: wanted.from, ..Scanned::default() };
    let finder = Finder::new(&wanted.contains);
    for batch in record_batch::batches(batches) {
        // The last batch of an answer may be cut off: it comes whole with the next one.
        let Ok((header, batch)) = batch else { break };
        if header.base_offset >= wanted.to {
            scanned.next = scanned.next.max(wanted.to);
            break;
        }
        // What was written since the end was asked for is the next search's.
        let beyond = header.next_offset().min(wanted.to);
        if header.attributes.is_control() {
            scanned.next = scanned.next.max(beyond);
            continue;
        }
        let records = record_batch::records(&batch, BATCH_LIMIT_BYTES);
        let records = match records {
            Ok(records) => records,
            Err(error) => {
                scanned.problem =
                    Some(format!("the batch at offset {}: {error}", header.base_offset));
                scanned.next = scanned.next.max(beyond);
                continue;
            }
        };
        for record in records {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    scanned.problem =
                        Some(format!("the batch at offset {}: {error}", header.base_offset));
                    break;
                }
            };
            if record.offset < wanted.from || record.offset >= wanted.to {
                continue;
            }
            if scanned.found.len() >= wanted.at_most {
                return scanned;
            }
            scanned.records += 1;
            scanned.next = scanned.next.max(record.offset + 1);
            if matches(&record, &finder) {
                let shown = Shown::of(&record, &header, wanted.partition, wanted.cut);
                let (offset, timestamp) = (record.offset, record.timestamp);
                scanned.found.push_back(Found { offset, timestamp, shown });
            }
        }
        scanned.next = scanned.next.max(beyond);
    }
    scanned
}

fn matches(record: &Record, finder: &Finder<'_>) -> bool {
    let contains =
        |bytes: &Option<Bytes>| bytes.as_ref().is_some_and(|it| finder.find(it).is_some());
    finder.needle().is_empty()
        || contains(&record.key)
        || contains(&record.value)
        || record.headers.iter().any(|(key, value)| finder.find(&key).is_some() || contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::{compression::Codec, record_batch::BatchBuilder};

    fn batch(base: i64, values: &[&[u8]]) -> Bytes {
        let mut builder = BatchBuilder::new(Codec::None).base_offset(base);
        for &value in values {
            builder.push(1_000, Some(&b"key"[..]), Some(value), &[]);
        }
        builder.build()
    }

    fn wanted(from: i64, to: i64) -> Wanted {
        Wanted { partition: 0, from, to, at_most: 100, cut: 100, contains: Vec::new() }
    }

    fn offsets(scanned: &Scanned) -> Vec<i64> {
        scanned.found.iter().map(|found| found.offset).collect()
    }

    #[test]
    fn only_offsets_that_were_asked_for_are_found() {
        let batches = [batch(0, &[b"a", b"b", b"c"]), batch(3, &[b"d", b"e"])].concat();
        let scanned = scan(batches.clone().into(), &wanted(1, 4));
        assert_eq!((offsets(&scanned), scanned.records), (vec![1, 2, 3], 3));
        let all = scan(batches.into(), &wanted(0, 100));
        assert_eq!((offsets(&all), all.next), (vec![0, 1, 2, 3, 4], 5));
    }

    #[test]
    fn it_goes_on_where_there_was_enough() {
        let batches = batch(0, &[b"a", b"b", b"c"]);
        let few = scan(batches, &Wanted { at_most: 2, ..wanted(0, 100) });
        assert_eq!((offsets(&few), few.next), (vec![0, 1], 2));
    }

    #[test]
    fn a_filter_looks_at_keys_values_and_headers() {
        let batches = batch(0, &[b"one <two> three", b"nothing"]);
        let containing = |text: &str| {
            let scanned =
                scan(batches.clone(), &Wanted { contains: text.into(), ..wanted(0, 100) });
            assert_eq!((scanned.records, scanned.next), (2, 2));
            offsets(&scanned)
        };
        assert_eq!(containing("<two>"), [0]);
        assert_eq!(containing("key"), [0, 1]);
        assert_eq!(containing("absent"), Vec::<i64>::new());
    }

    #[test]
    fn a_batch_that_is_damaged_or_cut_off_stops_nothing() {
        let (first, second) = (batch(0, &[b"a", b"b"]), batch(2, &[b"c"]));
        let cut = [&first[..], &second[..second.len() - 3]].concat();
        let scanned = scan(cut.into(), &wanted(0, 100));
        assert_eq!((offsets(&scanned), scanned.next), (vec![0, 1], 2));
        let mut damaged = first.to_vec();
        // The length of the first record.
        damaged[61] = 0x7f;
        let scanned = scan([&damaged[..], &second].concat().into(), &wanted(0, 100));
        assert_eq!((offsets(&scanned), scanned.next), (vec![2], 3));
        assert!(scanned.problem.is_some());
        for length in 0..first.len() {
            scan(first.slice(..length), &wanted(0, 100));
        }
    }
}
