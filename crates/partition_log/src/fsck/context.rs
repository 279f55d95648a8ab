//! [`Context`]: what every part of a check needs: the stores, the listing, and where findings go.

use super::{Finding, FindingKind, Place, Verified, bucket::Bucket, slices::ListedSlice};
use crate::{Stores, object_read::ObjectReader};
use bytes::Bytes;
use formats::metadata::{DeletedTopic, Manifest, Topic};
use metadata::{Entry, MetadataError, RangeQuery, families};
use model::{PartitionId, SessionId, TopicId};
use parking_lot::Mutex;
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    ops::Range,
    time::Duration,
};
use storage::{ObjectError, ObjectErrorKind, ObjectName};

/// Runs that were read stay so long in memory: a segment's footer may serve several partitions.
const CACHE_BYTES: u64 = 16 << 20;

/// How much is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Depth {
    /// What objects say of themselves: footers and directories.
    #[default]
    Footers,
    /// All bytes: every batch is compared with its footer and its checksum.
    Batches,
}

/// How to check.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much is read.
    pub depth: Depth,
    /// An object that nothing names is an orphan from this age on.
    pub grace: Duration,
    /// The time.
    pub now_unix_ms: i64,
    /// Segments whose batches need not be read.
    pub verified: Verified,
}

/// What a check tells while it goes on.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something is not as it must be.
    Finding(Finding),
    /// All batches of a segment were read, and nothing is wrong with it.
    Verified(ObjectName),
    /// How far it came.
    Progress(Summary),
}

/// What was checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Objects in the store.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Segments and index objects checked.
    pub checked: u64,
    /// Bytes of batches read.
    pub bytes_read: u64,
    /// Bytes of batches that an earlier check had read.
    pub bytes_passed_over: u64,
    /// Partitions put together.
    pub partitions: u64,
    /// Objects that are noted for deletion and still there.
    pub on_their_way_out: u64,
    /// Objects that nothing names, younger than the grace or of a session that lasts.
    pub in_grace: u64,
    /// Findings.
    pub findings: u64,
}

/// Why a check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The metadata store's error.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The object store's error.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The stores can't be read.
    #[error("{0}")]
    Unreadable(String),
}

type Report<'a> = Box<dyn FnMut(Event) + Send + 'a>;

/// A check that goes on.
pub(super) struct Context<'a> {
    pub(super) stores: &'a Stores,
    pub(super) options: Options,
    pub(super) bucket: Bucket,
    pub(super) reader: ObjectReader,
    /// Names of topics, deleted ones too.
    pub(super) topics: HashMap<TopicId, String>,
    /// Sessions of which not everything could be read: their objects are no orphans.
    pub(super) doubtful_sessions: BTreeSet<SessionId>,
    /// Partitions likewise.
    pub(super) doubtful_partitions: BTreeSet<PartitionId>,
    /// From which offset on readers reach a partition's shared segments, when that was last looked up.
    reachable_from: Mutex<HashMap<PartitionId, u64>>,
    sink: Mutex<Sink<'a>>,
}

struct Sink<'a> {
    report: Report<'a>,
    summary: Summary,
}

impl<'a> Context<'a> {
    /// Lists the object store, and the topics.
    pub(super) async fn open(
        stores: &'a Stores,
        options: Options,
        report: Report<'a>,
    ) -> Result<Self, Failure> {
        let bucket = Bucket::list(&stores.objects).await?;
        let (objects, bytes) = (bucket.objects(), bucket.bytes());
        let summary = Summary { objects, bytes, ..Summary::default() };
        let mut context = Self {
            stores,
            options,
            bucket,
            reader: ObjectReader::new(stores.objects.clone(), CACHE_BYTES),
            topics: HashMap::new(),
            doubtful_sessions: BTreeSet::new(),
            doubtful_partitions: BTreeSet::new(),
            reachable_from: Mutex::default(),
            sink: Mutex::new(Sink { report, summary }),
        };
        context.topics = context.read_topics().await?;
        Ok(context)
    }

    async fn read_topics(&self) -> Result<HashMap<TopicId, String>, Failure> {
        let keys = &self.stores.keys;
        let mut names = HashMap::new();
        for entry in self.range(keys.deleted_topics()).await? {
            let Some(id) = keys.parse_deleted_topic(&entry.key) else { continue };
            names.extend(self.decode::<DeletedTopic>(&entry).map(|topic| (id, topic.name)));
        }
        for entry in self.range(keys.topics()).await? {
            let Some(id) = keys.parse_topic(&entry.key) else { continue };
            names.extend(self.decode::<Topic>(&entry).map(|topic| (id, topic.name)));
        }
        Ok(names)
    }

    /// Every entry below a prefix.
    pub(super) async fn range(&self, prefix: Bytes) -> Result<Vec<Entry>, Failure> {
        Ok(self.stores.metadata.range(RangeQuery::prefix(prefix)).await?.entries)
    }

    /// Whether the entry is still what is stored.
    pub(super) async fn is_stored(&self, entry: &Entry) -> Result<bool, Failure> {
        let read = self.stores.metadata.range(RangeQuery::key(entry.key.clone())).await?;
        Ok(read.entries.first().is_some_and(|it| it.mod_revision == entry.mod_revision))
    }

    /// Reads a value; one that can't be read is a finding.
    pub(super) fn decode<V: families::Value>(&self, entry: &Entry) -> Option<V> {
        match families::decode(entry) {
            Ok(value) => Some(value),
            Err(error) => {
                self.report([Finding {
                    kind: FindingKind::Metadata,
                    place: None,
                    object: None,
                    reason: error.to_string(),
                }]);
                None
            }
        }
    }

    /// An object that something names: its size, `None` when it is not there.
    pub(super) async fn size_of(&self, object: &ObjectName) -> Result<Option<u64>, Failure> {
        if let Some(size) = self.bucket.name(object) {
            return Ok(Some(size));
        }
        // It may be younger than the listing.
        match self.stores.objects.size(object).await {
            Ok(size) => Ok(Some(size)),
            Err(error) if error.kind == ObjectErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether no reader reaches any of these slices: their segment may be gone before the index that names it (ADR 23).
    pub(super) async fn is_unreachable(&self, slices: &[ListedSlice]) -> Result<bool, Failure> {
        for ListedSlice { partition, offsets, .. } in slices {
            let known = self.reachable_from.lock().get(partition).copied();
            if known.is_some_and(|from| offsets.end <= from) {
                continue;
            }
            let from = self.read_reachable_from(*partition).await?;
            self.reachable_from.lock().insert(*partition, from);
            if offsets.end > from {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All of a deleted topic can't be reached.
    async fn read_reachable_from(&self, partition: PartitionId) -> Result<u64, Failure> {
        let keys = &self.stores.keys;
        if !self.range(keys.deleted_topic(partition.topic)).await?.is_empty() {
            return Ok(u64::MAX);
        }
        let manifest = RangeQuery::key(keys.manifest(partition));
        let read = self.stores.metadata.range(manifest).await?.entries;
        let manifest = read.first().and_then(|entry| self.decode::<Manifest>(entry));
        Ok(manifest.map_or(0, |it| it.log_start_offset.max(it.merged_through)))
    }

    /// The range of a partition's offsets, with its topic's name.
    pub(super) fn place(&self, partition: PartitionId, offsets: Option<Range<u64>>) -> Place {
        Place { partition, topic: self.topics.get(&partition.topic).cloned(), offsets }
    }

    /// Tells of findings.
    pub(super) fn report(&self, findings: impl IntoIterator<Item = Finding>) {
        let mut sink = self.sink.lock();
        for finding in findings {
            sink.summary.findings += 1;
            (sink.report)(Event::Finding(finding));
        }
    }

    /// Tells that a segment's batches are whole.
    pub(super) fn verified(&self, object: &ObjectName) {
        (self.sink.lock().report)(Event::Verified(object.clone()));
    }

    /// Counts what was done, and tells how far the check came.
    pub(super) fn count(&self, count: impl FnOnce(&mut Summary)) {
        let mut sink = self.sink.lock();
        count(&mut sink.summary);
        let summary = sink.summary;
        (sink.report)(Event::Progress(summary));
    }

    pub(super) fn into_summary(self) -> Summary {
        self.sink.into_inner().summary
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("options", &self.options).finish_non_exhaustive()
    }
}
