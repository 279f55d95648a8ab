//! Zombies: producers whose transactional id has gone to another instance.

use crate::{
    exam::{Exam, Topic},
    member::group,
    producer::{add, end, initialized, producer, send, until_complete},
    requests::transactions::{Producer, add_all, init, read_committed},
    scenario::{Scenario, alike},
};

/// A topic, a zombie, and who came after it.
fn fenced(it: &mut Exam) -> (Topic, Producer, Producer) {
    let (topic, zombie) = producer(it);
    let id = zombie.transactional_id.clone();
    let successor = initialized(it, &id);
    (topic, zombie, successor)
}

pub const SCENARIOS: &[Scenario] = &[
    alike("a zombie adds partitions", |it| {
        let (topic, zombie, _) = fenced(it);
        for version in 0..=3 {
            it.ask(version, zombie.add(&[(&topic.name, &[0])]));
        }
        for version in 4..=5 {
            it.ask(version, add_all(vec![zombie.adding(&[(&topic.name, &[0])])]));
        }
    }),
    alike("a zombie adds offsets", |it| {
        let (_, zombie, _) = fenced(it);
        let group = group(it);
        for version in 0..=4 {
            it.ask(version, zombie.add_offsets(&group));
        }
    }),
    alike("a zombie commits offsets", |it| {
        let (topic, zombie, _) = fenced(it);
        let group = group(it);
        for version in 0..=5 {
            it.ask(version, zombie.commit_offset(&group, &topic, 1));
        }
    }),
    alike("a zombie ends a transaction", |it| {
        let (_, zombie, _) = fenced(it);
        for version in 0..=5 {
            it.ask(version, zombie.end(true));
        }
    }),
    alike("a zombie ends the transaction of its successor", |it| {
        let (topic, zombie, successor) = fenced(it);
        add(it, &successor, &topic);
        send(it, 9, &successor.write(&topic, 0));
        it.ask(3, zombie.end(true));
        it.ask(3, zombie.end(false));
        end(it, &successor, true);
        it.fetch(12, read_committed(&topic, 0));
    }),
    alike("a zombie writes", |it| {
        let (topic, zombie, successor) = fenced(it);
        for version in [3, 9, 11, 12] {
            send(it, version, &zombie.write(&topic, 0));
        }
        add(it, &successor, &topic);
        send(it, 9, &successor.write(&topic, 0));
        for version in [3, 9, 11, 12] {
            send(it, version, &zombie.write(&topic, 0));
        }
    }),
    alike("a zombie writes on in its transaction, which was aborted", |it| {
        let (topic, zombie) = producer(it);
        add(it, &zombie, &topic);
        send(it, 9, &zombie.write(&topic, 0));
        it.quietly(4, init(&zombie.transactional_id));
        until_complete(it, &zombie);
        send(it, 9, &zombie.write(&topic, 1));
        send(it, 9, &zombie.write(&topic, 0));
        it.fetch(12, read_committed(&topic, 0));
    }),
    alike("a zombie asks for its epoch anew", |it| {
        let (_, zombie, successor) = fenced(it);
        let id = zombie.transactional_id.clone();
        initialized(it, &id);
        it.ask(4, zombie.init());
        it.ask(3, zombie.init());
        it.ask(4, successor.init());
    }),
];
