//! A metadata store that is gone is rebuilt from the bucket: nothing acknowledged is lost, and the cluster goes on.

use crate::harness::{
    Broker, Deployment, Kind, Load, Member, Running,
    group_tool::{described, until_no_lag},
    programs::{Client, alluvium, attempt, create_topic, kafka_tool, run, text},
    records::{produce, read_distinct, read_values, until_read, values_of_transactions},
    until,
};
use services::Etcd;
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

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
fn prepared(deployment: &Deployment, name: &str, more: &[&str]) -> Command {
    let mut command = alluvium();
    command.arg(name).args(deployment.arguments(&[])).args(more);
    command.envs(deployment.environment());
    command
}

fn command(deployment: &Deployment, name: &str, more: &[&str]) -> Output {
    attempt(&mut prepared(deployment, name, more), b"")
}

/// Loses metadata, rebuilds it, and answers what was told.
fn rebuild(deployment: &mut Deployment, kind: Kind, broker: &Broker) -> String {
    lose_metadata(deployment, kind);
    let id = cluster_id(deployment);
    succeed(&command(deployment, "recover", &["--cluster-id", &id]), broker)
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
    // Epochs of a new generation lie far above.
    until("no epoch jumped", || broker.counter("cluster_epoch_jumps_total") > 0);
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

/// So seldom that nothing but a change of topics has a snapshot written.
const SELDOM: &str = "metadata.snapshot.interval.ms=600000";

/// A change of topics is in the bucket after that.
const SOON: Duration = Duration::from_secs(4);

fn open_transaction(deployment: &Deployment, address: &str, topic: &str) -> Running {
    let mut writer = Client::Librdkafka.transactions();
    writer.args(["write", "--bootstrap", address, "--topic", topic, "--id", topic]);
    writer.args(["--leave-open", "--timeout", "600000"]);
    let open = Running::start(&mut writer, deployment.directory(), topic);
    until("the transaction never began", || open.output().contains("open"));
    open
}

fn kafka_transactions(address: &str, arguments: &[&str]) -> String {
    let mut tool = kafka_tool("org.apache.kafka.tools.TransactionsCommand");
    tool.args(["--bootstrap-server", address]).args(arguments);
    text(&run(&mut tool, b"").stdout)
}

#[test]
fn transactions_that_were_open_are_aborted_and_hold_nobody_up() {
    let mut deployment = Deployment::start(Kind::Cluster);
    let mut settings = SETTINGS;
    settings[0] = SELDOM;
    let mut broker = deployment.broker(&settings);
    let address = broker.address();
    for topic in ["known", "fresh"] {
        create_topic(&address, topic, 2, &[]);
    }
    let known = open_transaction(&deployment, &address, "known");
    create_topic(&address, "told", 1, &[]);
    thread::sleep(SOON);
    // Nobody but the log knows of this one, not even who has the id.
    let fresh = open_transaction(&deployment, &address, "fresh");
    drop(known.kill());
    drop(fresh.kill());
    broker.kill();
    let told = rebuild(&mut deployment, Kind::Cluster, &broker);
    assert!(told.contains("commit 0,") && told.contains("abort 2; 1 of them"), "{told}");

    let broker = deployment.broker(&settings);
    let address = broker.address();
    for topic in ["known", "fresh"] {
        produce(&address, topic, 7..8);
        until("the last stable offset stays", || {
            read_values(&address, topic, 2, "read_committed") == ["7"]
        });
    }
    let listed = kafka_transactions(&address, &["list"]);
    assert_eq!(listed.matches("CompleteAbort").count(), 2, "{listed}");
    assert!(listed.contains("recovered-producer-"), "{listed}");
    for topic in ["known", "fresh"] {
        write_transactions(&address, topic);
        let mut expected = values_of_transactions(topic, TRANSACTIONS, false);
        expected.insert("7".to_owned());
        assert_eq!(read_distinct(&address, topic, 2, "read_committed"), expected);
    }
}

/// Runs `alluvium recover` and kills it behind the line of that number; `None` when it came to its end before.
fn killed_behind(deployment: &Deployment, id: &str, line: usize) -> Option<String> {
    let mut command = prepared(deployment, "recover", &["--cluster-id", id]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told: Vec<String> = Vec::new();
    for read in lines {
        told.push(read.unwrap());
        if told.len() == line {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(status.success() || status.code().is_none(), "{told:?} {errors}");
    // It may be killed with nothing left to do.
    let told = told.join("\n");
    (!status.success() && !told.contains("done: ")).then_some(told)
}

#[test]
fn a_recovery_that_is_killed_again_and_again_comes_to_the_same_end() {
    let mut deployment = Deployment::start(Kind::Cluster);
    let mut broker = deployment.broker(&SETTINGS);
    let address = broker.address();
    create_topic(&address, "plain", PARTITIONS, &[]);
    create_topic(&address, "many", 300, &[]);
    let mut load = Load::new("plain", PARTITIONS);
    load.start(&address, deployment.directory(), "all", &["--size", "500"]);
    thread::sleep(INTERVAL * 2);
    load.stop();
    broker.kill();
    lose_metadata(&mut deployment, Kind::Cluster);
    let id = cluster_id(&deployment);
    let mut went_on = 0;
    let mut line = 1;
    while let Some(told) = killed_behind(&deployment, &id, line) {
        went_on += usize::from(told.contains("an earlier attempt did not end"));
        line += 1;
    }
    assert!(went_on > 0, "it was never killed while it filled the store, in {line} attempts");
    let again = command(&deployment, "recover", &["--cluster-id", &id]);
    assert!(text(&again.stderr).contains("is not empty"), "{}", text(&again.stderr));
    let mut broker = deployment.broker(&SETTINGS);
    let verified = load.verify(&broker.address());
    assert!(verified.acknowledged > 0, "{verified:?}");
    assert!(broker.stop().is_some_and(|status| status.success()));
    succeed(&command(&deployment, "fsck", &["--deep"]), &broker);
}

/// The directory of that name below another.
fn find(below: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(below).ok()?;
    let folders = entries.filter_map(|it| Some(it.ok()?.path())).filter(|it| it.is_dir());
    let folders: Vec<_> = folders.collect();
    let found = folders.iter().find(|it| it.file_name().is_some_and(|it| it == name)).cloned();
    found.or_else(|| folders.iter().find_map(|folder| find(folder, name)))
}

fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-r").arg(from).arg(to), b"");
}

#[test]
fn a_topic_that_no_snapshot_knows_is_told_and_given_back() {
    let mut deployment = Deployment::start(Kind::Embedded);
    let mut settings = SETTINGS;
    settings[0] = SELDOM;
    let mut broker = deployment.broker(&settings);
    let address = broker.address();
    create_topic(&address, "early", 1, &[]);
    produce(&address, "early", 0..10);
    thread::sleep(SOON);
    let snapshots = find(&deployment.local(), "snapshot").unwrap();
    let saved = deployment.directory().join("saved");
    copy(&snapshots, &saved);
    create_topic(&address, "late", 2, &[]);
    produce(&address, "late", 0..50);
    thread::sleep(SOON);
    broker.kill();
    // With the newest snapshot nothing is lost. Then as if that had never been written.
    let generation = deployment.local().join("metadata");
    lose_metadata(&mut deployment, Kind::Embedded);
    let id = cluster_id(&deployment);
    let dry = command(&deployment, "recover", &["--cluster-id", &id, "--dry-run"]);
    assert!(!succeed(&dry, &broker).contains("not known"), "a snapshot follows a change of topics");
    fs::remove_dir_all(&snapshots).unwrap();
    copy(&saved, &snapshots);
    let _ = fs::remove_dir_all(generation);
    let told = succeed(&command(&deployment, "recover", &["--cluster-id", &id]), &broker);
    assert!(told.contains("not known: topic") && told.contains("50 records"), "{told}");
    let name = told.split("it is back as ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();

    let mut broker = deployment.broker(&settings);
    let address = broker.address();
    assert_eq!(read_values(&address, name, 2, "read_committed").len(), 50);
    assert_eq!(read_values(&address, "early", 1, "read_committed").len(), 10);
    produce(&address, name, 50..60);
    assert_eq!(read_values(&address, name, 2, "read_committed").len(), 60);
    assert!(broker.stop().is_some_and(|status| status.success()));
    succeed(&command(&deployment, "fsck", &["--deep"]), &broker);
}

#[test]
fn three_brokers_get_back_what_only_their_disks_have() {
    let mut deployment = Deployment::start(Kind::Cluster);
    let mut brokers = deployment.brokers(3, &SETTINGS);
    let bootstrap =
        |brokers: &[Broker]| brokers.iter().map(Broker::address).collect::<Vec<_>>().join(",");
    let address = bootstrap(&brokers);
    create_topic(&address, "objects", 6, &["durability.mode=object"]);
    create_topic(&address, "disks", 6, &["durability.mode=wal"]);
    let mut loads = [Load::new("objects", 6), Load::new("disks", 6)];
    let directory = deployment.directory().to_owned();
    for load in &mut loads {
        load.start(&address, &directory, "all", &["--size", "300", "--rate", "1000"]);
    }
    thread::sleep(INTERVAL * 2);
    for load in &mut loads {
        load.stop();
    }
    // Acknowledged by disks alone, as the bucket is away.
    deployment.minio.as_ref().unwrap().pause();
    produce(&address, "disks", 2_000_000_000..2_000_000_100);
    for broker in &mut brokers {
        broker.kill();
    }
    deployment.minio.as_ref().unwrap().resume();
    rebuild(&mut deployment, Kind::Cluster, &brokers[0]);
    drop(brokers);

    let brokers = deployment.brokers(3, &SETTINGS);
    let address = bootstrap(&brokers);
    assert!(loads[0].verify(&address).acknowledged > 0);
    let wanted = |value: &String| value.parse::<u32>().is_ok_and(|it| it >= 2_000_000_000);
    until("what only disks had is not there", || {
        let read = read_values(&address, "disks", 6, "read_committed");
        read.iter().filter(|value| wanted(value)).count() == 100
    });
    let acknowledged = loads[1].acknowledged() as usize;
    let read = read_values(&address, "disks", 6, "read_committed");
    assert!(read.len() >= acknowledged + 100, "{} of {acknowledged} and 100", read.len());
}

#[test]
fn a_check_that_was_killed_goes_on_where_it_was() {
    let deployment = Deployment::start(Kind::Embedded);
    let mut broker = deployment.broker(&SETTINGS);
    let address = broker.address();
    create_topic(&address, "plain", PARTITIONS, &[]);
    let mut load = Load::new("plain", PARTITIONS);
    load.start(&address, deployment.directory(), "all", &["--size", "20000"]);
    thread::sleep(INTERVAL);
    load.stop();
    assert!(broker.stop().is_some_and(|status| status.success()));
    let notes = deployment.directory().join("notes");
    let more = ["--deep", "--progress", notes.to_str().unwrap()];
    let lines = || fs::read_to_string(&notes).map_or(0, |text| text.lines().count());
    let mut child = prepared(&deployment, "fsck", &more).spawn().unwrap();
    until("it noted nothing", || lines() > 3 || child.try_wait().unwrap().is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    let noted = lines() - 1;
    assert!(noted > 0, "it was at its end before it was killed");
    let told = succeed(&command(&deployment, "fsck", &more), &broker);
    assert!(told.contains("were read before") && told.contains("clean"), "{told}");
    let before = told.lines().find_map(|it| it.split_once(" segments were read before"));
    let before = before.and_then(|(count, _)| count.parse::<usize>().ok());
    assert!(before.is_some_and(|before| before == noted || before + 1 == noted), "{told}");
    assert!(!notes.exists(), "at its end it needs no notes");
}
