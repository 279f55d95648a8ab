//! A broker's life in the cluster: session after session, each with its claims, until shutdown.
//!
//! Claims are a reconciliation: whatever owner records in the view name this session is opened, whatever does not is closed,
//! and whatever names this WAL under an older session is re-claimed. Order toward the engine: `session_lost`, `session_began`, `open`.
//! A process that may not be this broker any longer says so by [`Shared::fail`], and does nothing more.

use crate::{
    ClaimedPartition, Ownership, SessionStamp,
    claims::{self, Left},
    cluster::Shared,
    continuity, controller, handover,
    keep_alive::{self, Ended},
    loads,
    session::{RegisteredSession, register},
    succession::is_held_by,
    view::{View, wal_of},
};
use model::{LeaderEpoch, PartitionId, TopicId, config::TopicSettings};
use runtime::{Backoff, Shutdown};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// Partitions handed to the engine in one call.
const OPEN_BATCH: usize = 256;

/// Lives until shutdown, or until this process may not be this broker any longer.
pub(crate) async fn live(
    shared: Arc<Shared>,
    ownership: Arc<dyn Ownership>,
    mut session: RegisteredSession,
    shutdown: Shutdown,
) {
    loop {
        ownership.session_began(session.stamp);
        let tasks = shared.parts.tasks.child();
        let mut kept = tasks.spawn("keep_alive", keep_alive::keep(Arc::clone(&shared), session));
        let work = tasks.spawn("controller", controller::run(Arc::clone(&shared), session));
        let mut claimant = Claimant {
            shared: Arc::clone(&shared),
            ownership: Arc::clone(&ownership),
            session: session.stamp,
            told: BTreeMap::new(),
        };
        let claims = tasks.spawn("claims", async move { claimant.reconcile_for_ever().await });
        let (cluster, engine) = (Arc::clone(&shared), Arc::clone(&ownership));
        let handovers = handover::hand_over_as_asked(cluster, engine, session.stamp);
        let handovers = tasks.spawn("handovers", handovers);
        let telling = loads::tell(Arc::clone(&shared), Arc::clone(&ownership), session);
        let loads = tasks.spawn("loads", telling);
        let ended = tokio::select! {
            () = shutdown.requested() => None,
            ended = &mut kept => ended.ok(),
            _reason = shared.failed() => Some(Ended::WentBack),
        };
        if ended.is_some() {
            shared.lease.end(session.stamp.id);
            ownership.session_lost(session.stamp.id);
        }
        kept.abort();
        for task in [work, claims, handovers, loads] {
            task.abort();
            // An aborted task answers with an error; what matters is that it runs no more.
            let _ended = task.await;
        }
        let Some(ended) = ended else { return };
        forget(&shared, session.stamp, ended);
        if ended == Ended::WentBack {
            shared.fail(continuity::went_back(&shared));
            return;
        }
        let Some(next) = register_anew(&shared, &session, &shutdown).await else { return };
        session = next;
    }
}

fn forget(shared: &Shared, session: SessionStamp, ended: Ended) {
    shared.ready.store(false, Ordering::Release);
    shared.earlier_session.store(true, Ordering::Release);
    let opened = shared.opened.send_replace(BTreeMap::new());
    shared.left_open.lock().extend(opened.into_keys());
    metrics::counter!("cluster_sessions_lost_total").increment(1);
    if ended == Ended::Lost {
        tracing::warn!(session = %session.id, "the session is lost; registering anew");
    }
}

/// Registers until it succeeds; `None` at shutdown, or when another process has become this broker.
async fn register_anew(
    shared: &Arc<Shared>,
    last: &RegisteredSession,
    shutdown: &Shutdown,
) -> Option<RegisteredSession> {
    let mut backoff = Backoff::new(
        Duration::from_millis(100),
        Duration::from_secs(2),
        shared.parts.randomness.clone(),
    );
    // A broker that is leaving has changed its record since it registered.
    let known = shared.session.lock().map_or(last.broker_revision, |it| it.broker_revision);
    loop {
        let registered = tokio::select! {
            () = shutdown.requested() => return None,
            registered = register(shared, Some(known)) => registered,
        };
        match registered {
            Ok(session) => {
                shared.session.lock().replace(session);
                tracing::info!(session = %session.stamp.id, "registered anew");
                return Some(session);
            }
            Err(error) if error.retryable() => tracing::warn!(%error, "could not register"),
            Err(error) => {
                shared.fail(error.to_string());
                return None;
            }
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

/// Takes and opens what this session is given, and closes what it is not.
struct Claimant {
    shared: Arc<Shared>,
    ownership: Arc<dyn Ownership>,
    session: SessionStamp,
    /// Settings last told to the engine.
    told: BTreeMap<TopicId, Arc<TopicSettings>>,
}

impl Claimant {
    async fn reconcile_for_ever(&mut self) {
        let mut changes = self.shared.image.subscribe();
        let mut backoff = Backoff::new(
            Duration::from_millis(50),
            Duration::from_secs(5),
            self.shared.parts.randomness.clone(),
        );
        loop {
            changes.mark_unchanged();
            let complete = self.reconcile().await;
            if complete {
                backoff.reset();
            }
            let pause = if complete { Duration::from_secs(60) } else { backoff.next_pause() };
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One pass; answers whether nothing is left to try again.
    async fn reconcile(&mut self) -> bool {
        let left = claims::reclaim_all(&self.shared, &self.session).await;
        let left = left.unwrap_or_else(|error| {
            tracing::warn!(%error, "partitions could not be claimed; trying again");
            Left { retryable: true, ..Left::default() }
        });
        let mut complete = !left.retryable;
        self.close_others();
        self.tell_settings();
        let wanted = self.claims_to_open();
        for batch in wanted.chunks(OPEN_BATCH) {
            complete &= self.open(batch.to_vec()).await;
        }
        let waiting = self.shared.view.lock().owners.iter().any(|(partition, stored)| {
            wal_of(&stored.value) == Some(self.shared.wal)
                && !is_held_by(&stored.value, &self.session)
                && !left.headless.contains(partition)
        });
        if !waiting {
            self.shared.ready.store(true, Ordering::Release);
        }
        complete
    }

    fn close_others(&self) {
        let gone: Vec<PartitionId> = {
            let view = self.shared.view.lock();
            let opened = self.shared.opened.borrow();
            let mut left_open = self.shared.left_open.lock();
            left_open.retain(|partition| !opened.contains_key(partition));
            let not_mine = |it: &PartitionId| is_mine(&view, *it, &self.session).is_none();
            // What the session before had open may yet be reclaimed.
            let not_reclaimable = |it: &PartitionId| {
                view.owners.get(it).and_then(|it| wal_of(&it.value)) != Some(self.shared.wal)
            };
            let lost = left_open.extract_if(.., |it| not_mine(it) && not_reclaimable(it));
            let lost: Vec<_> = lost.collect();
            let closed: Vec<_> = opened.keys().copied().filter(not_mine).collect();
            // While a session lasts, partitions go by a handover or with their topic. Those of one that is over were taken.
            let taken =
                if session_is_over(&view, &self.session) { closed.clone() } else { Vec::new() };
            for partition in lost.iter().chain(&taken) {
                tell_lost(&view, *partition);
            }
            closed.into_iter().chain(lost).collect()
        };
        if gone.is_empty() {
            return;
        }
        self.ownership.close(&gone);
        self.shared.opened.send_modify(|opened| {
            for partition in &gone {
                opened.remove(partition);
            }
        });
    }

    fn tell_settings(&mut self) {
        let image = self.shared.image.borrow().clone();
        let served: BTreeSet<TopicId> =
            self.shared.opened.borrow().keys().map(|partition| partition.topic).collect();
        self.told.retain(|topic, _| served.contains(topic));
        for topic in served {
            let Some(info) = image.topic_by_id(topic) else { continue };
            let told = self.told.insert(topic, Arc::clone(&info.settings));
            if told.is_some_and(|told| told != info.settings) {
                self.ownership.settings_changed(topic, Arc::clone(&info.settings));
            }
        }
    }

    /// Partitions whose records name this session at an epoch that is not open.
    fn claims_to_open(&mut self) -> Vec<ClaimedPartition> {
        let image = self.shared.image.borrow().clone();
        let view = self.shared.view.lock();
        let opened = self.shared.opened.borrow();
        let mut claims = Vec::new();
        for (partition, stored) in &view.owners {
            let epoch = LeaderEpoch::new(stored.value.leader_epoch);
            if !is_held_by(&stored.value, &self.session) || opened.get(partition).copied() == epoch
            {
                continue;
            }
            let Some(topic) = image.topic_by_id(partition.topic) else { continue };
            self.told.entry(partition.topic).or_insert_with(|| Arc::clone(&topic.settings));
            claims.push(ClaimedPartition {
                partition: *partition,
                owner: stored.value.clone(),
                owner_revision: stored.modified,
                topic: topic.name.clone(),
                settings: Arc::clone(&topic.settings),
            });
        }
        claims
    }

    /// Opens one batch; answers whether all of it is open.
    async fn open(&self, claims: Vec<ClaimedPartition>) -> bool {
        let epochs: Vec<_> = claims
            .iter()
            .filter_map(|claim| {
                Some((claim.partition, LeaderEpoch::new(claim.owner.leader_epoch)?))
            })
            .collect();
        let failed: BTreeMap<_, _> = self.ownership.open(claims).await.into_iter().collect();
        for (partition, reason) in &failed {
            tracing::warn!(%partition, %reason, "a partition could not be opened; trying again");
        }
        let done = epochs.into_iter().filter(|(partition, _)| !failed.contains_key(partition));
        self.shared.opened.send_modify(|opened| opened.extend(done));
        failed.is_empty()
    }
}

/// The record of a partition, when it names this session and its topic exists.
fn is_mine(view: &View, partition: PartitionId, session: &SessionStamp) -> Option<()> {
    let stored = view.owners.get(&partition)?;
    (is_held_by(&stored.value, session) && view.topics.contains_key(&partition.topic)).then_some(())
}

fn session_is_over(view: &View, session: &SessionStamp) -> bool {
    let stored = view.sessions.get(&session.broker);
    stored.is_none_or(|it| it.created != session.create_revision)
}

/// Another broker has it, unless its topic is gone.
fn tell_lost(view: &View, partition: PartitionId) {
    let Some(stored) = view.owners.get(&partition) else { return };
    if view.topics.contains_key(&partition.topic) {
        metrics::counter!("alluvium_ownerships_lost_total").increment(1);
        tracing::warn!(
            %partition,
            owner = stored.value.broker,
            leader_epoch = stored.value.leader_epoch,
            "the partition was taken over by another broker; what it held here and was not stored stays in the WAL, in quarantine"
        );
    }
}
