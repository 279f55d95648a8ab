//! Groups of a slot over a store in memory: what is answered is stored, and what is loaded is what there was.

mod consumers;
mod offsets_topic;
mod staging;

use super::*;
use crate::{
    FetchedOffset, OffsetCommit, SessionStamp, SlotClaim, SlotError, SlotKind, SlotLogs, Topics,
    group::{CatalogTopic, CommittedOffset, Committer, GroupState, Protocol, TopicCatalog},
    journal::JournalParts,
    slot_log::tests::Told,
    transaction::{Marked, Marker, Markers, ProducerIds},
};
use bytes::Bytes;
use formats::metadata::Session;
use metadata::{
    MemoryStore, MetadataStore, Operation, RangeQuery, Transaction,
    families::{Keys, encode},
    memory::Fault,
};
use model::{
    BrokerId, LeaderEpoch, Offset, PartitionIndex, ProducerId, SessionId, TopicId, TopicName,
};
use proptest::prelude::*;
use runtime::{Clock, Randomness, Tasks};
use std::{collections::BTreeMap, time::Duration};

const TOPIC: TopicId = TopicId::from_bytes([1; 16]);
const OTHER: TopicId = TopicId::from_bytes([2; 16]);

#[derive(Debug, Default)]
struct Named(parking_lot::Mutex<BTreeMap<TopicId, TopicName>>);

impl Topics for Named {
    fn name(&self, topic: TopicId) -> Option<TopicName> {
        self.0.lock().get(&topic).cloned()
    }

    fn catalog(&self) -> Arc<dyn TopicCatalog> {
        Arc::new(Catalog(self.0.lock().clone()))
    }
}

/// The same, each with four partitions.
#[derive(Debug)]
struct Catalog(BTreeMap<TopicId, TopicName>);

impl TopicCatalog for Catalog {
    fn version(&self) -> u64 {
        self.0.len() as u64
    }

    fn by_name(&self, name: &str) -> Option<CatalogTopic<'_>> {
        self.topics().find(|topic| topic.name == name)
    }

    fn by_id(&self, id: TopicId) -> Option<CatalogTopic<'_>> {
        self.topics().find(|topic| topic.id == id)
    }

    fn topics(&self) -> Box<dyn Iterator<Item = CatalogTopic<'_>> + '_> {
        let topics = self.0.iter();
        Box::new(topics.map(|(id, name)| CatalogTopic {
            id: *id,
            name: name.as_str(),
            partitions: 4,
        }))
    }
}

/// A broker's groups, whose slot 0 is open, and that can lose their session.
struct Setting {
    store: MemoryStore,
    clock: Clock,
    topics: Arc<Named>,
    log: Arc<Told>,
    tasks: Tasks,
    options: CoordinatorOptions,
    journal: Option<Journal>,
    groups: Option<Groups>,
    sessions: u8,
}

impl Setting {
    async fn new() -> Self {
        let mut options = CoordinatorOptions::default();
        options.groups.initial_rebalance_delay = Duration::ZERO;
        Self::with(options).await
    }

    async fn with(options: CoordinatorOptions) -> Self {
        let clock = Clock::simulated(1_700_000_000_000);
        let topics = Named::default();
        topics.0.lock().insert(TOPIC, TopicName::new("t").unwrap());
        topics.0.lock().insert(OTHER, TopicName::new("other").unwrap());
        let mut setting = Self {
            store: MemoryStore::new(clock.clone()),
            clock,
            topics: Arc::new(topics),
            log: Arc::default(),
            tasks: Tasks::new(),
            options,
            journal: None,
            groups: None,
            sessions: 0,
        };
        setting.begin_session().await;
        setting
    }

    fn groups(&self) -> &Groups {
        self.groups.as_ref().unwrap()
    }

    /// A new session, as after a crash or a takeover: nothing of the old one is in memory.
    async fn begin_session(&mut self) {
        if let (Some(journal), Some(groups)) = (self.journal.take(), self.groups.take()) {
            journal.end();
            groups.close_all();
        }
        self.sessions += 1;
        let keys = Keys::new("test/");
        let broker = BrokerId::new(1).unwrap();
        let id = SessionId::from_bytes([self.sessions; 16]);
        let value = Session { id: id.as_bytes().to_vec().into(), ..Session::default() };
        let change = |then| Transaction { then, ..Transaction::default() };
        let gone = vec![Operation::Delete(keys.session(broker))];
        self.store.transact(change(gone)).await.unwrap();
        let put = vec![Operation::put(keys.session(broker), encode(value))];
        let create_revision = self.store.transact(change(put)).await.unwrap().revision;
        let store: Arc<dyn MetadataStore> = Arc::new(self.store.clone());
        let randomness = Randomness::seeded(u64::from(self.sessions));
        let parts = CoordinatorParts {
            metadata: Arc::clone(&store),
            keys: keys.clone(),
            clock: self.clock.clone(),
            randomness: randomness.clone(),
            tasks: self.tasks.clone(),
            topics: Arc::clone(&self.topics) as Arc<dyn Topics>,
            markers: Arc::new(NoTransactions),
            producer_ids: Arc::new(NoTransactions),
            slot_logs: Arc::clone(&self.log) as Arc<dyn SlotLogs>,
        };
        let tasks = self.tasks.clone();
        let journal = Journal::begin(
            SessionStamp { id, create_revision, broker },
            &JournalParts { metadata: store, keys, randomness, tasks },
        );
        let groups = Groups::new(self.options.clone(), parts);
        groups.open(claim(u32::from(self.sessions)), journal.clone());
        (self.journal, self.groups) = (Some(journal), Some(groups));
        while self.groups().describe(0, "?") == Err(SlotError::Loading.into()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn commit(&self, group: &str, offsets: &[(TopicId, u32, u64)]) -> Result<(), GroupError> {
        self.commit_as("", -1, group, offsets)?.await
    }

    fn commit_as(
        &self,
        member: &str,
        generation: i32,
        group: &str,
        offsets: &[(TopicId, u32, u64)],
    ) -> Result<impl Future<Output = Result<(), GroupError>> + use<>, GroupError> {
        let from = MemberRef { member, instance: None, generation };
        let commits = offsets.iter().map(|(topic, partition, offset)| OffsetCommit {
            topic: *topic,
            partitions: vec![(*partition, self.offset(*offset))],
        });
        let by = Committer { from, transactional: false, knows_member_epochs: true };
        self.groups().commit(0, group, by, commits.collect())
    }

    fn offset(&self, offset: u64) -> CommittedOffset {
        CommittedOffset {
            offset: Offset::new(offset).unwrap(),
            leader_epoch: LeaderEpoch::new(3),
            metadata: "note".into(),
            committed_unix_ms: self.clock.unix_ms(),
            expires_unix_ms: None,
        }
    }

    async fn fetch(&self, group: &str) -> Vec<(TopicId, u32, u64)> {
        let fetched = self.groups().fetch(0, group, Wanted::default()).unwrap().await.unwrap();
        let mut flat = Vec::new();
        for (topic, offsets) in fetched {
            for (partition, offset) in offsets {
                let FetchedOffset::Committed(offset) = offset else { panic!("{offset:?}") };
                flat.push((topic, partition, offset.offset.get()));
            }
        }
        flat
    }

    /// Joins alone and synchronizes; answers the member's id and generation.
    async fn stable_member(&self, group: &str) -> (Arc<str>, i32) {
        let joined = self.groups().join(0, group, new_join("")).unwrap().await.unwrap();
        let generation = joined.generation as i32;
        let sync = Sync {
            member: joined.member.clone(),
            instance: None,
            generation,
            protocol_type: None,
            protocol_name: None,
            assignments: [(joined.member.clone(), Bytes::from_static(b"share"))].into(),
        };
        let synced = self.groups().sync(0, group, sync).unwrap().await.unwrap();
        assert_eq!(synced.assignment, "share");
        (joined.member, generation)
    }

    async fn keys_below(&self, prefix: &'static str) -> usize {
        self.store.range(RangeQuery::prefix(prefix)).await.unwrap().entries.len()
    }
}

fn claim(epoch: u32) -> SlotClaim {
    let partition = PartitionId { topic: OTHER, partition: PartitionIndex::new(0).unwrap() };
    SlotClaim { kind: SlotKind::Groups, partition, epoch: LeaderEpoch::new(epoch).unwrap() }
}

fn new_join(member: &str) -> NewJoin {
    let metadata = Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0, 1, b't']);
    NewJoin {
        member: member.into(),
        instance: None,
        client_id: "c".into(),
        client_host: "/127.0.0.1".into(),
        session_timeout: Duration::from_secs(45),
        rebalance_timeout: Duration::from_mins(5),
        protocol_type: "consumer".into(),
        protocols: vec![Protocol { name: "range".into(), metadata }],
        requires_known_id: false,
        skips_assignment: true,
    }
}

#[tokio::test(start_paused = true)]
async fn committed_offsets_and_their_notes_outlive_the_session() {
    let mut setting = Setting::new().await;
    setting.commit("g", &[(TOPIC, 0, 10), (OTHER, 70, 7)]).await.unwrap();
    setting.commit("g", &[(TOPIC, 0, 11)]).await.unwrap();
    setting.begin_session().await;
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 11), (OTHER, 70, 7)]);
    let wanted = [(TOPIC, vec![0, 1])];
    let fetched = setting
        .groups()
        .fetch(0, "g", Wanted { topics: Some(&wanted), require_stable: true, ..Wanted::default() })
        .unwrap()
        .await
        .unwrap();
    let FetchedOffset::Committed(offset) = &fetched[0].1[0].1 else { panic!("{fetched:?}") };
    assert_eq!((&*offset.metadata, offset.leader_epoch), ("note", LeaderEpoch::new(3)));
    assert_eq!(fetched[0].1[1], (1, FetchedOffset::None));
}

#[tokio::test(start_paused = true)]
async fn a_group_outlives_the_session_and_its_members_go_on() {
    let mut setting = Setting::new().await;
    let (member, generation) = setting.stable_member("g").await;
    setting.begin_session().await;
    let from = MemberRef { member: &member, instance: None, generation };
    assert_eq!(setting.groups().heartbeat(0, "g", from), Ok(()));
    setting.commit_as(&member, generation, "g", &[(TOPIC, 0, 5)]).unwrap().await.unwrap();
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 5)]);
    tokio::time::sleep(Duration::from_mins(1)).await;
    let described = setting.groups().describe(0, "g").unwrap();
    assert_eq!(described.listing.state, GroupState::Empty, "its session began anew, and ended");
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_answered_when_it_is_stored_and_not_before() {
    let setting = Setting::new().await;
    setting.store.faults().fail_every(1, Fault::Unavailable);
    assert_eq!(setting.commit("g", &[(TOPIC, 0, 1)]).await, Err(GroupError::TimedOut));
    let reading = setting.groups().fetch(0, "g", Wanted::default()).unwrap();
    assert_eq!(reading.await, Err(GroupError::TimedOut), "nobody reads what may be lost");
    setting.store.faults().heal();
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 1)]);
}

#[tokio::test(start_paused = true)]
async fn commits_act_in_the_order_of_their_requests() {
    let setting = Setting::new().await;
    let commits: Vec<_> = (0..100)
        .map(|offset| setting.commit_as("", -1, "g", &[(TOPIC, 0, offset)]).unwrap())
        .collect();
    for commit in commits.into_iter().rev() {
        commit.await.unwrap();
    }
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 99)]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_answered_not_coordinator_when_the_slot_goes() {
    let mut setting = Setting::new().await;
    setting.stable_member("g").await;
    let joining = setting.groups().join(0, "g", new_join("")).unwrap();
    setting.store.faults().fail_every(1, Fault::Unavailable);
    let committing = setting.commit_as("", -1, "other", &[(TOPIC, 0, 1)]).unwrap();
    setting.store.faults().heal();
    let old = setting.groups.clone().unwrap();
    setting.begin_session().await;
    assert_eq!(joining.await, Err(SlotError::NotCoordinator.into()));
    let _either = committing.await;
    let from = MemberRef { member: "", instance: None, generation: 0 };
    assert_eq!(old.heartbeat(0, "g", from), Err(SlotError::NotCoordinator.into()));
}

#[tokio::test(start_paused = true)]
async fn a_slot_at_rest_is_folded_into_chunks() {
    let mut setting = Setting::new().await;
    for offset in 0..20 {
        setting.commit("g", &[(TOPIC, 0, offset), (TOPIC, 64, offset)]).await.unwrap();
    }
    assert_eq!(setting.keys_below("test/group_commits/").await, 20);
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(setting.keys_below("test/group_commits/").await, 0);
    assert_eq!(setting.keys_below("test/group_offsets/").await, 2);
    setting.begin_session().await;
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 19), (TOPIC, 64, 19)]);
}

#[tokio::test(start_paused = true)]
async fn many_commits_are_folded_before_they_pile_up() {
    let setting = Setting::new().await;
    for offset in 0..2_000 {
        setting.commit("g", &[(TOPIC, 0, offset)]).await.unwrap();
    }
    assert!(setting.keys_below("test/group_commits/").await < 600);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_group_leaves_nothing_behind_and_does_not_come_back() {
    let mut setting = Setting::new().await;
    setting.commit("g", &[(TOPIC, 0, 1)]).await.unwrap();
    tokio::time::sleep(Duration::from_mins(2)).await;
    setting.commit("g", &[(TOPIC, 1, 1)]).await.unwrap();
    setting.groups().delete(0, "g").unwrap().await.unwrap();
    assert_eq!(setting.groups().delete(0, "g").err(), Some(GroupError::GroupIdNotFound));
    setting.commit("g", &[(TOPIC, 2, 2)]).await.unwrap();
    setting.begin_session().await;
    assert_eq!(setting.fetch("g").await, [(TOPIC, 2, 2)]);
    setting.groups().delete(0, "g").unwrap().await.unwrap();
    tokio::time::sleep(Duration::from_mins(2)).await;
    for family in ["test/groups/", "test/group_offsets/", "test/group_commits/"] {
        assert_eq!(setting.keys_below(family).await, 0, "{family}");
    }
}

#[tokio::test(start_paused = true)]
async fn offsets_of_topics_that_are_read_are_not_deleted() {
    let setting = Setting::new().await;
    let (member, generation) = setting.stable_member("g").await;
    let offsets = [(TOPIC, 0, 1), (OTHER, 0, 1)];
    setting.commit_as(&member, generation, "g", &offsets).unwrap().await.unwrap();
    let wanted = [(TOPIC, vec![0]), (OTHER, vec![0])];
    let deleted = setting.groups().delete_offsets(0, "g", &wanted).unwrap().await.unwrap();
    assert_eq!(deleted, [Err(GroupError::SubscribedToTopic), Ok(())]);
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 1)]);
    let unknown = setting.groups().delete_offsets(0, "?", &wanted).err();
    assert_eq!(unknown, Some(GroupError::GroupIdNotFound));
    assert_eq!(setting.groups().delete(0, "g").err(), Some(GroupError::NonEmptyGroup));
}

#[tokio::test(start_paused = true)]
async fn offsets_expire_from_the_time_that_the_group_became_empty() {
    let day = Duration::from_hours(24);
    let mut setting = Setting::with(CoordinatorOptions {
        offsets_retention: day,
        ..CoordinatorOptions::default()
    })
    .await;
    let (member, generation) = setting.stable_member("g").await;
    setting.commit_as(&member, generation, "g", &[(TOPIC, 0, 1)]).unwrap().await.unwrap();
    for _ in 0..48 * 120 {
        tokio::time::sleep(Duration::from_secs(30)).await;
        let from = MemberRef { member: &member, instance: None, generation };
        setting.groups().heartbeat(0, "g", from).unwrap();
    }
    tokio::time::sleep(Duration::from_hours(23)).await;
    setting.begin_session().await;
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 1)], "two days in use, one day empty");
    tokio::time::sleep(Duration::from_hours(2)).await;
    assert_eq!(setting.fetch("g").await, []);
    assert_eq!(setting.groups().list().unwrap(), []);
    assert_eq!(setting.keys_below("test/groups/").await, 0);
}

#[tokio::test(start_paused = true)]
async fn offsets_of_a_deleted_topic_go() {
    let setting = Setting::new().await;
    setting.commit("g", &[(TOPIC, 0, 1), (OTHER, 0, 1)]).await.unwrap();
    setting.topics.0.lock().remove(&TOPIC);
    tokio::time::sleep(Duration::from_mins(20)).await;
    assert_eq!(setting.fetch("g").await, [(OTHER, 0, 1)]);
}

#[tokio::test(start_paused = true)]
async fn offsets_of_a_topic_that_a_group_reads_no_more_expire_from_their_commit() {
    let setting = Setting::with(CoordinatorOptions {
        offsets_retention: Duration::from_mins(30),
        ..CoordinatorOptions::default()
    })
    .await;
    let (member, generation) = setting.stable_member("g").await;
    let offsets = [(TOPIC, 0, 1), (OTHER, 0, 1)];
    setting.commit_as(&member, generation, "g", &offsets).unwrap().await.unwrap();
    for _ in 0..80 {
        tokio::time::sleep(Duration::from_secs(30)).await;
        let from = MemberRef { member: &member, instance: None, generation };
        setting.groups().heartbeat(0, "g", from).unwrap();
    }
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_session_timeout_out_of_bounds_is_an_invalid_session_timeout() {
    let setting = Setting::new().await;
    for session_timeout in [Duration::from_secs(5), Duration::from_mins(31)] {
        let join = NewJoin { session_timeout, ..new_join("") };
        let refused = setting.groups().join(0, "g", join).err();
        assert_eq!(refused, Some(GroupError::InvalidSessionTimeout));
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_commit_takes_several_transactions_and_is_loaded_whole() {
    let mut setting = Setting::new().await;
    let mut offset = setting.offset(1);
    offset.metadata = "x".repeat(4096).into();
    let partitions: Vec<_> = (0..1_000).map(|partition| (partition, offset.clone())).collect();
    let from = MemberRef { member: "", instance: None, generation: -1 };
    let by = Committer { from, transactional: false, knows_member_epochs: true };
    let commits = vec![OffsetCommit { topic: TOPIC, partitions }];
    setting.groups().commit(0, "g", by, commits).unwrap().await.unwrap();
    tokio::time::sleep(Duration::from_mins(2)).await;
    setting.begin_session().await;
    assert_eq!(setting.fetch("g").await.len(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_members_make_one_generation_and_outlive_the_session() {
    let mut options = CoordinatorOptions::default();
    options.groups.initial_rebalance_delay = Duration::from_secs(3);
    let mut setting = Setting::with(options).await;
    let joins = (0..1_000).map(|_| setting.groups().join(0, "g", new_join("")).unwrap());
    let joined = futures::future::join_all(joins.collect::<Vec<_>>()).await;
    let joined: Vec<Joined> = joined.into_iter().map(Result::unwrap).collect();
    let shares = joined.iter().map(|it| (it.member.clone(), Bytes::from(vec![7; 100])));
    let shares: BTreeMap<_, _> = shares.collect();
    let syncs = joined.iter().map(|member| {
        let leads = member.leader == member.member;
        assert_eq!((member.generation, member.members.len()), (1, if leads { 1_000 } else { 0 }));
        let sync = Sync {
            member: member.member.clone(),
            instance: None,
            generation: 1,
            protocol_type: None,
            protocol_name: None,
            assignments: if leads { shares.clone() } else { BTreeMap::new() },
        };
        setting.groups().sync(0, "g", sync).unwrap()
    });
    for synced in futures::future::join_all(syncs.collect::<Vec<_>>()).await {
        assert_eq!(synced.unwrap().assignment.len(), 100);
    }
    setting.begin_session().await;
    let described = setting.groups().describe(0, "g").unwrap();
    assert_eq!((described.listing.state, described.members.len()), (GroupState::Stable, 1_000));
}

/// What a random history is made of.
#[derive(Clone, Debug)]
enum Step {
    Commit { group: u8, partition: u32, offset: u64 },
    Delete { group: u8, partition: u32 },
    DeleteGroup { group: u8 },
    Join { group: u8 },
    Wait { seconds: u64 },
    Fault(u8),
    NewSession,
}

fn step() -> impl Strategy<Value = Step> {
    let group = 0..3_u8;
    prop_oneof![
        6 => (group.clone(), 0..130_u32, 0..1000_u64)
            .prop_map(|(group, partition, offset)| Step::Commit { group, partition, offset }),
        2 => (group.clone(), 0..130_u32)
            .prop_map(|(group, partition)| Step::Delete { group, partition }),
        1 => group.clone().prop_map(|group| Step::DeleteGroup { group }),
        1 => group.prop_map(|group| Step::Join { group }),
        2 => (1..90_u64).prop_map(|seconds| Step::Wait { seconds }),
        2 => (0..3_u8).prop_map(Step::Fault),
        1 => Just(Step::NewSession),
    ]
}

/// What is known of all groups: offsets, and members of those that are stable.
async fn state(setting: &Setting) -> Vec<(Arc<str>, Vec<(TopicId, u32, u64)>, usize)> {
    let mut groups = Vec::new();
    for listing in setting.groups().list().unwrap() {
        let members = setting.groups().describe(0, &listing.id).unwrap().members.len();
        groups.push((listing.id.clone(), setting.fetch(&listing.id).await, members));
    }
    groups.sort();
    groups
}

async fn run(steps: Vec<Step>) {
    let mut setting = Setting::new().await;
    for step in steps {
        match step {
            Step::Commit { group, partition, offset } => {
                let offsets = [(TOPIC, partition, offset)];
                let committed = setting.commit(&group.to_string(), &offsets).await;
                assert!(matches!(committed, Ok(()) | Err(GroupError::UnknownMemberId)));
            }
            Step::Delete { group, partition } => {
                let wanted = [(OTHER, vec![partition]), (TOPIC, vec![partition])];
                let groups = setting.groups();
                if let Ok(deleted) = groups.delete_offsets(0, &group.to_string(), &wanted) {
                    deleted.await.unwrap();
                }
            }
            Step::DeleteGroup { group } => {
                if let Ok(deleted) = setting.groups().delete(0, &group.to_string()) {
                    deleted.await.unwrap();
                }
            }
            Step::Join { group } => {
                let id = group.to_string();
                let empty = setting
                    .groups()
                    .describe(0, &id)
                    .is_ok_and(|it| it.listing.state == GroupState::Empty);
                if empty {
                    setting.stable_member(&id).await;
                }
            }
            Step::Wait { seconds } => tokio::time::sleep(Duration::from_secs(seconds)).await,
            Step::Fault(number) => {
                let faults = [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Delayed];
                setting.store.faults().fail_next(faults[usize::from(number)]);
            }
            Step::NewSession => {
                setting.store.faults().heal();
                let live = state(&setting).await;
                setting.store.faults().land_delayed();
                setting.begin_session().await;
                assert_eq!(state(&setting).await, live, "replayed state equals live state");
            }
        }
    }
    setting.store.faults().heal();
    let live = state(&setting).await;
    setting.store.faults().land_delayed();
    setting.begin_session().await;
    assert_eq!(state(&setting).await, live, "replayed state equals live state");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_replayed_state_equals_live_state(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps));
    }
}

/// Groups ask for neither.
#[derive(Debug)]
struct NoTransactions;

#[async_trait::async_trait]
impl Markers for NoTransactions {
    async fn write(&self, _: model::PartitionId, _: Marker) -> Marked {
        Marked::Failed("no partitions".to_owned())
    }
}

#[async_trait::async_trait]
impl ProducerIds for NoTransactions {
    async fn next(&self) -> Result<ProducerId, String> {
        Err("no producers".to_owned())
    }
}
