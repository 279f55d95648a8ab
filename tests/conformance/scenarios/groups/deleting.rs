//! `DeleteGroups`.

use crate::{
    member::{alone, group},
    requests::groups::{commit, committed, delete, describe, join, leave},
    scenario::{Scenario, alike},
};

pub const SCENARIOS: &[Scenario] = &[
    alike("a group of offsets is deleted in every version", |it| {
        let topic = it.topic(1);
        let group = group(it);
        for version in 0..=2 {
            it.ask(7, commit(&group, &topic, 1));
            it.ask(version, delete(&[&group]));
            it.ask(7, committed(&group, None));
        }
    }),
    alike("a group that does not exist is deleted", |it| {
        let group = group(it);
        it.ask(2, delete(&[&group]));
    }),
    alike("a group without an id is deleted", |it| {
        it.ask(2, delete(&[""]));
    }),
    alike("no group is deleted", |it| {
        it.ask(2, delete(&[]));
    }),
    alike("a group with members is not deleted", |it| {
        let (group, member) = alone(it);
        it.ask(2, delete(&[&group]));
        it.ask(1, leave(&group, &member.id));
        it.ask(2, delete(&[&group]));
        it.ask(6, describe(&[&group]));
    }),
    alike("a group is deleted twice in one request", |it| {
        let topic = it.topic(1);
        let group = group(it);
        it.ask(7, commit(&group, &topic, 1));
        let mut answer = it.quietly(2, delete(&[&group, &group]));
        answer.results.sort_by_key(|result| result.error_code);
        it.write_down(&answer);
    }),
    alike("a group where somebody only asked for an id is deleted", |it| {
        let group = group(it);
        it.ask(7, join(&group));
        it.ask(2, delete(&[&group]));
    }),
    alike("generations begin anew after a group was deleted", |it| {
        let (group, member) = alone(it);
        it.ask(1, leave(&group, &member.id));
        it.ask(2, delete(&[&group]));
        it.ask(3, join(&group));
    }),
];
