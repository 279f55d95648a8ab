//! `DeleteRecords`: moving the log start.

use crate::{
    exam::{Exam, Topic},
    requests::{batch, delete_records, fetch, missing, produce},
    scenario::{Scenario, alike},
};

fn filled_topic(it: &mut Exam, configs: &[(&str, &str)]) -> Topic {
    let topic = it.topic_with(1, configs);
    for values in [["a", "b"], ["c", "d"]] {
        it.append(&topic, batch(&values));
    }
    topic
}

pub const SCENARIOS: &[Scenario] = &[
    alike("records are deleted in every version", |it| {
        let topic = filled_topic(it, &[]);
        for version in 0..=2 {
            it.ask(version, delete_records(&topic, 0, 1 + i64::from(version)));
        }
        it.fetch(12, fetch(&topic, 3));
    }),
    alike("records are deleted up to the high watermark", |it| {
        let topic = filled_topic(it, &[]);
        it.ask(2, delete_records(&topic, 0, -1));
        it.fetch(12, fetch(&topic, 4));
        it.produce(9, produce(&topic, batch(&["e"])));
    }),
    alike("records are deleted twice, and not brought back", |it| {
        let topic = filled_topic(it, &[]);
        for offset in [3, 3, 1, 0] {
            it.ask(2, delete_records(&topic, 0, offset));
        }
    }),
    alike("more than there is is not deleted", |it| {
        let topic = filled_topic(it, &[]);
        for offset in [5, -2, i64::MIN] {
            it.ask(2, delete_records(&topic, 0, offset));
        }
    }),
    alike("an empty log up to its high watermark", |it| {
        let topic = it.topic(1);
        it.ask(2, delete_records(&topic, 0, -1));
        it.ask(2, delete_records(&topic, 0, 0));
    }),
    alike("records of a compacted topic are not deleted", |it| {
        let topic = filled_topic(it, &[("cleanup.policy", "compact")]);
        it.ask(2, delete_records(&topic, 0, 1));
    }),
    alike("records of a topic that is compacted and deleted are deleted", |it| {
        let topic = filled_topic(it, &[("cleanup.policy", "compact,delete")]);
        it.ask(2, delete_records(&topic, 0, 1));
    }),
    alike("records of what does not exist", |it| {
        let topic = it.topic(1);
        it.ask(2, delete_records(&missing(), 0, 0));
        it.ask(2, delete_records(&topic, 7, 0));
    }),
];
