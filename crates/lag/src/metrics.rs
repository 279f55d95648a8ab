//! What Prometheus scrapes of it: names of Burrow for groups of all clusters, of `kafka_exporter` for those of this one.
//!
//! Each broker tells of the groups that it coordinates and of the partitions that it owns, so that the scrapes of all brokers add up.

use crate::{Evaluator, Exposition, GroupStatus, OwnCluster, PartitionStatus, Status};

type Metric = (&'static str, &'static str);

const GROUP_LAG: Metric =
    ("burrow_kafka_consumer_lag_total", "Sum of the lags of a group's partitions, in records.");
const GROUP_STATUS: Metric = ("burrow_kafka_consumer_status", "1 OK, 2 WARN, 3 ERR.");
const STATUS: Metric = (
    "burrow_kafka_topic_partition_status",
    "Of a partition of a group: 1 OK, 2 WARN, 4 STOP, 5 STALL, 6 REWIND.",
);
const OFFSET: Metric = ("burrow_kafka_consumer_current_offset", "The last offset committed.");
const LAG: Metric =
    ("burrow_kafka_consumer_partition_lag", "How far a group is behind, in records.");
const LOG_END: Metric = ("burrow_kafka_topic_partition_offset", "End of a partition's log.");

const EXPORTER_OFFSET: Metric =
    ("kafka_consumergroup_current_offset", "The last offset committed.");
const EXPORTER_LAG: Metric = ("kafka_consumergroup_lag", "How far a group is behind, in records.");
const EXPORTER_OFFSET_SUM: Metric =
    ("kafka_consumergroup_current_offset_sum", "Sum over the partitions of a topic.");
const EXPORTER_LAG_SUM: Metric =
    ("kafka_consumergroup_lag_sum", "Sum over the partitions of a topic.");
const LAG_SECONDS: Metric = (
    "kafka_consumergroup_lag_seconds",
    "How long the oldest record has waited that a group has not read.",
);
const BROKERS: Metric = ("kafka_brokers", "Brokers that live.");
const BROKER_INFO: Metric = ("kafka_broker_info", "A broker that lives.");
const PARTITIONS: Metric = ("kafka_topic_partitions", "Partitions of a topic.");
const CURRENT: Metric = ("kafka_topic_partition_current_offset", "End of a partition's log.");
const OLDEST: Metric =
    ("kafka_topic_partition_oldest_offset", "First offset that can be read of a partition.");
const LEADER: Metric = ("kafka_topic_partition_leader", "The broker that owns a partition.");

impl Evaluator {
    /// What `/metrics/detail` shows of lag; with `broker` the number of this one.
    pub fn expose(&self, broker: u32) -> Exposition {
        let mut all = Exposition::default();
        for status in self.judge_all() {
            let own = self.own(&status.cluster).is_some();
            expose_group(&status, own, &mut all);
        }
        for cluster in self.clusters() {
            match self.own(&cluster.name) {
                Some(own) => expose_cluster(&cluster.name, own.as_ref(), broker, &mut all),
                None => self.expose_log_ends(&cluster.name, &mut all),
            }
        }
        all
    }

    /// Counts for `/metrics`: how many groups are how well, and the largest lag.
    pub fn count_groups(&self) {
        let all = self.judge_all();
        for cluster in self.clusters() {
            let name = cluster.name.clone();
            metrics::counter!("lag_commits_dropped_total", "cluster" => name.clone()).increment(0);
            let groups = || all.iter().filter(|it| it.cluster == name);
            for status in Status::OF_GROUPS {
                let count = groups().filter(|it| it.status == status).count();
                let labels = [("cluster", name.clone()), ("status", status.name().to_owned())];
                metrics::gauge!("lag_groups", &labels).set(count as f64);
            }
            let most = groups().map(|it| it.totallag).max().unwrap_or(0);
            metrics::gauge!("lag_group_max_records", "cluster" => name.clone()).set(most as f64);
            let partitions = groups().flat_map(|it| &it.partitions);
            let longest = partitions.map(|it| it.lag_seconds).fold(0.0, f64::max);
            metrics::gauge!("lag_group_max_age_seconds", "cluster" => name.clone()).set(longest);
        }
    }

    fn expose_log_ends(&self, cluster: &str, all: &mut Exposition) {
        self.with(cluster, |offsets| {
            for topic in offsets.topics() {
                let ends = offsets.log_ends(topic).into_iter().flatten();
                for (partition, end) in ends.enumerate() {
                    let partition = partition.to_string();
                    let labels =
                        [("cluster", cluster), ("topic", topic), ("partition", &partition)];
                    all.gauge(LOG_END, &labels, end);
                }
            }
        });
    }
}

fn expose_group(status: &GroupStatus, own: bool, all: &mut Exposition) {
    let (cluster, group) = (status.cluster.as_str(), status.group.as_str());
    let labels = [("cluster", cluster), ("consumer_group", group)];
    all.gauge(GROUP_LAG, &labels, status.totallag);
    all.gauge(GROUP_STATUS, &labels, status.status.number());
    for it in &status.partitions {
        let number = it.partition.to_string();
        let topic = it.topic.as_str();
        let labels = [
            ("cluster", cluster),
            ("consumer_group", group),
            ("topic", topic),
            ("partition", &number),
        ];
        all.gauge(LAG, &labels, it.current_lag);
        // As Burrow does: nothing of a partition whose window is not full yet.
        if let Some(end) = it.end.filter(|_| it.complete >= 1.0) {
            all.gauge(OFFSET, &labels, end.offset);
            all.gauge(STATUS, &labels, it.status.number());
        }
        if own {
            let labels = [("consumergroup", group), ("topic", topic), ("partition", &number)];
            all.gauge(EXPORTER_OFFSET, &labels, committed(it));
            all.gauge(EXPORTER_LAG, &labels, it.current_lag);
            all.gauge(LAG_SECONDS, &labels, it.lag_seconds);
        }
    }
    if own {
        for of_topic in status.partitions.chunk_by(|a, b| a.topic == b.topic) {
            let Some(first) = of_topic.first() else { continue };
            let labels = [("consumergroup", group), ("topic", first.topic.as_str())];
            let offsets: i64 = of_topic.iter().map(committed).sum();
            let lag: u64 = of_topic.iter().map(|it| it.current_lag).sum();
            all.gauge(EXPORTER_OFFSET_SUM, &labels, offsets);
            all.gauge(EXPORTER_LAG_SUM, &labels, lag);
        }
    }
}

fn committed(partition: &PartitionStatus) -> i64 {
    partition.end.map_or(-1, |end| end.offset)
}

fn expose_cluster(name: &str, own: &dyn OwnCluster, broker: u32, all: &mut Exposition) {
    let brokers = own.brokers();
    all.gauge(BROKERS, &[], brokers.len());
    for (id, address) in &brokers {
        all.gauge(BROKER_INFO, &[("id", &id.to_string()), ("address", address)], 1);
    }
    // Of each topic one broker tells: the owner of its first partition.
    for (topic, partitions) in own.topics() {
        if own.log_end(&topic, 0).is_some() {
            all.gauge(PARTITIONS, &[("topic", &topic)], partitions);
        }
    }
    for it in own.partitions() {
        let (topic, number) = (it.topic.as_str(), it.partition.to_string());
        let labels = [("topic", topic), ("partition", &number)];
        all.gauge(CURRENT, &labels, it.end);
        all.gauge(OLDEST, &labels, it.start);
        all.gauge(LEADER, &labels, broker);
        let labels = [("cluster", name), ("topic", topic), ("partition", &number)];
        all.gauge(LOG_END, &labels, it.end);
    }
}
