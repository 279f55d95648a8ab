//! Making, growing and removing topics.

use crate::{
    exam::Exam,
    requests::{
        create_partitions, create_topic, create_topics, delete_named, delete_topic, metadata,
        metadata_topic, missing, name, text, topic,
    },
    scenario::{Scenario, alike, deviating},
};
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest,
    create_partitions_request::CreatePartitionsAssignment,
    create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig},
};

/// Asks, and leaves the list of configs out: its length is another scenario's.
fn create(it: &mut Exam, version: i16, request: CreateTopicsRequest) {
    let answer = it.quietly(version, request);
    for topic in answer.topics {
        it.note(format!(
            "{}: error {}, {} partitions, {} replicas, {}",
            topic.name.as_str(),
            topic.error_code,
            topic.num_partitions,
            topic.replication_factor,
            if topic.topic_id.is_nil() { "no id" } else { "an id" },
        ));
    }
}

fn assigned(topic: CreatableTopic, partitions: &[(i32, &[i32])]) -> CreatableTopic {
    let assignment = |(index, brokers): &(i32, &[i32])| {
        CreatableReplicaAssignment::default()
            .with_partition_index(*index)
            .with_broker_ids(brokers.iter().map(|&id| BrokerId(id)).collect())
    };
    topic.with_assignments(partitions.iter().map(assignment).collect())
}

/// Leaves number and replicas to the assignment.
fn unsized_topic(it: &Exam) -> CreatableTopic {
    topic(&it.name, -1, &[]).with_replication_factor(-1)
}

pub const SCENARIOS: &[Scenario] = &[
    alike("a topic is made in every version", |it| {
        for version in 2..=7 {
            let name = format!("{}-{version}", it.name);
            create(it, version, create_topic(topic(&name, 2, &[])));
            it.until_served(&name);
            it.ask(8, metadata(vec![metadata_topic(&name)]));
        }
    }),
    alike("a topic is made with the broker's number of partitions", |it| {
        let wanted = unsized_topic(it);
        create(it, 7, create_topic(wanted));
    }),
    alike("a topic that exists is not made again", |it| {
        let made = it.topic(1);
        create(it, 7, create_topic(topic(&made.name, 1, &[])));
        create(it, 7, create_topic(topic(&made.name, 1, &[])).with_validate_only(true));
    }),
    alike("topics with names that cannot be", |it| {
        for name in ["", ".", "..", "a/b", "with space", "ö"] {
            create(it, 7, create_topic(topic(name, 1, &[])));
        }
        create(it, 7, create_topic(topic(&"x".repeat(250), 1, &[])));
    }),
    alike("a name that differs from another's by its dots only", |it| {
        let name = it.name.clone();
        create(it, 7, create_topic(topic(&format!("{name}.a"), 1, &[])));
        create(it, 7, create_topic(topic(&format!("{name}_a"), 1, &[])));
    }),
    alike("topics without partitions", |it| {
        for count in [0, -2] {
            let wanted = topic(&it.name, count, &[]);
            create(it, 7, create_topic(wanted));
        }
    }),
    alike("topics without replicas", |it| {
        for factor in [0, -2] {
            let wanted = topic(&it.name, 1, &[]).with_replication_factor(factor);
            create(it, 7, create_topic(wanted));
        }
    }),
    deviating(
        "a topic with more replicas than there are brokers",
        "object storage replicates: any factor is taken and returned",
        |it| {
            let wanted = topic(&it.name, 1, &[]).with_replication_factor(3);
            create(it, 7, create_topic(wanted));
        },
    ),
    alike("a topic that is only tried out is not made", |it| {
        let name = it.name.clone();
        create(it, 7, create_topic(topic(&name, 3, &[])).with_validate_only(true));
        it.ask(12, metadata(vec![metadata_topic(&name)]));
    }),
    alike("a topic with an assignment", |it| {
        let wanted = assigned(unsized_topic(it), &[(0, &[1]), (1, &[1])]);
        create(it, 7, create_topic(wanted));
        let name = it.name.clone();
        it.until_served(&name);
        it.ask(12, metadata(vec![metadata_topic(&name)]));
    }),
    alike("an assignment and a number of partitions", |it| {
        let wanted = assigned(topic(&it.name, 1, &[]), &[(0, &[1])]);
        create(it, 7, create_topic(wanted));
    }),
    alike("an assignment to brokers that do not exist", |it| {
        let wanted = assigned(unsized_topic(it), &[(0, &[77])]);
        create(it, 7, create_topic(wanted));
    }),
    alike("an assignment with a gap", |it| {
        let wanted = assigned(unsized_topic(it), &[(0, &[1]), (2, &[1])]);
        create(it, 7, create_topic(wanted));
    }),
    alike("an assignment of one partition twice", |it| {
        let wanted = assigned(unsized_topic(it), &[(0, &[1]), (0, &[1])]);
        create(it, 7, create_topic(wanted));
    }),
    alike("an assignment of a partition to nobody", |it| {
        let wanted = assigned(unsized_topic(it), &[(0, &[])]);
        create(it, 7, create_topic(wanted));
    }),
    alike("an assignment of a partition to one broker twice", |it| {
        let wanted = assigned(unsized_topic(it), &[(0, &[1, 1])]);
        create(it, 7, create_topic(wanted));
    }),
    alike("a topic named twice in one request is not made", |it| {
        let wanted = topic(&it.name, 1, &[]);
        let other = topic(&format!("{}-other", it.name), 1, &[]);
        let answer = it.quietly(7, create_topics(vec![wanted.clone(), wanted, other]));
        let mut codes: Vec<_> = answer
            .topics
            .iter()
            .map(|it| format!("{} {}", it.name.as_str(), it.error_code))
            .collect();
        codes.sort();
        codes.dedup();
        it.note(codes.join("\n"));
    }),
    alike("a topic with configs", |it| {
        let configs = [("retention.ms", "1000"), ("cleanup.policy", "compact,delete")];
        let wanted = topic(&it.name, 1, &configs);
        let answer = it.quietly(7, create_topic(wanted));
        for config in answer.topics[0].configs.iter().flatten() {
            if configs.iter().any(|(key, _)| *key == config.name.as_str()) {
                it.note(format!("{config:?}"));
            }
        }
    }),
    alike("a topic with a config that nobody knows", |it| {
        let wanted = topic(&it.name, 1, &[("no.such.key", "1")]);
        create(it, 7, create_topic(wanted));
    }),
    alike("topics with config values that do not fit", |it| {
        let wrong = [
            ("retention.ms", "soon"),
            ("cleanup.policy", "burn"),
            ("max.message.bytes", "-1"),
            ("compression.type", "rar"),
            ("min.insync.replicas", "0"),
            ("message.timestamp.type", "Yesterday"),
        ];
        for config in wrong {
            let wanted = topic(&it.name, 1, &[config]);
            create(it, 7, create_topic(wanted));
        }
    }),
    alike("a topic with a config without a value", |it| {
        let config =
            CreatableTopicConfig::default().with_name(text("retention.ms")).with_value(None);
        let wanted = topic(&it.name, 1, &[]).with_configs(vec![config]);
        create(it, 7, create_topic(wanted));
    }),
    alike("a topic is removed by name in every version", |it| {
        for version in 1..=5 {
            let name = format!("{}-{version}", it.name);
            it.quietly(7, create_topic(topic(&name, 1, &[])));
            it.until_served(&name);
            it.ask(version, delete_named(&[&name]));
        }
    }),
    alike("a topic is removed by name and by id in version 6", |it| {
        let made = it.topic(1);
        it.ask(6, delete_topic(Some(name(&made.name)), uuid::Uuid::nil()));
        let again = it.topic(1);
        it.ask(6, delete_topic(None, again.id));
    }),
    alike("topics that do not exist are not removed", |it| {
        it.ask(4, delete_named(&["no-such-topic"]));
        it.ask(6, delete_topic(Some(name("no-such-topic")), uuid::Uuid::nil()));
        it.ask(6, delete_topic(None, missing().id));
    }),
    alike("a topic is removed by name or by id, not by both", |it| {
        let made = it.topic(1);
        it.ask(6, delete_topic(Some(name(&made.name)), made.id));
        it.ask(6, delete_topic(None, uuid::Uuid::nil()));
    }),
    alike("a topic gets more partitions in every version", |it| {
        let made = it.topic(1);
        for version in 0..=3 {
            it.ask(version, create_partitions(&made.name, 2 + i32::from(version)));
        }
        it.until_served(&made.name);
    }),
    alike("a topic does not get fewer partitions or as many", |it| {
        let made = it.topic(3);
        for count in [2, 3, 0, -1] {
            it.ask(3, create_partitions(&made.name, count));
        }
    }),
    alike("a topic that does not exist gets no partitions", |it| {
        it.ask(3, create_partitions("no-such-topic", 2));
    }),
    alike("partitions that are only tried out are not made", |it| {
        let made = it.topic(1);
        it.ask(3, create_partitions(&made.name, 2).with_validate_only(true));
        it.ask(12, metadata(vec![metadata_topic(&made.name)]));
    }),
    alike("new partitions with assignments", |it| {
        let made = it.topic(1);
        let to = |brokers: &[i32]| {
            let brokers = brokers.iter().map(|&id| BrokerId(id)).collect();
            CreatePartitionsAssignment::default().with_broker_ids(brokers)
        };
        for assignments in
            [vec![to(&[1]), to(&[1])], vec![to(&[77])], vec![to(&[])], vec![to(&[1])]]
        {
            let mut request = create_partitions(&made.name, 2);
            request.topics[0].assignments = Some(assignments);
            it.ask(3, request);
        }
    }),
    alike("partitions of a topic named twice", |it| {
        let made = it.topic(1);
        let mut request = create_partitions(&made.name, 2);
        request.topics.push(request.topics[0].clone());
        it.ask(3, request);
    }),
];
