//! Transactions of real clients: what is aborted stays unseen by who asks for committed records, and a copy is exact
//! although its broker is killed again and again.

use crate::harness::{
    Brokers, Deployment, Kind, Running,
    programs::{Client, create_topic, kafka_tool, run, text},
    records::{produce, read_distinct, read_values, values_of_transactions},
    until,
};
use std::{collections::BTreeSet, path::Path, thread, time::Duration};

const NO_DELAY: &str = "group.initial.rebalance.delay.ms=0";

fn transactions_of_all_clients(kind: Kind) {
    const COUNT: u32 = 10;
    let deployment = Deployment::start(kind);
    let mut brokers = deployment.serve(&[]);
    let address = brokers.address();
    for (client, topic) in Client::CORE.into_iter().zip(["python", "go", "java"]) {
        create_topic(&address, topic, 2, &[]);
        let mut command = client.transactions();
        command.args(["write", "--bootstrap", &address, "--topic", topic, "--id", topic]);
        run(command.args(["--count", &COUNT.to_string(), "--partitions", "2"]), b"");
    }
    // Once from memory, once from objects.
    for _ in 0..2 {
        for topic in ["python", "go", "java"] {
            let committed = read_distinct(&address, topic, 2, "read_committed");
            assert_eq!(committed, values_of_transactions(topic, COUNT, false));
            let all = read_distinct(&address, topic, 2, "read_uncommitted");
            assert_eq!(all, values_of_transactions(topic, COUNT, true));
        }
        assert!(brokers.stop().is_some_and(|status| status.success()));
        brokers.restart();
    }
}

#[test]
fn three_clients_commit_and_abort_on_an_embedded_broker() {
    transactions_of_all_clients(Kind::Embedded);
}

#[test]
fn three_clients_commit_and_abort_on_etcd_and_minio() {
    transactions_of_all_clients(Kind::Cluster);
}

#[test]
#[ignore = "long: three brokers on etcd and MinIO"]
fn three_clients_commit_and_abort_on_three_brokers() {
    transactions_of_all_clients(Kind::Three);
}

#[test]
fn a_fenced_producer_writes_nothing_more_and_what_it_wrote_is_aborted() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    create_topic(&address, "t", 1, &[]);
    let mut command = Client::Java.transactions();
    command.args(["fence", "--bootstrap", &address, "--topic", "t", "--id", "pay"]);
    assert_eq!(text(&run(&mut command, b"").stdout), "fenced\nfenced\n");
    assert_eq!(read_values(&address, "t", 1, "read_committed"), ["successor"]);
}

/// What `kafka-transactions` prints.
fn kafka_transactions(address: &str, arguments: &[&str]) -> String {
    let mut tool = kafka_tool("org.apache.kafka.tools.TransactionsCommand");
    tool.args(["--bootstrap-server", address]).args(arguments);
    text(&run(&mut tool, b"").stdout)
}

#[test]
fn kafka_transactions_lists_describes_and_a_transaction_that_takes_too_long_is_aborted() {
    let deployment = Deployment::start(Kind::Embedded);
    let interval = "transaction.abort.timed.out.transaction.cleanup.interval.ms=500";
    let broker = deployment.broker(&[interval]);
    let address = broker.address();
    create_topic(&address, "t", 2, &[]);
    let mut command = Client::Librdkafka.transactions();
    command.args(["write", "--bootstrap", &address, "--topic", "t", "--id", "slow"]);
    command.args(["--leave-open", "--timeout", "8000"]);
    let open = Running::start(&mut command, deployment.directory(), "slow");
    let tool = |arguments: &[&str]| kafka_transactions(&address, arguments);
    until("the transaction never began", || tool(&["list"]).contains("Ongoing"));
    let described = tool(&["describe", "--transactional-id", "slow"]);
    assert!(described.contains("Ongoing") && described.contains("t-0"), "{described}");
    let producers = tool(&["describe-producers", "--topic", "t", "--partition", "0"]);
    assert!(producers.lines().count() == 2, "{producers}");
    until("it was never aborted", || tool(&["list"]).contains("CompleteAbort"));
    assert_eq!(read_values(&address, "t", 2, "read_committed"), [""; 0]);
    let producers = tool(&["describe-producers", "--topic", "t", "--partition", "0"]);
    assert!(producers.lines().nth(1).is_some_and(|line| line.contains("None")), "{producers}");
    drop(open);
}

#[test]
fn kafka_transactions_finds_no_hanging_transaction_and_aborts_one_by_its_first_offset() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    create_topic(&address, "t", 1, &[]);
    let mut command = Client::Librdkafka.transactions();
    command.args(["write", "--bootstrap", &address, "--topic", "t", "--id", "open"]);
    command.args(["--leave-open", "--timeout", "600000"]);
    let open = Running::start(&mut command, deployment.directory(), "open");
    let tool = |arguments: &[&str]| kafka_transactions(&address, arguments);
    until("the transaction never began", || tool(&["list"]).contains("Ongoing"));
    let hanging = tool(&["find-hanging", "--topic", "t", "--max-transaction-timeout", "0"]);
    assert_eq!(hanging.lines().count(), 1, "{hanging}");
    produce(&address, "t", 7..8);
    assert_eq!(read_values(&address, "t", 1, "read_committed"), [""; 0]);

    tool(&["abort", "--topic", "t", "--partition", "0", "--start-offset", "0"]);
    let producers = tool(&["describe-producers", "--topic", "t", "--partition", "0"]);
    assert!(producers.contains("None"), "{producers}");
    assert_eq!(read_values(&address, "t", 1, "read_committed"), ["7"]);
    drop(open);
}

fn tail(brokers: &Brokers) -> String {
    let log = brokers.log();
    log.lines().rev().take(30).collect::<Vec<_>>().join("\n")
}

/// Every transaction of `id` is complete, and none holds the last stable offset of a partition.
fn nothing_hangs(address: &str, id: &str, topic: &str, partitions: u32) {
    until("its last transaction is never complete", || {
        let listed = kafka_transactions(address, &["list"]);
        let states = ["CompleteCommit", "CompleteAbort", "Empty"];
        let mut lines = listed.lines().filter(|line| line.starts_with(id));
        lines.any(|line| states.iter().any(|state| line.contains(state)))
    });
    for partition in 0..partitions {
        let partition = partition.to_string();
        let asked = ["describe-producers", "--topic", topic, "--partition", &partition];
        let producers = kafka_transactions(address, &asked);
        assert!(producers.lines().skip(1).all(|line| line.contains("None")), "{producers}");
    }
}

/// Kills of the broker while a client copies: `SYSTEM_TEST_KILLS`, 20 at most, or `default`.
fn kills(default: u32) -> u32 {
    let wanted = std::env::var("SYSTEM_TEST_KILLS").ok().and_then(|text| text.parse().ok());
    wanted.map_or(default, |wanted: u32| wanted.min(20))
}

const PARTITIONS: u32 = 3;
const SETTINGS: [&str; 3] = ["session.lease.ttl=3s", "session.lease.margin=1s", NO_DELAY];

/// Begins to copy from one new topic to another.
fn start_copier(client: Client, address: &str, directory: &Path) -> Running {
    for topic in ["from", "to"] {
        create_topic(address, topic, PARTITIONS, &[]);
    }
    let mut command = client.transactions();
    command.args(["copy", "--bootstrap", address, "--source", "from", "--topic", "to"]);
    command.args(["--group", "copier", "--id", "copier"]);
    Running::start(&mut command, directory, "copier")
}

/// A broker is killed while `client` copies, again and again; of three one after the other.
fn copies_exactly(kind: Kind, client: Client) {
    const RECORDS: u32 = 6_000;
    let times = kills(3);
    let deployment = Deployment::start(kind);
    let mut brokers = deployment.serve(&SETTINGS);
    let address = brokers.address();
    let copier = start_copier(client, &address, deployment.directory());
    let transactions = || copier.output().lines().count();
    let batch = RECORDS / (times + 1);
    for round in 0..=times {
        let numbers = round * batch..(round + 1) * batch;
        produce(&address, "from", numbers);
        if round == times {
            break;
        }
        let before = transactions();
        until(&format!("round {round} made no progress\n{}", tail(&brokers)), || {
            transactions() > before
        });
        thread::sleep(Duration::from_millis(u64::from(round * 53 % 300)));
        brokers.kill();
        brokers.restart();
    }
    let expected: BTreeSet<String> = (0..batch * (times + 1)).map(|it| it.to_string()).collect();
    until(&format!("not everything was copied\n{}", tail(&brokers)), || {
        read_values(&address, "to", PARTITIONS, "read_committed").len() >= expected.len()
    });
    assert_eq!(read_distinct(&address, "to", PARTITIONS, "read_committed"), expected);
    copier.stop();
    nothing_hangs(&address, "copier", "to", PARTITIONS);
}

#[test]
fn a_copy_of_librdkafka_is_exact_although_the_broker_is_killed_again_and_again() {
    copies_exactly(Kind::Embedded, Client::Librdkafka);
}

#[test]
fn a_copy_of_java_is_exact_although_the_broker_is_killed_again_and_again() {
    copies_exactly(Kind::Embedded, Client::Java);
}

#[test]
fn a_copy_of_librdkafka_on_etcd_and_minio_is_exact_although_the_broker_is_killed_again_and_again() {
    copies_exactly(Kind::Cluster, Client::Librdkafka);
}

#[test]
fn a_copy_of_java_on_etcd_and_minio_is_exact_although_the_broker_is_killed_again_and_again() {
    copies_exactly(Kind::Cluster, Client::Java);
}

#[test]
#[ignore = "long: three brokers on etcd and MinIO"]
fn copies_on_three_brokers_are_exact_although_one_is_killed_again_and_again() {
    for client in [Client::Librdkafka, Client::Java] {
        copies_exactly(Kind::Three, client);
    }
}

/// Of three brokers one restarts every 20 seconds while `client` copies what comes in for more than a minute.
fn copies_exactly_while_brokers_restart(client: Client) {
    const BATCH: u32 = 50;
    let deployment = Deployment::start(Kind::Three);
    let rolling = deployment.serve(&SETTINGS).rolling();
    let address = rolling.address();
    let copier = start_copier(client, address, deployment.directory());
    let mut written = 0;
    for _ in 0..150 {
        produce(address, "from", written..written + BATCH);
        written += BATCH;
        thread::sleep(Duration::from_millis(500));
    }
    let expected: BTreeSet<String> = (0..written).map(|it| it.to_string()).collect();
    until(&format!("not everything was copied\n{}", copier.errors()), || {
        read_values(address, "to", PARTITIONS, "read_committed").len() >= expected.len()
    });
    assert_eq!(read_distinct(address, "to", PARTITIONS, "read_committed"), expected);
    copier.stop();
    rolling.rest();
    nothing_hangs(address, "copier", "to", PARTITIONS);
}

#[test]
#[ignore = "long: three brokers on etcd and MinIO, of which one restarts every 20 seconds"]
fn a_copy_of_librdkafka_is_exact_while_brokers_restart() {
    copies_exactly_while_brokers_restart(Client::Librdkafka);
}

#[test]
#[ignore = "long: three brokers on etcd and MinIO, of which one restarts every 20 seconds"]
fn a_copy_of_java_is_exact_while_brokers_restart() {
    copies_exactly_while_brokers_restart(Client::Java);
}
