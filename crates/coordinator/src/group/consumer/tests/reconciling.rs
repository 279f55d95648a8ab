//! From one target to the next, member by member.

use super::*;

#[test]
fn a_partition_is_given_up_before_another_member_gets_it() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.beat(first("a", &["t"])).unwrap();
    let b = scene.beat(first("b", &["t"])).unwrap();
    assert_eq!((b.epoch, b.assignment), (2, Some(Partitions::default())), "all is a's yet");
    assert_eq!(scene.state(), GroupState::Reconciling);
    let a = scene.beat(next("a", 1)).unwrap();
    assert_eq!((a.epoch, a.assignment), (1, Some(share(&[("t", 0)]))), "it is to give one up");
    assert_eq!(scene.beat(next("b", 2)).unwrap().assignment, None);
    let a = scene.report("a", 1, &share(&[("t", 0)])).unwrap();
    assert_eq!((a.epoch, a.assignment), (2, None));
    let b = scene.beat(next("b", 2)).unwrap();
    assert_eq!(b.assignment, Some(share(&[("t", 1)])));
    assert_eq!(scene.state(), GroupState::Stable);
}

#[test]
fn who_still_holds_what_it_must_give_up_stays_in_its_epoch() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.beat(first("a", &["t"])).unwrap();
    scene.beat(first("b", &["t"])).unwrap();
    scene.beat(next("a", 1)).unwrap();
    let all = share(&[("t", 0), ("t", 1)]);
    assert_eq!(scene.report("a", 1, &all).unwrap().epoch, 1);
    assert_eq!(scene.beat(next("a", 1)).unwrap().epoch, 1, "it does not say what it holds");
}

#[test]
fn who_does_not_give_up_in_time_is_out() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.beat(first("a", &["t"])).unwrap();
    scene.beat(first("b", &["t"])).unwrap();
    scene.beat(next("a", 1)).unwrap();
    for _ in 0..10 {
        scene.pass(REBALANCE / 10);
        let _ = scene.beat(next("a", 1));
        scene.beat(next("b", 2)).unwrap();
    }
    assert_eq!(scene.beat(next("a", 1)), Err(GroupError::UnknownMemberId));
    let b = scene.beat(next("b", 3)).unwrap();
    assert_eq!(scene.state(), GroupState::Stable, "{b:?}");
}

#[test]
fn a_member_that_left_leaves_its_share_at_once() {
    let mut scene = Scene::new(&[("t", 2)]);
    let mut clients = Clients::default();
    clients.join(&mut scene, "a", &["t"]);
    clients.join(&mut scene, "b", &["t"]);
    clients.settle(&mut scene);
    assert_eq!(scene.leave("a").unwrap().epoch, -1);
    let b = scene.beat(next("b", 2)).unwrap();
    assert_eq!((b.epoch, b.assignment), (3, Some(share(&[("t", 0), ("t", 1)]))));
}

#[test]
fn more_partitions_and_new_topics_are_assigned() {
    let mut scene = Scene::new(&[("t", 1)]);
    scene.beat(first("a", &["t", "u"])).unwrap();
    scene.change_topic("t", 2);
    assert_eq!(scene.beat(next("a", 1)).unwrap().assignment, Some(share(&[("t", 0), ("t", 1)])));
    scene.change_topic("u", 1);
    assert_eq!(scene.beat(next("a", 2)).unwrap().assignment.unwrap().len(), 3);
    scene.change_topic("x", 1);
    let same = scene.beat(next("a", 3)).unwrap();
    assert_eq!((same.epoch, same.assignment), (3, None), "nobody reads it");
}

#[test]
fn a_topic_that_was_deleted_is_taken_from_its_readers() {
    let mut scene = Scene::new(&[("t", 1), ("u", 1)]);
    scene.beat(first("a", &["t", "u"])).unwrap();
    scene.delete_topic("u");
    assert_eq!(scene.beat(next("a", 1)).unwrap().assignment, Some(share(&[("t", 0)])));
}

#[test]
fn who_reads_less_is_told_at_once() {
    let mut scene = Scene::new(&[("t", 1), ("u", 1)]);
    scene.beat(first("a", &["t", "u"])).unwrap();
    let less = ConsumerHeartbeat { names: Some(all_topics(&["t"])), ..next("a", 1) };
    assert_eq!(scene.beat(less).unwrap().assignment, Some(share(&[("t", 0)])));
    let nothing = ConsumerHeartbeat { names: Some(all_topics(&[])), ..next("a", 1) };
    assert_eq!(scene.beat(nothing).unwrap().assignment, Some(Partitions::default()));
}

#[test]
fn members_that_come_and_go_never_hold_the_same_partition() {
    let mut scene = Scene::new(&[("t", 12), ("u", 5)]);
    let mut clients = Clients::default();
    for (number, member) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        clients.join(&mut scene, member, &["t", "u"]);
        if number % 2 == 0 {
            clients.settle(&mut scene);
        }
    }
    clients.settle(&mut scene);
    assert_eq!(clients.sizes(), [3, 3, 3, 4, 4]);
    for member in ["b", "e"] {
        clients.0.remove(member);
        scene.leave(member).unwrap();
    }
    clients.settle(&mut scene);
    assert_eq!(clients.sizes(), [5, 6, 6]);
}

#[test]
fn a_thousand_members_come_to_rest() {
    let mut scene = Scene::new(&[("t", 1_500)]);
    let mut clients = Clients::default();
    for number in 0..1_000 {
        clients.join(&mut scene, &format!("member-{number}"), &["t"]);
    }
    clients.settle(&mut scene);
    let sizes = clients.sizes();
    assert_eq!((sizes[0], sizes[999]), (1, 2));
}
