//! [`Evaluator`]: what is known of all clusters, and what is said of their groups.

use crate::{
    ClusterOptions, GroupStatus, LagOptions, OwnCluster, Status, Whose,
    cluster_offsets::{ClusterOffsets, NewCommit},
    commits::OffsetsRecord,
};
use parking_lot::Mutex;
use runtime::Clock;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Keeps commits and judges groups. A clone is the same.
#[derive(Clone, Debug)]
pub struct Evaluator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: LagOptions,
    clock: Clock,
    clusters: BTreeMap<String, ClusterState>,
}

#[derive(Debug)]
struct ClusterState {
    options: ClusterOptions,
    /// The one that this broker is of.
    own: Option<Arc<dyn OwnCluster>>,
    offsets: Mutex<ClusterOffsets>,
}

/// Nobody knows this cluster or group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cluster or consumer not found")]
pub struct UnknownGroup;

impl Evaluator {
    /// One that knows nothing yet of these clusters, of which `own` is called by its name.
    pub fn new(
        options: LagOptions,
        own: Option<(String, Arc<dyn OwnCluster>)>,
        others: Vec<ClusterOptions>,
        clock: Clock,
    ) -> Self {
        let own = own.map(|(name, own)| (ClusterOptions { name, servers: Vec::new() }, Some(own)));
        let clusters = others.into_iter().map(|it| (it, None)).chain(own);
        let clusters = clusters.map(|(options, own)| {
            let state = ClusterState { options, own, offsets: Mutex::default() };
            (state.options.name.clone(), state)
        });
        Self(Arc::new(Inner { options, clock, clusters: clusters.collect() }))
    }

    /// How commits are kept and judged.
    pub fn options(&self) -> &LagOptions {
        &self.0.options
    }

    /// The clusters.
    pub fn clusters(&self) -> impl Iterator<Item = &ClusterOptions> {
        self.0.clusters.values().map(|state| &state.options)
    }

    pub(crate) fn cluster(&self, name: &str) -> Option<&ClusterOptions> {
        self.0.clusters.get(name).map(|state| &state.options)
    }

    /// The cluster, if it is the one that this broker is of.
    pub(crate) fn own(&self, cluster: &str) -> Option<&Arc<dyn OwnCluster>> {
        self.0.clusters.get(cluster)?.own.as_ref()
    }

    fn own_name(&self) -> Option<&str> {
        let own = self.0.clusters.iter().find(|(_, state)| state.own.is_some());
        own.map(|(name, _)| name.as_str())
    }

    pub(crate) fn now(&self) -> i64 {
        self.0.clock.unix_ms()
    }

    /// Looks at, or changes, what is known of a cluster.
    pub(crate) fn with<T>(
        &self,
        cluster: &str,
        work: impl FnOnce(&mut ClusterOffsets) -> T,
    ) -> Option<T> {
        self.0.clusters.get(cluster).map(|state| work(&mut state.offsets.lock()))
    }

    /// Takes in a record that this broker's coordinator wrote just now.
    pub fn take_in_own(&self, key: &[u8], value: Option<&[u8]>) {
        let (Some(cluster), Some(record)) = (self.own_name(), crate::decode(key, value)) else {
            return;
        };
        self.take_in(cluster, record, None, LIVE_FOR_MS);
    }

    /// Takes in a record of a cluster's `__consumer_offsets`, which stands at `order` in its partition, or comes after all others. Of a
    /// commit that was made more than `live_for_ms` ago nobody knows how far behind it was.
    pub(crate) fn take_in(
        &self,
        cluster: &str,
        record: OffsetsRecord,
        order: Option<i64>,
        live_for_ms: i64,
    ) {
        let (now, options) = (self.now(), self.options());
        let own = self.own(cluster);
        let taken = self.with(cluster, |offsets| match record {
            OffsetsRecord::Offset { group, topic, partition, committed } => match committed {
                None => {
                    offsets.remove(&group, &topic, partition);
                    true
                }
                Some((offset, timestamp)) => {
                    if let Some(end) = own.and_then(|own| own.log_end(&topic, partition)) {
                        offsets.glance(&topic, partition, end, now);
                    }
                    let live = now.saturating_sub(timestamp) < live_for_ms;
                    let (group, topic) = (group.as_str(), topic.as_str());
                    let commit =
                        NewCommit { group, topic, partition, offset, order, timestamp, live };
                    offsets.add(&commit, now, options)
                }
            },
            OffsetsRecord::Members { group, owners } => {
                offsets.set_owners(&group, owners, options);
                true
            }
        });
        if taken == Some(false) {
            metrics::counter!("lag_commits_dropped_total", "cluster" => cluster.to_owned())
                .increment(1);
        }
    }

    /// Notes where the logs end now that groups of this broker read, and forgets what is not its any more: groups that another broker
    /// coordinates, topics that are gone.
    pub async fn look_at_own_cluster(&self) {
        let Some(cluster) = self.own_name() else { return };
        let Some(own) = self.own(cluster) else { return };
        let (now, options) = (self.now(), self.options());
        self.keep_own_groups(cluster);
        let consumed = self.with(cluster, |offsets| {
            offsets.expire(now, options);
            let topics = offsets.consumed_topics();
            topics.map(str::to_owned).collect::<BTreeSet<String>>()
        });
        let consumed = consumed.unwrap_or_default();
        self.with(cluster, |offsets| offsets.keep_log_ends(|topic| consumed.contains(topic)));
        for topic in &consumed {
            let Some(ends) = own.log_ends(topic).await else {
                self.with(cluster, |offsets| offsets.keep_topics(|it| it != topic));
                continue;
            };
            let now = self.now();
            self.with(cluster, |offsets| {
                for (partition, end) in (0..).zip(&ends) {
                    let Some(end) = end else { continue };
                    let place = (topic.as_str(), partition, ends.len());
                    offsets.set_log_end(place, *end, now, options);
                }
            });
        }
    }

    /// Other groups are another broker's to judge.
    fn keep_own_groups(&self, cluster: &str) {
        let Some(own) = self.own(cluster) else { return };
        self.with(cluster, |it| it.keep_groups(|group| own.whose(group) == Whose::Ours));
    }

    /// The groups of a cluster that are judged here.
    pub(crate) fn groups(&self, cluster: &str) -> Option<Vec<String>> {
        self.keep_own_groups(cluster);
        self.with(cluster, |offsets| offsets.groups().map(str::to_owned).collect())
    }

    /// Those of them that read a topic.
    pub(crate) fn groups_of(&self, cluster: &str, topic: &str) -> Option<Vec<String>> {
        self.keep_own_groups(cluster);
        self.with(cluster, |offsets| offsets.groups_of(topic))
    }

    /// Notes where the logs end that lie here and that a group reads.
    pub(crate) fn glance_at_logs(&self, cluster: &str, group: &str) {
        let Some(own) = self.own(cluster) else { return };
        let read = self.with(cluster, |offsets| offsets.partitions_of(group)).unwrap_or_default();
        let ends = read.into_iter().filter_map(|(topic, partition)| {
            own.log_end(&topic, partition).map(|end| (topic, partition, end))
        });
        let (ends, now): (Vec<(String, u32, i64)>, i64) = (ends.collect(), self.now());
        self.with(cluster, |offsets| {
            for (topic, partition, end) in ends {
                offsets.glance(&topic, partition, end, now);
            }
        });
    }

    /// Judges a group; all its partitions are in the answer.
    ///
    /// # Errors
    /// [`UnknownGroup`].
    pub fn judge(&self, cluster: &str, group: &str) -> Result<GroupStatus, UnknownGroup> {
        self.glance_at_logs(cluster, group);
        let (now, options) = (self.now(), self.options());
        let judged = self.with(cluster, |offsets| offsets.judge(cluster, group, now, options));
        judged.flatten().ok_or(UnknownGroup)
    }

    /// The same without the partitions that are well.
    ///
    /// # Errors
    /// [`UnknownGroup`].
    pub fn judge_briefly(&self, cluster: &str, group: &str) -> Result<GroupStatus, UnknownGroup> {
        let mut status = self.judge(cluster, group)?;
        status.partitions.retain(|partition| partition.status > Status::Ok);
        Ok(status)
    }

    /// Judges every group that is judged here.
    pub fn judge_all(&self) -> Vec<GroupStatus> {
        let mut all = Vec::new();
        for cluster in self.0.clusters.keys() {
            let groups = self.groups(cluster).unwrap_or_default();
            all.extend(groups.iter().filter_map(|group| self.judge(cluster, group).ok()));
        }
        all
    }
}

/// A commit that is seen so much later than it was made is history.
pub(crate) const LIVE_FOR_MS: i64 = 30_000;
