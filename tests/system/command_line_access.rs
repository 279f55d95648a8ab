//! Our own commands for access rules, users and quotas: they agree with kafka-acls and kafka-configs, and what they do is in force.

use crate::harness::{
    Broker, Deployment, Kafka, Kind, eventually,
    kafka::MORE_SETTINGS,
    programs::{alluvium, attempt, create_topic, create_topic_when_ready, kafka_tool, run, text},
};
use serde_json::Value;
use services::{Purpose, free_port};
use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Output},
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// For the tests' own tools, which may do everything, and for users who have to log in.
const LISTENERS: &str = "PLAINTEXT://127.0.0.1:{},SASL_PLAINTEXT://127.0.0.1:{}";
const SETTINGS: [&str; 3] = [
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users=User:ANONYMOUS",
    "sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512",
];

/// Who answers the commands.
enum Cluster {
    Alluvium { _deployment: Box<Deployment>, broker: Box<Broker> },
    ApacheKafka(Kafka),
}

struct Guarded {
    cluster: Cluster,
    directory: TempDir,
}

impl Guarded {
    fn alluvium() -> Self {
        let deployment = Deployment::start(Kind::Embedded);
        let broker = deployment.listening(1, LISTENERS, &SETTINGS).remove(0);
        let cluster =
            Cluster::Alluvium { _deployment: Box::new(deployment), broker: Box::new(broker) };
        Self { cluster, directory: tempfile::tempdir().unwrap() }
    }

    fn apache_kafka() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings = directory.path().join("kafka");
        fs::create_dir(&settings).unwrap();
        fs::write(settings.join(MORE_SETTINGS), SETTINGS[..2].join("\n")).unwrap();
        let kafka = Kafka::start_in(Purpose::Test, &settings, free_port().unwrap()).unwrap();
        Self { cluster: Cluster::ApacheKafka(kafka), directory }
    }

    fn address(&self) -> String {
        match &self.cluster {
            Cluster::Alluvium { broker, .. } => broker.address(),
            Cluster::ApacheKafka(kafka) => kafka.endpoint().replace("http://", ""),
        }
    }

    /// Kafka answers before all its parts know.
    fn settle(&self) {
        if matches!(self.cluster, Cluster::ApacheKafka(_)) {
            thread::sleep(Duration::from_millis(300));
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = alluvium();
        command.args(arguments).args(["--bootstrap-server", &self.address()]);
        command
    }

    /// A command of ours that must succeed; what it printed.
    fn told(&self, arguments: &[&str]) -> String {
        let said = text(&run(&mut self.command(arguments), b"").stdout);
        self.settle();
        said
    }

    /// The same, which must fail; what it said.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = attempt(&mut self.command(arguments), b"");
        assert!(!output.status.success(), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr)
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let printed = self.told(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }

    fn kafkas(&self, class: &str, arguments: &[&str]) -> String {
        let mut tool = kafka_tool(class);
        tool.args(["--bootstrap-server", &self.address()]).args(arguments);
        let said = text(&run(&mut tool, b"").stdout);
        self.settle();
        said
    }

    fn acls(&self, arguments: &[&str]) -> String {
        self.kafkas("org.apache.kafka.tools.AclCommand", arguments)
    }

    fn configs(&self, arguments: &[&str]) -> String {
        self.kafkas("kafka.admin.ConfigCommand", arguments)
    }

    /// Writes a record, logged in as a user, if the cluster has a listener for that.
    fn writes(&self, user: &str, mechanism: &str, password: &str) -> Option<Output> {
        let Cluster::Alluvium { broker, .. } = &self.cluster else { return None };
        let file = self.directory.path().join("client.properties");
        let lines = format!(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism={mechanism}\nsasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"{user}\" password=\"{password}\";\n"
        );
        fs::write(&file, lines).unwrap();
        let mut command = alluvium();
        command.args(["produce", "orders-eu", "-b", &broker.address_of(1)]);
        Some(attempt(command.arg("--command-config").arg(file), b"hello\n"))
    }
}

/// A rule as both tools tell it: type, name, pattern, principal, host, operation, permission.
type Rule = [String; 7];

fn theirs(printed: &str) -> BTreeSet<Rule> {
    let value = |text: &str, key: &str| {
        let after = text.split(&format!("{key}=")).nth(1).unwrap_or_else(|| panic!("{printed}"));
        after.split([',', ')']).next().unwrap().to_lowercase().replace('_', "-")
    };
    let (mut rules, mut resource) = (BTreeSet::new(), "");
    for line in printed.lines() {
        if line.contains("ResourcePattern(") {
            resource = line;
        } else if line.contains("principal=") {
            let of_resource = ["resourceType", "name", "patternType"].map(|it| value(resource, it));
            let of_rule =
                ["principal", "host", "operation", "permissionType"].map(|it| value(line, it));
            let rule: Vec<String> = of_resource.into_iter().chain(of_rule).collect();
            rules.insert(rule.try_into().unwrap());
        }
    }
    rules
}

fn ours(listed: &[Value]) -> BTreeSet<Rule> {
    const FIELDS: [&str; 7] =
        ["resource", "name", "pattern", "principal", "host", "operation", "permission"];
    let rule = |it: &Value| FIELDS.map(|field| it[field].as_str().unwrap().to_lowercase());
    listed.iter().map(rule).collect()
}

#[test]
fn rules_users_and_quotas_agree_with_kafkas_tools_and_are_in_force() {
    let guarded = Guarded::alluvium();
    create_topic(&guarded.address(), "orders-eu", 1, &[]);
    users(&guarded);
    rules(&guarded);
    quotas(&guarded);
    let said = guarded.refused(&["quota", "set", "request_percentage=1", "--user", "a"]);
    assert!(said.contains("request_percentage is not enforced"), "{said}");
}

#[test]
fn rules_users_and_quotas_of_apache_kafka_are_shown_and_changed_too() {
    let guarded = Guarded::apache_kafka();
    create_topic_when_ready(&guarded.address(), "orders-eu", 1);
    users(&guarded);
    rules(&guarded);
    quotas(&guarded);
}

fn users(guarded: &Guarded) {
    let add = ["user", "add", "alice", "--mechanism", "scram-sha-256", "--iterations", "5000"];
    let said = text(&run(&mut guarded.command(&add), b"wonder\nland\n").stdout);
    assert_eq!(said, "user alice can log in\n");
    let file = guarded.directory.path().join("password");
    fs::write(&file, "builder\n").unwrap();
    guarded.told(&["user", "add", "bob", "--password-file", file.to_str().unwrap()]);
    let listed = guarded.told(&["user", "list"]);
    let expected = "\
user   mechanism      iterations
alice  SCRAM-SHA-256        5000
bob    SCRAM-SHA-512        4096
";
    assert_eq!(listed, expected);
    let shown = guarded.configs(&["--describe", "--entity-type", "users"]);
    assert!(
        shown.contains("'alice' are SCRAM-SHA-256=iterations=5000")
            && shown.contains("'bob' are SCRAM-SHA-512=iterations=4096"),
        "{shown}"
    );
    let change = ["--alter", "--entity-type", "users", "--entity-name", "carol", "--add-config"];
    guarded.configs(&[&change[..], &["SCRAM-SHA-512=[iterations=4097,password=x]"]].concat());
    let carol = guarded.json(&["user", "list", "carol"]);
    assert_eq!((carol.len(), &carol[0]["iterations"]), (1, &4097.into()));
    assert_eq!(guarded.told(&["user", "remove", "carol"]), "removed SCRAM-SHA-512 of user carol\n");
    assert!(guarded.refused(&["user", "list", "carol"]).contains("no user carol"));
    assert!(guarded.refused(&["user", "remove", "carol"]).contains("no user carol"));
    // No line, no password.
    assert!(guarded.refused(&["user", "add", "dave"]).contains("--password-file"));
    assert_eq!(guarded.json(&["user", "list"]).len(), 2);
}

fn rules(guarded: &Guarded) {
    let alice = |password| {
        let output = guarded.writes("alice", "SCRAM-SHA-256", password)?;
        Some(if output.status.success() { Ok(()) } else { Err(text(&output.stderr)) })
    };
    if let (Some(denied), Some(wrong)) = (alice("wonder"), alice("under")) {
        let (denied, wrong) = (denied.unwrap_err(), wrong.unwrap_err());
        assert!(denied.contains("Authorization"), "{denied}");
        assert!(
            wrong.contains("come together") && wrong.contains("invalid credentials"),
            "{wrong}"
        );
    }
    let add = ["acl", "add", "topic", "orders-", "--prefixed", "--principal", "User:alice"];
    let said = guarded.told(&[&add[..], &["--operation", "read,write,describe"]].concat());
    assert_eq!(said, "added 3 rules\n");
    eventually(|| alice("wonder").unwrap_or(Ok(())));
    guarded.acls(&["--add", "--deny-principal", "User:bob", "--topic", "*", "--operation", "All"]);
    guarded.acls(&[
        "--add",
        "--allow-principal",
        "User:bob",
        "--group",
        "g",
        "--operation",
        "Read",
    ]);
    let add = ["acl", "add", "cluster", "--principal", "User:bob", "--operation", "alter-configs"];
    guarded.told(&[&add[..], &["--deny", "--host", "10.0.0.1"]].concat());
    let add = ["acl", "add", "transactional-id", "t", "--principal", "User:bob"];
    guarded.told(&[&add[..], &["--operation", "idempotent-write", "--operation", "all"]].concat());
    let all = theirs(&guarded.acls(&["--list"]));
    assert_eq!(all.len(), 8, "{all:?}");
    assert_eq!(ours(&guarded.json(&["acl", "list"])), all);
    let shown = guarded.told(&["acl", "list", "topic", "orders-eu"]);
    let expected = "\
resource  name     pattern   principal   host  operation  permission
topic     *        literal   User:bob    *     all        deny
topic     orders-  prefixed  User:alice  *     read       allow
topic     orders-  prefixed  User:alice  *     write      allow
topic     orders-  prefixed  User:alice  *     describe   allow
";
    assert_eq!(shown, expected);
    let bobs = guarded.json(&["acl", "list", "group", "--principal", "User:bob"]);
    assert_eq!(bobs.len(), 1);

    let writing = ["acl", "remove", "topic", "orders-", "--prefixed", "--operation", "write"];
    let removed = guarded.told(&[&writing[..], &["--dry-run"]].concat());
    assert_eq!(ours(&guarded.json(&["acl", "list"])), all, "a dry run changes nothing");
    assert_eq!(guarded.told(&writing), removed);
    assert_eq!(removed.lines().count(), 2);
    eventually(|| match alice("wonder") {
        Some(Ok(())) => Err("alice still writes".to_owned()),
        _ => Ok(()),
    });
    assert!(guarded.refused(&writing).contains("no rule"));
    guarded.told(&["acl", "remove", "topic", "orders-", "--prefixed"]);
    guarded.told(&["acl", "remove", "cluster"]);
    let left = theirs(&guarded.acls(&["--list"]));
    assert_eq!(left.len(), 4);
    assert_eq!(ours(&guarded.json(&["acl", "list"])), left);
    assert!(guarded.refused(&["acl", "remove", "topic"]).contains("which one"));
}

fn quotas(guarded: &Guarded) {
    let set = ["quota", "set", "producer_byte_rate=500000", "consumer_byte_rate=600000"];
    let said = guarded.told(&[&set[..], &["--default-user"]].concat());
    assert_eq!(said, "changed the quotas of user <default>\n");
    let change = ["--alter", "--add-config", "producer_byte_rate=7000", "--entity-type", "users"];
    let alices = ["--entity-name", "alice", "--entity-type", "clients", "--entity-name", "app"];
    guarded.configs(&[&change[..], &alices].concat());
    let shown = guarded.told(&["quota", "list"]);
    let expected = "\
user       client id  ip  key                  value
alice      app         -  producer_byte_rate    7000
<default>  -           -  consumer_byte_rate  600000
<default>  -           -  producer_byte_rate  500000
";
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(sorted(&shown), sorted(expected), "{shown}");
    let shown = guarded.configs(&["--describe", "--entity-type", "users", "--entity-default"]);
    assert!(
        shown.contains("producer_byte_rate=500000") && shown.contains("consumer_byte_rate=600000"),
        "{shown}"
    );
    let of_alice = guarded.json(&["quota", "list", "--user", "alice"]);
    assert_eq!((of_alice.len(), &of_alice[0]["value"]), (1, &7000.into()));
    guarded.told(&["quota", "set", "producer_byte_rate=1", "--user", "alice", "--dry-run"]);
    assert_eq!(guarded.json(&["quota", "list"]).len(), 3, "a dry run changes nothing");
    guarded.told(&["quota", "remove", "producer_byte_rate", "--default-user"]);
    guarded.told(&["quota", "remove", "--user", "alice", "--client-id", "app"]);
    let left = guarded.json(&["quota", "list"]);
    assert_eq!((left.len(), &left[0]["key"]), (1, &"consumer_byte_rate".into()), "{left:?}");
    let remove = ["quota", "remove", "--user", "alice", "--client-id", "app"];
    assert!(guarded.refused(&remove).contains("has no quotas"));
    assert!(guarded.refused(&["quota", "set", "producer_byte_rate=1"]).contains("whose quota"));
}
