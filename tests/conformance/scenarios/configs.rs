//! Describing and changing configs of topics and brokers.

use crate::{
    exam::Exam,
    requests::{Change, alter_configs, change_config, describe_configs},
    scenario::{Scenario, alike, deviating},
};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Writes down the topic's own values of these keys.
fn show(it: &mut Exam, topic: &str, keys: &[&str]) {
    it.settle();
    it.configs(4, describe_configs(TOPIC, topic, Some(keys)));
}

pub const SCENARIOS: &[Scenario] = &[
    alike("configs of a topic by key in every version", |it| {
        let topic = it.topic_with(1, &[("retention.ms", "5000")]).name;
        let keys = ["retention.ms", "cleanup.policy", "max.message.bytes"];
        for version in 1..=4 {
            it.configs(version, describe_configs(TOPIC, &topic, Some(&keys)));
        }
    }),
    alike("configs of a topic with where their values come from", |it| {
        let topic = it.topic_with(1, &[("segment.bytes", "5000000")]).name;
        let keys = ["max.message.bytes", "segment.bytes", "compression.type"];
        let request = describe_configs(TOPIC, &topic, Some(&keys));
        it.configs(4, request.with_include_synonyms(true));
    }),
    alike("configs of a topic whose default Kafka has in other units too", |it| {
        let topic = it.topic(1).name;
        let request = describe_configs(TOPIC, &topic, Some(&["retention.ms"]));
        it.configs(4, request.with_include_synonyms(true));
    }),
    alike("a key of a topic that nobody knows is not described", |it| {
        let topic = it.topic(1).name;
        it.configs(4, describe_configs(TOPIC, &topic, Some(&["no.such.key", "retention.ms"])));
    }),
    alike("every config of a topic that Kafka has is described", |it| {
        let topic = it.topic(1).name;
        for asked in [None, Some(&[][..])] {
            let answer = it.quietly(4, describe_configs(TOPIC, &topic, asked));
            let configs = &answer.results[0].configs;
            let mut keys: Vec<_> = configs.iter().map(|config| config.name.to_string()).collect();
            keys.retain(|key| key != "durability.mode" && !key.starts_with("confluent."));
            keys.sort();
            it.note(keys.join("\n"));
        }
    }),
    alike("configs of a topic that does not exist", |it| {
        it.configs(4, describe_configs(TOPIC, "no-such-topic", None));
    }),
    alike("configs of a topic whose name cannot be", |it| {
        it.configs(4, describe_configs(TOPIC, "a/b", None));
        it.configs(4, describe_configs(TOPIC, "", None));
    }),
    deviating(
        "configs of a topic asked for twice",
        "answered once: a short request must not ask for a long answer many times over",
        |it| {
            let topic = it.topic(1).name;
            let mut request = describe_configs(TOPIC, &topic, Some(&["retention.ms"]));
            request.resources.push(request.resources[0].clone());
            it.configs(4, request);
        },
    ),
    alike("configs of a broker by key", |it| {
        it.configs(
            4,
            describe_configs(BROKER, "1", Some(&["message.max.bytes", "log.retention.ms"])),
        );
    }),
    alike("configs of brokers that are none", |it| {
        for broker in ["99", "x"] {
            it.configs(4, describe_configs(BROKER, broker, Some(&["num.partitions"])));
        }
    }),
    alike("configs of a kind that nobody knows", |it| {
        it.configs(4, describe_configs(77, "x", None));
    }),
    alike("configs of a topic are replaced", |it| {
        let topic = it.topic_with(1, &[("retention.ms", "5000")]).name;
        for version in 0..=2 {
            it.ask(version, alter_configs(TOPIC, &topic, &[("max.message.bytes", "2000")]));
        }
        show(it, &topic, &["retention.ms", "max.message.bytes"]);
    }),
    alike("configs are not replaced by what nobody knows or what does not fit", |it| {
        let topic = it.topic(1).name;
        it.ask(2, alter_configs(TOPIC, &topic, &[("no.such.key", "1")]));
        it.ask(2, alter_configs(TOPIC, &topic, &[("retention.ms", "soon")]));
        it.ask(2, alter_configs(TOPIC, "no-such-topic", &[("retention.ms", "1")]));
        it.ask(2, alter_configs(TOPIC, &topic, &[("retention.ms", "1"), ("retention.ms", "2")]));
        show(it, &topic, &["retention.ms"]);
    }),
    alike("configs that are only tried out are not replaced", |it| {
        let topic = it.topic(1).name;
        let request = alter_configs(TOPIC, &topic, &[("retention.ms", "7000")]);
        it.ask(2, request.with_validate_only(true));
        show(it, &topic, &["retention.ms"]);
    }),
    alike("a config is set and deleted", |it| {
        let topic = it.topic(1).name;
        for version in 0..=1 {
            let set = [("retention.ms", Change::Set, Some("6000"))];
            it.ask(version, change_config(TOPIC, &topic, &set));
            show(it, &topic, &["retention.ms"]);
            let delete = [("retention.ms", Change::Delete, None)];
            it.ask(version, change_config(TOPIC, &topic, &delete));
            show(it, &topic, &["retention.ms"]);
        }
    }),
    alike("a config that was not set is deleted", |it| {
        let topic = it.topic(1).name;
        it.ask(1, change_config(TOPIC, &topic, &[("retention.ms", Change::Delete, None)]));
    }),
    alike("a list gets and loses elements", |it| {
        let topic = it.topic(1).name;
        for change in [
            ("cleanup.policy", Change::Append, Some("compact")),
            ("cleanup.policy", Change::Append, Some("compact")),
            ("cleanup.policy", Change::Subtract, Some("delete")),
            ("cleanup.policy", Change::Subtract, Some("delete")),
        ] {
            it.ask(1, change_config(TOPIC, &topic, &[change]));
            show(it, &topic, &["cleanup.policy"]);
        }
    }),
    alike("a list does not get elements that do not fit", |it| {
        let topic = it.topic(1).name;
        it.ask(
            1,
            change_config(TOPIC, &topic, &[("cleanup.policy", Change::Append, Some("burn"))]),
        );
    }),
    alike("what is no list gets no elements", |it| {
        let topic = it.topic(1).name;
        for change in [Change::Append, Change::Subtract] {
            it.ask(1, change_config(TOPIC, &topic, &[("retention.ms", change, Some("1"))]));
        }
    }),
    alike("a config is not set to nothing", |it| {
        let topic = it.topic(1).name;
        it.ask(1, change_config(TOPIC, &topic, &[("retention.ms", Change::Set, None)]));
    }),
    deviating(
        "a change that nobody knows",
        "INVALID_REQUEST says what is wrong; Kafka fails with UNKNOWN_SERVER_ERROR",
        |it| {
            let topic = it.topic(1).name;
            let set = ("retention.ms", Change::Set, Some("1"));
            let mut request = change_config(TOPIC, &topic, &[set]);
            request.resources[0].configs[0].config_operation = 9;
            it.ask(1, request);
        },
    ),
    alike("one config changed twice in a request", |it| {
        let topic = it.topic(1).name;
        let set = ("retention.ms", Change::Set, Some("6000"));
        it.ask(1, change_config(TOPIC, &topic, &[set, set]));
    }),
    alike("one topic changed twice in a request", |it| {
        let topic = it.topic(1).name;
        let set = ("retention.ms", Change::Set, Some("6000"));
        let mut request = change_config(TOPIC, &topic, &[set]);
        request.resources.push(request.resources[0].clone());
        it.ask(1, request);
    }),
    alike("changes of what does not exist", |it| {
        let set = ("retention.ms", Change::Set, Some("6000"));
        it.ask(1, change_config(TOPIC, "no-such-topic", &[set]));
        it.ask(1, change_config(BROKER, "x", &[set]));
        it.ask(1, change_config(77, "x", &[set]));
        let topic = it.topic(1).name;
        it.ask(1, change_config(TOPIC, &topic, &[("no.such.key", Change::Set, Some("1"))]));
    }),
    alike("a change of which one part is wrong is not made", |it| {
        let topic = it.topic(1).name;
        let good = ("retention.ms", Change::Set, Some("6000"));
        let wrong = ("max.message.bytes", Change::Set, Some("many"));
        it.ask(1, change_config(TOPIC, &topic, &[good, wrong]));
        show(it, &topic, &["retention.ms", "max.message.bytes"]);
    }),
    alike("a change that is only tried out is not made", |it| {
        let topic = it.topic(1).name;
        let good = ("retention.ms", Change::Set, Some("6000"));
        it.ask(1, change_config(TOPIC, &topic, &[good]).with_validate_only(true));
        show(it, &topic, &["retention.ms"]);
    }),
    deviating(
        "configs of brokers say which may be changed while one runs",
        "the sets of keys that act at once differ; each answer says what is true of it",
        |it| {
            it.configs(
                4,
                describe_configs(BROKER, "1", Some(&["log.segment.bytes", "num.partitions"])),
            );
        },
    ),
];
