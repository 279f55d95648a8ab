//! What goes wrong at start-up gets one line that names what to change; nothing is lost, nothing is deleted.

use crate::harness::{
    Broker, Deployment, Kind,
    programs::{alluvium, attempt, create_topic, run},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    time::Duration,
};

/// Runs `alluvium serve` with arguments that must stop it, and answers what it said.
fn refused(arguments: &[&str]) -> String {
    let output = attempt(alluvium().arg("serve").args(arguments), b"");
    assert!(!output.status.success(), "it started with {arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn unknown_keys_and_bad_values_name_the_key() {
    let said = refused(&["--set", "num.partitons=3", "--set", "wal.max.bytes=lots"]);
    assert!(
        said.contains("num.partitons") && said.contains("did you mean num.partitions"),
        "{said}"
    );
    assert!(said.contains("wal.max.bytes"), "{said}");
}

#[test]
fn a_busy_port_is_named() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let other = tempfile::tempdir().unwrap();
    let listener = format!("PLAINTEXT://{}", broker.address());
    let said = refused(&[
        "--listeners",
        &listener,
        "--data-dir",
        other.path().to_str().unwrap(),
        "--http-address",
        "off",
    ]);
    assert!(said.contains("listeners") && said.contains(&broker.port().to_string()), "{said}");
}

#[test]
fn a_second_broker_on_one_data_directory_is_refused() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let said = refused(&[
        "--listeners",
        "PLAINTEXT://127.0.0.1:0",
        "--http-address",
        "off",
        "--data-dir",
        deployment.local().to_str().unwrap(),
    ]);
    assert!(said.contains("another") || said.contains("locked"), "{said}");
    create_topic(&broker.address(), "still-works", 1, &[]);
}

#[test]
fn a_second_broker_on_one_wal_is_refused() {
    let deployment = Deployment::start(Kind::Cluster);
    let broker = deployment.broker(&[]);
    let mut arguments = deployment.arguments(&[]);
    let at = arguments.iter().position(|argument| argument == "--broker-id").unwrap();
    arguments[at + 1] = "2".to_owned();
    let mut command = alluvium();
    command
        .arg("serve")
        .args(["--listeners", "PLAINTEXT://127.0.0.1:0", "--http-address", "off"])
        .args(arguments);
    let output = attempt(command.envs(deployment.environment()), b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("locked"), "{said}");
    create_topic(&broker.address(), "still-works", 1, &[]);
}

#[test]
fn a_read_only_directory_is_named() {
    if rustix::process::geteuid().is_root() {
        // Permissions do not bind root: a file in the directory's place does.
        let file = tempfile::NamedTempFile::new().unwrap();
        let said = refused(&[
            "--data-dir",
            file.path().to_str().unwrap(),
            "--listeners",
            "PLAINTEXT://127.0.0.1:0",
            "--http-address",
            "off",
        ]);
        assert!(said.contains("--data-dir"), "{said}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    let said = refused(&[
        "--data-dir",
        directory.path().join("x").to_str().unwrap(),
        "--listeners",
        "PLAINTEXT://127.0.0.1:0",
        "--http-address",
        "off",
    ]);
    assert!(said.contains("--data-dir"), "{said}");
}

#[test]
fn another_cluster_id_on_the_same_directory_is_refused_naming_both() {
    let deployment = Deployment::start(Kind::Embedded);
    let mut arguments = deployment.arguments(&[]);
    arguments.extend(["--cluster-id".to_owned(), "first".to_owned()]);
    let mut broker = Broker::start(deployment.directory(), &arguments, &[]);
    broker.stop();
    let said = refused(&[
        "--data-dir",
        deployment.local().to_str().unwrap(),
        "--cluster-id",
        "second",
        "--listeners",
        "PLAINTEXT://127.0.0.1:0",
        "--http-address",
        "off",
    ]);
    assert!(said.contains("first") && said.contains("second"), "{said}");
}

#[test]
fn a_second_cluster_on_the_same_bucket_prefix_is_refused_naming_both() {
    let mut deployment = Deployment::start(Kind::Cluster);
    let mut broker = deployment.broker(&["cluster.id=first"]);
    create_topic(&broker.address(), "t", 1, &[]);
    run(alluvium().args(["produce", "-b", &broker.address(), "t"]), b"one\n");
    broker.stop();
    // Another etcd and another disk, but the same bucket and prefix.
    let first_etcd = deployment.etcd.replace(services::Etcd::start().unwrap());
    let first_disk = deployment.directory().join("first");
    std::fs::rename(deployment.local(), &first_disk).unwrap();
    deployment.prefix = "second";
    deployment.broker(&["cluster.id=second"]).stop();
    deployment.prefix = "test";
    let mut second = deployment.launch_broker(&["cluster.id=second"]);
    let (exited, log) = second.wait_for_exit(Duration::from_secs(30));
    assert!(exited && log.contains("first") && log.contains("second"), "{log}");
    assert!(log.contains("two clusters must not share a prefix"), "{log}");
    deployment.lose_local_disk();
    std::fs::rename(first_disk, deployment.local()).unwrap();
    deployment.etcd = first_etcd;
    let broker = deployment.broker(&["cluster.id=first"]);
    let read = run(alluvium().args(["consume", "-b", &broker.address(), "t", "--exit"]), b"");
    assert_eq!(String::from_utf8_lossy(&read.stdout), "one\n");
}

#[test]
fn a_missing_bucket_and_wrong_credentials_say_so() {
    let deployment = Deployment::start(Kind::Cluster);
    let mut arguments = deployment.arguments(&[]);
    let at = arguments.iter().position(|argument| argument == "--object-store").unwrap();
    arguments[at + 1] = "s3://missing/test".to_owned();
    let serve = |arguments: &[String], environment: Vec<(String, String)>| {
        let mut command = alluvium();
        command
            .arg("serve")
            .args(["--listeners", "PLAINTEXT://127.0.0.1:0", "--http-address", "off"])
            .args(arguments);
        let output = attempt(command.envs(environment), b"");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = serve(&arguments, deployment.environment());
    assert!(said.contains("missing"), "{said}");
    let mut environment = deployment.environment();
    environment[1].1 = "wrong".to_owned();
    let said = serve(&deployment.arguments(&[]), environment);
    assert!(
        said.to_lowercase().contains("denied")
            || said.to_lowercase().contains("credentials")
            || said.contains("Signature"),
        "{said}"
    );
}

#[test]
fn a_flipped_bit_in_the_middle_of_the_wal_stops_the_start_and_changes_nothing() {
    let deployment = Deployment::start(Kind::Cluster);
    let mut broker = deployment.broker(&[]);
    let address = broker.address();
    create_topic(&address, "t", 1, &["durability.mode=wal"]);
    // The store is away, so that frames stay in the WAL.
    deployment.minio.as_ref().unwrap().pause();
    for round in 0..20 {
        let line = format!("record {round}\n");
        run(alluvium().args(["produce", "-b", &address, "t"]), line.as_bytes());
    }
    broker.kill();
    deployment.minio.as_ref().unwrap().resume();
    let wal = deployment.local().join("wal");
    let damaged =
        std::fs::read_dir(&wal).unwrap().map(|entry| entry.unwrap().path()).find(|path| {
            std::fs::read(path).is_ok_and(|content| {
                content
                    .windows(9)
                    .any(|window| window == b"record 3\x00" || window.starts_with(b"record 3"))
            })
        });
    let damaged = damaged.expect("a WAL file holds the records");
    let mut content = std::fs::read(&damaged).unwrap();
    let at = content.windows(8).position(|window| window == b"record 3").unwrap();
    content[at] ^= 1;
    std::fs::write(&damaged, &content).unwrap();
    let mut again = deployment.launch_broker(&[]);
    let (exited, log) = again.wait_for_exit(Duration::from_secs(30));
    assert!(exited && log.contains("damaged"), "{log}");
    assert_eq!(std::fs::read(&damaged).unwrap(), content);
    content[at] ^= 1;
    std::fs::write(&damaged, &content).unwrap();
    broker.restart();
    let read = run(alluvium().args(["consume", "-b", &address, "t", "--exit"]), b"");
    assert_eq!(String::from_utf8_lossy(&read.stdout).lines().count(), 20);
}

#[test]
fn an_etcd_restored_from_an_older_backup_stops_the_broker() {
    let mut deployment = Deployment::start(Kind::Cluster);
    let mut broker = deployment.broker(&[]);
    let address = broker.address();
    create_topic(&address, "t", 1, &[]);
    run(alluvium().args(["produce", "-b", &address, "t"]), b"one\n");
    broker.stop();
    let data = deployment.etcd.as_ref().unwrap().directory().join("data");
    let backup = deployment.directory().join("backup");
    deployment.etcd.as_mut().unwrap().stop();
    copy(&data, &backup);
    deployment.etcd.as_mut().unwrap().restart().unwrap();
    broker.restart();
    run(alluvium().args(["produce", "-b", &address, "t"]), b"two\n");
    // The bucket learns of a revision within ten seconds of a commit.
    std::thread::sleep(Duration::from_secs(11));
    broker.kill();
    deployment.etcd.as_mut().unwrap().kill();
    std::fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    deployment.etcd.as_mut().unwrap().restart().unwrap();
    let mut again = deployment.launch_broker(&[]);
    let (exited, log) = again.wait_for_exit(Duration::from_secs(30));
    assert!(exited && log.contains("alluvium recover"), "{log}");
}

#[test]
fn an_etcd_restored_under_a_running_broker_ends_it() {
    let mut deployment = Deployment::start(Kind::Cluster);
    let mut broker = deployment.broker(&["session.lease.ttl=3s", "session.lease.margin=1s"]);
    let address = broker.address();
    let data = deployment.etcd.as_ref().unwrap().directory().join("data");
    let backup = deployment.directory().join("backup");
    deployment.etcd.as_mut().unwrap().stop();
    copy(&data, &backup);
    deployment.etcd.as_mut().unwrap().restart().unwrap();
    create_topic(&address, "t", 1, &[]);
    run(alluvium().args(["produce", "-b", &address, "t"]), b"one\n");
    deployment.etcd.as_mut().unwrap().kill();
    std::fs::remove_dir_all(&data).unwrap();
    copy(&backup, &data);
    deployment.etcd.as_mut().unwrap().restart().unwrap();
    let (exited, log) = broker.wait_for_exit(Duration::from_secs(60));
    let last = log.lines().last().unwrap_or_default();
    assert!(exited && last.contains("went back") && last.contains("alluvium recover"), "{log}");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    run(std::process::Command::new("cp").arg("-a").arg(from).arg(to), b"");
}

#[test]
fn garbage_on_a_socket_closes_it_and_hurts_nobody() {
    let deployment = Deployment::start(Kind::Embedded);
    let mut broker = deployment.broker(&[]);
    let address = broker.address();
    let frames: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xFF; 64],
        &[0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
        &[0, 0, 0, 0],
        &[0, 0, 0, 4, 0, 3, 0, 1],
        // An unknown API key.
        &[0, 0, 0, 10, 3, 0xE7, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF],
    ];
    for frame in frames {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(frame).unwrap();
        let mut answer = Vec::new();
        let closed = stream.read_to_end(&mut answer);
        assert!(
            closed.is_ok()
                || closed.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset),
            "{frame:?}"
        );
        assert!(answer.is_empty(), "{frame:?} was answered");
    }
    assert!(broker.process().is_running());
    create_topic(&address, "still-works", 1, &[]);
}
