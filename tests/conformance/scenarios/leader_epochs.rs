//! `OffsetForLeaderEpoch`: where epochs end.

use crate::{
    requests::{batch, end_of_epoch, missing},
    scenario::{Scenario, alike},
};

pub const SCENARIOS: &[Scenario] = &[
    alike("the end of the newest epoch in every version", |it| {
        let topic = it.topic(1);
        it.append(&topic, batch(&["a", "b"]));
        let epoch = it.leader_epoch(&topic);
        for version in 2..=4 {
            it.ask(version, end_of_epoch(&topic, 0, epoch));
        }
    }),
    alike("the end of an epoch that is to come", |it| {
        let topic = it.topic(1);
        it.append(&topic, batch(&["a", "b"]));
        let epoch = it.leader_epoch(&topic);
        it.ask(4, end_of_epoch(&topic, 0, epoch + 1));
        it.ask(4, end_of_epoch(&topic, 0, epoch + 100));
    }),
    alike("the end of no epoch", |it| {
        let topic = it.topic(1);
        it.append(&topic, batch(&["a"]));
        it.ask(4, end_of_epoch(&topic, 0, -1));
    }),
    alike("the end of an epoch of an empty log", |it| {
        let topic = it.topic(1);
        let epoch = it.leader_epoch(&topic);
        it.ask(4, end_of_epoch(&topic, 0, epoch));
        it.ask(4, end_of_epoch(&topic, 0, epoch + 1));
    }),
    alike("epochs of what does not exist", |it| {
        let topic = it.topic(1);
        it.ask(4, end_of_epoch(&missing(), 0, 0));
        it.ask(4, end_of_epoch(&topic, 3, 0));
    }),
    alike("epochs from a leader of another epoch", |it| {
        let topic = it.topic(1);
        let epoch = it.leader_epoch(&topic);
        let mut request = end_of_epoch(&topic, 0, epoch);
        request.topics[0].partitions[0].current_leader_epoch = epoch + 1;
        it.ask(4, request);
    }),
];
