use super::*;
use block_cache::{BlockCacheOptions, BlockKey, CAPACITY_MIN_BYTES};
use formats::{
    compression::Codec,
    index_object::IndexWriter,
    record_batch::{BatchBuilder, BatchHeader, batches, patched_head},
    segment::{AbortedTransaction, SegmentWriter, SliceContents},
};
use model::{PartitionIndex, ProducerId, SessionId, TopicId};
use runtime::Tasks;
use std::path::Path;

const TEN_MIB: usize = 10 << 20;
const SESSION: SessionId = SessionId::from_bytes([7; 16]);

fn offset(value: u64) -> Offset {
    Offset::new(value).unwrap()
}

fn partition() -> PartitionId {
    PartitionId { topic: TopicId::from_bytes([1; 16]), partition: PartitionIndex::new(0).unwrap() }
}

fn name(seq: u64) -> ObjectName {
    ObjectName::new(&format!("segment-{seq}")).unwrap()
}

/// Segments of batches of ten records; a record's timestamp is ten times its offset.
struct Store {
    objects: Objects,
    reader: ObjectReader,
    entries: Vec<IndexEntry>,
    footers: Vec<formats::segment::Footer>,
    end: u64,
}

impl Store {
    fn new(cache_bytes: u64) -> Self {
        let objects = Objects::memory();
        let reader = ObjectReader::new(objects.clone(), cache_bytes);
        Self { objects, reader, entries: Vec::new(), footers: Vec::new(), end: 0 }
    }

    /// Segments of so many batches each, of values of so many bytes.
    async fn with(segments: &[usize], value_bytes: usize) -> Self {
        let mut store = Self::new(64 << 20);
        for &count in segments {
            store.push(count, value_bytes, &[], None).await;
        }
        store
    }

    async fn push(
        &mut self,
        count: usize,
        value_bytes: usize,
        aborted: &[AbortedTransaction],
        last_stable_after: Option<u64>,
    ) {
        let mut contents = SliceContents::new();
        for _ in 0..count {
            let batch = batch(self.end, value_bytes);
            contents.push(&BatchHeader::parse(&batch).unwrap(), [batch], None).unwrap();
            self.end += 10;
        }
        let seq = self.entries.len() as u64 + 1;
        let stable = offset(last_stable_after.unwrap_or(self.end));
        let mut writer = SegmentWriter::new();
        writer.push(partition(), contents, stable, aborted.to_vec()).unwrap();
        let segment = writer.finish();
        self.objects.put(&name(seq), segment.parts).await.unwrap();
        let slice = Arc::new(segment.footer.slices[0].clone());
        self.footers.push(segment.footer);
        let segment = SegmentSlice { object: name(seq), session: SESSION, seq, slice };
        self.entries.push(IndexEntry::Slice(segment));
    }

    /// Folds all segments into one index object.
    async fn fold(&mut self) -> IndexRun {
        let mut writer = IndexWriter::new(SESSION, 1);
        for (seq, footer) in (1..).zip(&self.footers) {
            writer.push_commit(name(seq).as_str(), seq, &footer.slices).unwrap();
        }
        let index = writer.finish().unwrap();
        let object = ObjectName::new("index").unwrap();
        self.objects.put(&object, index.parts).await.unwrap();
        let entry = index.directory.entry(partition()).unwrap();
        let run = IndexRun {
            object,
            level: 1,
            bytes: entry.bytes.clone(),
            base_offset: entry.base_offset,
            end_offset: entry.end_offset,
            size_bytes: entry.size_bytes,
            max_timestamp: entry.max_timestamp,
            session: SESSION,
            from_seq: 1,
            through_seq: self.entries.len() as u64,
        };
        self.entries = vec![IndexEntry::Run(run.clone())];
        run
    }

    async fn read(&self, from: u64, max_bytes: usize) -> Result<ObjectRead, ObjectReadError> {
        self.read_to(from, self.end, max_bytes).await
    }

    async fn read_to(
        &self,
        from: u64,
        to: u64,
        max_bytes: usize,
    ) -> Result<ObjectRead, ObjectReadError> {
        let (from, to) = (offset(from), offset(to));
        let request =
            ObjectReadRequest { partition: partition(), from, to, max_bytes, at_least_one: true };
        let first = self.entries.iter().position(|entry| entry.end_offset() > from).unwrap_or(0);
        self.reader.read(request, &self.entries[first..]).await
    }

    /// Has it read by a reader that remembers nothing but what lies in that directory.
    async fn remember_only(&mut self, directory: &Path) -> BlockCache {
        let options = BlockCacheOptions {
            directory: directory.to_owned(),
            capacity_bytes: CAPACITY_MIN_BYTES,
            bytes_per_second: None,
            left_free_bytes: 0,
        };
        let cache = BlockCache::open(options, &Tasks::new()).await.unwrap();
        self.reader =
            ObjectReader::new(self.objects.clone(), 64 << 20).with_disk(Some(cache.clone()));
        cache
    }

    /// The keys of the blocks of its first segment.
    fn keys(&self) -> Vec<BlockKey> {
        let IndexEntry::Slice(segment) = &self.entries[0] else { panic!("a slice") };
        let bytes = |block: &Batches| bytes_in_object(&segment.slice, block);
        blocks(&segment.slice).iter().map(|it| BlockKey::new(name(1).as_str(), bytes(it))).collect()
    }

    fn gets(&self) -> u64 {
        self.objects.request_counts().gets
    }
}

fn batch(base_offset: u64, value_bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::Lz4);
    for n in 0..10 {
        let value = vec![n as u8; value_bytes / 10];
        builder.push((base_offset + n) as i64 * 10, Some(b"k"), Some(&value), &[]);
    }
    let codec = if value_bytes > 1_000 { Codec::None } else { Codec::Lz4 };
    let built = formats::record_batch::recompress(&builder.build(), codec, 1 << 30).unwrap();
    let head = patched_head(&built, base_offset as i64, 3);
    [&head, &built[16..]].concat().into()
}

/// The first offsets of the batches read.
fn bases(read: &ObjectRead) -> Vec<i64> {
    let all = read.batches.iter().flat_map(|bytes| batches(bytes.clone()));
    all.map(|batch| batch.unwrap().0.base_offset).collect()
}

fn expected(range: Range<i64>) -> Vec<i64> {
    range.step_by(10).collect()
}

#[tokio::test]
async fn a_read_crosses_segments_and_begins_with_the_batch_that_contains_its_offset() {
    let store = Store::with(&[3, 3, 3], 100).await;
    let read = store.read(45, TEN_MIB).await.unwrap();
    assert_eq!(bases(&read), expected(40..90));
    assert_eq!(read.next, offset(90));
    assert_eq!(read.bytes, read.batches.iter().map(Bytes::len).sum::<usize>());
}

#[tokio::test]
async fn a_read_stops_at_its_limits_but_has_at_least_one_batch() {
    let store = Store::with(&[3, 3, 3], 100).await;
    assert_eq!(bases(&store.read(0, 1).await.unwrap()), [0]);
    let two = 2 * batch(0, 100).len();
    let read = store.read(20, two).await.unwrap();
    assert_eq!((bases(&read), read.next), (expected(20..40), offset(40)));
    let read = store.read_to(20, 50, TEN_MIB).await.unwrap();
    assert_eq!((bases(&read), read.next), (expected(20..50), offset(50)));
}

#[tokio::test]
async fn a_folded_log_reads_the_same() {
    let mut store = Store::with(&[3, 1, 3], 100).await;
    let direct = store.read(15, TEN_MIB).await.unwrap();
    store.fold().await;
    assert_eq!(store.read(15, TEN_MIB).await.unwrap(), direct);
    assert_eq!(bases(&direct), expected(10..70));
}

#[tokio::test]
async fn a_stretch_of_a_run_reads_the_same_whatever_was_read_of_the_run_before() {
    let mut store = Store::with(&[3, 1, 3], 100).await;
    let whole = store.fold().await;
    store.read(0, TEN_MIB).await.unwrap();
    let first = IndexRun { end_offset: offset(30), ..whole.clone() };
    let second = IndexRun { base_offset: offset(30), ..whole };
    store.entries = vec![IndexEntry::Run(first), IndexEntry::Run(second)];
    let read = store.read(0, TEN_MIB).await.unwrap();
    assert_eq!((bases(&read), read.next), (expected(0..70), offset(70)));
}

#[tokio::test]
async fn what_was_read_is_not_fetched_again() {
    let mut store = Store::with(&[3, 3], 100).await;
    store.fold().await;
    store.read(0, TEN_MIB).await.unwrap();
    let gets = store.gets();
    assert_eq!(gets, 3);
    store.read(0, TEN_MIB).await.unwrap();
    assert_eq!(store.gets(), gets);
}

#[tokio::test]
async fn readers_at_the_same_time_share_one_get() {
    let store = Store::with(&[3], 100).await;
    let reads = (0..20).map(|_| store.read(0, TEN_MIB));
    for read in futures::future::join_all(reads).await {
        assert_eq!(bases(&read.unwrap()), expected(0..30));
    }
    assert_eq!(store.gets(), 1);
}

#[tokio::test]
async fn reading_on_reads_ahead_twice_as_far_each_time() {
    // 32 blocks of one batch each.
    let store = Store::with(&[32], 1 << 20).await;
    let mut gets = Vec::new();
    for n in 0..32 {
        let read = store.read(n * 10, 1).await.unwrap();
        assert_eq!(bases(&read), [n as i64 * 10]);
        gets.push(store.gets());
    }
    assert_eq!(gets[..9], [1, 2, 2, 3, 3, 3, 3, 4, 4]);
    assert!(gets[31] <= 7, "{gets:?}");
}

#[tokio::test]
async fn the_cache_stays_within_its_budget() {
    let mut store = Store::new(8 << 20);
    store.push(12, 1 << 20, &[], None).await;
    store.read(0, 1 << 30).await.unwrap();
    let before = store.gets();
    let held = format!("{:?}", store.reader.blocks);
    assert!(held.contains("values: 6"), "{held}");
    store.read(0, 1).await.unwrap();
    assert!(store.gets() > before);
}

#[tokio::test]
async fn an_object_that_is_gone_is_told_from_damage() {
    let store = Store::with(&[3], 100).await;
    store.objects.delete(&[name(1)]).await.unwrap();
    assert_eq!(store.read(0, TEN_MIB).await, Err(ObjectReadError::Missing(name(1))));
    // Errors are not kept: it may come back, or the list be mended.
    assert_eq!(store.read(0, TEN_MIB).await, Err(ObjectReadError::Missing(name(1))));
    assert_eq!(store.gets(), 2);
}

#[tokio::test]
async fn a_damaged_batch_is_named_and_those_before_it_are_read() {
    let store = Store::with(&[3], 100).await;
    let mut bytes = store.objects.get(&name(1)).await.unwrap().to_vec();
    let IndexEntry::Slice(segment) = &store.entries[0] else { panic!("a slice") };
    let second = segment.slice.bytes.start as usize + segment.slice.batches[1].position as usize;
    bytes[second + 70] ^= 1;
    store.objects.put(&name(1), vec![bytes.into()]).await.unwrap();

    let read = store.read(0, TEN_MIB).await.unwrap();
    assert_eq!((bases(&read), read.next), (expected(0..10), offset(10)));
    let error = store.read(10, TEN_MIB).await.unwrap_err();
    let ObjectReadError::Damaged { from, to, object, reason } = error else { panic!("{error}") };
    assert_eq!((from, to, object), (offset(10), offset(20), name(1)));
    assert!(reason.contains("CRC"), "{reason}");
    assert_eq!(bases(&store.read(20, TEN_MIB).await.unwrap()), [20]);
}

#[tokio::test]
async fn an_object_shorter_than_its_index_says_is_damage() {
    let store = Store::with(&[3], 100).await;
    let bytes = store.objects.get(&name(1)).await.unwrap();
    store.objects.put(&name(1), vec![bytes.slice(..100)]).await.unwrap();
    let error = store.read(0, TEN_MIB).await.unwrap_err();
    assert!(matches!(error, ObjectReadError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_run_of_another_partition_is_damage() {
    let mut store = Store::with(&[3], 100).await;
    let run = store.fold().await;
    let other = PartitionId { partition: PartitionIndex::new(1).unwrap(), ..partition() };
    let error = store.reader.load_run(other, &run).await.unwrap_err();
    assert!(matches!(error, ObjectReadError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn an_abort_whose_marker_lies_behind_what_was_read_is_named() {
    let mut store = Store::new(64 << 20);
    store.push(2, 100, &[], Some(10)).await;
    store.push(2, 100, &[], Some(10)).await;
    let producer_id = ProducerId::new(4).unwrap();
    let transaction =
        AbortedTransaction { producer_id, first_offset: offset(10), last_offset: offset(45) };
    store.push(2, 100, &[transaction], None).await;
    let named = |read: ObjectRead| read.aborted.iter().map(|a| a.first_offset.get()).collect();
    let one = batch(0, 100).len();
    let before: Vec<_> = named(store.read(0, one).await.unwrap());
    assert_eq!(before, [0; 0]);
    let inside: Vec<_> = named(store.read(10, one).await.unwrap());
    assert_eq!(inside, [10]);
    let behind: Vec<_> = named(store.read(50, one).await.unwrap());
    assert_eq!(behind, [0; 0]);
}

#[tokio::test]
async fn a_record_is_found_by_its_time_exactly() {
    let mut store = Store::with(&[3, 3], 100).await;
    for folded in [false, true] {
        if folded {
            store.fold().await;
        }
        for (timestamp, within, found) in [
            (0, 0..60, Some(0)),
            (341, 0..60, Some(35)),
            (350, 0..60, Some(35)),
            (590, 0..60, Some(59)),
            (591, 0..60, None),
            (350, 0..35, None),
            (350, 0..36, Some(35)),
            (-5, 7..60, Some(7)),
        ] {
            let within = offset(within.start)..offset(within.end);
            let timestamp = TimestampMs(timestamp);
            let search =
                store.reader.find_at_or_after(partition(), &store.entries, within, timestamp);
            let record = search.await.unwrap();
            assert_eq!(record.map(|record| record.offset.get()), found, "{timestamp:?}");
            assert!(record.is_none_or(|record| record.leader_epoch.get() == 3));
        }
    }
}

#[tokio::test]
async fn the_newest_record_is_found_within_what_may_be_seen() {
    let mut store = Store::with(&[3, 3], 100).await;
    store.fold().await;
    for (within, found) in [(0..60, Some(59)), (0..42, Some(41)), (60..60, None)] {
        let within = offset(within.start)..offset(within.end);
        let record = store.reader.find_maximum(partition(), &store.entries, within).await.unwrap();
        assert_eq!(record.map(|record| record.offset.get()), found);
    }
}

/// Two partitions in one segment, read by one reader.
#[tokio::test]
async fn slices_of_one_segment_are_read_with_one_get() {
    let objects = Objects::memory();
    let reader = ObjectReader::new(objects.clone(), 64 << 20);
    let mut writer = SegmentWriter::new();
    let partitions = [0, 1]
        .map(|index| PartitionId { partition: PartitionIndex::new(index).unwrap(), ..partition() });
    for id in partitions {
        let mut contents = SliceContents::new();
        let batch = batch(0, 100);
        contents.push(&BatchHeader::parse(&batch).unwrap(), [batch], None).unwrap();
        writer.push(id, contents, offset(10), Vec::new()).unwrap();
    }
    let segment = writer.finish();
    objects.put(&name(1), segment.parts).await.unwrap();
    let slices = segment.footer.slices.into_iter().map(|slice| SegmentSlice {
        object: name(1),
        session: SESSION,
        seq: 1,
        slice: Arc::new(slice),
    });
    let slices: Vec<_> = slices.collect();
    let together = reader.read_together(slices.clone());
    assert_eq!(together.len(), 1);
    assert!(reader.read_together(slices.clone()).is_empty(), "it is under way");
    futures::future::join_all(together).await;
    objects.delete(&[name(1)]).await.unwrap();
    for (partition, slice) in partitions.into_iter().zip(slices) {
        let request = ObjectReadRequest {
            partition,
            from: offset(0),
            to: offset(10),
            max_bytes: 1 << 20,
            at_least_one: true,
        };
        let found = reader.read(request, &[IndexEntry::Slice(slice)]).await.unwrap();
        assert_eq!(found.next, offset(10), "from memory: the object is gone");
    }
}

#[tokio::test]
async fn slices_that_lie_far_apart_are_read_by_themselves() {
    let store = Store::with(&[3], 100).await;
    let IndexEntry::Slice(first) = store.entries[0].clone() else { panic!("a slice") };
    let mut far = first.clone();
    let mut slice = (*far.slice).clone();
    let length = slice.bytes.end - slice.bytes.start;
    slice.bytes = slice.bytes.start + 5 * length..slice.bytes.end + 5 * length;
    far.slice = Arc::new(slice);
    assert!(store.reader.read_together(vec![first.clone(), far]).is_empty());
    assert!(store.reader.read_together(vec![first]).is_empty(), "one needs no company");
}

#[tokio::test]
async fn what_lies_on_disk_is_not_fetched_again_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::with(&[12, 3], 1 << 20).await;
    store.fold().await;
    let cache = store.remember_only(directory.path()).await;
    let read = store.read(0, 1 << 30).await.unwrap();
    assert_eq!(bases(&read), expected(0..150));
    let gets = store.gets();
    cache.close().await;
    store.remember_only(directory.path()).await;
    assert_eq!(store.read(0, 1 << 30).await.unwrap(), read);
    assert_eq!(store.gets(), gets, "neither blocks nor the run that lists them");
}

#[tokio::test]
async fn readers_at_the_same_time_share_what_they_read_from_disk() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::with(&[3], 1 << 20).await;
    store.remember_only(directory.path()).await.close().await;
    let cache = store.remember_only(directory.path()).await;
    store.read(0, TEN_MIB).await.unwrap();
    cache.close().await;
    let gets = store.gets();
    store.remember_only(directory.path()).await;
    for read in futures::future::join_all((0..20).map(|_| store.read(0, TEN_MIB))).await {
        assert_eq!(bases(&read.unwrap()), expected(0..30));
    }
    assert_eq!(store.gets(), gets);
}

#[tokio::test]
async fn what_is_not_on_disk_is_fetched_with_one_get_for_each_gap() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::with(&[16], 1 << 20).await;
    let cache = store.remember_only(directory.path()).await;
    let object = store.objects.get(&name(1)).await.unwrap();
    let IndexEntry::Slice(segment) = store.entries[0].clone() else { panic!("a slice") };
    let all = blocks(&segment.slice);
    for at in [0, 1, 2, 6, 7] {
        let bytes = bytes_in_object(&segment.slice, &all[at]);
        let bytes = object.slice(bytes.start as usize..bytes.end as usize);
        cache.insert(store.keys()[at].clone(), bytes);
    }
    cache.close().await;
    store.remember_only(directory.path()).await;
    let before = store.gets();
    let mut gets = Vec::new();
    for n in 0..16 {
        assert_eq!(bases(&store.read(n * 10, 1).await.unwrap()), [n as i64 * 10]);
        gets.push(store.gets() - before);
    }
    assert_eq!(gets, [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
}

#[tokio::test]
async fn bytes_on_disk_that_are_not_the_objects_are_fetched_anew() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::with(&[8], 1 << 20).await;
    let keys = store.keys();
    let cache = store.remember_only(directory.path()).await;
    let read = store.read(0, 1 << 30).await.unwrap();
    cache.close().await;
    let cache = store.remember_only(directory.path()).await;
    for key in [&keys[1], &keys[2]] {
        let length = cache.get(key).await.unwrap().len();
        cache.found_damaged(key);
        cache.insert(key.clone(), vec![7; length].into());
    }
    cache.close().await;
    let cache = store.remember_only(directory.path()).await;
    let gets = store.gets();
    assert_eq!(store.read(0, 1 << 30).await.unwrap(), read);
    assert_eq!(store.gets(), gets + 2, "of the two");
    cache.close().await;
    store.remember_only(directory.path()).await;
    assert_eq!(store.read(0, 1 << 30).await.unwrap(), read);
    assert_eq!(store.gets(), gets + 2, "they were written anew");
}

#[tokio::test]
async fn damage_is_not_kept_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::with(&[3], 1 << 20).await;
    let cache = store.remember_only(directory.path()).await;
    let whole = store.objects.get(&name(1)).await.unwrap();
    let mut damaged = whole.to_vec();
    let IndexEntry::Slice(segment) = &store.entries[0] else { panic!("a slice") };
    let second = segment.slice.bytes.start as usize + segment.slice.batches[1].position as usize;
    damaged[second + 70] ^= 1;
    store.objects.put(&name(1), vec![damaged.into()]).await.unwrap();
    assert!(store.read(10, TEN_MIB).await.is_err());
    cache.close().await;
    store.objects.put(&name(1), vec![whole]).await.unwrap();
    store.remember_only(directory.path()).await;
    assert_eq!(bases(&store.read(0, TEN_MIB).await.unwrap()), expected(0..30));
}
