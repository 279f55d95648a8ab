//! [`BlockCache`]: opens a directory, answers what is there, takes what comes.

use crate::{
    BlockKey, OpenError,
    counters::Counters,
    queue::Queue,
    regions::{REGION_MIN_BYTES, Regions},
    writer::{BUFFER_BYTES, Writer, bytes_on_disk},
};
use bytes::Bytes;
use foyer::{
    BlockEngineConfig, DeviceBuilder, EvictionInfo, EvictionPicker, FifoConfig, FifoPicker,
    FsDeviceBuilder, HybridCache, HybridCacheBuilder, HybridCachePolicy, Load, PsyncIoEngineConfig,
    RecoverMode,
};
use metrics::Gauge;
use parking_lot::Mutex;
use runtime::{
    Tasks,
    disk::{Disk, LocalDisk},
};
use std::{
    fmt, io,
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinHandle, time::timeout};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

/// The smallest capacity: one region is being written, one is empty, and two have something to answer.
pub const CAPACITY_MIN_BYTES: u64 = 4 * REGION_MIN_BYTES;

/// A disk that does not answer for so long is done without.
const OPEN_PATIENCE: Duration = Duration::from_secs(30);
/// Closing takes no longer; what is not written by then is read from its object again.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// Reads at the same time: each holds one of the few threads for blocking work, which others need as well.
const READS_AT_ONCE: usize = 8;

pub(crate) type Foyer = HybridCache<BlockKey, Bytes>;

/// Where the cache lies, and how large it is.
#[derive(Clone, Debug)]
pub struct BlockCacheOptions {
    /// Its directory, which is made if it does not exist. One process each.
    pub directory: PathBuf,
    /// Bytes on disk, reserved when it is opened; rounded down to whole regions. At least [`CAPACITY_MIN_BYTES`].
    pub capacity_bytes: u64,
    /// Bytes written in a second at most; `None` is without limit. What comes faster is dropped, and counted.
    pub bytes_per_second: Option<NonZeroU64>,
    /// Bytes of the same file system that must still be free once they are reserved; 0 for none.
    pub left_free_bytes: u64,
}

/// A cache on disk. Cheap to clone.
#[derive(Clone)]
pub struct BlockCache {
    shared: Arc<Shared>,
}

struct Shared {
    foyer: Foyer,
    queue: Arc<Queue>,
    counters: Counters,
    reads: Semaphore,
    writer: Mutex<Option<JoinHandle<()>>>,
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
    options: BlockCacheOptions,
}

impl BlockCache {
    /// Opens a directory, with what an earlier process left there. Its writer is a task of `tasks`.
    ///
    /// # Errors
    /// As [`OpenError`] says. A panic while it is opened is one of them.
    pub async fn open(options: BlockCacheOptions, tasks: &Tasks) -> Result<Self, OpenError> {
        if options.capacity_bytes < CAPACITY_MIN_BYTES {
            return Err(OpenError::TooSmall(options.capacity_bytes));
        }
        let directory = options.directory.display().to_string();
        let opening = tasks.spawn("block_cache_open", open(options, tasks.clone()));
        match timeout(OPEN_PATIENCE, opening).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => Err(OpenError::Unusable { directory, reason: error.to_string() }),
            Err(_) => Err(OpenError::TooSlow { directory, patience: OPEN_PATIENCE }),
        }
    }

    /// Whether the block is there, as far as is known without reading the disk.
    pub fn may_have(&self, key: &BlockKey) -> bool {
        self.shared.foyer.storage().may_contains(key)
    }

    /// The block, if it is there and as long as its key says.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn get(&self, key: &BlockKey) -> Option<Bytes> {
        let Shared { foyer, counters, reads, .. } = &*self.shared;
        let _permit = reads.acquire().await.ok()?;
        let storage = foyer.storage();
        if !storage.may_contains(key) {
            return None;
        }
        let bytes = match storage.load(key).await {
            Ok(Load::Entry { value, .. }) => value,
            Ok(Load::Piece { piece, .. }) => piece.value().clone(),
            // It was there before: foyer forgets what does not have the checksum that it was written with.
            Ok(Load::Miss) if !storage.may_contains(key) => {
                counters.damaged.increment(1);
                return None;
            }
            // Another key of the same hash.
            Ok(Load::Miss | Load::Throttled) => return None,
            Err(_) => {
                self.found_damaged(key);
                return None;
            }
        };
        if bytes.len() as u64 == key.length() {
            Some(bytes)
        } else {
            self.found_damaged(key);
            None
        }
    }

    /// Has the block written, soon: it can be asked for when it is on disk. Dropped when the disk does not keep up, and counted.
    /// Waits for nothing.
    pub fn insert(&self, key: BlockKey, bytes: Bytes) {
        let Shared { queue, counters, .. } = &*self.shared;
        if bytes_on_disk(&key, &bytes) > BUFFER_BYTES {
            counters.dropped_large.increment(1);
        } else if !queue.push(key, bytes) {
            counters.dropped_behind.increment(1);
        }
    }

    /// Forgets a block whose bytes turned out not to be what its object has.
    pub fn found_damaged(&self, key: &BlockKey) {
        self.shared.counters.damaged.increment(1);
        self.shared.foyer.storage().delete(key);
    }

    /// Writes what waits and ends, within five seconds. Nothing is taken from here on.
    ///
    /// # Cancel safety
    /// What was not written by then is lost to the cache.
    pub async fn close(&self) {
        let Shared { foyer, queue, writer, lock, options, .. } = &*self.shared;
        queue.close();
        let writer = writer.lock().take();
        let closing = async {
            if let Some(writer) = writer {
                let _ = writer.await;
            }
            foyer.close().with_subscriber(NoSubscriber::new()).await
        };
        let directory = options.directory.display();
        match timeout(CLOSE_PATIENCE, closing).await {
            Ok(Ok(())) => drop(lock.lock().take()),
            Ok(Err(error)) => {
                tracing::warn!(%directory, %error, "the read cache on disk was not closed: some of it is read from the object store again");
            }
            Err(_) => {
                tracing::warn!(%directory, "the read cache on disk was not closed within {CLOSE_PATIENCE:?}: look at its disk");
            }
        }
    }
}

impl fmt::Debug for BlockCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockCache")
            .field("options", &self.shared.options)
            .field("queue", &self.shared.queue)
            .finish_non_exhaustive()
    }
}

async fn open(options: BlockCacheOptions, tasks: Tasks) -> Result<BlockCache, OpenError> {
    let directory = options.directory.display().to_string();
    let unusable = |reason: String| OpenError::Unusable { directory: directory.clone(), reason };
    let regions = Regions::of(options.capacity_bytes);
    let preparing = options.clone();
    let prepared = runtime::beside(move || Prepared::make(&preparing, regions)).await;
    let prepared = prepared.map_err(|error| unusable(error.to_string()))??;
    // foyer tells at length of what it finds.
    let opening = foyer_on(&options.directory, regions, prepared.allows_direct);
    let foyer = opening.with_subscriber(NoSubscriber::new()).await;
    let foyer = foyer.map_err(|error| unusable(error.to_string()))?;
    metrics::gauge!("alluvium_disk_cache_max_bytes").set(regions.capacity_bytes() as f64);
    let (queue, counters) = (Arc::<Queue>::default(), Counters::new());
    let writer = Writer::new(
        foyer.clone(),
        Arc::clone(&queue),
        counters.clone(),
        directory.clone(),
        options.bytes_per_second,
    );
    let writer = tasks.spawn("block_cache_writer", writer.run(tasks.shutdown()));
    let shared = Shared {
        foyer,
        queue,
        counters,
        reads: Semaphore::new(READS_AT_ONCE),
        writer: Mutex::new(Some(writer)),
        lock: Mutex::new(Some(prepared.lock)),
        options,
    };
    Ok(BlockCache { shared: Arc::new(shared) })
}

/// A directory that is this process's, with its regions.
struct Prepared {
    lock: Box<dyn Send + Sync>,
    allows_direct: bool,
}

impl Prepared {
    fn make(options: &BlockCacheOptions, regions: Regions) -> Result<Self, OpenError> {
        let path = &options.directory;
        let shown = || path.display().to_string();
        let failed = |source| OpenError::Directory { directory: shown(), source };
        let disk = LocalDisk::open(path).map_err(failed)?;
        let lock = disk.lock().map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => OpenError::Locked(shown()),
            _ => failed(error),
        })?;
        regions.reserve(&disk, path, options.left_free_bytes)?;
        regions.leave_one_empty(path).map_err(failed)?;
        Ok(Self { lock, allows_direct: Regions::allow_direct(path) })
    }
}

/// foyer over the regions: what is inserted goes to disk at once, and nothing stays in its memory, because the reader has a cache there
/// that plans loads of several blocks.
async fn foyer_on(directory: &Path, regions: Regions, direct: bool) -> foyer::Result<Foyer> {
    let region_bytes = regions.region_bytes as usize;
    let device = FsDeviceBuilder::new(directory)
        .with_capacity(regions.capacity_bytes() as usize)
        .with_direct(direct)
        .build()?;
    let engine = BlockEngineConfig::new(device)
        .with_block_size(region_bytes)
        .with_flushers(1)
        .with_buffer_pool_size(BUFFER_BYTES)
        // The writer waits for each buffer, so that nothing gathers in here.
        .with_submit_queue_size_threshold(usize::MAX)
        .with_eviction_pickers(vec![Box::new(OldestRegion::new())]);
    HybridCacheBuilder::new()
        .with_name("blocks")
        .with_policy(HybridCachePolicy::WriteOnInsertion)
        .with_flush_on_close(false)
        .memory(1)
        .with_shards(1)
        .with_eviction_config(FifoConfig::default())
        .with_weighter(|_: &BlockKey, bytes: &Bytes| bytes.len())
        .storage()
        .with_io_engine_config(PsyncIoEngineConfig::new())
        .with_engine_config(engine)
        .with_recover_mode(RecoverMode::Quiet)
        .build()
        .await
}

/// Has the region that was filled first go first, and tells what the full ones take.
#[derive(Debug)]
struct OldestRegion {
    first_in_first_out: FifoPicker,
    region_bytes: usize,
    full_bytes: Gauge,
}

impl OldestRegion {
    fn new() -> Self {
        let full_bytes = metrics::gauge!("alluvium_disk_cache_bytes");
        full_bytes.set(0.0);
        Self { first_in_first_out: FifoPicker::default(), region_bytes: 0, full_bytes }
    }

    fn tell(&self, info: &EvictionInfo<'_>) {
        self.full_bytes.set((info.evictable.len() * self.region_bytes) as f64);
    }
}

impl EvictionPicker for OldestRegion {
    fn init(&mut self, regions: &[u32], region_bytes: usize) {
        self.region_bytes = region_bytes;
        self.first_in_first_out.init(regions, region_bytes);
    }

    fn pick(&mut self, info: EvictionInfo<'_>) -> Option<u32> {
        self.first_in_first_out.pick(info)
    }

    fn on_block_evictable(&mut self, info: EvictionInfo<'_>, region: u32) {
        self.tell(&info);
        self.first_in_first_out.on_block_evictable(info, region);
    }

    fn on_block_evict(&mut self, info: EvictionInfo<'_>, region: u32) {
        self.tell(&info);
        self.first_in_first_out.on_block_evict(info, region);
    }
}
