//! Groups that go from the classic protocol to the consumer protocol and back, with their members.

use super::*;
use crate::group::{Joined, Synced, embedded};

fn subscription(topics: &[&str]) -> Vec<u8> {
    let mut bytes = vec![0, 1];
    bytes.extend((topics.len() as u32).to_be_bytes());
    for topic in topics {
        bytes.extend((topic.len() as u16).to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.extend((-1_i32).to_be_bytes());
    bytes.extend(0_i32.to_be_bytes());
    bytes
}

/// A subscription that also says what is held.
fn holding(topics: &[&str], topic: &str, held: &[u32]) -> Vec<u8> {
    let mut bytes = subscription(topics);
    bytes.truncate(bytes.len() - 4);
    bytes.extend(1_u32.to_be_bytes());
    bytes.extend((topic.len() as u16).to_be_bytes());
    bytes.extend(topic.as_bytes());
    bytes.extend((held.len() as u32).to_be_bytes());
    bytes.extend(held.iter().flat_map(|partition| partition.to_be_bytes()));
    bytes
}

impl Scene {
    fn classic_join(&mut self, member: &str, metadata: Vec<u8>) -> Result<Joined, GroupError> {
        let answers = self.classic_join_with(member, None, metadata);
        let last = Ticket(self.last_ticket);
        let answer = answers.joined.into_iter().find(|(ticket, _)| *ticket == last);
        answer.expect("it is answered at once").1
    }

    fn classic_join_with(
        &mut self,
        member: &str,
        instance: Option<&str>,
        metadata: Vec<u8>,
    ) -> Effects {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let join = Join {
            ticket,
            member: member.into(),
            instance: instance.map(Arc::from),
            client_id: "classic".into(),
            client_host: "/127.0.0.1".into(),
            session_timeout: SESSION,
            rebalance_timeout: REBALANCE,
            protocol_type: "consumer".into(),
            protocols: vec![Protocol { name: "range".into(), metadata: metadata.into() }],
            requires_known_id: false,
            skips_assignment: false,
            unique: self.last_ticket.to_string().into(),
        };
        self.event_with_effects(|group, view| ((), group.join(join, view))).1
    }

    fn classic_sync(
        &mut self,
        member: &str,
        generation: i32,
        shares: &[(&str, &[u32])],
    ) -> Result<Synced, GroupError> {
        let assignments = shares.iter().map(|(member, partitions)| {
            let by_name = BTreeMap::from([("t", partitions.to_vec())]);
            (Arc::from(*member), embedded::assignment(1, &by_name).into())
        });
        let sync = Sync {
            member: member.into(),
            instance: None,
            generation,
            protocol_type: Some("consumer".into()),
            protocol_name: Some("range".into()),
            assignments: assignments.collect(),
        };
        let ((), effects) =
            self.event_with_effects(|group, view| ((), group.sync(Ticket(0), sync, view)));
        effects.synced.into_iter().next().unwrap().1
    }

    fn classic_heartbeat(&mut self, member: &str, generation: i32) -> Result<(), GroupError> {
        let from = MemberRef { member, instance: None, generation };
        self.event(|group, view| (group.heartbeat(from, view), Effects::default()))
    }

    fn described_classic(&self) -> GroupDescription {
        self.group.describe().unwrap()
    }

    /// A stable classic group of one member that reads `t` whole.
    fn classic() -> (Self, String) {
        let mut scene = Self::new(&[("t", 4)]);
        let joined = scene.classic_join("", subscription(&["t"])).unwrap();
        let member = joined.member.to_string();
        scene.classic_sync(&member, 1, &[(&member, &[0, 1, 2, 3])]).unwrap();
        (scene, member)
    }
}

fn read(synced: &Synced) -> Vec<u32> {
    let assignment = embedded::Assignment::decode(&synced.assignment).unwrap();
    assignment.partitions.into_iter().flat_map(|(_, partitions)| partitions).collect()
}

#[test]
fn the_first_consumer_member_makes_a_classic_group_one_of_its_kind() {
    let (mut scene, classic) = Scene::classic();
    let joined = scene.beat(first("m", &["t"])).unwrap();
    assert_eq!((joined.epoch, joined.assignment), (2, Some(Partitions::default())));
    assert_eq!(scene.group.listing().group_type, GroupType::Consumer);
    assert!(scene.group.describe().is_err());
    let kinds: Vec<bool> = scene.describe().members.iter().map(|it| it.is_classic).collect();
    assert_eq!(kinds, [true, false]);
    // The classic member learns that it must join again, gives two up by it, and then gets none new.
    assert_eq!(scene.classic_heartbeat(&classic, 1), Err(GroupError::RebalanceInProgress));
    let joined = scene.classic_join(&classic, holding(&["t"], "t", &[0, 1, 2, 3])).unwrap();
    assert_eq!((joined.generation, joined.leader.len()), (1, 0), "it revokes first");
    assert_eq!(read(&scene.classic_sync(&classic, 1, &[]).unwrap()), [0, 1]);
    assert_eq!(scene.classic_heartbeat(&classic, 1), Err(GroupError::RebalanceInProgress));
    let joined = scene.classic_join(&classic, holding(&["t"], "t", &[0, 1])).unwrap();
    assert_eq!(joined.generation, 2);
    assert_eq!(read(&scene.classic_sync(&classic, 2, &[]).unwrap()), [0, 1]);
    assert_eq!(scene.classic_heartbeat(&classic, 2), Ok(()));
    assert_eq!(scene.beat(next("m", 2)).unwrap().assignment, Some(share(&[("t", 2), ("t", 3)])));
    assert_eq!(scene.state(), GroupState::Stable);
}

#[test]
fn a_classic_member_joins_a_group_of_consumers() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.beat(first("m", &["t"])).unwrap();
    let joined = scene.classic_join("", subscription(&["t"])).unwrap();
    let id = joined.member.to_string();
    assert_eq!(joined.generation, 2);
    assert!(read(&scene.classic_sync(&id, 2, &[]).unwrap()).is_empty());
    scene.beat(next("m", 1)).unwrap();
    assert_eq!(scene.classic_heartbeat(&id, 2), Ok(()), "the other holds it yet");
    scene.report("m", 1, &share(&[("t", 0)])).unwrap();
    assert_eq!(scene.classic_heartbeat(&id, 2), Err(GroupError::RebalanceInProgress));
    assert_eq!(scene.classic_join(&id, subscription(&["t"])).unwrap().generation, 2);
    assert_eq!(read(&scene.classic_sync(&id, 2, &[]).unwrap()), [1]);
}

#[test]
fn the_last_consumer_member_leaves_a_classic_group_that_rebalances() {
    let (mut scene, classic) = Scene::classic();
    scene.beat(first("m", &["t"])).unwrap();
    scene.leave("m").unwrap();
    assert_eq!(scene.group.listing().group_type, GroupType::Classic);
    assert_eq!(scene.state(), GroupState::PreparingRebalance);
    assert!(scene.stored.members.is_empty());
    let joined = scene.classic_join(&classic, subscription(&["t"])).unwrap();
    assert_eq!((&*joined.leader, joined.generation), (&*classic, 3));
}

#[test]
fn a_consumer_member_that_falls_silent_does_too() {
    let (mut scene, classic) = Scene::classic();
    scene.beat(first("m", &["t"])).unwrap();
    scene.pass(SESSION / 2);
    let _ = scene.classic_heartbeat(&classic, 1);
    scene.pass(SESSION / 2);
    assert_eq!(scene.described_classic().listing.state, GroupState::PreparingRebalance);
}

#[test]
fn an_empty_group_takes_either_protocol() {
    let mut scene = Scene::new(&[("t", 1)]);
    scene.beat(first("m", &["t"])).unwrap();
    scene.leave("m").unwrap();
    assert_eq!(scene.state(), GroupState::Empty);
    let joined = scene.classic_join("", subscription(&["t"])).unwrap();
    assert_eq!((joined.generation, &*joined.leader), (1, &*joined.member));
    assert_eq!(scene.stored.group, None, "a classic group is stored when it has assigned");
    let leaver = Leaver { member: joined.member, instance: None };
    scene.event(|group, view| group.leave(&[leaver], view));
    assert!(scene.beat(first("m", &["t"])).is_ok());
}

#[test]
fn a_group_that_may_not_change_does_not() {
    let (mut scene, _) = Scene::classic();
    scene.limits.consumer.migration = crate::group::Migration::Disabled;
    assert_eq!(scene.beat(first("m", &["t"])), Err(GroupError::GroupIdNotFound));
    assert_eq!(scene.described_classic().members.len(), 1);
}

#[test]
fn a_classic_member_that_does_not_join_again_is_out() {
    let (mut scene, classic) = Scene::classic();
    scene.beat(first("m", &["t"])).unwrap();
    for _ in 0..10 {
        let _ = scene.classic_heartbeat(&classic, 1);
        scene.beat(next("m", 2)).unwrap();
        scene.pass(REBALANCE / 10);
    }
    assert_eq!(scene.describe().members.len(), 1);
}

#[test]
fn an_instance_changes_its_protocol_by_coming_back() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.classic_join_with("", Some("i"), subscription(&["t"]));
    scene.beat(first("m", &["t"])).unwrap();
    let upgraded = ConsumerHeartbeat { instance: Some("i".into()), ..first("n", &["t"]) };
    scene.beat(upgraded).unwrap();
    let kinds: Vec<bool> = scene.describe().members.iter().map(|it| it.is_classic).collect();
    assert_eq!(kinds, [false, false]);
    scene.leave("m").unwrap();
    let back = scene.classic_join_with("", Some("i"), subscription(&["t"]));
    assert!(back.joined[0].1.is_ok());
    assert_eq!(scene.group.listing().group_type, GroupType::Classic, "nobody else is there");
}
