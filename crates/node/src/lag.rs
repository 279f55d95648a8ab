//! Joins the lag evaluator with the engines: the cluster as it sees it, and what has it look.

use crate::{NodeError, Surroundings};
use ::lag::{
    ClusterOptions, Destination, Evaluator, LagOptions, Notifier, NotifierOptions, NotifierRules,
    OtherBroker, OwnCluster, OwnPartition, Reader, Status, Whose,
};
use async_trait::async_trait;
use cluster::{BrokerInfo, Cluster, Endpoint, Image, TopicInfo};
use coordinator::SlotKind;
use futures::future::join_all;
use kafka::{LogEndQuestion, Peers, coordinator_of};
use model::{
    PartitionId, PartitionIndex,
    config::{ConfigKey, lag as keys, parse_boolean},
};
use partition_log::PartitionLogs;
use settings::Settings;
use std::sync::Arc;

/// Among a broker's endpoints: its HTTP port, where other brokers ask it about groups. No Kafka listener is called so.
pub const HTTP_LISTENER: &str = "http";

/// The cluster, as its own lag evaluator sees it.
#[derive(Debug)]
struct LagCluster {
    cluster: Cluster,
    logs: PartitionLogs,
    peers: Peers,
}

/// Who judges groups, if the settings say so.
///
/// # Errors
/// A name stands for two clusters, or the list of clusters is not understood.
pub(crate) fn evaluator(
    settings: &Settings,
    surroundings: &Surroundings,
    cluster: &Cluster,
    logs: &PartitionLogs,
    peers: &Peers,
) -> Result<Option<Evaluator>, NodeError> {
    let enabled = settings.text(&keys::LAG_EVALUATOR_ENABLE).and_then(parse_boolean);
    if enabled != Some(true) {
        return Ok(None);
    }
    let name = settings.text(&keys::LAG_EVALUATOR_CLUSTER_NAME).unwrap_or_default().to_owned();
    let others = settings.text(&keys::LAG_EVALUATOR_CLUSTERS).unwrap_or_default();
    let others = clusters(others, &name).map_err(|reason| {
        NodeError::Lag(format!("{} {others:?}: {reason}", keys::LAG_EVALUATOR_CLUSTERS.name))
    })?;
    let own = LagCluster { cluster: cluster.clone(), logs: logs.clone(), peers: peers.clone() };
    let own = Some((name, Arc::new(own) as Arc<dyn OwnCluster>));
    let clock = surroundings.clock.clone();
    Ok(Some(Evaluator::new(options(settings), own, others, clock)))
}

fn options(settings: &Settings) -> LagOptions {
    let number = |key: &ConfigKey| settings.number(key).unwrap_or_default();
    let complete = settings.text(&keys::LAG_EVALUATOR_MINIMUM_COMPLETE);
    LagOptions {
        intervals: number(&keys::LAG_EVALUATOR_INTERVALS) as usize,
        min_distance: settings.duration(&keys::LAG_EVALUATOR_MIN_DISTANCE),
        expire_group: settings.duration(&keys::LAG_EVALUATOR_EXPIRE_GROUP),
        allowed_lag: number(&keys::LAG_EVALUATOR_ALLOWED_LAG),
        minimum_complete: complete.and_then(|text| text.trim().parse().ok()).unwrap_or_default(),
        offset_refresh: settings.duration(&keys::LAG_EVALUATOR_OFFSET_REFRESH),
        topic_refresh: settings.duration(&keys::LAG_EVALUATOR_TOPIC_REFRESH),
        max_partitions: number(&keys::LAG_EVALUATOR_MAX_PARTITIONS) as usize,
    }
}

/// `name=host:port,host:port;name=…`.
fn clusters(text: &str, own: &str) -> Result<Vec<ClusterOptions>, String> {
    let mut clusters: Vec<ClusterOptions> = Vec::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, servers) = part.split_once('=').ok_or("a cluster is name=host:port")?;
        let servers: Vec<String> =
            servers.split(',').map(|server| server.trim().to_owned()).collect();
        if name.is_empty() || servers.iter().any(|server| !server.contains(':')) {
            return Err("a cluster is name=host:port[,host:port…]".to_owned());
        }
        if name == own || clusters.iter().any(|it| it.name == name) {
            return Err(format!("{name:?} is the name of two clusters"));
        }
        clusters.push(ClusterOptions { name: name.to_owned(), servers });
    }
    Ok(clusters)
}

/// Has it look at the cluster now and then, read the others, and tell of groups.
pub(crate) fn start(
    evaluator: &Evaluator,
    notifier: Option<Notifier>,
    surroundings: &Surroundings,
) {
    let tasks = &surroundings.tasks;
    if let Some(notifier) = notifier {
        let randomness = surroundings.randomness.clone();
        tasks.spawn("lag_notifier", notifier.run(evaluator.clone(), randomness, tasks.shutdown()));
    }
    let (looking, shutdown) = (evaluator.clone(), tasks.shutdown());
    tasks.spawn("lag", async move {
        let interval = looking.options().offset_refresh;
        loop {
            let look = async {
                tokio::time::sleep(interval).await;
                looking.look_at_own_cluster().await;
                looking.count_groups();
            };
            tokio::select! {
                () = shutdown.requested() => return,
                () = look => {}
            }
        }
    });
    for cluster in evaluator.clusters().filter(|it| !it.servers.is_empty()) {
        let clock = surroundings.clock.clone();
        let reader = Reader::new(evaluator.clone(), cluster.clone(), clock);
        tasks.spawn("lag_reader", reader.run(tasks.shutdown()));
    }
}

/// Tells of groups, if the settings say where.
///
/// # Errors
/// A template can't be read, or something is not understood.
pub(crate) fn notifier(settings: &Settings) -> Result<Option<Notifier>, NodeError> {
    let text = |key: &ConfigKey| settings.text(key).map(str::to_owned);
    let is_set = |key: &ConfigKey| settings.text(key).and_then(parse_boolean) == Some(true);
    let Some(url) = text(&keys::LAG_NOTIFIER_HTTP_URL_OPEN) else { return Ok(None) };
    let template = |key: &ConfigKey| {
        let read = settings.text(key).map(std::fs::read_to_string).transpose();
        read.map_err(|error| NodeError::Lag(format!("{}: {error}", key.name)))
    };
    let method = |key: &ConfigKey| text(key).unwrap_or_default();
    let close = text(&keys::LAG_NOTIFIER_HTTP_URL_CLOSE).unwrap_or_else(|| url.clone());
    let threshold = match settings.text(&keys::LAG_NOTIFIER_THRESHOLD) {
        Some("ERR") => Status::Error,
        _ => Status::Warning,
    };
    let options = NotifierOptions {
        rules: NotifierRules {
            threshold,
            send_once: is_set(&keys::LAG_NOTIFIER_SEND_ONCE),
            send_interval: settings.duration(&keys::LAG_NOTIFIER_SEND_INTERVAL),
            send_close: is_set(&keys::LAG_NOTIFIER_SEND_CLOSE),
        },
        interval: settings.duration(&keys::LAG_NOTIFIER_INTERVAL),
        timeout: settings.duration(&keys::LAG_NOTIFIER_TIMEOUT),
        open: Destination {
            url,
            method: method(&keys::LAG_NOTIFIER_HTTP_METHOD_OPEN),
            body: template(&keys::LAG_NOTIFIER_HTTP_TEMPLATE_OPEN)?,
        },
        close: Destination {
            url: close,
            method: method(&keys::LAG_NOTIFIER_HTTP_METHOD_CLOSE),
            body: template(&keys::LAG_NOTIFIER_HTTP_TEMPLATE_CLOSE)?,
        },
        allowed_groups: text(&keys::LAG_NOTIFIER_GROUP_ALLOWLIST),
        denied_groups: text(&keys::LAG_NOTIFIER_GROUP_DENYLIST),
        authorization: text(&keys::LAG_NOTIFIER_HTTP_AUTHORIZATION),
    };
    let notifier = Notifier::new(options);
    notifier.map(Some).map_err(|error| NodeError::Lag(error.to_string()))
}

impl LagCluster {
    fn others<'a>(&self, image: &'a Image) -> impl Iterator<Item = &'a BrokerInfo> {
        let own = self.cluster.broker();
        image.brokers.values().filter(move |broker| broker.id != own)
    }

    /// Where a log ends, here or at its owner.
    async fn read_log_end(&self, image: &Image, topic: &TopicInfo, partition: u32) -> Option<i64> {
        let index = PartitionIndex::new(partition)?;
        if let Some(log) = self.logs.get(PartitionId { topic: topic.id, partition: index }) {
            return Some(log.watermarks().high_watermark.to_wire());
        }
        let leader = topic.partitions.get(partition as usize)?.leader?;
        let owner = image.brokers.get(&leader)?;
        let question = LogEndQuestion { topic: topic.name.clone(), partition: index };
        match self.peers.log_end(owner, question).await {
            Ok(end) => i64::try_from(end).ok(),
            Err(reason) => {
                tracing::debug!(topic = %topic.name, partition, reason, "no end of a log");
                None
            }
        }
    }
}

fn other(broker: &BrokerInfo) -> OtherBroker {
    let http = broker.endpoint(HTTP_LISTENER).map(Endpoint::address);
    OtherBroker { id: broker.id.get(), http }
}

#[async_trait]
impl OwnCluster for LagCluster {
    fn whose(&self, group: &str) -> Whose {
        let image = self.cluster.image();
        match coordinator_of(&image, SlotKind::Groups, group) {
            Some(broker) if broker == self.cluster.broker() => Whose::Ours,
            Some(broker) => {
                image.brokers.get(&broker).map_or(Whose::Nobodys, |it| Whose::Of(other(it)))
            }
            // Before the first group there are no coordinators: what nobody knows, anybody may say.
            None if image.topic(SlotKind::Groups.topic()).is_none() => Whose::Ours,
            None => Whose::Nobodys,
        }
    }

    fn other_brokers(&self) -> Vec<OtherBroker> {
        self.others(&self.cluster.image()).map(other).collect()
    }

    fn brokers(&self) -> Vec<(u32, String)> {
        let image = self.cluster.image();
        let brokers = image.brokers.values();
        let address =
            |broker: &BrokerInfo| Some((broker.id.get(), broker.endpoints.first()?.address()));
        brokers.filter_map(address).collect()
    }

    fn topics(&self) -> Vec<(String, usize)> {
        let image = self.cluster.image();
        let topics = image.topics.iter();
        topics.map(|(name, topic)| (name.as_str().to_owned(), topic.partitions.len())).collect()
    }

    fn log_end(&self, topic: &str, partition: u32) -> Option<i64> {
        let topic = self.cluster.image().topic(topic)?.id;
        let partition = PartitionIndex::new(partition)?;
        let log = self.logs.get(PartitionId { topic, partition })?;
        Some(log.watermarks().high_watermark.to_wire())
    }

    fn partitions(&self) -> Vec<OwnPartition> {
        let describe = |log: partition_log::Partition| {
            let watermarks = log.watermarks();
            OwnPartition {
                topic: log.topic().as_str().to_owned(),
                partition: log.id().partition.get(),
                start: watermarks.log_start.to_wire(),
                end: watermarks.high_watermark.to_wire(),
            }
        };
        self.logs.all().into_iter().map(describe).collect()
    }

    async fn log_ends(&self, topic: &str) -> Option<Vec<Option<i64>>> {
        let image = self.cluster.image();
        let topic = image.topic(topic)?;
        let partitions = 0..u32::try_from(topic.partitions.len()).ok()?;
        let ends = partitions.map(|partition| self.read_log_end(&image, topic, partition));
        Some(join_all(ends).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_clusters_are_named_with_their_servers() {
        let parsed = clusters("a=h:1,i:2; b=j:3;", "local").expect("two clusters");
        let names: Vec<&str> = parsed.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(parsed[0].servers, ["h:1", "i:2"]);
        assert_eq!(clusters("", "local"), Ok(Vec::new()));
        for wrong in ["a", "a=h", "=h:1", "a=h:1;a=i:2", "local=h:1", "a=h:1,"] {
            assert!(clusters(wrong, "local").is_err(), "{wrong}");
        }
    }
}
