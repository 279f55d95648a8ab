//! A metadata store that is gone is rebuilt from the bucket: nothing acknowledged is lost, and the cluster goes on.

use crate::harness::{
    Broker, Deployment, Kind, Load, Member,
    group_tool::{described, until_no_lag},
    programs::{Client, alluvium, attempt, create_topic, run, text},
    records::{produce, read_distinct, read_values, until_read, values_of_transactions},
    until,
};
use services::Etcd;
use std::{process::Output, thread, time::Duration};

const PARTITIONS: u32 = 3;
const TRANSACTIONS: u32 = 5;

/// So often are snapshots written: what is produced after one, and before the broker is killed, only segments tell.
const INTERVAL: Duration = Duration::from_secs(3);

const SETTINGS: [&str; 5] = [
    "metadata.snapshot.interval.ms=3000",
    "session.lease.ttl=3s",
    "session.lease.margin=1s",
    "group.initial.rebalance.delay.ms=0",
    "flush.max.interval.idle=200ms",
];

/// `alluvium` with the flags of the deployment.
fn command(deployment: &Deployment, name: &str, more: &[&str]) -> Output {
    let mut command = alluvium();
    command.arg(name).args(deployment.arguments(&[])).args(more);
    attempt(command.envs(deployment.environment()), b"")
}

fn succeed(output: &Output, broker: &Broker) -> String {
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{told}\n{}", broker.log());
    told
}

/// The metadata store is gone, with all that was in it.
fn lose_metadata(deployment: &mut Deployment, kind: Kind) {
    match kind {
        Kind::Cluster | Kind::Three => deployment.etcd = Some(Etcd::start().unwrap()),
        Kind::Embedded => std::fs::remove_dir_all(deployment.local().join("metadata")).unwrap(),
    }
}

/// What a start without metadata says of the cluster's id.
fn cluster_id(deployment: &Deployment) -> String {
    let output = command(deployment, "recover", &["--dry-run"]);
    let told = text(&output.stderr);
    let id = told.split("holds cluster ").nth(1).and_then(|rest| rest.split(':').next());
    id.unwrap_or_else(|| panic!("{told}")).to_owned()
}

fn write_transactions(address: &str, topic: &str) {
    let mut writer = Client::Librdkafka.transactions();
    writer.args(["write", "--bootstrap", address, "--topic", topic, "--id", topic]);
    run(writer.args(["--count", &TRANSACTIONS.to_string(), "--partitions", "2"]), b"");
}

fn assert_transactions(address: &str, topic: &str) {
    let committed = read_distinct(address, topic, 2, "read_committed");
    assert_eq!(committed, values_of_transactions(topic, TRANSACTIONS, false));
}

fn assert_rebuilt(kind: Kind) {
    let mut deployment = Deployment::start(kind);
    let mut broker = deployment.broker(&SETTINGS);
    let address = broker.address();
    create_topic(&address, "plain", PARTITIONS, &[]);
    create_topic(&address, "read", PARTITIONS, &[]);
    create_topic(&address, "compacted", 1, &["cleanup.policy=compact"]);
    for topic in ["early", "late"] {
        create_topic(&address, topic, 2, &[]);
    }
    produce(&address, "read", 0..300);
    let directory = deployment.directory().to_owned();
    let member = Member::start(Client::Librdkafka, &directory, "m", &address, "read", "readers");
    until_read(&[&member], &[], 0..300);
    until_no_lag(&address, "readers", PARTITIONS as usize);
    member.stop();
    write_transactions(&address, "early");
    until("no snapshot", || broker.metrics().contains("alluvium_metadata_snapshots_total"));
    thread::sleep(INTERVAL);
    let mut load = Load::new("plain", PARTITIONS);
    load.start(&address, &directory, "all", &["--size", "500"]);
    produce(&address, "compacted", 0..50);
    write_transactions(&address, "late");
    // What the last transaction decided reaches its partitions, and the bucket.
    thread::sleep(Duration::from_secs(1));
    load.stop();
    broker.kill();
    lose_metadata(&mut deployment, kind);

    let id = cluster_id(&deployment);
    let dry = command(&deployment, "recover", &["--cluster-id", &id, "--dry-run"]);
    assert!(succeed(&dry, &broker).contains("nothing was changed"));
    let wrong = command(&deployment, "recover", &["--cluster-id", "another"]);
    assert!(!wrong.status.success());
    let told = succeed(&command(&deployment, "recover", &["--cluster-id", &id]), &broker);
    assert!(told.contains("generation 1 now"), "{told}");
    let again = command(&deployment, "recover", &["--cluster-id", &id]);
    assert!(text(&again.stderr).contains("is not empty"), "{}", text(&again.stderr));

    let mut broker = deployment.broker(&SETTINGS);
    let address = broker.address();
    let verified = load.verify(&address);
    assert!(verified.acknowledged > 0, "{verified:?}");
    for topic in ["early", "late"] {
        assert_transactions(&address, topic);
    }
    assert_eq!(read_values(&address, "compacted", 1, "read_committed").len(), 50);
    let offsets = described(&address, "readers");
    let committed: u64 = offsets.values().map(|(offset, _)| offset.parse::<u64>().unwrap()).sum();
    assert_eq!(committed, 300, "{offsets:?}\n{told}");
    produce(&address, "read", 300..400);
    let member = Member::start(Client::Librdkafka, &directory, "n", &address, "read", "readers");
    until_read(&[&member], &[], 300..400);
    assert_eq!(member.stop().len(), 100, "they went on where they were");
    create_topic(&address, "after", 2, &[]);
    write_transactions(&address, "after");
    assert_transactions(&address, "after");
    assert!(broker.stop().is_some_and(|status| status.success()));
    let checked = command(&deployment, "fsck", &["--deep"]);
    assert!(succeed(&checked, &broker).contains("clean"));
}

#[test]
fn a_cluster_whose_etcd_is_gone_is_rebuilt_from_its_bucket() {
    assert_rebuilt(Kind::Cluster);
}

#[test]
fn an_embedded_deployment_whose_metadata_is_gone_is_rebuilt_from_its_objects() {
    assert_rebuilt(Kind::Embedded);
}
