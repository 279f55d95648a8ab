//! Handovers: this broker's partitions that are to move to another live broker are sealed, committed, and given over by one
//! transaction for each batch (DESIGN section 5, live move).
//!
//! It compares both sessions, every owner record and every move. Each of these, once it has changed, never becomes again what it
//! was: so the identical transaction is sent until it is answered, and a copy that lands after the answer does what the answer says, or
//! nothing. Until then the partitions stay sealed. What could not be handed over is served on, and tried again.

use crate::{
    Ownership, SessionStamp,
    cluster::Shared,
    stored::Stored,
    succession::{Successor, hand_over, is_held_by},
    target::successor,
    view::View,
};
use formats::metadata::Owner;
use metadata::{
    Compare, MetadataError, Operation, Outcome, RangeQuery, Reply, Revision, Transaction,
    families::encode,
};
use model::{BrokerId, LeaderEpoch, PartitionId, config::DurabilityMode};
use runtime::Backoff;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;

/// Partitions in one transaction: two compares and two operations each, of 128.
const BATCH: usize = 40;

/// How long partitions may stay sealed while what they hold is stored and committed.
const PATIENCE: Duration = Duration::from_secs(3);

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A partition that is to go.
#[derive(Clone, Debug)]
struct Departure {
    partition: PartitionId,
    to: BrokerId,
    /// The owner record as it is.
    record: Owner,
    revision: Revision,
    /// Revision of the move.
    asked: Revision,
}

/// Departures with the records that bring them about.
type Records = Vec<(Departure, Owner)>;

/// What became of a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Round {
    /// Nothing is to go.
    Idle,
    /// All that it took on went.
    Done,
    /// Not all of it: the rest is served on, and tried again.
    Failed,
}

/// Hands partitions over as moves ask for it, until the session ends.
pub(crate) async fn hand_over_as_asked(
    shared: Arc<Shared>,
    ownership: Arc<dyn Ownership>,
    session: SessionStamp,
) {
    let (mut changes, mut opened) = (shared.image.subscribe(), shared.opened.subscribe());
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, shared.parts.randomness.clone());
    loop {
        changes.mark_unchanged();
        opened.mark_unchanged();
        let due = departures(&shared.view.lock(), &shared.opened.borrow(), &session);
        let due: Vec<_> = due.into_iter().take(BATCH).collect();
        match round(&shared, ownership.as_ref(), &session, due).await {
            Round::Done => backoff.reset(),
            Round::Failed => tokio::time::sleep(backoff.next_pause()).await,
            // A partition may be asked to move before it is open. The senders live as long as `shared`.
            Round::Idle => tokio::select! {
                _ = changes.changed() => {}
                _ = opened.changed() => {}
            },
        }
    }
}

/// The open partitions of this session that are to go, and can.
fn departures(
    view: &View,
    opened: &BTreeMap<PartitionId, LeaderEpoch>,
    session: &SessionStamp,
) -> Vec<Departure> {
    let departure = |(partition, asked): (&PartitionId, &Stored<_>)| {
        departing(view, *partition, asked, session)
    };
    let is_open = |it: &Departure| {
        opened.get(&it.partition).map(|epoch| epoch.get()) == Some(it.record.leader_epoch)
    };
    view.moves.iter().filter_map(departure).filter(is_open).collect()
}

fn departing(
    view: &View,
    partition: PartitionId,
    asked: &Stored<formats::metadata::Move>,
    session: &SessionStamp,
) -> Option<Departure> {
    let to = BrokerId::new(asked.value.to).filter(|to| *to != session.broker)?;
    let stored = view.owners.get(&partition).filter(|it| is_held_by(&it.value, session))?;
    view.takes_partitions(asked.value.to).then(|| Departure {
        partition,
        to,
        record: stored.value.clone(),
        revision: stored.modified,
        asked: asked.modified,
    })
}

async fn round(
    shared: &Shared,
    ownership: &dyn Ownership,
    session: &SessionStamp,
    due: Vec<Departure>,
) -> Round {
    if due.is_empty() {
        return Round::Idle;
    }
    let ids: Vec<_> = due.iter().map(|it| it.partition).collect();
    let started = shared.parts.clock.boot_time();
    let sent = match timeout(PATIENCE, ownership.seal(&ids)).await {
        Ok(Ok(through_seq)) => send(shared, ownership, session, &ids, through_seq).await,
        Ok(Err(reason)) => Err(reason),
        Err(_) => Err("what they hold could not be stored in time".to_owned()),
    };
    if let Err(reason) = sent {
        tracing::warn!(%reason, partitions = ids.len(), "partitions are not handed over yet");
    }
    let took = shared.parts.clock.boot_time().since(started);
    metrics::histogram!("cluster_handover_duration_seconds").record(took.as_secs_f64());
    let stay: Vec<_> = due.into_iter().filter(|it| is_ours(shared, session, it)).collect();
    if stay.is_empty() {
        return Round::Done;
    }
    ownership.unseal(&stay.iter().map(|it| it.partition).collect::<Vec<_>>());
    Round::Failed
}

/// Whether the partition is this session's as before, as far as is known; what was sent is known to have done nothing else.
fn is_ours(shared: &Shared, session: &SessionStamp, departure: &Departure) -> bool {
    let view = shared.view.lock();
    let stored = view.owners.get(&departure.partition).map(|it| &it.value);
    stored.is_some_and(|it| {
        is_held_by(it, session) && it.leader_epoch == departure.record.leader_epoch
    })
}

/// Gives sealed partitions over, those that can go.
async fn send(
    shared: &Shared,
    ownership: &dyn Ownership,
    session: &SessionStamp,
    sealed: &[PartitionId],
    through_seq: u64,
) -> Result<(), String> {
    // As they are now: a write of their terms that was on its way may have changed them.
    let due = departures(&shared.view.lock(), &shared.opened.borrow(), session);
    let due: Vec<_> = due.into_iter().filter(|it| sealed.contains(&it.partition)).collect();
    let targets = targets(shared, &due).await.map_err(|error| error.to_string())?;
    let mut wanted_mode = shared.wanted_modes();
    let records: Records = due
        .into_iter()
        .filter_map(|it| {
            let mode = wanted_mode(it.partition.topic);
            next_record(shared, &targets, it, through_seq, mode)
        })
        .collect();
    if records.is_empty() {
        return Ok(());
    }
    let outcome = settle(shared, transaction(shared, session, &targets, &records)).await;
    let stored = match outcome.succeeded {
        true => records.iter().map(|(it, next)| (it, next.clone(), outcome.revision)).collect(),
        false => changed(&records, &outcome).map_err(|error| error.to_string())?,
    };
    depart(shared, ownership, session, stored);
    Ok(())
}

async fn targets(
    shared: &Shared,
    due: &[Departure],
) -> Result<BTreeMap<BrokerId, Successor>, MetadataError> {
    let mut targets = BTreeMap::new();
    for broker in due.iter().map(|it| it.to).collect::<BTreeSet<_>>() {
        if let Some(target) = successor(shared, broker).await? {
            targets.insert(broker, target);
        }
    }
    Ok(targets)
}

fn next_record(
    shared: &Shared,
    targets: &BTreeMap<BrokerId, Successor>,
    departure: Departure,
    through_seq: u64,
    mode: DurabilityMode,
) -> Option<(Departure, Owner)> {
    let target = targets.get(&departure.to)?;
    match hand_over(&departure.record, through_seq, target, mode, shared.generation) {
        Ok(record) => Some((departure, record)),
        Err(error) => {
            tracing::error!(partition = %departure.partition, %error, "can't be handed over");
            None
        }
    }
}

fn transaction(
    shared: &Shared,
    session: &SessionStamp,
    targets: &BTreeMap<BrokerId, Successor>,
    records: &Records,
) -> Transaction {
    let keys = &shared.parts.keys;
    let lives =
        |it: &SessionStamp| Compare::CreateRevision(keys.session(it.broker), it.create_revision);
    let mut transaction = Transaction { compares: vec![lives(session)], ..Transaction::default() };
    transaction.compares.extend(targets.values().map(|target| lives(&target.session)));
    for (departure, record) in records {
        let (owner, asked) = (keys.owner(departure.partition), keys.moving(departure.partition));
        transaction.compares.extend([
            Compare::ModRevision(owner.clone(), departure.revision),
            Compare::ModRevision(asked.clone(), departure.asked),
        ]);
        let put = Operation::put(owner.clone(), encode(record.clone()));
        transaction.then.extend([put, Operation::Delete(asked)]);
        transaction.otherwise.push(Operation::Read(RangeQuery::key(owner)));
    }
    transaction
}

/// Sends the transaction until it is answered: no partition may be served again before.
async fn settle(shared: &Shared, transaction: Transaction) -> Outcome {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, shared.parts.randomness.clone());
    loop {
        match shared.parts.metadata.transact(transaction.clone()).await {
            Ok(outcome) => return outcome,
            Err(error) => tracing::warn!(%error, "a handover was not answered; it is sent again"),
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

/// The owner records that a refusal shows to have changed: terms that were on their way, or an earlier sending of ours has landed.
fn changed<'a>(
    records: &'a Records,
    outcome: &Outcome,
) -> Result<Vec<(&'a Departure, Owner, Revision)>, MetadataError> {
    let mut changed = Vec::new();
    for ((departure, _), reply) in records.iter().zip(&outcome.replies) {
        let Reply::Read(entries) = reply else { continue };
        let Some(entry) = entries.first() else { continue };
        let stored = Stored::<Owner>::from_entry(entry)?;
        if stored.modified != departure.revision {
            changed.push((departure, stored.value, stored.modified));
        }
    }
    Ok(changed)
}

/// Takes in what is stored now, and closes what is not this session's any more, or not in the epoch that is open.
fn depart(
    shared: &Shared,
    ownership: &dyn Ownership,
    session: &SessionStamp,
    stored: Vec<(&Departure, Owner, Revision)>,
) {
    let mut gone = BTreeMap::new();
    for (departure, record, _) in &stored {
        let epoch = departure.record.leader_epoch;
        if !is_held_by(record, session) || record.leader_epoch != epoch {
            tracing::info!(partition = %departure.partition, to = record.broker, "handed over");
            gone.insert(departure.partition, epoch);
        }
    }
    metrics::counter!("cluster_handovers_total").increment(gone.len() as u64);
    let stored = stored.into_iter();
    shared.note_owners(stored.map(|(it, record, revision)| (it.partition, record, revision)));
    let mut closed = Vec::new();
    shared.opened.send_modify(|opened| {
        for (partition, epoch) in gone {
            if opened.get(&partition).is_some_and(|it| it.get() == epoch) {
                opened.remove(&partition);
                closed.push(partition);
            }
        }
    });
    ownership.close(&closed);
}
