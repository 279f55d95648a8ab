//! The controller: one broker, elected under its session's lease, that gives unassigned partitions an owner, takes over those of
//! dead brokers, clears what deleted topics left, and compacts the store's history.
//!
//! Every write compares the election key, so a controller that lost its session can do nothing any more.

use crate::{
    SessionStamp,
    assignment::assign,
    balancing,
    claims::{FinalHead, read_final_head},
    cluster::Shared,
    cool_down::CoolDown,
    history::History,
    loads, moves,
    offline::Offline,
    session::RegisteredSession,
    succession::{EpochsUsedUp, first, take_over},
    takeover::{Circumstances, Fate, fate, is_owned},
    target::successor,
    view::{View, session_of},
};
use formats::metadata::{Controller as ControllerRecord, Owner};
use metadata::{
    Compare, MetadataError, Operation, Revision, Transaction,
    families::{Keys, encode},
};
use model::{BrokerId, PartitionId, PartitionIndex, SessionId, TopicId, WalId};
use runtime::BootTime;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Partitions in one transaction: each may need compares of its own for record, topic, target and dead session, of 128.
const BATCH: usize = 30;
/// The controller looks again this often when nothing changed: for delays that run out.
const RHYTHM: Duration = Duration::from_secs(1);

/// One partition's next record, decided.
#[derive(Clone, Debug)]
struct Decision {
    partition: PartitionId,
    target: BrokerId,
    /// What the partition has now.
    from: Option<(Owner, Revision)>,
    given_up: bool,
}

/// Runs elections and, when elected, the controller's work, until dropped. The session's end ends it.
pub(crate) async fn run(shared: Arc<Shared>, session: RegisteredSession) {
    let mut changes = shared.image.subscribe();
    let mut office = Office {
        shared: Arc::clone(&shared),
        session,
        elected: None,
        dead_since: BTreeMap::new(),
        sessions_seen: 0,
        hold_until: None,
        history: History::default(),
        headless: BTreeSet::new(),
        offline: Offline::default(),
        cool_down: shared.options.balancing_interval.map(CoolDown::new),
    };
    loop {
        changes.mark_unchanged();
        let pause = match office.tick().await {
            Ok(true) => Duration::from_millis(20),
            Ok(false) => RHYTHM,
            Err(error) => {
                tracing::warn!(%error, "controller work is tried again");
                Duration::from_millis(500)
            }
        };
        if pause == RHYTHM {
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        } else {
            tokio::time::sleep(pause).await;
        }
    }
}

/// What balancing begins with.
enum Next {
    Moves(Vec<(PartitionId, BrokerId)>),
    /// Numbers of partitions are even.
    ByLoad,
}

struct Office {
    shared: Arc<Shared>,
    session: RegisteredSession,
    /// Create revision of the election key, once it is ours.
    elected: Option<Revision>,
    /// Since when partitions were seen without a live owner.
    dead_since: BTreeMap<PartitionId, BootTime>,
    sessions_seen: usize,
    /// Nobody is counted dead before this.
    hold_until: Option<BootTime>,
    history: History,
    /// Dead sessions whose head is gone: nobody knows how far they committed, so what they owned is not taken over.
    headless: BTreeSet<SessionId>,
    offline: Offline,
    /// `None`: nothing is moved for the sake of balance.
    cool_down: Option<CoolDown>,
}

impl Office {
    /// One round; answers whether another should follow at once.
    async fn tick(&mut self) -> Result<bool, MetadataError> {
        if !self.is_elected().await? {
            self.offline = Offline::default();
            return Ok(false);
        }
        let decisions = self.decide();
        let mut refused = false;
        for batch in decisions.chunks(BATCH) {
            refused |= !self.write(batch).await?;
        }
        self.clear_deleted_topics().await?;
        self.clear_moves().await?;
        self.plan_moves().await?;
        self.compact_history().await?;
        Ok(refused)
    }

    /// Whether the election key is ours; tries to take it when nobody has it.
    async fn is_elected(&mut self) -> Result<bool, MetadataError> {
        let held = self.shared.view.lock().controller.clone();
        match held {
            Some(held) if held.value.session.as_ref() == self.session.stamp.id.as_bytes() => {
                if self.elected.is_none() {
                    tracing::info!(broker = %self.session.stamp.broker, "this broker is the controller");
                    self.count_from_now();
                }
                self.elected = Some(held.created);
                Ok(true)
            }
            Some(_) => {
                self.elected = None;
                Ok(false)
            }
            None => {
                self.elected = None;
                self.stand().await?;
                Ok(false)
            }
        }
    }

    async fn stand(&self) -> Result<(), MetadataError> {
        let keys = &self.shared.parts.keys;
        let stamp = self.session.stamp;
        let record = ControllerRecord {
            format: 1,
            broker: stamp.broker.get(),
            session: stamp.id.as_bytes().to_vec().into(),
        };
        let election = Transaction {
            compares: vec![
                Compare::Absent(keys.controller()),
                Compare::CreateRevision(keys.session(stamp.broker), stamp.create_revision),
            ],
            then: vec![Operation::Put {
                key: keys.controller(),
                value: encode(record),
                lease: Some(self.session.lease.id),
            }],
            otherwise: Vec::new(),
        };
        self.shared.parts.metadata.transact(election).await.map(|_| ())
    }

    /// A controller that was not there for a while waits one TTL before it counts anybody dead: their leases ran out in the same
    /// stall, perhaps, and they are about to return.
    fn count_from_now(&mut self) {
        self.dead_since.clear();
        self.sessions_seen = 0;
        if self.shared.had_earlier_session() {
            self.hold();
        }
    }

    fn hold(&mut self) {
        let now = self.shared.parts.clock.boot_time();
        self.hold_until = Some(now.plus(self.shared.options.lease_ttl));
    }

    /// What to write now.
    fn decide(&mut self) -> Vec<Decision> {
        let shared = Arc::clone(&self.shared);
        let view = shared.view.lock();
        let now = shared.parts.clock.boot_time();
        if view.sessions.len() * 2 < self.sessions_seen {
            self.hold();
        }
        self.sessions_seen = view.sessions.len();
        let live_wals = view.live_wals();
        let mut unassigned = Vec::new();
        let mut decided = Vec::new();
        let (mut ownerless, mut offline) = (BTreeMap::new(), BTreeMap::new());
        for (topic, stored) in &view.topics {
            for index in (0..stored.value.partitions).filter_map(PartitionIndex::new) {
                let partition = PartitionId { topic: *topic, partition: index };
                let Some(owner) = view.owners.get(&partition) else {
                    match view.wanted_owner(partition) {
                        Some(wanted) => decided.push((partition, wanted)),
                        None => unassigned.push(partition),
                    }
                    continue;
                };
                let headless =
                    session_of(&owner.value).is_some_and(|it| self.headless.contains(&it));
                let fate = self.fate_of(&view, &live_wals, partition, &owner.value, now);
                let given_up = match fate {
                    Some(Fate::TakeOver) if !headless => false,
                    Some(Fate::GiveUp) if !headless => true,
                    Some(Fate::TakeOver | Fate::GiveUp | Fate::Offline(_)) => {
                        offline.insert(partition, owner.value.broker);
                        continue;
                    }
                    Some(Fate::Owned) | None => continue,
                };
                ownerless.insert(partition, (owner.value.clone(), owner.modified, given_up));
                unassigned.push(partition);
            }
        }
        self.dead_since.retain(|partition, _| view.owners.contains_key(partition));
        self.offline.are(offline);
        if !unassigned.is_empty() {
            let mut spread = balancing::spread(&view);
            for (partition, broker) in &decided {
                spread.add(*partition, *broker);
            }
            decided.extend(assign(unassigned, spread));
        }
        let decided = decided.into_iter().map(|(partition, target)| {
            let from = ownerless.remove(&partition);
            let given_up = from.as_ref().is_some_and(|(_, _, given_up)| *given_up);
            let from = from.map(|(record, revision, _)| (record, revision));
            Decision { partition, target, from, given_up }
        });
        decided.collect()
    }

    /// What becomes of a partition now; `None` while nobody is counted dead.
    fn fate_of(
        &mut self,
        view: &View,
        live_wals: &BTreeSet<WalId>,
        partition: PartitionId,
        record: &Owner,
        now: BootTime,
    ) -> Option<Fate> {
        if is_owned(record, view, live_wals) {
            self.dead_since.remove(&partition);
            return Some(Fate::Owned);
        }
        let since = *self.dead_since.entry(partition).or_insert_with(|| {
            tracing::warn!(%partition, owner = record.broker, "the owner of a partition is gone");
            now
        });
        if self.hold_until.is_some_and(|until| now < until) {
            return None;
        }
        let circumstances = Circumstances {
            unclean_allowed: self.shared.unclean_allowed(view, partition.topic),
            dead_for: now.since(since),
            unclean_delay: self.shared.options.unclean_takeover_delay,
        };
        Some(fate(record, view, live_wals, &circumstances))
    }

    /// Writes one batch; answers whether it was written.
    async fn write(&mut self, batch: &[Decision]) -> Result<bool, MetadataError> {
        let Some(elected) = self.elected else { return Ok(false) };
        let shared = Arc::clone(&self.shared);
        let keys = &shared.parts.keys;
        let mut writing = Writing::new(keys, elected);
        let mut wanted_mode = shared.wanted_modes();
        for decision in batch {
            let Some(target) = successor(&shared, decision.target).await? else { continue };
            let mode = wanted_mode(decision.partition.topic);
            let generation = self.shared.generation;
            let record = match &decision.from {
                None => first(&target, mode, generation),
                Some((record, _)) => {
                    let FinalHead::Through(head) = self.head_of_dead(record).await? else {
                        continue;
                    };
                    writing.require_over(record);
                    take_over(record, head, &target, mode, generation, decision.given_up)
                }
            };
            match record {
                Ok(record) => writing.put(decision, &target.session, record),
                Err(EpochsUsedUp) => {
                    tracing::error!(partition = %decision.partition, "leader epochs are used up");
                }
            }
        }
        if writing.transaction.then.is_empty() {
            return Ok(true);
        }
        let written = self.shared.parts.metadata.transact(writing.finish()).await?.succeeded;
        if written {
            batch.iter().for_each(report);
        }
        Ok(written)
    }

    async fn head_of_dead(&mut self, record: &Owner) -> Result<FinalHead, MetadataError> {
        let (Some(holder), Some(id)) = (BrokerId::new(record.broker), session_of(record)) else {
            return Ok(FinalHead::Gone);
        };
        if self.headless.contains(&id) {
            return Ok(FinalHead::Gone);
        }
        let created = Revision(record.session_create_revision);
        let over = Compare::CreateRevisionNot(self.shared.parts.keys.session(holder), created);
        let head = read_final_head(&self.shared, over, id).await?;
        if head == FinalHead::Gone {
            self.headless.insert(id);
        }
        Ok(head)
    }

    /// Removes owner records and manifests of topics that are gone.
    async fn clear_deleted_topics(&self) -> Result<(), MetadataError> {
        let Some(elected) = self.elected else { return Ok(()) };
        let keys = &self.shared.parts.keys;
        let gone: BTreeSet<TopicId> = {
            let view = self.shared.view.lock();
            let topics = view.owners.keys().map(|partition| partition.topic);
            topics.filter(|topic| view.deleted_topics.contains_key(topic)).collect()
        };
        for topic in gone {
            let all = |prefix: bytes::Bytes| {
                let end = metadata::port::prefix_end(&prefix);
                Operation::DeleteRange(prefix, end)
            };
            let clearing = Transaction {
                compares: vec![
                    Compare::CreateRevision(keys.controller(), elected),
                    Compare::Absent(keys.topic(topic)),
                ],
                then: vec![all(keys.owners_of(topic)), all(keys.manifests_of(topic))],
                otherwise: Vec::new(),
            };
            self.shared.parts.metadata.transact(clearing).await?;
        }
        Ok(())
    }

    async fn clear_moves(&self) -> Result<(), MetadataError> {
        let Some(elected) = self.elected else { return Ok(()) };
        let elected = Compare::CreateRevision(self.shared.parts.keys.controller(), elected);
        moves::clear(&self.shared, elected).await
    }

    /// Has partitions moved: away from brokers that leave, and a few at a time for the sake of balance.
    async fn plan_moves(&mut self) -> Result<(), MetadataError> {
        let Some(elected) = self.elected else { return Ok(()) };
        let shared = Arc::clone(&self.shared);
        let next = {
            let view = shared.view.lock();
            let evacuations = balancing::evacuations(&view);
            if evacuations.is_empty() { self.balance(&view) } else { Next::Moves(evacuations) }
        };
        let planned = match next {
            Next::Moves(planned) => planned,
            Next::ByLoad => self.balance_by_load().await?,
        };
        let elected = Compare::CreateRevision(shared.parts.keys.controller(), elected);
        moves::plan(&shared, elected, &planned).await
    }

    fn balance(&mut self, view: &View) -> Next {
        let now = self.shared.parts.clock.boot_time();
        let brokers = balancing::eligible(view).into_keys().collect();
        let registered = view.brokers.keys().copied();
        let Some(cool_down) = &mut self.cool_down else { return Next::Moves(Vec::new()) };
        if !cool_down.is_over(brokers, registered, !view.owners.is_empty(), now) {
            return Next::Moves(Vec::new());
        }
        let planned = balancing::balance(view);
        if planned.is_empty() && view.moves.is_empty() {
            cool_down.begin(now);
            return Next::ByLoad;
        }
        Next::Moves(planned)
    }

    /// What comes of it is measured in the pause that has begun.
    async fn balance_by_load(&self) -> Result<Vec<(PartitionId, BrokerId)>, MetadataError> {
        let carried = loads::read(&self.shared).await?;
        let planned = balancing::balance_by_load(&self.shared.view.lock(), &carried);
        if !planned.is_empty() {
            let totals = carried.iter().map(|(broker, it)| (broker.get(), it.total));
            tracing::info!(
                partitions = planned.len(),
                bytes_per_second = ?totals.collect::<BTreeMap<_, _>>(),
                "brokers carry unlike loads: partitions change places"
            );
        }
        Ok(planned)
    }

    async fn compact_history(&mut self) -> Result<(), MetadataError> {
        let now = self.shared.parts.clock.boot_time();
        if !self.history.is_due(now) {
            return Ok(());
        }
        let used = self.shared.parts.metadata.used_bytes().await?;
        if let Some(used) = used {
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            metrics::gauge!("metadata_used_bytes").set(used as f64);
        }
        match self.history.forget(now, self.shared.seen(), used) {
            Some(revision) => self.shared.parts.metadata.compact(revision).await,
            None => Ok(()),
        }
    }
}

fn report(decision: &Decision) {
    let Some((record, _)) = &decision.from else { return };
    metrics::counter!("cluster_takeovers_total").increment(1);
    if decision.given_up {
        metrics::counter!("cluster_unclean_takeovers_total").increment(1);
        tracing::warn!(
            partition = %decision.partition,
            from = record.broker,
            to = %decision.target,
            "unclean takeover: records acknowledged from a lost WAL are given up"
        );
    } else {
        tracing::info!(partition = %decision.partition, from = record.broker, to = %decision.target, "taken over");
    }
}

/// A batch's transaction in the making; a condition that several records share is stated once.
struct Writing<'a> {
    keys: &'a Keys,
    transaction: Transaction,
    sessions: BTreeMap<BrokerId, Revision>,
    topics: BTreeSet<TopicId>,
    over: BTreeSet<(u32, u64)>,
}

impl<'a> Writing<'a> {
    fn new(keys: &'a Keys, elected: Revision) -> Self {
        let transaction = Transaction {
            compares: vec![Compare::CreateRevision(keys.controller(), elected)],
            ..Transaction::default()
        };
        Self {
            keys,
            transaction,
            sessions: BTreeMap::new(),
            topics: BTreeSet::new(),
            over: BTreeSet::new(),
        }
    }

    fn require_over(&mut self, record: &Owner) {
        self.over.insert((record.broker, record.session_create_revision));
    }

    fn put(&mut self, decision: &Decision, target: &SessionStamp, record: Owner) {
        let key = self.keys.owner(decision.partition);
        let seen = decision.from.as_ref().map_or(Revision(0), |(_, revision)| *revision);
        self.transaction.compares.push(Compare::ModRevision(key.clone(), seen));
        self.transaction.then.push(Operation::put(key, encode(record)));
        self.sessions.insert(target.broker, target.create_revision);
        self.topics.insert(decision.partition.topic);
    }

    fn finish(self) -> Transaction {
        let Self { keys, mut transaction, sessions, topics, over } = self;
        let live = sessions
            .into_iter()
            .map(|(broker, created)| Compare::CreateRevision(keys.session(broker), created));
        transaction.compares.extend(live);
        transaction.compares.extend(topics.into_iter().map(|it| Compare::Exists(keys.topic(it))));
        let over = over.into_iter().filter_map(|(broker, created)| {
            let key = keys.session(BrokerId::new(broker)?);
            Some(Compare::CreateRevisionNot(key, Revision(created)))
        });
        transaction.compares.extend(over);
        transaction
    }
}
