//! `durability.mode` changed while a topic is written to: acknowledgements keep their word through changes, kills and a lost disk.

use crate::harness::{
    Deployment, Kind, Load,
    programs::{create_topic, kafka_tool, run},
};
use std::{thread, time::Duration};

const PARTITIONS: u32 = 4;

/// Whose config is changed.
#[derive(Clone, Copy)]
enum Of {
    Topic(&'static str),
    AllBrokers,
}

fn set_mode(address: &str, of: Of, mode: &str) {
    let mut configs = kafka_tool("kafka.admin.ConfigCommand");
    configs.args(["--bootstrap-server", address, "--alter"]);
    match of {
        Of::Topic(name) => configs.args(["--entity-type", "topics", "--entity-name", name]),
        Of::AllBrokers => configs.args(["--entity-type", "brokers", "--entity-default"]),
    };
    run(configs.args(["--add-config", &format!("durability.mode={mode}")]), b"");
}

fn wait_for(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("not within a minute: {what}");
}

fn records_written(metrics: &str) -> u64 {
    let name = "alluvium_owner_terms_written_total ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |value| value.parse().unwrap())
}

#[test]
fn a_mode_that_changes_under_load_loses_nothing_to_kills_nor_to_a_lost_disk() {
    let deployment = Deployment::start(Kind::Cluster);
    let mut broker = deployment.broker(&["session.lease.ttl=3s", "session.lease.margin=1s"]);
    let address = broker.address();
    create_topic(&address, "says", PARTITIONS, &["durability.mode=object"]);
    create_topic(&address, "follows", PARTITIONS, &[]);
    let mut loads = [Load::new("says", PARTITIONS), Load::new("follows", PARTITIONS)];
    for load in &mut loads {
        load.start(&address, deployment.directory(), "all", &["--size", "300", "--rate", "1000"]);
    }
    let progress = |loads: &[Load; 2], what: &str| {
        for load in loads {
            let before = load.acknowledged();
            wait_for(what, || load.acknowledged() > before + 200);
        }
    };
    for round in 0..2_u64 {
        for mode in ["wal", "object"] {
            set_mode(&address, Of::Topic("says"), mode);
            set_mode(&address, Of::AllBrokers, mode);
            thread::sleep(Duration::from_millis(round * 40));
            broker.kill();
            broker.restart();
            progress(&loads, &format!("round {round}, {mode}"));
        }
    }
    // At last in peace: `object` is in force once every record says so, and from then on the disk may go.
    for mode in ["wal", "object"] {
        let before = records_written(&broker.metrics());
        set_mode(&address, Of::Topic("says"), mode);
        set_mode(&address, Of::AllBrokers, mode);
        let due = before + u64::from(2 * PARTITIONS);
        wait_for(mode, || records_written(&broker.metrics()) >= due);
        progress(&loads, mode);
    }
    broker.kill();
    deployment.lose_local_disk();
    broker.restart();
    progress(&loads, "after the disk was lost");
    for load in &mut loads {
        load.stop();
        let verified = load.verify(&address);
        assert!(verified.read >= verified.acknowledged && verified.acknowledged > 0);
    }
    assert!(!broker.log().contains("panicked"), "{}", broker.log());
}
