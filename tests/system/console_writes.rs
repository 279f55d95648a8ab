//! What the console changes on live brokers, what it refuses, and what the audit log is told.

use crate::{
    console::{ATTACK, ATTACK_CODED, Answer, TOKEN, json_of, leave_a_group, send},
    harness::{
        Broker, Deployment, Kind, Member, eventually,
        programs::{Client, create_topic, text},
        records::produce,
    },
};
use serde_json::{Value, json};

const AUTHORIZER: &str =
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer";
/// What the console's own page sends.
const PAGE: &str = "Host: localhost\r\nOrigin: http://localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n";

fn perform_with(broker: &Broker, headers: &str, deed: &str, what: &Value) -> Answer {
    let body = what.to_string();
    let headers = format!("{headers}Content-Length: {}\r\n", body.len());
    send(broker.http_port(), "POST", &format!("/console/api/do/{deed}"), &headers, &body)
}

fn perform(broker: &Broker, deed: &str, what: &Value) {
    let answer = perform_with(broker, PAGE, deed, what);
    assert_eq!(answer.status, 200, "{deed} {what}: {}", text(&answer.body));
    assert_eq!(answer.json()["done"], true);
}

/// What is said when a broker does not do it.
fn refused(broker: &Broker, status: u16, deed: &str, what: &Value) -> String {
    let answer = perform_with(broker, PAGE, deed, what);
    assert_eq!(answer.status, status, "{deed} {what}: {}", text(&answer.body));
    answer.json()["error"].as_str().unwrap().to_owned()
}

fn config(broker: &Broker, topic: &str, name: &str) -> Value {
    let configs = json_of(broker, &format!("/console/api/configs?topic={topic}"));
    let configs = configs["configs"].as_array().unwrap();
    configs.iter().find(|it| it["name"] == name).unwrap().clone()
}

fn audited(broker: &Broker, deed: &str, outcome: &str) {
    let log = broker.log();
    let mut lines = log.lines().filter(|line| line.contains("audit") && line.contains("console"));
    assert!(lines.any(|line| line.contains(deed) && line.contains(outcome)), "{deed}: {log}");
}

#[test]
fn topics_are_made_changed_and_deleted() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let configs = json!({ "retention.ms": "3600000" });
    let made = json!({ "name": "orders", "partitions": 2, "configs": configs });
    perform(&broker, "create-topic", &made);
    let told = refused(&broker, 422, "create-topic", &made);
    assert!(told.contains("TopicAlreadyExists"), "{told}");
    let told = refused(&broker, 422, "create-topic", &json!({ "name": "or/ders" }));
    assert!(told.contains("InvalidTopic"), "{told}");
    perform(&broker, "create-topic", &json!({ "name": "by-default" }));

    perform(&broker, "add-partitions", &json!({ "name": "orders", "total": 5 }));
    let told = refused(&broker, 422, "add-partitions", &json!({ "name": "orders", "total": 3 }));
    assert!(told.contains("InvalidPartitions"), "{told}");
    let topic = json_of(&broker, "/console/api/topic?name=orders");
    assert_eq!(topic["partition_count"], 5, "{topic}");

    produce(&broker.address(), "orders", 0..20);
    let size = |it: &Value| it.as_str().map(|it| it.parse::<u64>().unwrap());
    let topic = json_of(&broker, "/console/api/topic?name=orders");
    let parts = topic["partitions"].as_array().unwrap().iter().map(|it| size(&it["bytes"]));
    let sizes = json_of(&broker, "/console/api/sizes?contains=orders");
    assert_eq!(size(&topic["bytes"]), parts.sum::<Option<u64>>(), "{topic}");
    assert!(size(&sizes["orders"]).unwrap() > 20, "{sizes}");

    let change = |value: Value| json!({ "topic": "orders", "configs": { "retention.ms": value } });
    perform(&broker, "change-configs", &change(json!("7200000")));
    assert_eq!(config(&broker, "orders", "retention.ms")["value"], "7200000");
    let told = refused(&broker, 422, "change-configs", &change(json!("soon")));
    assert!(told.contains("retention.ms") && told.contains("InvalidConfig"), "{told}");
    perform(&broker, "change-configs", &change(Value::Null));
    assert_ne!(config(&broker, "orders", "retention.ms")["source"], "topic");

    perform(&broker, "delete-topic", &json!({ "name": "orders" }));
    let told = refused(&broker, 422, "delete-topic", &json!({ "name": "orders" }));
    assert!(told.contains("UnknownTopicOrPartition"), "{told}");
    let listed = json_of(&broker, "/console/api/topics");
    assert_eq!(listed["total"], 1, "{listed}");
    for deed in ["create-topic", "add-partitions", "change-configs", "delete-topic"] {
        audited(&broker, deed, "done");
        audited(&broker, deed, "the topic: ");
    }
}

#[test]
fn a_group_goes_on_where_the_preview_said() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    leave_a_group(&deployment, &address);
    let seek = |more: &str| {
        let found = json_of(&broker, &format!("/console/api/seek?id={ATTACK_CODED}&{more}"));
        found["steps"].as_array().unwrap().clone()
    };
    let lag = || json_of(&broker, &format!("/console/api/group?id={ATTACK_CODED}"))["lag"].clone();
    let reset = |steps: &[Value]| {
        let place = ["topic", "partition", "from", "to"];
        let step = |it: &Value| place.map(|key| (key.to_owned(), it[key].clone()));
        let offsets = steps.iter().map(|it| Value::Object(step(it).into_iter().collect()));
        json!({ "group": ATTACK, "offsets": offsets.collect::<Vec<_>>() })
    };
    let start = seek("to=start");
    assert_eq!(start.len(), 2, "{start:?}");
    assert!(start.iter().all(|it| it["to"] == "0" && it["problem"].is_null()), "{start:?}");
    assert_eq!(lag(), "5", "a preview changes nothing");
    perform(&broker, "reset-offsets", &reset(&start));
    assert_eq!(lag(), "25");
    let told = refused(&broker, 409, "reset-offsets", &reset(&start));
    assert!(told.contains("look again"), "{told}");
    let one = seek("to=offset:3&topic=counted&partition=1");
    assert_eq!((one.len(), &one[0]["from"], &one[0]["to"]), (1, &json!("0"), &json!("3")));
    perform(&broker, "reset-offsets", &reset(&one));
    assert_eq!(lag(), "22");
    let late = seek("to=time:9999999999999");
    assert_eq!(late, seek("to=end"));
    assert!(seek("to=time:0").iter().all(|it| it["to"] == "0"));
    perform(&broker, "reset-offsets", &reset(&late));
    assert_eq!(lag(), "0");

    let directory = deployment.directory();
    let member = Member::start(Client::Librdkafka, directory, "again", &address, "counted", ATTACK);
    let occupied = format!("/console/api/seek?id={ATTACK_CODED}&to=start");
    eventually(|| match send(broker.http_port(), "GET", &occupied, "Host: localhost\r\n", "") {
        answer if answer.status == 409 => Ok(()),
        answer => Err(text(&answer.body)),
    });
    let told = refused(&broker, 409, "reset-offsets", &reset(&start));
    assert!(told.contains("stop them first"), "{told}");
    let told = refused(&broker, 422, "delete-group", &json!({ "group": ATTACK }));
    assert!(told.contains("NonEmptyGroup"), "{told}");
    member.stop();
    eventually(|| {
        let answer = perform_with(&broker, PAGE, "delete-group", &json!({ "group": ATTACK }));
        if answer.status == 200 { Ok(()) } else { Err(text(&answer.body)) }
    });
    let groups = json_of(&broker, "/console/api/groups");
    assert_eq!(groups["groups"], json!([]), "{groups}");
    audited(&broker, "reset-offsets", "done");
    audited(&broker, "delete-group", "NonEmptyGroup");
}

#[test]
fn rules_and_users_are_made_and_removed() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[
        AUTHORIZER,
        "super.users=User:ANONYMOUS",
        "console.enable=true",
        "console.writes.enable=true",
    ]);
    let rule = json!({
        "principal": "User:ann", "permission": "allow", "operation": "Read",
        "resource_type": "topic", "resource": "orders", "pattern": "prefixed", "host": "*",
    });
    perform(&broker, "add-rule", &rule);
    let access = || json_of(&broker, "/console/api/access");
    assert_eq!(access()["rules"], json!([rule]));
    perform(&broker, "remove-rule", &rule);
    assert_eq!(access()["rules"], json!([]));
    refused(&broker, 404, "remove-rule", &rule);

    let user = json!({ "user": "ann", "mechanism": "SCRAM-SHA-512" });
    let mut with_password = user.clone();
    with_password["password"] = json!("not to be told");
    perform(&broker, "set-password", &with_password);
    assert_eq!(access()["users"], json!([{ "name": "ann", "mechanisms": ["SCRAM-SHA-512"] }]));
    perform(&broker, "remove-user", &user);
    assert_eq!(access()["users"], json!([]));
    for deed in ["add-rule", "remove-rule", "set-password", "remove-user"] {
        audited(&broker, deed, "done");
    }
    assert!(!broker.log().contains("not to be told"));
}

#[test]
fn nobody_changes_anything_who_may_not() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    create_topic(&broker.address(), "orders", 1, &[]);
    let deletion = json!({ "name": "orders" });
    let json = "Content-Type: application/json\r\n";
    for (status, headers) in [
        (403, format!("Host: localhost\r\nOrigin: http://evil.example\r\n{json}")),
        (403, format!("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n{json}")),
        (415, "Host: localhost\r\nContent-Type: text/plain\r\n".to_owned()),
        (421, format!("Host: evil.example\r\n{json}")),
    ] {
        let answer = perform_with(&broker, &headers, "delete-topic", &deletion);
        assert_eq!(answer.status, status, "{headers}");
    }
    audited(&broker, "delete-topic", "another site's page");
    assert_eq!(json_of(&broker, "/console/api/topics")["total"], 1);
    drop(broker);

    for (settings, way_on) in [
        (vec!["console.writes.enable=false"], "console.writes.enable"),
        // Its own listener would let nobody do this unasked.
        (vec![AUTHORIZER, "super.users=User:ANONYMOUS", "console.enable=true"], "console.token"),
    ] {
        let deployment = Deployment::start(Kind::Embedded);
        let broker = deployment.broker(&settings);
        let told = refused(&broker, 403, "create-topic", &deletion);
        assert!(told.contains(way_on), "{told}");
    }

    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[&format!("console.token={TOKEN}")]);
    assert_eq!(perform_with(&broker, PAGE, "create-topic", &deletion).status, 401);
    let with_token = format!("{PAGE}Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(perform_with(&broker, &with_token, "create-topic", &deletion).status, 200);
    assert!(!broker.log().contains(TOKEN), "the log has the token");
}

/// It writes as its broker's own principal, which the access rules hold for like for any other.
#[test]
fn what_the_broker_itself_may_not_do_the_protocol_refuses() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[
        AUTHORIZER,
        "super.users=User:admin",
        "console.enable=true",
        "console.writes.enable=true",
    ]);
    let told = refused(&broker, 422, "create-topic", &json!({ "name": "orders" }));
    assert!(told.contains("AuthorizationFailed"), "{told}");
    audited(&broker, "create-topic", "AuthorizationFailed");
}

#[test]
fn any_broker_s_console_changes_what_others_lead() {
    let deployment = Deployment::start(Kind::Three);
    let more = ["console.enable=true", "console.writes.enable=true"];
    let brokers = deployment.brokers(3, &more);
    perform(&brokers[1], "create-topic", &json!({ "name": "orders", "partitions": 3 }));
    let leader = |partition: usize| {
        let topic = json_of(&brokers[2], "/console/api/topic?name=orders");
        topic["partitions"][partition]["leader"].clone()
    };
    let from = eventually(|| leader(0).as_i64().ok_or_else(|| "no leader yet".to_owned()));
    let to = from % 3 + 1;
    let place = json!({ "topic": "orders", "partition": 0, "broker": to });
    perform(&brokers[2], "move-partition", &place);
    eventually(|| match leader(0) {
        leader if leader == to => Ok(()),
        leader => Err(format!("{leader} leads it, not {to}")),
    });
    let nowhere = json!({ "topic": "orders", "partition": 0, "broker": 17 });
    let told = refused(&brokers[2], 422, "move-partition", &nowhere);
    assert!(told.contains("InvalidReplicaAssignment"), "{told}");
    produce(&brokers[0].address(), "orders", 0..10);
    perform(&brokers[0], "delete-topic", &json!({ "name": "orders" }));
}
