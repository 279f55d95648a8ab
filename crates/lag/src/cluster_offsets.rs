//! What is known of one cluster: ends of logs, and the commits of groups.

use crate::{
    Commit, CommitWindow, GroupStatus, LagOptions, PartitionStatus, Status, commits::MemberOwner,
    judge, log_ends::LogEnds,
};
use std::collections::BTreeMap;

/// One cluster.
#[derive(Debug, Default)]
pub(crate) struct ClusterOffsets {
    /// By partition.
    topics: BTreeMap<String, Vec<LogEnds>>,
    groups: BTreeMap<String, GroupCommits>,
    /// By group: who has which partition, also of those that nothing was committed of yet.
    owners: BTreeMap<String, Owners>,
    /// Partitions of groups, over all groups.
    partitions: usize,
}

/// Who has which partition of a group.
type Owners = BTreeMap<(String, u32), MemberOwner>;

#[derive(Debug, Default)]
struct GroupCommits {
    topics: BTreeMap<String, BTreeMap<u32, PartitionCommits>>,
    last_commit_ms: i64,
}

#[derive(Debug)]
struct PartitionCommits {
    window: CommitWindow,
    owner: MemberOwner,
}

/// A commit as it was read.
#[derive(Clone, Debug)]
pub(crate) struct NewCommit<'a> {
    pub(crate) group: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    /// Where it stands; `None`: it is the last one, and new unless it is the one that is known.
    pub(crate) order: Option<i64>,
    pub(crate) timestamp: i64,
    /// Whether it is being made now, and not read long after.
    pub(crate) live: bool,
}

/// Commits of a group in a partition of which the log's end is known.
pub(crate) struct Known<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: u32,
    pub(crate) window: &'a CommitWindow,
    pub(crate) owner: &'a MemberOwner,
    pub(crate) current_lag: u64,
    ends: &'a LogEnds,
}

impl ClusterOffsets {
    /// The end of a log, as it is now, of a topic with so many partitions.
    pub(crate) fn set_log_end(
        &mut self,
        (topic, partition, partitions): (&str, u32, usize),
        end: i64,
        now: i64,
        options: &LagOptions,
    ) {
        if let Some(ends) = self.ends_mut(topic, partition, partitions) {
            ends.add(end, now, options);
        }
    }

    /// The end of a log at this moment, of a partition that is there.
    pub(crate) fn glance(&mut self, topic: &str, partition: u32, end: i64, now: i64) {
        if let Some(ends) = self.ends_mut(topic, partition, partition as usize + 1) {
            ends.glance(end, now);
        }
    }

    fn ends_mut(&mut self, topic: &str, partition: u32, partitions: usize) -> Option<&mut LogEnds> {
        if !self.topics.contains_key(topic) {
            self.topics.insert(topic.to_owned(), Vec::new());
        }
        let ends = self.topics.get_mut(topic)?;
        if ends.len() < partitions {
            ends.resize_with(partitions, LogEnds::default);
        }
        ends.get_mut(partition as usize)
    }

    /// Forgets what is known of logs that nobody asks for any more.
    pub(crate) fn keep_log_ends(&mut self, wanted: impl Fn(&str) -> bool) {
        self.topics.retain(|topic, _| wanted(topic));
    }

    /// Forgets topics that are gone, and what groups committed to them.
    pub(crate) fn keep_topics(&mut self, exists: impl Fn(&str) -> bool) {
        self.keep_log_ends(&exists);
        for group in self.groups.values_mut() {
            group.topics.retain(|topic, _| exists(topic));
        }
        self.groups.retain(|_, group| !group.topics.is_empty());
        self.count();
    }

    /// Forgets other groups.
    pub(crate) fn keep_groups(&mut self, keep: impl Fn(&str) -> bool) {
        self.groups.retain(|group, _| keep(group));
        self.owners.retain(|group, _| keep(group));
        self.count();
    }

    /// Takes a commit; answers whether there was room.
    pub(crate) fn add(&mut self, commit: &NewCommit<'_>, now: i64, options: &LagOptions) -> bool {
        let NewCommit { offset, timestamp, .. } = *commit;
        if now.saturating_sub(timestamp) > options.expire_group.as_millis() as i64 {
            return true;
        }
        let ends = self.ends(commit.topic, commit.partition);
        let end = ends.and_then(|ends| match commit.order {
            Some(_) => ends.last(),
            None => ends.known_at(timestamp),
        });
        let lag = end.filter(|_| commit.live).map(|end| behind(end, offset));
        if !self.make_room(commit, options) {
            return false;
        }
        let Some(group) = self.groups.get_mut(commit.group) else { return true };
        let found = group.topics.get_mut(commit.topic);
        let Some(found) = found.and_then(|it| it.get_mut(&commit.partition)) else { return true };
        group.last_commit_ms = group.last_commit_ms.max(timestamp);
        let last = found.window.last();
        let told_again =
            last.is_some_and(|last| last.timestamp == timestamp && last.offset == offset);
        let order = match commit.order {
            Some(order) => order,
            None if told_again => return true,
            None => last.map_or(0, |last| last.order + 1),
        };
        let commit = Commit { offset, order, timestamp, observed_at: now, lag };
        found.window.add(commit, options.min_distance);
        true
    }

    /// Makes a place for the commits of a group in a partition, unless there is one, or are too many.
    fn make_room(&mut self, commit: &NewCommit<'_>, options: &LagOptions) -> bool {
        let known = self.groups.get(commit.group).and_then(|it| it.topics.get(commit.topic));
        if known.is_some_and(|topic| topic.contains_key(&commit.partition)) {
            return true;
        }
        if self.partitions >= options.max_partitions {
            return false;
        }
        self.partitions += 1;
        let group = self.groups.entry(commit.group.to_owned()).or_default();
        let topic = group.topics.entry(commit.topic.to_owned()).or_default();
        let window = CommitWindow::new(options.intervals);
        let place = (commit.topic.to_owned(), commit.partition);
        let owner = self.owners.get(commit.group).and_then(|owners| owners.get(&place));
        let owner = owner.cloned().unwrap_or_default();
        topic.insert(commit.partition, PartitionCommits { window, owner });
        true
    }

    /// A commit is gone: it expired, or was deleted.
    pub(crate) fn remove(&mut self, group: &str, topic: &str, partition: u32) {
        let Some(found) = self.groups.get_mut(group) else { return };
        let Some(partitions) = found.topics.get_mut(topic) else { return };
        if partitions.remove(&partition).is_some() {
            self.partitions = self.partitions.saturating_sub(1);
        }
        if partitions.is_empty() {
            found.topics.remove(topic);
        }
        if found.topics.is_empty() {
            self.groups.remove(group);
        }
    }

    /// Who has which partitions of a group now. A group that has not committed yet is told of its members first.
    pub(crate) fn set_owners(&mut self, group: &str, owners: Owners, options: &LagOptions) {
        for (topic, partitions) in
            self.groups.get_mut(group).into_iter().flat_map(|group| &mut group.topics)
        {
            for (partition, commits) in partitions {
                let owner = owners.get(&(topic.clone(), *partition));
                commits.owner = owner.cloned().unwrap_or_default();
            }
        }
        self.owners.remove(group);
        let kept: usize = self.owners.values().map(BTreeMap::len).sum();
        if !owners.is_empty() && kept + owners.len() <= options.max_partitions {
            self.owners.insert(group.to_owned(), owners);
        }
    }

    /// Forgets groups that committed nothing for too long.
    pub(crate) fn expire(&mut self, now: i64, options: &LagOptions) {
        let limit = options.expire_group.as_millis() as i64;
        self.groups.retain(|_, group| now.saturating_sub(group.last_commit_ms) <= limit);
        self.count();
    }

    fn count(&mut self) {
        let partitions = self.groups.values().flat_map(|group| group.topics.values());
        self.partitions = partitions.map(BTreeMap::len).sum();
    }

    fn ends(&self, topic: &str, partition: u32) -> Option<&LogEnds> {
        self.topics.get(topic)?.get(partition as usize)
    }

    pub(crate) fn topics(&self) -> impl Iterator<Item = &str> {
        self.topics.keys().map(String::as_str)
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// Topics that groups commit offsets of, some more than once.
    pub(crate) fn consumed_topics(&self) -> impl Iterator<Item = &str> {
        self.groups.values().flat_map(|group| group.topics.keys().map(String::as_str))
    }

    /// The end of each partition's log, as far as they are known.
    pub(crate) fn log_ends(&self, topic: &str) -> Option<impl Iterator<Item = i64> + '_> {
        Some(self.topics.get(topic)?.iter().map_while(LogEnds::last))
    }

    /// The partitions that a group commits offsets of.
    pub(crate) fn partitions_of(&self, group: &str) -> Vec<(String, u32)> {
        let topics = self.groups.get(group).into_iter().flat_map(|group| &group.topics);
        topics.flat_map(|(topic, it)| it.keys().map(|it| (topic.clone(), *it))).collect()
    }

    /// Groups that commit offsets of a topic.
    pub(crate) fn groups_of(&self, topic: &str) -> Vec<String> {
        let consume = self.groups.iter().filter(|(_, group)| group.topics.contains_key(topic));
        consume.map(|(name, _)| name.clone()).collect()
    }

    /// What is kept of a group, in partitions of which the log's end is known.
    pub(crate) fn commits_of(&self, group: &str) -> Option<impl Iterator<Item = Known<'_>>> {
        let group = self.groups.get(group)?;
        Some(group.topics.iter().flat_map(move |(topic, partitions)| {
            partitions.iter().filter_map(move |(partition, PartitionCommits { window, owner })| {
                let (topic, partition) = (topic.as_str(), *partition);
                let ends = self.ends(topic, partition)?;
                let current_lag = behind(ends.last()?, window.last()?.offset);
                Some(Known { topic, partition, window, owner, current_lag, ends })
            })
        }))
    }

    /// Judges a group.
    pub(crate) fn judge(
        &self,
        cluster: &str,
        group: &str,
        now: i64,
        options: &LagOptions,
    ) -> Option<GroupStatus> {
        let known = self.commits_of(group)?;
        let partitions: Vec<PartitionStatus> =
            known.map(|known| judge_partition(&known, now, options)).collect();
        let worst = partitions.iter().map(|it| it.status).max().unwrap_or(Status::Ok);
        let complete = partitions.iter().filter(|it| it.complete >= 1.0).count();
        let maxlag = partitions.iter().rev().max_by_key(|it| it.current_lag).cloned();
        Some(GroupStatus {
            cluster: cluster.to_owned(),
            group: group.to_owned(),
            status: worst.of_group(),
            complete: complete as f64 / partitions.len().max(1) as f64,
            partition_count: partitions.len(),
            totallag: partitions.iter().map(|it| it.current_lag).sum(),
            maxlag,
            partitions,
        })
    }
}

fn judge_partition(known: &Known<'_>, now: i64, options: &LagOptions) -> PartitionStatus {
    let Known { topic, partition, window, owner, current_lag, ends } = known;
    let complete = window.complete();
    let status = if complete >= options.minimum_complete {
        let recent: Vec<i64> = ends.recent(options.intervals).collect();
        judge(window, &recent, *current_lag, now, options.allowed_lag)
    } else {
        Status::Ok
    };
    let behind_for = window.last().map(|last| ends.behind_for(last.offset, now));
    PartitionStatus {
        topic: (*topic).to_owned(),
        partition: *partition,
        owner: owner.host.clone(),
        client_id: owner.client_id.clone(),
        status,
        start: window.first().copied(),
        end: window.last().copied(),
        current_lag: *current_lag,
        complete,
        lag_seconds: behind_for.unwrap_or_default().as_secs_f64(),
    }
}

/// Ends are asked for now and then: a commit may be ahead of the last that is known.
fn behind(end: i64, offset: i64) -> u64 {
    u64::try_from(end.saturating_sub(offset)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn commit<'a>(group: &'a str, topic: &'a str, partition: u32, offset: i64) -> NewCommit<'a> {
        NewCommit { group, topic, partition, offset, order: None, timestamp: NOW, live: true }
    }

    fn known(partitions: usize, options: &LagOptions) -> ClusterOffsets {
        let mut offsets = ClusterOffsets::default();
        for partition in 0..partitions {
            let place = ("t", partition as u32, partitions);
            offsets.set_log_end(place, 100, NOW, options);
        }
        offsets
    }

    #[test]
    fn a_group_is_as_bad_as_its_worst_partition_and_as_complete_as_its_full_windows() {
        let options = LagOptions { intervals: 2, ..LagOptions::default() };
        let mut offsets = known(3, &options);
        // Partition 0 stands still, 1 keeps up, 2 has one commit of two.
        for (n, (first, second)) in [(10, 100), (10, 100)].into_iter().enumerate() {
            let timestamp = NOW - 10_000 + n as i64 * 10_000;
            offsets.add(&NewCommit { timestamp, ..commit("g", "t", 0, first) }, NOW, &options);
            offsets.add(&NewCommit { timestamp, ..commit("g", "t", 1, second) }, NOW, &options);
        }
        offsets.add(&commit("g", "t", 2, 99), NOW, &options);
        let status = offsets.judge("c", "g", NOW, &options).expect("the group is known");
        let partitions: Vec<Status> = status.partitions.iter().map(|it| it.status).collect();
        assert_eq!(partitions, [Status::Stall, Status::Ok, Status::Stall]);
        assert_eq!((status.status, status.totallag), (Status::Error, 91));
        assert_eq!(status.maxlag.map(|it| (it.partition, it.current_lag)), Some((0, 90)));
        assert!((status.complete - 2.0 / 3.0).abs() < 1e-9, "{}", status.complete);
        // What is not complete enough is not judged.
        let options = LagOptions { minimum_complete: 0.6, ..options };
        let status = offsets.judge("c", "g", NOW, &options).expect("the group is known");
        let partitions: Vec<Status> = status.partitions.iter().map(|it| it.status).collect();
        assert_eq!(partitions, [Status::Stall, Status::Ok, Status::Ok]);
    }

    #[test]
    fn what_is_told_again_is_no_new_commit() {
        let options = LagOptions::default();
        let mut offsets = known(1, &options);
        for _ in 0..3 {
            offsets.add(&commit("g", "t", 0, 10), NOW, &options);
        }
        offsets.add(
            &NewCommit { timestamp: NOW + 5_000, ..commit("g", "t", 0, 10) },
            NOW,
            &options,
        );
        let commits =
            offsets.commits_of("g").map(|mut it| it.next().map(|it| it.window.commits().len()));
        assert_eq!(commits, Some(Some(2)));
    }

    #[test]
    fn no_more_partitions_are_kept_than_there_is_room_for() {
        let options = LagOptions { max_partitions: 2, ..LagOptions::default() };
        let mut offsets = known(3, &options);
        assert!(offsets.add(&commit("a", "t", 0, 1), NOW, &options));
        assert!(offsets.add(&commit("b", "t", 0, 1), NOW, &options));
        assert!(!offsets.add(&commit("c", "t", 0, 1), NOW, &options));
        assert!(offsets.add(&commit("a", "t", 0, 2), NOW, &options), "it is known already");
        offsets.remove("a", "t", 0);
        assert!(offsets.add(&commit("c", "t", 0, 1), NOW, &options));
        assert_eq!(offsets.groups().collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn members_are_told_of_before_their_first_commit() {
        let options = LagOptions { max_partitions: 2, ..LagOptions::default() };
        let mut offsets = known(2, &options);
        let client = |offsets: &ClusterOffsets, group: &str| {
            let commits = offsets.commits_of(group);
            commits.and_then(|mut it| it.next().map(|it| it.owner.client_id.clone()))
        };
        let has = |name: &str, partitions: std::ops::Range<u32>| -> Owners {
            let owner = MemberOwner { host: "/h".to_owned(), client_id: name.to_owned() };
            partitions.map(|it| (("t".to_owned(), it), owner.clone())).collect()
        };
        offsets.set_owners("g", has("first", 0..2), &options);
        assert_eq!(client(&offsets, "g"), None, "it is no group yet");
        offsets.add(&commit("g", "t", 0, 1), NOW, &options);
        assert_eq!(client(&offsets, "g").as_deref(), Some("first"));
        offsets.set_owners("g", has("second", 0..1), &options);
        assert_eq!(client(&offsets, "g").as_deref(), Some("second"));
        offsets.set_owners("h", has("too many", 0..2), &options);
        offsets.add(&commit("h", "t", 0, 1), NOW, &options);
        assert_eq!(client(&offsets, "h").as_deref(), Some(""));
        offsets.keep_groups(|group| group == "h");
        assert!(offsets.owners.is_empty());
    }

    #[test]
    fn partitions_that_no_log_has_take_no_room() {
        let options = LagOptions::default();
        let mut offsets = known(1, &options);
        offsets.add(&commit("g", "t", u32::MAX, 1), NOW, &options);
        offsets.add(&commit("g", "elsewhere", 0, 1), NOW, &options);
        assert_eq!(offsets.judge("c", "g", NOW, &options).map(|it| it.partition_count), Some(0));
    }

    #[test]
    fn a_group_that_is_silent_for_long_is_forgotten_and_its_old_commits_are_not_taken() {
        let options =
            LagOptions { expire_group: std::time::Duration::from_secs(1), ..LagOptions::default() };
        let mut offsets = known(1, &options);
        offsets.add(&commit("g", "t", 0, 1), NOW, &options);
        offsets.expire(NOW + 1_000, &options);
        assert!(offsets.commits_of("g").is_some());
        offsets.expire(NOW + 1_001, &options);
        assert!(offsets.commits_of("g").is_none());
        assert!(offsets.add(&commit("g", "t", 0, 1), NOW + 1_001, &options));
        assert!(offsets.commits_of("g").is_none());
    }
}
