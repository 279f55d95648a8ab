//! The schema tables that are checked in are those of Kafka's jar.

use crate::harness::programs::clients;
use std::{fs, path::Path, process::Command};

#[test]
fn the_schema_tables_are_those_of_kafkas_jar() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let class_path = services::programs::java_class_path(&clients().join("java/pom.xml")).unwrap();
    let jars = fs::read_dir(class_path.trim_end_matches('*')).unwrap();
    let mut jars = jars.map(|entry| entry.unwrap().path());
    let is_clients =
        |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with("kafka-clients-");
    let jar = jars.find(|path| is_clients(path)).unwrap();
    let generated = Command::new("python3")
        .arg(repository.join("tools/request-schemas"))
        .arg(jar)
        .output()
        .unwrap();
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    let checked_in = fs::read_to_string(repository.join("crates/request_schema/src/requests.rs"));
    let same = String::from_utf8_lossy(&generated.stdout) == checked_in.unwrap();
    assert!(
        same,
        "run: tools/request-schemas <kafka-clients jar> > crates/request_schema/src/requests.rs"
    );
}
