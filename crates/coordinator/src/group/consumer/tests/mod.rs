//! The group of the consumer protocol by its events, without clock, store or wire.

pub(crate) mod beats;
mod joining;
mod migrating;
mod reconciling;
mod replaying;

use super::*;
use crate::group::{
    CatalogTopic, Group, GroupDescription, GroupLimits, GroupType, Join, Leaver, MemberRef,
    Protocol, Sync, Ticket, TopicCatalog,
};
use beats::{first, next};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

const SESSION: Duration = Duration::from_secs(45);
const REBALANCE: Duration = Duration::from_mins(5);

/// Topics by name; the id comes from the first letter.
#[derive(Clone, Debug, Default)]
struct Topics {
    version: u64,
    topics: BTreeMap<String, u32>,
}

fn topic(name: &str) -> TopicId {
    TopicId::from_bytes([name.as_bytes()[0]; 16])
}

impl TopicCatalog for Topics {
    fn version(&self) -> u64 {
        self.version
    }

    fn by_name(&self, name: &str) -> Option<CatalogTopic<'_>> {
        self.topics().find(|topic| topic.name == name)
    }

    fn by_id(&self, id: TopicId) -> Option<CatalogTopic<'_>> {
        self.topics().find(|topic| topic.id == id)
    }

    fn topics(&self) -> Box<dyn Iterator<Item = CatalogTopic<'_>> + '_> {
        Box::new(self.topics.iter().map(|(name, partitions)| CatalogTopic {
            id: topic(name),
            name,
            partitions: *partitions,
        }))
    }
}

/// A group with a clock, and topics.
struct Scene {
    group: Group,
    topics: Topics,
    limits: GroupLimits,
    now: Now,
    last_ticket: u64,
    /// What was stored.
    stored: Stored,
}

/// The records that effects came to.
#[derive(Clone, Debug, Default, PartialEq)]
struct Stored {
    group: Option<formats::metadata::Group>,
    members: BTreeMap<MemberId, formats::metadata::ConsumerGroupMember>,
}

impl Stored {
    fn take(&mut self, group: &Group, effects: &Effects) {
        if effects.clear_members {
            self.members.clear();
        }
        for (member, change) in &effects.members {
            match (change, group.member_record(member)) {
                (crate::group::MemberChange::Put, Some(record)) => {
                    self.members.insert(member.clone(), record);
                }
                _ => {
                    self.members.remove(member);
                }
            }
        }
        if effects.erase {
            self.group = None;
        }
        if effects.store {
            self.group = Some(group.record());
        }
    }
}

fn all_topics(names: &[&str]) -> BTreeSet<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn share(partitions: &[(&str, u32)]) -> Partitions {
    partitions.iter().map(|(name, partition)| (topic(name), *partition)).collect()
}

impl Scene {
    fn new(topics: &[(&str, u32)]) -> Self {
        let now = Now { time: Time::from_secs(1000), unix_ms: 1_700_000_000_000 };
        let topics = topics.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let limits =
            GroupLimits { initial_rebalance_delay: Duration::ZERO, ..GroupLimits::default() };
        Self {
            group: Group::new("g".into(), now),
            topics: Topics { version: 1, topics },
            limits,
            now,
            last_ticket: 0,
            stored: Stored::default(),
        }
    }

    /// Lets an event happen, and stores what it comes to.
    fn event<T>(&mut self, event: impl FnOnce(&mut Group, &View<'_>) -> (T, Effects)) -> T {
        self.event_with_effects(event).0
    }

    fn event_with_effects<T>(
        &mut self,
        event: impl FnOnce(&mut Group, &View<'_>) -> (T, Effects),
    ) -> (T, Effects) {
        let view = View { catalog: &self.topics, limits: &self.limits, now: self.now };
        let (result, effects) = event(&mut self.group, &view);
        self.stored.take(&self.group, &effects);
        (result, effects)
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests build it in place")]
    fn beat(&mut self, beat: ConsumerHeartbeat) -> Result<ConsumerAnswer, GroupError> {
        self.event(|group, view| group.consumer_heartbeat(&beat, view))
    }

    fn leave(&mut self, member: &str) -> Result<ConsumerAnswer, GroupError> {
        let leave = ConsumerLeave { member: member.into(), instance: None, for_a_while: false };
        self.event(|group, view| group.consumer_leave(&leave, view))
    }

    /// Lets time pass, and the group do what is due at each of its deadlines.
    fn pass(&mut self, duration: Duration) {
        let end = self.now.time + duration;
        while let Some(next) = self.group.next_deadline().filter(|next| *next <= end) {
            self.now.time = self.now.time.max(next);
            self.event(|group, view| ((), group.tick(view)));
        }
        self.now.time = end;
    }

    fn describe(&mut self) -> ConsumerGroupDescription {
        self.event(|group, view| (group.describe_consumers(view).unwrap(), Effects::default()))
    }

    fn state(&self) -> GroupState {
        self.group.listing().state
    }

    /// Makes a topic, or gives it that many partitions.
    fn change_topic(&mut self, name: &str, partitions: u32) {
        self.topics.version += 1;
        self.topics.topics.insert(name.to_owned(), partitions);
    }

    fn delete_topic(&mut self, name: &str) {
        self.topics.version += 1;
        self.topics.topics.remove(name);
    }

    /// A member's heartbeat that says what it holds.
    fn report(
        &mut self,
        member: &str,
        epoch: u32,
        owned: &Partitions,
    ) -> Result<ConsumerAnswer, GroupError> {
        self.beat(ConsumerHeartbeat { owned: Some(owned.clone()), ..next(member, epoch) })
    }
}

/// Members that do what they are told.
#[derive(Default)]
struct Clients(HashMap<String, (u32, Partitions)>);

impl Clients {
    /// Each sends a heartbeat, says what it holds, and takes over what it is told, until nothing changes.
    fn settle(&mut self, scene: &mut Scene) {
        for _ in 0..20 {
            let mut names: Vec<String> = self.0.keys().cloned().collect();
            names.sort();
            let before = self.0.clone();
            for name in names {
                let (epoch, owned) = self.0[&name].clone();
                let answer = scene.report(&name, epoch, &owned).unwrap();
                let owned = answer.assignment.unwrap_or(owned);
                self.0.insert(name, (answer.epoch as u32, owned));
                self.nothing_is_held_twice();
            }
            if before == self.0 && scene.state() == GroupState::Stable {
                return;
            }
        }
        panic!("they do not come to rest: {:?}", self.0);
    }

    fn join(&mut self, scene: &mut Scene, member: &str, topics: &[&str]) {
        let answer = scene.beat(first(member, topics)).unwrap();
        self.0.insert(member.to_owned(), (answer.epoch as u32, answer.assignment.unwrap()));
        self.nothing_is_held_twice();
    }

    fn nothing_is_held_twice(&self) {
        let mut held = BTreeSet::new();
        for (_, owned) in self.0.values() {
            for it in owned.iter() {
                assert!(held.insert(it), "{it:?} is held twice: {:?}", self.0);
            }
        }
    }

    fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<usize> = self.0.values().map(|(_, owned)| owned.len()).collect();
        sizes.sort_unstable();
        sizes
    }
}
