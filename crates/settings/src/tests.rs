//! Which source wins, and what is said of keys that are not understood.

use super::*;
use std::io::Write;

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn file(ending: &str, content: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(ending).tempfile().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

#[test]
fn flags_win_over_environment_over_file() {
    let file = file(
        ".toml",
        "num.partitions = 1\ndefault.replication.factor = 1\nwal.max.bytes = 100000000\n",
    );
    let settings = Settings::resolve(Sources {
        file: Some(file.path().to_owned()),
        environment: pairs(&[
            ("ALLUVIUM_NUM_PARTITIONS", "2"),
            ("ALLUVIUM_DEFAULT_REPLICATION_FACTOR", "2"),
            ("ALLUVIUM_TOOLS", "/elsewhere"),
            ("PATH", "/bin"),
        ]),
        flags: pairs(&[("num.partitions", "3")]),
    })
    .unwrap();
    assert_eq!(settings.values()["num.partitions"], "3");
    assert_eq!(settings.values()["default.replication.factor"], "2");
    assert_eq!(settings.values()["wal.max.bytes"], "100000000");
}

#[test]
fn values_of_a_file_may_stand_elsewhere() {
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("partitions"), "7\n").unwrap();
    let text = |file: &str| {
        format!(
            "\"config.providers\" = \"secrets\"\n\"config.providers.secrets.class\" = \"org.apache.kafka.common.config.provider.DirectoryConfigProvider\"\nnum.partitions = \"${{secrets:{}:{file}}}\"\n",
            secrets.path().display()
        )
    };
    let read = |file: &str| {
        let file = self::file(".toml", &text(file));
        Settings::resolve(Sources { file: Some(file.path().to_owned()), ..Sources::default() })
    };
    assert_eq!(read("partitions").unwrap().values()["num.partitions"], "7");
    let missing = read("other").unwrap_err().to_string();
    assert!(missing.contains("num.partitions: ${secrets:") && missing.contains("No such file"));
}

#[test]
fn every_unknown_key_and_bad_value_is_named_with_its_place() {
    let error = Settings::resolve(Sources {
        environment: pairs(&[("ALLUVIUM_NUM_PARTITONS", "2")]),
        flags: pairs(&[("wal.max.bytes", "much")]),
        ..Sources::default()
    })
    .unwrap_err();
    assert_eq!(error.0.len(), 2);
    assert!(
        error.0[0].contains("num.partitons") && error.0[0].contains("did you mean num.partitions?"),
        "{error}"
    );
    assert!(
        error.0[1].contains("wal.max.bytes") && error.0[1].contains("on the command line"),
        "{error}"
    );
}

#[test]
fn a_kafka_file_says_which_keys_have_no_effect_and_refuses_security_it_does_not_know() {
    let kafka =
        file(".properties", "num.partitions=2\ncontroller.quorum.voters=1@a:1\nlog.dirs=/tmp/k\n");
    let settings =
        Settings::resolve(Sources { file: Some(kafka.path().to_owned()), ..Sources::default() })
            .unwrap();
    assert_eq!(settings.values()["num.partitions"], "2");
    assert!(settings.not_honoured.iter().any(|line| line.starts_with("controller.quorum.voters")));
    let secured = file(".properties", "ssl.keystore.lokation=/k.pem\n");
    let refused =
        Settings::resolve(Sources { file: Some(secured.path().to_owned()), ..Sources::default() });
    assert!(refused.unwrap_err().0[0].contains("ssl.keystore.lokation"));
}

#[test]
fn the_wal_lies_in_the_data_directory_unless_it_has_its_own() {
    let of =
        |flags| Settings::resolve(Sources { flags: pairs(flags), ..Sources::default() }).unwrap();
    assert_eq!(of(&[("data.dir", "/d")]).wal_directory(), PathBuf::from("/d/wal"));
    assert_eq!(of(&[("data.dir", "/d"), ("wal.dir", "/w")]).wal_directory(), PathBuf::from("/w"));
    assert!(of(&[]).is_embedded());
}

#[test]
fn the_read_cache_lies_beside_the_wal_and_is_for_objects_that_lie_elsewhere() {
    let of =
        |flags| Settings::resolve(Sources { flags: pairs(flags), ..Sources::default() }).unwrap();
    assert_eq!(of(&[("data.dir", "/d")]).cache_directory(), PathBuf::from("/d/cache"));
    assert_eq!(of(&[("wal.dir", "/w/wal")]).cache_directory(), PathBuf::from("/w/cache"));
    assert_eq!(of(&[("cache.dir", "/c")]).cache_directory(), PathBuf::from("/c"));
    assert_eq!((of(&[]).cache_bytes(true), of(&[]).cache_bytes(false)), (0, 1 << 30));
    let set = of(&[("cache.max.bytes", "67108864")]);
    assert_eq!((set.cache_bytes(true), set.cache_bytes(false)), (64 << 20, 64 << 20));
    assert_eq!(of(&[("cache.max.bytes", "0")]).cache_bytes(false), 0);
    for wrong in ["-1", "1048576", "1GiB"] {
        let flags = pairs(&[("cache.max.bytes", wrong)]);
        let refused = Settings::resolve(Sources { flags, ..Sources::default() }).unwrap_err();
        assert!(refused.to_string().contains("cache.max.bytes"), "{refused}");
    }
}

#[test]
fn settings_come_back_from_the_file_that_they_were_written_to() {
    let flags = [
        ("num.partitions", "3"),
        ("broker.rack", "a \"quoted\" \\ name\nof two lines"),
        ("listener.name.tls.ssl.client.auth", "required"),
    ];
    let settings =
        Settings::resolve(Sources { flags: pairs(&flags), ..Sources::default() }).unwrap();
    let read = Settings::parse(&settings.to_toml(), FileFormat::Toml).unwrap();
    assert_eq!(read, settings);
}
