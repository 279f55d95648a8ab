//! [`History`]: what metadata and objects say of a set of partitions, read at one revision, each thing once.

use super::{RecentReads, manifest_fold::has_many_sessions};
use crate::{Claim, LogError, Stores, index::IndexRun, manifest_rest::Rest};
use bytes::Bytes;
use formats::{
    index_object::{decode_directory, decode_partition},
    metadata::{Commit, Index, Manifest, Session},
    segment::{Footer, Slice},
};
use futures::{StreamExt, TryStreamExt, stream};
use metadata::{Entry, MetadataError, RangeQuery, Revision, families};
use model::{PartitionId, SessionId, TopicId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
    sync::Arc,
};
use storage::{ObjectErrorKind, ObjectName};

/// Objects read at the same time.
const READS_IN_FLIGHT: usize = 16;

/// Rests of one object that lie no further apart are read together.
const REST_GAP_BYTES: u64 = 64 << 10;

/// Index objects up to this size are read by one request.
const INDEX_READ_AT_ONCE_BYTES: u64 = 1 << 20;

/// Histories of partitions that are opened together are folded into manifests when they lie in more objects for each.
const OBJECTS_PER_PARTITION: usize = 2;

/// How often a read begins again because what it rests on went: the revision, or objects that living sessions have replaced since.
const ATTEMPTS: usize = 5;

/// Everything that was read.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(super) manifests: HashMap<PartitionId, (Manifest, Revision)>,
    pub(super) rests: HashMap<PartitionId, Rest>,
    pub(super) sessions: HashMap<SessionId, SessionHistory>,
    /// Sessions that lasted when this was read: what is there of others is final. Read when a claim is to be folded.
    pub(super) lasting: HashSet<SessionId>,
}

/// What one session committed.
#[derive(Debug, Default)]
pub(super) struct SessionHistory {
    pub(super) commits: Vec<CommittedSegment>,
    /// Index objects that may hold something of the wanted partitions.
    pub(super) indexes: Vec<FoldedCommits>,
}

impl SessionHistory {
    /// How many objects it took to know this: index objects, and segments whose footer metadata does not hold.
    fn objects(&self) -> usize {
        self.indexes.len() + self.commits.iter().filter(|commit| !commit.is_inline).count()
    }

    /// The partition's slices, each with its commit, as commits and indexes list them.
    pub(super) fn slices(&self, partition: PartitionId) -> impl Iterator<Item = (u64, &Slice)> {
        let commits = self.commits.iter();
        let commits =
            commits.filter_map(move |commit| Some((commit.seq, commit.footer.slice(partition)?)));
        let runs = self.indexes.iter().filter_map(move |index| index.runs.get(&partition));
        let slices = runs.flat_map(|run| run.slices.iter().map(|(seq, slice)| (*seq, &**slice)));
        commits.chain(slices)
    }
}

/// A commit that is not folded.
#[derive(Debug)]
pub(super) struct CommittedSegment {
    pub(super) seq: u64,
    pub(super) object: ObjectName,
    pub(super) footer: Footer,
    /// Where the footer lies in the object.
    pub(super) footer_at: Range<u64>,
    /// Whether metadata holds the footer.
    pub(super) is_inline: bool,
}

/// An index object: the runs of the wanted partitions.
#[derive(Debug)]
pub(super) struct FoldedCommits {
    pub(super) runs: HashMap<PartitionId, LoadedRun>,
}

/// A partition's run.
#[derive(Debug)]
pub(super) struct LoadedRun {
    pub(super) run: IndexRun,
    /// Its slices with their commits.
    pub(super) slices: Vec<(u64, Arc<Slice>)>,
}

impl History {
    /// Reads what `claims` rest on, under the present session `own`. Of objects, what is in `recent` is not read again.
    pub(crate) async fn read(
        stores: &Stores,
        recent: &RecentReads,
        own: SessionId,
        claims: &[Claim],
    ) -> Result<Self, LogError> {
        let mut failure = LogError::Unavailable("metadata history was not read".to_owned());
        for _ in 0..ATTEMPTS {
            match Self::read_once(stores, recent, own, claims).await {
                Err(ReadFailure::Outdated(error)) => failure = error,
                Err(ReadFailure::Failed(error)) => return Err(error),
                Ok(history) => return Ok(history),
            }
        }
        Err(failure)
    }

    async fn read_once(
        stores: &Stores,
        recent: &RecentReads,
        own: SessionId,
        claims: &[Claim],
    ) -> Result<Self, ReadFailure> {
        let wanted: HashSet<_> = claims.iter().map(|claim| claim.partition).collect();
        let source = Source { stores, recent };
        let mut snapshot = Snapshot { source, revision: None };
        let mut history = Self::default();
        for (session, seqs) in sessions_of(own, claims)? {
            let read = read_session(&mut snapshot, session, &seqs, &wanted).await?;
            history.sessions.insert(session, read);
        }
        if claims.iter().any(has_many_sessions) || history.is_costly(claims) {
            history.read_lasting(&mut snapshot).await?;
        }
        let topics: BTreeSet<_> = wanted.iter().map(|partition| partition.topic).collect();
        for topic in topics {
            history.read_manifests(&mut snapshot, topic, &wanted).await?;
        }
        history.read_rests(source).await?;
        Ok(history)
    }

    /// Whether earlier sessions take more than a few objects for each partition.
    pub(super) fn is_costly(&self, claims: &[Claim]) -> bool {
        let named = claims.iter().flat_map(|claim| &claim.owner.unfolded);
        let sessions: HashSet<_> =
            named.filter_map(|it| SessionId::from_slice(&it.session)).collect();
        let histories = sessions.iter().filter_map(|session| self.sessions.get(session));
        let objects: usize = histories.map(SessionHistory::objects).sum();
        objects > OBJECTS_PER_PARTITION * claims.len()
    }

    async fn read_lasting(&mut self, snapshot: &mut Snapshot<'_>) -> Result<(), ReadFailure> {
        for entry in snapshot.prefix(snapshot.source.stores.keys.sessions()).await? {
            let session: Session = families::decode(&entry)?;
            let id = SessionId::from_slice(&session.id).ok_or_else(|| strange(&entry))?;
            self.lasting.insert(id);
        }
        Ok(())
    }

    async fn read_manifests(
        &mut self,
        snapshot: &mut Snapshot<'_>,
        topic: TopicId,
        wanted: &HashSet<PartitionId>,
    ) -> Result<(), ReadFailure> {
        let keys = &snapshot.source.stores.keys;
        for entry in snapshot.prefix(keys.manifests_of(topic)).await? {
            let partition = keys.parse_manifest(&entry.key).ok_or_else(|| strange(&entry))?;
            if wanted.contains(&partition) {
                let manifest = families::decode(&entry)?;
                self.manifests.insert(partition, (manifest, entry.mod_revision));
            }
        }
        Ok(())
    }

    async fn read_rests(&mut self, source: Source<'_>) -> Result<(), ReadFailure> {
        let mut wanted = Vec::new();
        for (&partition, (manifest, _)) in &self.manifests {
            if let Some(rest) = &manifest.rest {
                let object = object_name(&rest.object)?;
                wanted.push((object, range(rest.offset, rest.length)?, partition));
            }
        }
        let spans: Vec<Vec<_>> = stream::iter(rest_spans(wanted))
            .map(|span| read_span(source, span))
            .buffer_unordered(READS_IN_FLIGHT)
            .try_collect()
            .await?;
        self.rests = spans.into_iter().flatten().collect();
        Ok(())
    }
}

/// Commits of one session that may hold something of the wanted partitions: from and through which, first and last included.
#[derive(Debug, Default)]
struct Seqs(BTreeSet<(u64, u64)>);

impl Seqs {
    /// Whether any of the commits `from` to `through` is among them.
    fn touch(&self, from: u64, through: u64) -> bool {
        self.0.iter().any(|&(first, last)| first <= through && from <= last)
    }
}

/// The sessions that wrote the claimed logs, with what each wrote of them. The present session has written nothing yet of a log that it
/// has just taken over.
fn sessions_of(own: SessionId, claims: &[Claim]) -> Result<BTreeMap<SessionId, Seqs>, ReadFailure> {
    let mut sessions: BTreeMap<SessionId, Seqs> = BTreeMap::new();
    for claim in claims {
        sessions.entry(own).or_default().0.insert((claim.owner.from_seq, u64::MAX));
        for unfolded in &claim.owner.unfolded {
            let session = SessionId::from_slice(&unfolded.session).ok_or_else(|| {
                inconsistent("an owner record names a session that is no id".to_owned())
            })?;
            let seqs = (unfolded.from_seq, unfolded.through_seq);
            sessions.entry(session).or_default().0.insert(seqs);
        }
    }
    Ok(sessions)
}

async fn read_session(
    snapshot: &mut Snapshot<'_>,
    session: SessionId,
    seqs: &Seqs,
    wanted: &HashSet<PartitionId>,
) -> Result<SessionHistory, ReadFailure> {
    let source = snapshot.source;
    let keys = &source.stores.keys;
    let commits = snapshot.prefix(keys.commits(session)).await?;
    let indexes = snapshot.prefix(keys.indexes(session)).await?;
    let touched =
        |entry: &Entry| keys.parse_commit(&entry.key).is_none_or(|(_, seq)| seqs.touch(seq, seq));
    let mut commits: Vec<_> = stream::iter(commits.into_iter().filter(touched))
        .map(|entry| read_commit(source, entry))
        .buffer_unordered(READS_IN_FLIGHT)
        .try_collect()
        .await?;
    commits.sort_unstable_by_key(|commit: &CommittedSegment| commit.seq);
    let indexes = stream::iter(indexes)
        .map(|entry| read_index(source, session, entry, seqs, wanted))
        .buffered(READS_IN_FLIGHT)
        .try_filter_map(|index| async { Ok(index) })
        .try_collect()
        .await?;
    Ok(SessionHistory { commits, indexes })
}

async fn read_commit(source: Source<'_>, entry: Entry) -> Result<CommittedSegment, ReadFailure> {
    let (_, seq) = source.stores.keys.parse_commit(&entry.key).ok_or_else(|| strange(&entry))?;
    let commit: Commit = families::decode(&entry)?;
    let object = object_name(&commit.object)?;
    let footer_at = range(commit.footer_offset, commit.footer_length)?;
    let is_inline = !commit.footer.is_empty();
    let bytes = match is_inline {
        true => commit.footer,
        false => source.read(&object, footer_at.clone()).await?,
    };
    let footer = Footer::decode(&bytes)
        .map_err(|error| inconsistent(format!("the footer of {object} is damaged: {error}")))?;
    Ok(CommittedSegment { seq, object, footer, footer_at, is_inline })
}

/// `None` for one that stands for none of these commits.
async fn read_index(
    source: Source<'_>,
    session: SessionId,
    entry: Entry,
    seqs: &Seqs,
    wanted: &HashSet<PartitionId>,
) -> Result<Option<FoldedCommits>, ReadFailure> {
    let (_, level, _) =
        source.stores.keys.parse_index(&entry.key).ok_or_else(|| strange(&entry))?;
    let index: Index = families::decode(&entry)?;
    if !seqs.touch(index.from_seq, index.through_seq) {
        return Ok(None);
    }
    let object = object_name(&index.object)?;
    let directory_at = range(index.directory_offset, index.directory_length)?;
    // The directory is the last that an object has. A small object is read as a whole, with the runs that it leads to.
    let is_small = directory_at.end <= INDEX_READ_AT_ONCE_BYTES;
    let read_from = if is_small { 0 } else { directory_at.start };
    let read_first = source.read(&object, read_from..directory_at.end).await?;
    let directory = read_first.get((directory_at.start - read_from) as usize..).unwrap_or_default();
    let directory = decode_directory(directory)
        .map_err(|error| inconsistent(format!("the directory of {object} is damaged: {error}")))?;
    let rows: Vec<_> =
        directory.entries.iter().filter(|row| wanted.contains(&row.partition)).collect();
    let (Some(first), Some(last)) =
        (rows.iter().map(|row| row.bytes.start).min(), rows.iter().map(|row| row.bytes.end).max())
    else {
        return Ok(Some(FoldedCommits { runs: HashMap::new() }));
    };
    let (bytes, first) = match is_small {
        true => (read_first, 0),
        false => (source.read(&object, first..last).await?, first),
    };
    let mut runs = HashMap::new();
    for row in rows {
        let run = IndexRun {
            object: object.clone(),
            level,
            bytes: row.bytes.clone(),
            base_offset: row.base_offset,
            end_offset: row.end_offset,
            size_bytes: row.size_bytes,
            max_timestamp: row.max_timestamp,
            session,
            from_seq: index.from_seq,
            through_seq: index.through_seq,
        };
        let within = (row.bytes.start - first) as usize..(row.bytes.end - first) as usize;
        let slices = decode_run(&object, bytes.get(within).unwrap_or_default())?;
        runs.insert(row.partition, LoadedRun { run, slices });
    }
    Ok(Some(FoldedCommits { runs }))
}

fn decode_run(object: &ObjectName, bytes: &[u8]) -> Result<Vec<(u64, Arc<Slice>)>, ReadFailure> {
    let slices = decode_partition(bytes)
        .map_err(|error| inconsistent(format!("a run of {object} is damaged: {error}")))?;
    Ok(slices.into_iter().map(|indexed| (indexed.seq, Arc::new(indexed.slice))).collect())
}

/// Partitions' rests that one GET reads.
struct RestSpan {
    object: ObjectName,
    range: Range<u64>,
    parts: Vec<(PartitionId, Range<u64>)>,
}

/// Lays the reads out: what lies close together in an object is read at once.
fn rest_spans(mut wanted: Vec<(ObjectName, Range<u64>, PartitionId)>) -> Vec<RestSpan> {
    wanted.sort_unstable_by(|a, b| (&a.0, a.1.start).cmp(&(&b.0, b.1.start)));
    let mut spans: Vec<RestSpan> = Vec::new();
    for (object, range, partition) in wanted {
        match spans.last_mut() {
            Some(span)
                if span.object == object && range.start <= span.range.end + REST_GAP_BYTES =>
            {
                span.range.end = span.range.end.max(range.end);
                span.parts.push((partition, range));
            }
            _ => {
                let parts = vec![(partition, range.clone())];
                spans.push(RestSpan { object, range, parts });
            }
        }
    }
    spans
}

async fn read_span(
    source: Source<'_>,
    span: RestSpan,
) -> Result<Vec<(PartitionId, Rest)>, ReadFailure> {
    let RestSpan { object, range, parts } = span;
    let bytes = source.read(&object, range.clone()).await?;
    let decode = |(partition, part): (PartitionId, Range<u64>)| {
        let within = (part.start - range.start) as usize..(part.end - range.start) as usize;
        let rest = Rest::decode(bytes.get(within).unwrap_or_default()).map_err(|reason| {
            inconsistent(format!("a manifest in {object} is damaged: {reason}"))
        })?;
        Ok((partition, rest))
    };
    parts.into_iter().map(decode).collect()
}

/// Reads of metadata that all see the same revision: that of the first.
struct Snapshot<'a> {
    source: Source<'a>,
    revision: Option<Revision>,
}

impl Snapshot<'_> {
    async fn prefix(&mut self, prefix: Bytes) -> Result<Vec<Entry>, ReadFailure> {
        let mut query = RangeQuery::prefix(prefix);
        query.at = self.revision;
        let range = self.source.stores.metadata.range(query).await?;
        self.revision.get_or_insert(range.revision);
        Ok(range.entries)
    }
}

/// Where history is read from.
#[derive(Clone, Copy)]
struct Source<'a> {
    stores: &'a Stores,
    recent: &'a RecentReads,
}

impl Source<'_> {
    async fn read(self, object: &ObjectName, range: Range<u64>) -> Result<Bytes, ReadFailure> {
        self.recent.get_range(&self.stores.objects, object, range).await.map_err(|error| {
            let missing =
                || LogError::Inconsistent(format!("metadata names what is not stored: {error}"));
            match error.kind {
                ObjectErrorKind::NotFound => ReadFailure::Outdated(missing()),
                ObjectErrorKind::Invalid => ReadFailure::Failed(missing()),
                _ => ReadFailure::Failed(LogError::Unavailable(error.to_string())),
            }
        })
    }
}

fn range(offset: u64, length: u64) -> Result<Range<u64>, ReadFailure> {
    let end = offset.checked_add(length);
    end.map(|end| offset..end).ok_or_else(|| inconsistent("a byte range is impossible".to_owned()))
}

fn object_name(name: &str) -> Result<ObjectName, ReadFailure> {
    ObjectName::new(name).map_err(|error| inconsistent(error.to_string()))
}

fn strange(entry: &Entry) -> ReadFailure {
    let key = String::from_utf8_lossy(&entry.key);
    inconsistent(format!("metadata has a key that can't be read: {key}"))
}

fn inconsistent(reason: String) -> ReadFailure {
    ReadFailure::Failed(LogError::Inconsistent(reason))
}

/// Why a read ended.
#[derive(Debug)]
enum ReadFailure {
    /// What was read is history: the revision was compacted, or objects of it are deleted, as a living session has put others in their
    /// place. Begin again at a new revision; the error is for when that goes on.
    Outdated(LogError),
    Failed(LogError),
}

impl From<MetadataError> for ReadFailure {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::Compacted(_) => Self::Outdated(LogError::Unavailable(
                "metadata history is compacted faster than it is read".to_owned(),
            )),
            MetadataError::Damaged { .. } => {
                Self::Failed(LogError::Inconsistent(error.to_string()))
            }
            other => Self::Failed(LogError::Unavailable(other.to_string())),
        }
    }
}
