//! The console in headless Chromium, as a person uses it, on a live broker.

use crate::{
    console::{ATTACK, LARGE_OFFSET, TOPIC, leave_a_group, write_hostile},
    harness::{
        Deployment, Kind,
        programs::{clients, create_topic},
        records::write_lines,
    },
};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const WIDE: &str = "wide";

/// Where screenshots stay to be looked at.
fn screenshots() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    target.join("console")
}

#[test]
#[ignore = "installs Chromium, 600 MB: just verify-long"]
fn a_person_finds_everything_in_a_browser() {
    let chromium = services::programs::chromium().unwrap();
    let folder = clients().join("browser");
    let modules = services::programs::node_modules(&folder).unwrap();
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    create_topic(&address, TOPIC, 3, &["retention.ms=3600000"]);
    write_hostile(&address, deployment.directory());
    create_topic(&address, WIDE, 10_000, &[]);
    leave_a_group(&deployment, &address);

    let with_rules = Deployment::start(Kind::Embedded);
    let guarded = with_rules.broker(&[
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:ANONYMOUS",
        "console.enable=true",
        "console.writes.enable=true",
    ]);

    let mut command = Command::new("node");
    command.env("NODE_PATH", modules).arg(folder.join("console.js"));
    command.args(["--url", &format!("http://127.0.0.1:{}", broker.http_port())]);
    command.args(["--access", &format!("http://127.0.0.1:{}", guarded.http_port())]);
    command.arg("--chromium").arg(chromium).arg("--shots").arg(screenshots());
    command.args(["--topic", TOPIC, "--many", WIDE, "--group", ATTACK]);
    command.args(["--large", &LARGE_OFFSET.to_string()]);
    let mut browser = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(browser.stdout.take().unwrap()).lines();
    let mut told = Vec::new();
    for line in lines.map_while(Result::ok) {
        println!("{line}");
        if line == "tailing" {
            write_lines(&address, TOPIC, &["k:written while somebody looks".to_owned()]);
        }
        told.push(line);
    }
    let ended = browser.wait().unwrap();
    assert!(ended.success(), "{}; screenshots: {}", told.join("\n"), screenshots().display());
    println!("screenshots: {}", screenshots().display());
}
