//! Re-claims: the owner records that still name this broker's WAL are taken into its new session, in batches.
//!
//! Each batch is conditional on this session being alive and on every record being as it was seen. So a batch that lands late
//! finds either its session gone or its records changed, and does nothing. What came of a batch is learnt from the view: a record
//! counts as ours when it was seen there.

use crate::{
    SessionStamp,
    cluster::Shared,
    stored::Stored,
    succession::{Successor, is_held_by, reclaim},
    view::{View, session_of, wal_of},
};
use formats::metadata::{CommitHead, Owner};
use metadata::{
    Compare, MetadataError, Operation, RangeQuery, Reply, Revision, Transaction, families::encode,
};
use model::{BrokerId, PartitionId, SessionId};
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

/// Records in one transaction: each takes one compare and one put of the store's 128, and one compare more for its old session.
const BATCH: usize = 60;

/// A record to re-claim.
#[derive(Clone, Debug)]
struct Candidate {
    partition: PartitionId,
    record: Owner,
    revision: Revision,
}

/// What a round of re-claims left undone.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Something that may succeed when it is tried again.
    pub retryable: bool,
    /// Partitions whose last session has no head any more: nobody knows how far it committed.
    pub headless: BTreeSet<PartitionId>,
}

/// Writes re-claims of everything in the view that names this WAL and not this session; answers what was left. A partition that
/// can't be claimed holds up no other.
///
/// # Errors
/// The store's: call again.
pub(crate) async fn reclaim_all(
    shared: &Shared,
    session: &SessionStamp,
) -> Result<Left, MetadataError> {
    let candidates = candidates(&shared.view.lock(), shared, session);
    let mut left = Left::default();
    let mut heads = BTreeMap::new();
    for batch in candidates.chunks(BATCH) {
        for candidate in batch {
            let Some(id) = session_of(&candidate.record) else { continue };
            if let Entry::Vacant(vacant) = heads.entry(id) {
                vacant.insert(final_head(shared, session, &candidate.record, id).await?);
            }
            if heads.get(&id) == Some(&FinalHead::Gone) {
                left.headless.insert(candidate.partition);
            }
        }
        left.retryable |= !write(shared, session, batch, &heads).await?;
    }
    Ok(left)
}

fn candidates(view: &View, shared: &Shared, session: &SessionStamp) -> Vec<Candidate> {
    let mine = view.owners.iter().filter(|(_, stored)| {
        wal_of(&stored.value) == Some(shared.wal) && !is_held_by(&stored.value, session)
    });
    mine.map(|(partition, stored)| Candidate {
        partition: *partition,
        record: stored.value.clone(),
        revision: stored.modified,
    })
    .collect()
}

/// The last seq that a session, now over, ever committed. The read is atomic with the proof that it is over, so no commit can
/// follow.
async fn final_head(
    shared: &Shared,
    session: &SessionStamp,
    record: &Owner,
    id: SessionId,
) -> Result<FinalHead, MetadataError> {
    let keys = &shared.parts.keys;
    let holder = BrokerId::new(record.broker).unwrap_or(session.broker);
    let over =
        Compare::CreateRevisionNot(keys.session(holder), Revision(record.session_create_revision));
    read_final_head(shared, over, id).await
}

/// What `commit_head/{id}` says of a session that an owner record names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FinalHead {
    /// The session is over; this is the last seq it ever committed.
    Through(u64),
    /// The session lives.
    Alive,
    /// There is none, although an owner record names the session: metadata was lost.
    Gone,
}

/// Reads `commit_head/{id}` under the condition that its session is over. A head that is gone is told in the log.
///
/// # Errors
/// The store's, or `Damaged`.
pub(crate) async fn read_final_head(
    shared: &Shared,
    over: Compare,
    id: SessionId,
) -> Result<FinalHead, MetadataError> {
    let key = shared.parts.keys.commit_head(id);
    let outcome = shared
        .parts
        .metadata
        .transact(Transaction {
            compares: vec![over],
            then: vec![Operation::Read(RangeQuery::key(key))],
            otherwise: Vec::new(),
        })
        .await?;
    if !outcome.succeeded {
        return Ok(FinalHead::Alive);
    }
    let entry = match outcome.replies.first() {
        Some(Reply::Read(entries)) => entries.first(),
        _ => None,
    };
    let Some(entry) = entry else {
        tracing::error!(
            session = %id,
            "owner records name this session, but its head is gone: metadata was lost. Their partitions stay offline; run `alluvium recover`"
        );
        return Ok(FinalHead::Gone);
    };
    Ok(FinalHead::Through(Stored::<CommitHead>::from_entry(entry)?.value.seq))
}

/// Writes one batch; answers whether all of it was written that can be.
async fn write(
    shared: &Shared,
    session: &SessionStamp,
    batch: &[Candidate],
    heads: &BTreeMap<SessionId, FinalHead>,
) -> Result<bool, MetadataError> {
    let keys = &shared.parts.keys;
    let own =
        Stored::<CommitHead>::read(shared.parts.metadata.as_ref(), keys.commit_head(session.id))
            .await?;
    let head = own.map_or(0, |stored| stored.value.seq);
    let to = Successor { session: *session, wal: shared.wal, head };
    let mut transaction = Transaction {
        compares: vec![Compare::CreateRevision(
            keys.session(session.broker),
            session.create_revision,
        )],
        ..Transaction::default()
    };
    let mut wanted_mode = shared.wanted_modes();
    let mut elsewhere = BTreeSet::new();
    let mut headless = 0;
    for candidate in batch {
        let id = session_of(&candidate.record);
        let final_head = match id.and_then(|id| heads.get(&id)) {
            Some(FinalHead::Through(seq)) => *seq,
            Some(FinalHead::Gone) => {
                headless += 1;
                continue;
            }
            Some(FinalHead::Alive) | None => continue,
        };
        let wanted = wanted_mode(candidate.partition.topic);
        match reclaim(&candidate.record, final_head, &to, wanted, shared.generation) {
            Ok(record) => {
                let key = keys.owner(candidate.partition);
                transaction.compares.push(Compare::ModRevision(key.clone(), candidate.revision));
                transaction.then.push(Operation::put(key, encode(record)));
            }
            Err(error) => {
                tracing::error!(partition = %candidate.partition, %error, "can't be claimed");
                continue;
            }
        }
        if candidate.record.broker != session.broker.get() {
            elsewhere.insert((candidate.record.broker, candidate.record.session_create_revision));
        }
    }
    let over = elsewhere.into_iter().filter_map(|(broker, created)| {
        let key = keys.session(BrokerId::new(broker)?);
        Some(Compare::CreateRevisionNot(key, Revision(created)))
    });
    transaction.compares.extend(over);
    let complete = transaction.then.len() + headless == batch.len();
    if transaction.then.is_empty() {
        return Ok(complete);
    }
    let outcome = shared.parts.metadata.transact(transaction).await?;
    Ok(outcome.succeeded && complete)
}
