//! A third party's exporter, which asks as any client, and the broker's own evaluator find the same lag of a hundred groups.

use crate::{
    harness::{Deployment, Kind, eventually, http::http_get, programs::create_topic},
    lag::{Judges, Writer},
};
use kafka_client::Connection;
use kafka_protocol::{
    messages::{
        FindCoordinatorRequest, OffsetCommitRequest, TopicName,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    },
    protocol::StrBytes,
};
use services::{Process, Tool, free_port};
use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};

const GROUPS: usize = 100;
const PARTITIONS: i32 = 3;
const TOPIC: &str = "measured";

/// Lag by group and partition.
type Lags = BTreeMap<(String, String), u64>;

/// The exporter at work.
struct Exporter {
    #[expect(dead_code, reason = "it ends when this is dropped")]
    process: Process,
    port: u16,
}

impl Exporter {
    fn start(directory: &Path, address: &str) -> Self {
        let port = free_port().unwrap();
        let settings = directory.join("klag.toml");
        let text = format!(
            "[exporter]\npoll_interval = \"1s\"\nhttp_port = {port}\nhttp_host = \"127.0.0.1\"\ngranularity = \"partition\"\n\
             [exporter.timestamp_sampling]\nenabled = false\n[exporter.otel]\nenabled = false\n\
             [[clusters]]\nname = \"local\"\nbootstrap_servers = \"{address}\"\ngroup_whitelist = [\".*\"]\ngroup_blacklist = []\n\
             topic_whitelist = [\".*\"]\ntopic_blacklist = [\"^__.*\"]\n"
        );
        fs::write(&settings, text).unwrap();
        let mut command = Command::new(Tool::KlagExporter.path().unwrap());
        command.arg("--config").arg(settings);
        let log = directory.join("klag.log");
        let process = Process::start("klag-exporter", &mut command, &log).unwrap();
        Self { process, port }
    }

    fn lags(&self) -> Lags {
        let text = http_get(self.port, "/metrics").unwrap_or_default();
        let samples =
            text.lines().filter(|line| line.starts_with("kafka_consumergroup_group_lag{"));
        samples.map(|line| sample(line, "group")).collect()
    }
}

/// Group, partition and value of a sample.
fn sample(line: &str, group: &str) -> ((String, String), u64) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let label = |name: &str| {
        let labels = series.split(['{', ',']).find_map(|it| it.strip_prefix(name));
        labels.unwrap().trim_start_matches('=').trim_matches(['"', '}']).to_owned()
    };
    ((label(&format!("{group}=")), label("partition=")), value.parse::<f64>().unwrap() as u64)
}

fn lags_of_brokers(brokers: &Judges) -> Lags {
    let samples = brokers.samples().into_iter();
    let samples = samples.filter(|(series, _)| series.starts_with("kafka_consumergroup_lag{"));
    samples.map(|(series, value)| sample(&format!("{series} {value}"), "consumergroup")).collect()
}

/// Where each partition ends, as the brokers show it.
fn ends(brokers: &Judges) -> Vec<i64> {
    let samples = brokers.samples();
    let end = |partition| {
        let labels = format!("{{topic=\"{TOPIC}\",partition=\"{partition}\"}}");
        samples.get(&format!("kafka_topic_partition_current_offset{labels}"))
    };
    (0..PARTITIONS).map(|partition| end(partition).copied().unwrap_or(0)).collect()
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Commits for groups, at their coordinators.
struct Committer {
    runtime: tokio::runtime::Runtime,
    connections: BTreeMap<String, Connection>,
    coordinators: BTreeMap<String, String>,
}

impl Committer {
    fn new(bootstrap: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut committer =
            Self { runtime, connections: BTreeMap::new(), coordinators: BTreeMap::new() };
        for number in 0..GROUPS {
            let group = format!("group-{number}");
            let coordinator = eventually(|| committer.find(bootstrap, &group));
            committer.coordinators.insert(group, coordinator);
        }
        committer
    }

    fn find(&mut self, bootstrap: &str, group: &str) -> Result<String, String> {
        let (runtime, connections) = (&self.runtime, &mut self.connections);
        runtime.block_on(async {
            let connection = connect(connections, bootstrap).await;
            let request = FindCoordinatorRequest::default().with_key(text(group));
            let answer = connection.call(&request, 3).await.map_err(|error| error.to_string())?;
            match answer.error_code {
                0 => Ok(format!("{}:{}", answer.host, answer.port)),
                code => Err(format!("{group}: {code}")),
            }
        })
    }

    /// Commits an offset of each partition for each group: the first are near the beginning, the last near the end.
    fn commit(&mut self, ends: &[i64]) {
        for number in 0..GROUPS {
            let group = format!("group-{number}");
            let partitions = (0..PARTITIONS).zip(ends).map(|(partition, end)| {
                OffsetCommitRequestPartition::default()
                    .with_partition_index(partition)
                    .with_committed_offset(end * number as i64 / GROUPS as i64)
            });
            let topic = OffsetCommitRequestTopic::default()
                .with_name(TopicName(text(TOPIC)))
                .with_partitions(partitions.collect());
            let request = OffsetCommitRequest::default()
                .with_group_id(text(&group).into())
                .with_generation_id_or_member_epoch(-1)
                .with_topics(vec![topic]);
            let coordinator = &self.coordinators[&group];
            let connections = &mut self.connections;
            let answer = self.runtime.block_on(async {
                connect(connections, coordinator).await.call(&request, 7).await.unwrap()
            });
            let codes = answer.topics.iter().flat_map(|topic| &topic.partitions);
            assert!(codes.into_iter().all(|it| it.error_code == 0), "{group}: {answer:?}");
        }
    }
}

async fn connect<'a>(
    connections: &'a mut BTreeMap<String, Connection>,
    address: &str,
) -> &'a mut Connection {
    if !connections.contains_key(address) {
        let opened = Connection::open(address).await.unwrap();
        connections.insert(address.to_owned(), opened);
    }
    connections.get_mut(address).unwrap()
}

#[test]
#[ignore = "long: builds an exporter"]
fn an_exporter_and_the_brokers_agree_on_the_lag_of_a_hundred_groups() {
    let deployment = Deployment::start(Kind::Three);
    let brokers = Judges::start(&deployment, Kind::Three, &["lag.evaluator.offset.refresh=500ms"]);
    let address = brokers.address();
    let bootstrap = address.split(',').next().unwrap();
    create_topic(&address, TOPIC, PARTITIONS as u32, &[]);
    let mut committer = Committer::new(bootstrap);
    let exporter = Exporter::start(deployment.directory(), &address);
    let writer = Writer::start(address.clone(), TOPIC);
    let all = GROUPS * PARTITIONS as usize;
    // Under load both know every group, and differ by what was written between two looks.
    let mut most = 0;
    for _round in 0..10 {
        committer.commit(&ends(&brokers));
        std::thread::sleep(Duration::from_secs(1));
        let (ours, theirs) = (lags_of_brokers(&brokers), exporter.lags());
        if ours.len() == all && theirs.len() == all {
            let differences = ours.iter().map(|(place, lag)| lag.abs_diff(theirs[place]));
            most = most.max(differences.max().unwrap());
        }
    }
    drop(writer);
    let end = ends(&brokers);
    println!("ends {end:?}, largest difference under load {most}");
    assert!(most > 0 && (most as i64) < end.iter().sum(), "compared under load: {most}");
    eventually(|| {
        let (ours, theirs) = (lags_of_brokers(&brokers), exporter.lags());
        let differing = ours.iter().filter(|(place, lag)| theirs.get(place) != Some(lag)).count();
        let known = (ours.len(), theirs.len());
        if differing == 0 && known == (all, all) {
            assert!(ours.values().any(|lag| *lag > 0));
            return Ok(());
        }
        Err(format!("{differing} of {known:?} differ"))
    });
}
