//! [`Candidates`]: segments in the bucket that no commit in metadata is about, read from their own footers.

use super::{
    Failure, Progress,
    choice::{Claimed, CommitId, Segment},
    transactions,
};
use crate::{Stores, footer_read::read_footer, object_names};
use bytes::Bytes;
use formats::{
    metadata::{Commit, CommitHead, Garbage},
    segment::{Footer, Slice},
};
use futures::{StreamExt, TryStreamExt, stream};
use metadata::{RangeQuery, families};
use model::{PartitionId, SessionId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
};
use storage::{Listed, ObjectName};

/// Footers read at the same time.
const READS_IN_FLIGHT: usize = 16;

/// Largest footer that a commit carries inline, as the pipeline has it.
const INLINE_FOOTER_BYTES: usize = 1024;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub(super) segments: BTreeMap<CommitId, Segment>,
    /// The commit that each would be.
    pub(super) commits: HashMap<CommitId, Commit>,
    /// The last commit of each session that metadata knows.
    pub(super) heads: HashMap<SessionId, u64>,
    unreadable: Vec<(String, String)>,
}

/// One segment that was read.
struct Read {
    id: CommitId,
    segment: Segment,
    commit: Commit,
}

impl Candidates {
    /// Lists the bucket, and reads the footer of each segment that lies beyond its session's head.
    pub(super) async fn find(
        stores: &Stores,
        mut report: impl FnMut(Progress) + Send,
    ) -> Result<Self, Failure> {
        let mut found = Self { heads: heads(stores).await?, ..Self::default() };
        let on_their_way_out = garbage(stores).await?;
        let mut progress = Progress::default();
        let mut beyond = Vec::new();
        let mut next = None;
        loop {
            let prefix = format!("{}/", object_names::SEGMENTS);
            let page = stores.objects.list_page(&prefix, next).await?;
            progress.listed += page.objects.len() as u64;
            beyond.extend(
                page.objects
                    .into_iter()
                    .filter(|it| !on_their_way_out.contains(it.name.as_str()))
                    .filter_map(|it| Some((found.beyond_head(&it.name)?, it))),
            );
            progress.to_read = beyond.len() as u64;
            report(progress);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        found
            .read(stores, beyond, || {
                progress.read += 1;
                report(progress);
            })
            .await?;
        Ok(found)
    }

    fn beyond_head(&self, object: &ObjectName) -> Option<CommitId> {
        let (session, seq) = object_names::parse_segment(object)?;
        (seq > self.heads.get(&session).copied().unwrap_or(0)).then_some((session, seq))
    }

    async fn read(
        &mut self,
        stores: &Stores,
        listed: Vec<(CommitId, Listed)>,
        mut count: impl FnMut() + Send,
    ) -> Result<(), Failure> {
        let mut reads = stream::iter(listed)
            .map(|(id, listed)| async move {
                let footer = read_footer(&stores.objects, &listed.name, listed.size).await?;
                Ok::<_, Failure>((id, listed, footer))
            })
            .buffered(READS_IN_FLIGHT);
        while let Some((id, listed, footer)) = reads.try_next().await? {
            count();
            match footer {
                Ok((footer, range)) => self.add(read(id, &listed, &footer, range)),
                Err(reason) => self.unreadable.push((listed.name.to_string(), reason)),
            }
        }
        Ok(())
    }

    /// Of two objects for one commit, which have the same bytes, the first is as good.
    fn add(&mut self, read: Read) {
        if self.segments.contains_key(&read.id) {
            return;
        }
        self.segments.insert(read.id, read.segment);
        self.commits.insert(read.id, read.commit);
    }

    /// Every partition that a segment has a slice of.
    pub(super) fn partitions(&self) -> BTreeSet<PartitionId> {
        self.segments.values().flat_map(|it| &it.slices).map(|it| it.partition).collect()
    }

    /// How many slices are of these partitions.
    pub(super) fn slices_of(&self, partitions: &HashSet<PartitionId>) -> u64 {
        let slices = self.segments.values().flat_map(|it| &it.slices);
        slices.filter(|it| partitions.contains(&it.partition)).count() as u64
    }

    /// The objects of what was refused, and of what could not be read.
    pub(super) fn name(&self, refused: &[(CommitId, String)]) -> Vec<(String, String)> {
        let named = refused.iter().filter_map(|(id, reason)| {
            Some((self.commits.get(id)?.object.clone(), reason.clone()))
        });
        named.chain(self.unreadable.iter().cloned()).collect()
    }
}

fn read(id: CommitId, listed: &Listed, footer: &Footer, range: Range<u64>) -> Read {
    let author = footer.author();
    let bytes = footer.encode();
    let inline = bytes.len() <= INLINE_FOOTER_BYTES;
    let commit = Commit {
        object: listed.name.to_string(),
        size: listed.size,
        footer: if inline { bytes.into() } else { Bytes::new() },
        footer_offset: range.start,
        footer_length: range.end - range.start,
        ..Commit::default()
    };
    let segment = Segment {
        age: (author.map_or(0, |it| it.session_revision), listed.modified_unix_ms),
        committed_through: author.map_or(0, |it| it.committed_through),
        wal: author.map(|it| it.wal),
        slices: footer.slices.iter().map(claimed).collect(),
    };
    Read { id, segment, commit }
}

fn claimed(slice: &Slice) -> Claimed {
    Claimed {
        partition: slice.partition,
        offsets: slice.base_offset..slice.end_offset,
        epochs: slice.epochs.clone(),
        steps: transactions::steps(&slice.batches),
        size_bytes: slice.size_bytes(),
    }
}

async fn heads(stores: &Stores) -> Result<HashMap<SessionId, u64>, Failure> {
    let keys = &stores.keys;
    let read = stores.metadata.range(RangeQuery::prefix(keys.commit_heads())).await?;
    let mut heads = HashMap::new();
    for entry in read.entries {
        let Some(session) = keys.parse_commit_head(&entry.key) else { continue };
        heads.insert(session, families::decode::<CommitHead>(&entry)?.seq);
    }
    Ok(heads)
}

async fn garbage(stores: &Stores) -> Result<HashSet<String>, Failure> {
    let read = stores.metadata.range(RangeQuery::prefix(stores.keys.all_garbage())).await?;
    let mut names = HashSet::new();
    for entry in read.entries {
        names.extend(families::decode::<Garbage>(&entry)?.objects);
    }
    Ok(names)
}
