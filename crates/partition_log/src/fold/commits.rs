//! [`SessionCommits`]: what a session has in metadata: commits, and index objects by level. Says what to fold next. Pure.

use formats::{index_object::Directory, segment::Footer};
use std::{ops::Range, sync::Arc};
use storage::ObjectName;

/// So many commits tell what the next ones are like.
const NEWEST: usize = 8;

/// Runs of this many bytes are not folded further: an index object is held in memory when it is made.
const RUNS_BYTES_MAX: u64 = 32 << 20;

/// A commit that is not folded.
#[derive(Clone, Debug)]
pub(crate) struct FoldableCommit {
    pub(crate) seq: u64,
    pub(crate) object: ObjectName,
    pub(crate) footer: Arc<Footer>,
    pub(crate) wal_synced: u64,
}

/// An index object that is not folded into one of the next level.
#[derive(Clone, Debug)]
pub(crate) struct FoldableIndex {
    pub(crate) object: ObjectName,
    pub(crate) directory: Arc<Directory>,
    /// Where the runs lie in it.
    pub(crate) runs: Range<u64>,
    pub(crate) wal_synced: u64,
    pub(crate) freed: Freed,
}

/// Of the segments that an index object names, those that are gone or on their way out before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Freed {
    /// How many.
    pub(crate) segments: u32,
    /// So many bytes of the slices that it lists could not be reached any more when that was told.
    pub(crate) bytes: u64,
}

/// Children to fold into one index object.
#[derive(Clone, Debug)]
pub(crate) enum FoldWork {
    Commits(Vec<FoldableCommit>),
    Indexes(Vec<FoldableIndex>),
}

/// What a session committed, by level.
#[derive(Debug, Default)]
pub(crate) struct SessionCommits {
    commits: Vec<FoldableCommit>,
    /// The last commit that came.
    newest: u64,
    /// Element n holds level n + 1.
    indexes: Vec<Vec<FoldableIndex>>,
}

impl SessionCommits {
    /// Adds a commit; they come in the order of their seqs.
    pub(crate) fn push(&mut self, commit: FoldableCommit) {
        self.newest = commit.seq;
        self.commits.push(commit);
    }

    /// How many commits are not folded.
    pub(crate) fn waiting(&self) -> usize {
        self.commits.len()
    }

    /// Bytes and number of the slices of the newest of those.
    pub(crate) fn newest_slices(&self) -> (u64, u64) {
        let newest = self.commits.iter().rev().take(NEWEST).map(|commit| &commit.footer);
        newest.fold((0, 0), |(bytes, slices), footer| {
            (bytes + footer.slice_bytes(), slices + footer.slices.len() as u64)
        })
    }

    /// What the segment of a commit holds that is not folded.
    pub(crate) fn footer_of(&self, object: &ObjectName) -> Option<Arc<Footer>> {
        let commit = self.commits.iter().find(|it| it.object == *object)?;
        Some(Arc::clone(&commit.footer))
    }

    /// What an index object holds that is not folded into another.
    pub(crate) fn directory_of(&self, object: &ObjectName) -> Option<Arc<Directory>> {
        let index = self.indexes.iter().flatten().find(|it| it.object == *object)?;
        Some(Arc::clone(&index.directory))
    }

    /// Through which commit everything is folded, or gone.
    pub(crate) fn folded_through(&self) -> u64 {
        let waiting = self.commits.first().map(|commit| commit.seq);
        waiting.map_or(self.newest, |first| first.saturating_sub(1))
    }

    /// The next fold: the oldest `fan_in` children of the lowest level that has so many, or fewer where they are large.
    pub(crate) fn choose(&self, fan_in: usize) -> Option<FoldWork> {
        if let Some(children) = self.commits.get(..fan_in) {
            return Some(FoldWork::Commits(children.to_vec()));
        }
        let children = self.indexes.iter().find_map(|level| self.group(level, fan_in))?;
        Some(FoldWork::Indexes(children.to_vec()))
    }

    /// The first siblings to fold: as many as that, or two and more that the next one would make too large.
    fn group<'a>(
        &self,
        siblings: &'a [FoldableIndex],
        fan_in: usize,
    ) -> Option<&'a [FoldableIndex]> {
        let (mut start, mut bytes) = (0, 0);
        for (at, next) in siblings.iter().enumerate() {
            let group = siblings.get(start..at).unwrap_or_default();
            let size = next.runs.end.saturating_sub(next.runs.start);
            let belongs = group.last().is_none_or(|last| {
                bytes + size <= RUNS_BYTES_MAX && self.nothing_between(last, next)
            });
            if belongs {
                bytes += size;
            } else if group.len() >= 2 {
                return Some(group);
            } else {
                (start, bytes) = (at, size);
            }
            if at + 1 - start == fan_in {
                return siblings.get(start..=at);
            }
        }
        None
    }

    /// Whether no index object stands for commits between those of two; what was discarded may lie there.
    fn nothing_between(&self, one: &FoldableIndex, next: &FoldableIndex) -> bool {
        let (end, start) = (one.directory.through_seq, next.directory.from_seq);
        let mut all = self.indexes.iter().flatten().map(|it| &it.directory);
        end + 1 == start || !all.any(|it| it.from_seq > end && it.through_seq < start)
    }

    /// Notes what is gone of the segments that an index object names.
    pub(crate) fn note_freed(&mut self, object: &ObjectName, freed: Freed) {
        if let Some(index) = self.indexes.iter_mut().flatten().find(|it| it.object == *object) {
            index.freed = freed;
        }
    }

    /// Forgets a commit or index whose object is on its way out.
    pub(crate) fn discard(&mut self, object: &ObjectName) {
        self.commits.retain(|it| it.object != *object);
        for level in &mut self.indexes {
            level.retain(|it| it.object != *object);
        }
    }

    /// Puts `index` in the place of its children.
    pub(crate) fn folded(&mut self, index: FoldableIndex) {
        let Directory { level, from_seq, through_seq, .. } = *index.directory;
        let level = level as usize;
        match level.checked_sub(2).and_then(|below| self.indexes.get_mut(below)) {
            Some(children) => children.retain(|it| {
                let own = &it.directory;
                own.through_seq > through_seq || own.from_seq < from_seq
            }),
            None => self.commits.retain(|it| it.seq > through_seq),
        }
        if self.indexes.len() < level {
            self.indexes.resize_with(level, Vec::new);
        }
        if let Some(siblings) = self.indexes.get_mut(level.saturating_sub(1)) {
            siblings.push(index);
        }
    }
}

impl FoldWork {
    /// Level of the index object to be made.
    pub(crate) fn level(&self) -> u32 {
        match self {
            Self::Commits(_) => 1,
            Self::Indexes(children) => children.first().map_or(2, |it| it.directory.level + 1),
        }
    }

    /// Whether both fold the same objects.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.objects().eq(other.objects())
    }

    fn objects(&self) -> Box<dyn Iterator<Item = &ObjectName> + '_> {
        match self {
            Self::Commits(children) => Box::new(children.iter().map(|it| &it.object)),
            Self::Indexes(children) => Box::new(children.iter().map(|it| &it.object)),
        }
    }

    /// The largest WAL position known synced that a child carries.
    pub(crate) fn wal_synced(&self) -> u64 {
        let largest = match self {
            Self::Commits(children) => children.iter().map(|it| it.wal_synced).max(),
            Self::Indexes(children) => children.iter().map(|it| it.wal_synced).max(),
        };
        largest.unwrap_or_default()
    }

    /// What is gone of the segments that the children name.
    pub(crate) fn freed(&self) -> Freed {
        let Self::Indexes(children) = self else { return Freed::default() };
        children.iter().map(|it| it.freed).fold(Freed::default(), |sum, it| Freed {
            segments: sum.segments.saturating_add(it.segments),
            bytes: sum.bytes.saturating_add(it.bytes),
        })
    }

    /// First seqs of the first and of the last child: what their keys carry.
    pub(crate) fn child_seqs(&self) -> Option<(u64, u64)> {
        match self {
            Self::Commits(children) => Some((children.first()?.seq, children.last()?.seq)),
            Self::Indexes(children) => {
                Some((children.first()?.directory.from_seq, children.last()?.directory.from_seq))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SessionId;

    fn name(text: &str) -> ObjectName {
        ObjectName::new(text).expect("a name")
    }

    fn commit(seq: u64) -> FoldableCommit {
        let object = name(&format!("data/{seq}"));
        FoldableCommit { seq, object, footer: Arc::default(), wal_synced: seq }
    }

    fn index(level: u32, from_seq: u64, through_seq: u64) -> FoldableIndex {
        let session = SessionId::from_bytes([1; 16]);
        let entries = Vec::new();
        let directory = Directory { session, level, from_seq, through_seq, entries };
        let object = name(&format!("index/{level}/{from_seq}"));
        let directory = Arc::new(directory);
        FoldableIndex { object, directory, runs: 16..16, wal_synced: 0, freed: Freed::default() }
    }

    /// One whose runs take this part of what an index object may hold.
    fn large(from_seq: u64, through_seq: u64, percent: u64) -> FoldableIndex {
        let runs = 16..16 + RUNS_BYTES_MAX * percent / 100;
        FoldableIndex { runs, ..index(1, from_seq, through_seq) }
    }

    fn chosen(commits: &SessionCommits) -> Option<(u64, u64)> {
        commits.choose(4).and_then(|work| work.child_seqs())
    }

    #[test]
    fn large_index_objects_are_folded_in_smaller_numbers_or_not_at_all() {
        let mut commits = SessionCommits::default();
        for it in [large(1, 4, 70), large(5, 8, 40)] {
            commits.folded(it);
        }
        assert_eq!(chosen(&commits), None, "the next one may be small");
        commits.folded(large(9, 12, 30));
        assert_eq!(chosen(&commits), None);
        commits.folded(large(13, 16, 40));
        assert_eq!(chosen(&commits), Some((5, 9)));
        commits.folded(index(2, 5, 12));
        commits.folded(large(17, 20, 0));
        assert_eq!(chosen(&commits), None, "the first is large, and stays");
        commits.folded(large(21, 24, 0));
        commits.folded(large(25, 28, 0));
        assert_eq!(chosen(&commits), Some((13, 25)), "what is behind it is folded all the same");
    }

    #[test]
    fn a_fold_takes_in_no_commits_of_an_index_object_that_stays() {
        let mut commits = SessionCommits::default();
        for it in [index(2, 1, 8), large(9, 12, 100), index(2, 13, 20), index(2, 21, 28)] {
            commits.folded(it);
        }
        commits.folded(large(29, 32, 100));
        commits.folded(index(2, 33, 40));
        assert_eq!(chosen(&commits), Some((13, 21)));
    }

    #[test]
    fn what_was_freed_stays_so_in_the_next_level() {
        let mut commits = SessionCommits::default();
        (0..4).for_each(|at| commits.folded(index(1, 4 * at + 1, 4 * at + 4)));
        let freed = |segments, bytes| Freed { segments, bytes };
        commits.note_freed(&name("index/1/1"), freed(2, 10));
        commits.note_freed(&name("index/1/9"), freed(3, 5));
        let work = commits.choose(4).expect("work");
        assert_eq!(work.freed(), freed(5, 15));
    }

    #[test]
    fn nothing_is_folded_before_there_are_enough() {
        let mut commits = SessionCommits::default();
        commits.push(commit(1));
        assert!(commits.choose(2).is_none());
    }

    #[test]
    fn the_oldest_of_the_lowest_level_are_folded_first() {
        let mut commits = SessionCommits::default();
        (1..=3).for_each(|seq| commits.push(commit(seq)));
        let work = commits.choose(2).expect("work");
        assert_eq!((work.level(), work.child_seqs()), (1, Some((1, 2))));
        commits.folded(index(1, 1, 2));
        assert!(commits.choose(2).is_none());
        commits.push(commit(4));
        commits.folded(index(1, 3, 4));
        let work = commits.choose(2).expect("work");
        assert_eq!((work.level(), work.child_seqs()), (2, Some((1, 3))));
        commits.folded(index(2, 1, 4));
        assert!(commits.choose(2).is_none());
    }
}
