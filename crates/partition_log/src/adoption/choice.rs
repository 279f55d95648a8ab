//! Which segments count as committed. Pure.

use super::transactions::Step;
use model::{LeaderEpoch, Offset, PartitionId, SessionId, WalId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

/// A commit that a segment could be: its session, and its number.
pub(super) type CommitId = (SessionId, u64);

/// What a segment that metadata does not know says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    /// Create revision of its session's key, if it says so, then its time: of two sessions the later has the larger.
    pub(super) age: (u64, i64),
    /// Commits of its session up to this one are known to have succeeded.
    pub(super) committed_through: u64,
    /// The WAL that its batches came through, if it says so.
    pub(super) wal: Option<WalId>,
    /// Its slices.
    pub(super) slices: Vec<Claimed>,
}

/// Offsets that a segment has values for.
#[derive(Clone, Debug)]
pub(super) struct Claimed {
    pub(super) partition: PartitionId,
    pub(super) offsets: Range<Offset>,
    /// Epochs in it, with the first offset of each.
    pub(super) epochs: Vec<(LeaderEpoch, Offset)>,
    /// What transactions did in it, in offset order.
    pub(super) steps: Vec<Step>,
    /// Its bytes in the object.
    pub(super) size_bytes: u64,
}

/// Where a log ends as far as metadata knows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KnownEnd {
    pub(super) end: Offset,
    /// Its newest epoch, and where that begins.
    pub(super) newest: Option<(LeaderEpoch, Offset)>,
}

/// A slice that becomes a part of its log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Attached {
    pub(super) commit: CommitId,
    pub(super) offsets: Range<Offset>,
    pub(super) epochs: Vec<LeaderEpoch>,
}

/// What was decided.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    /// Segments that count as committed.
    pub(super) taken: BTreeSet<CommitId>,
    /// What each log gets, in offset order; nothing for one that has a gap at once: what lies behind must not count for it.
    pub(super) attached: HashMap<PartitionId, Vec<Attached>>,
    /// Segments that do not count, with the reason.
    pub(super) refused: Vec<(CommitId, String)>,
    /// Offsets that are in no segment, in front of others.
    pub(super) gaps: Vec<(PartitionId, Range<u64>)>,
}

/// One slice, with what decides between two that have the same offsets.
#[derive(Clone, Debug)]
struct Rival<'a> {
    commit: CommitId,
    claimed: &'a Claimed,
    rank: (bool, Option<LeaderEpoch>, (u64, i64)),
}

/// Decides, for segments of logs that end at `known`; slices of other partitions count for nothing.
pub(super) fn choose(
    segments: &BTreeMap<CommitId, Segment>,
    known: &HashMap<PartitionId, KnownEnd>,
) -> Choice {
    let mut rivals: HashMap<PartitionId, Vec<Rival<'_>>> = HashMap::new();
    let proven = proven(segments);
    for (&commit, segment) in segments {
        for claimed in segment.slices.iter().filter(|it| known.contains_key(&it.partition)) {
            let newest = claimed.epochs.last().map(|(epoch, _)| *epoch);
            let rank = (is_proven(&proven, commit), newest, segment.age);
            rivals.entry(claimed.partition).or_default().push(Rival { commit, claimed, rank });
        }
    }
    let mut beaten: BTreeMap<CommitId, String> = BTreeMap::new();
    for (partition, rivals) in &mut rivals {
        rivals.sort_by_key(|it| (it.claimed.offsets.start, it.claimed.offsets.end, it.rank));
        let end = known.get(partition).copied().unwrap_or_default();
        for (commit, reason) in beaten_in(rivals, end) {
            if !is_proven(&proven, commit) {
                beaten.entry(commit).or_insert(format!("{partition}: {reason}"));
            }
        }
    }
    let refused = with_followers(segments, &beaten);
    let mut choice = Choice::default();
    choice.taken.extend(segments.keys().filter(|id| !refused.contains_key(id)));
    choice.refused = refused.into_iter().collect();
    for (partition, rivals) in rivals {
        let end = known.get(&partition).copied().unwrap_or_default().end;
        attach(&mut choice, partition, end, &rivals);
    }
    choice.gaps.sort_by_key(|(partition, range)| (*partition, range.start));
    choice
}

/// The last commit of each session that another segment of it proves.
fn proven(segments: &BTreeMap<CommitId, Segment>) -> HashMap<SessionId, u64> {
    let mut proven = HashMap::new();
    for (&(session, _), segment) in segments {
        let through = proven.entry(session).or_insert(0);
        *through = segment.committed_through.max(*through);
    }
    proven
}

fn is_proven(proven: &HashMap<SessionId, u64>, (session, seq): CommitId) -> bool {
    proven.get(&session).is_some_and(|&through| seq <= through)
}

/// What in one log was not committed, as others show. `rivals` are in offset order.
fn beaten_in(rivals: &[Rival<'_>], known: KnownEnd) -> Vec<(CommitId, String)> {
    let mut beaten = Vec::new();
    let starts = epoch_starts(rivals, known);
    let mut standing: Vec<&Rival<'_>> = Vec::new();
    for rival in rivals {
        let offsets = &rival.claimed.offsets;
        if offsets.start < known.end {
            beaten.push((rival.commit, format!("the log reached {} without it", known.end)));
            continue;
        }
        if let Some((epoch, start)) = ended_by(rival.claimed, &starts) {
            beaten.push((rival.commit, format!("epoch {epoch} began at {start}")));
            continue;
        }
        let mut stands = true;
        while let Some(other) = standing.last().filter(|it| it.claimed.offsets.end > offsets.start)
        {
            let reason = |of: &Rival<'_>| {
                format!("commit {} of session {} has its offsets", of.commit.1, of.commit.0)
            };
            if other.rank > rival.rank {
                beaten.push((rival.commit, reason(other)));
                stands = false;
                break;
            }
            beaten.push((other.commit, reason(rival)));
            standing.pop();
        }
        if stands {
            standing.push(rival);
        }
    }
    beaten
}

/// Where each epoch begins, as far as segments and metadata tell.
fn epoch_starts(rivals: &[Rival<'_>], known: KnownEnd) -> BTreeMap<LeaderEpoch, Offset> {
    let mut starts: BTreeMap<_, _> = known.newest.into_iter().collect();
    for &(epoch, offset) in rivals.iter().flat_map(|it| &it.claimed.epochs) {
        let start = starts.entry(epoch).or_insert(offset);
        *start = offset.min(*start);
    }
    starts
}

/// A later epoch that begins within, or before, what the slice has of an earlier one: who began it found the log to end there.
fn ended_by(
    claimed: &Claimed,
    starts: &BTreeMap<LeaderEpoch, Offset>,
) -> Option<(LeaderEpoch, Offset)> {
    let ends = claimed.epochs.iter().skip(1).map(|(_, start)| *start);
    let ends = ends.chain([claimed.offsets.end]);
    claimed.epochs.iter().zip(ends).find_map(|(&(epoch, _), end)| {
        let later = starts.iter().filter(|&(&other, &start)| other > epoch && start < end);
        later.map(|(&epoch, &start)| (epoch, start)).next()
    })
}

/// What a session cut behind a segment that was not committed was not either: commits are in order.
fn with_followers(
    segments: &BTreeMap<CommitId, Segment>,
    beaten: &BTreeMap<CommitId, String>,
) -> BTreeMap<CommitId, String> {
    let mut refused = beaten.clone();
    let mut first: Option<CommitId> = None;
    for &(session, seq) in segments.keys() {
        if first.is_none_or(|(of, _)| of != session) {
            first = beaten.contains_key(&(session, seq)).then_some((session, seq));
        } else if let Some((_, before)) = first {
            let reason = || format!("it follows commit {before} of its session, which was none");
            refused.entry((session, seq)).or_insert_with(reason);
        }
    }
    refused
}

/// Puts what was taken behind the log's end, as far as there is no gap.
fn attach(choice: &mut Choice, partition: PartitionId, end: Offset, rivals: &[Rival<'_>]) {
    let mut end = end;
    let mut attached = Vec::new();
    let mut has_gap = false;
    for rival in rivals.iter().filter(|it| choice.taken.contains(&it.commit)) {
        let offsets = &rival.claimed.offsets;
        if offsets.start > end {
            choice.gaps.push((partition, end.get()..offsets.start.get()));
            has_gap = true;
            break;
        }
        if offsets.start < end {
            continue;
        }
        end = offsets.end;
        attached.push(Attached {
            commit: rival.commit,
            offsets: offsets.clone(),
            epochs: rival.claimed.epochs.iter().map(|(epoch, _)| *epoch).collect(),
        });
    }
    if has_gap || !attached.is_empty() {
        choice.attached.insert(partition, attached);
    }
}

#[cfg(test)]
mod tests;
