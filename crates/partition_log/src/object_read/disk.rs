//! [`Disk`]: what was read from objects, on the local disk, between the cache in memory and the store.
//!
//! What comes from there is checked as what comes from the store is. What does not pass is forgotten and fetched anew.

use super::{
    ObjectReadError,
    block::{Batches, Block, bytes_in_object},
    get_blocks,
    source::Source,
};
use crate::index::{IndexRun, SegmentSlice};
use block_cache::{BlockCache, BlockKey};
use bytes::Bytes;
use futures::future::join_all;

/// The disk, if this broker keeps anything there. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Option<Kept>);

#[derive(Clone, Debug)]
struct Kept {
    cache: BlockCache,
    /// Looked up once: blocks are too many for that.
    hits: metrics::Counter,
    misses: metrics::Counter,
}

impl Disk {
    pub(super) fn new(cache: Option<BlockCache>) -> Self {
        let result = |result: &'static str| metrics::counter!("alluvium_disk_cached_blocks_total", "result" => result);
        Self(cache.map(|cache| Kept { cache, hits: result("hit"), misses: result("miss") }))
    }

    /// Whether the block is there, as far as is known without reading. Never, without a disk.
    pub(super) fn may_have(&self, segment: &SegmentSlice, block: &Batches) -> bool {
        self.0.as_ref().is_some_and(|kept| kept.cache.may_have(&key_of(segment, block)))
    }

    /// Loads consecutive blocks that are there: a GET reads those that turn out not to be, with what lies between them.
    pub(super) async fn load(
        self,
        source: Source,
        segment: SegmentSlice,
        span: Vec<Batches>,
    ) -> Vec<Result<Block, ObjectReadError>> {
        let found = join_all(span.iter().map(|block| self.block(&source, &segment, block))).await;
        let first = found.iter().position(Option::is_none);
        let last = found.iter().rposition(Option::is_none);
        let Some(lost) = first.zip(last).map(|(first, last)| first..=last) else {
            return found.into_iter().flatten().map(Ok).collect();
        };
        let again = span.get(lost.clone()).unwrap_or_default().to_vec();
        let mut fetched = self.fetch(source, segment, again).await.into_iter();
        let one = |(at, found): (usize, Option<Block>)| {
            let fetched = if lost.contains(&at) { fetched.next() } else { None };
            found.map(Ok).or(fetched).expect("a GET answers for each of its blocks")
        };
        found.into_iter().enumerate().map(one).collect()
    }

    /// Reads consecutive blocks with one GET, and keeps them.
    pub(super) async fn fetch(
        self,
        source: Source,
        segment: SegmentSlice,
        span: Vec<Batches>,
    ) -> Vec<Result<Block, ObjectReadError>> {
        let results = get_blocks(&source, segment.clone(), span.clone()).await;
        for (block, result) in span.iter().zip(&results) {
            self.keep(&segment, block, result);
        }
        results
    }

    /// Keeps a block that was fetched, unless any of it is damaged.
    pub(super) fn keep(
        &self,
        segment: &SegmentSlice,
        block: &Batches,
        fetched: &Result<Block, ObjectReadError>,
    ) {
        let Some(kept) = &self.0 else { return };
        kept.misses.increment(1);
        if let Ok(intact) = fetched
            && intact.damage.is_empty()
        {
            kept.cache.insert(key_of(segment, block), intact.bytes.clone());
        }
    }

    async fn block(
        &self,
        source: &Source,
        segment: &SegmentSlice,
        block: &Batches,
    ) -> Option<Block> {
        let kept = self.0.as_ref()?;
        let key = key_of(segment, block);
        let (bytes, segment, block) = (kept.cache.get(&key).await?, segment.clone(), block.clone());
        let check = move |bytes| Block::check(bytes, &segment, &block);
        let found = source.check(bytes, check).await.ok()?;
        kept.accept(&key, found.damage.is_empty().then_some(found))
    }

    /// What `decode` makes of a run that is there.
    pub(super) async fn run<T>(
        &self,
        run: &IndexRun,
        decode: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let kept = self.0.as_ref()?;
        let key = key_of_run(run);
        kept.accept(&key, decode(&kept.cache.get(&key).await?))
    }

    /// Keeps the bytes of a run that were fetched and could be decoded.
    pub(super) fn keep_run(&self, run: &IndexRun, bytes: Bytes) {
        let Some(kept) = &self.0 else { return };
        kept.misses.increment(1);
        kept.cache.insert(key_of_run(run), bytes);
    }
}

impl Kept {
    /// Has what did not pass forgotten.
    fn accept<T>(&self, key: &BlockKey, intact: Option<T>) -> Option<T> {
        match &intact {
            Some(_) => self.hits.increment(1),
            None => self.cache.found_damaged(key),
        }
        intact
    }
}

fn key_of(segment: &SegmentSlice, block: &Batches) -> BlockKey {
    BlockKey::new(segment.object.as_str(), bytes_in_object(&segment.slice, block))
}

fn key_of_run(run: &IndexRun) -> BlockKey {
    BlockKey::new(run.object.as_str(), run.bytes.clone())
}
