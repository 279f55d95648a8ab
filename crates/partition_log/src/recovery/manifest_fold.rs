//! Folding into manifests: an owner record that lists many earlier sessions, or sessions that take many objects to read, is made short
//! before its partition is served (DESIGN 5).
//!
//! One object takes the rests of all such partitions. Then, in batches, one transaction puts each manifest and takes the covered
//! sessions out of its owner record, provided that this session lives and that both are as they were read. A failure leaves an
//! object that nothing names, which garbage collection finds once the session is over. Only sessions that have ended are covered: what is
//! there of them is final, while a living one may still fold its index objects away.

use super::{assemble::fold, history::History};
use crate::{
    Claim, LogError, engine::Engine, manifest::fitted, manifest_rest::Rest, object_names,
    pipeline::ActiveSession,
};
use bytes::Bytes;
use formats::metadata::{Folded, Manifest, Owner, Reference, Unfolded};
use metadata::{
    Compare, Entry, MetadataError, Operation, Outcome, RangeQuery, Reply, Revision, Transaction,
    families,
};
use model::{PartitionId, SessionId, TimestampMs};
use runtime::Backoff;
use std::{collections::HashMap, time::Duration};
use storage::ObjectName;

/// An owner record that lists more sessions is folded before its partition is served.
const UNFOLDED_MAX: usize = 4;

/// Partitions in one transaction: two compares and two operations each, and one for the session, of 128.
const PARTITIONS_PER_TRANSACTION: usize = 60;

/// How often a transaction is sent before opening fails, to be tried again.
const ATTEMPTS: usize = 12;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What became of the claims with long owner records.
#[derive(Debug, Default)]
pub(super) struct FoldedClaims {
    /// The claim to open, or why it can't be opened now.
    pub(super) claims: HashMap<PartitionId, Result<Claim, LogError>>,
    /// Whether some were folded before: history is to be read again.
    pub(super) history_is_old: bool,
}

/// One partition's fold.
#[derive(Clone, Debug)]
struct ManifestFold {
    claim: Claim,
    owner: Owner,
    manifest: Manifest,
    manifest_revision: Revision,
    rest: Rest,
}

/// What became of one.
enum Settled {
    /// The manifest is that of this revision, the owner record that of the other.
    Done { manifest: Revision, owner: Revision },
    /// The owner record is another one: that of this entry.
    Changed(Option<Entry>),
    /// It did not happen as far as is known.
    Failed(LogError),
}

/// Folds the histories of `claims` that are too long. `history` says afterwards what is stored then.
pub(super) async fn fold_long(
    engine: &Engine,
    session: &ActiveSession,
    claims: &[Claim],
    history: &mut History,
) -> FoldedClaims {
    let mut folded = FoldedClaims::default();
    let mut folds = Vec::new();
    let is_costly = history.is_costly(claims);
    let is_due = |claim: &&Claim| has_many_sessions(claim) || is_costly;
    for claim in claims.iter().filter(is_due) {
        match plan(engine, session, claim, history) {
            Ok(Some(fold)) => folds.push(fold),
            Ok(None) => {}
            Err(reason) => {
                let reason = format!("partition {} of {}: {reason}", claim.partition, claim.topic);
                folded.claims.insert(claim.partition, Err(LogError::Inconsistent(reason)));
            }
        }
    }
    if let Err(error) = put_rests(engine, session, &mut folds).await {
        // What only takes long to read can be served all the same.
        folds.retain(|it| has_many_sessions(&it.claim));
        let failed = folds.into_iter().map(|it| (it.claim.partition, Err(error.clone())));
        folded.claims.extend(failed);
        return folded;
    }
    for batch in folds.chunks(PARTITIONS_PER_TRANSACTION) {
        for (fold, settled) in settle(engine, session, batch.to_vec()).await {
            let id = fold.claim.partition;
            folded.history_is_old |= matches!(settled, Settled::Changed(_));
            folded.claims.insert(id, take_over(fold, settled, history));
        }
    }
    folded
}

/// Whether the claim's owner record lists too many sessions to be served as it is.
pub(super) fn has_many_sessions(claim: &Claim) -> bool {
    claim.owner.unfolded.len() > UNFOLDED_MAX
}

/// The fold of one claim; `None` when none can be made yet.
fn plan(
    engine: &Engine,
    session: &ActiveSession,
    claim: &Claim,
    history: &History,
) -> Result<Option<ManifestFold>, String> {
    let ended = |it: &&Unfolded| {
        SessionId::from_slice(&it.session)
            .is_some_and(|id| id != session.stamp.id && !history.lasting.contains(&id))
    };
    let count = claim.owner.unfolded.iter().take_while(ended).count();
    if count == 0 {
        return Ok(None);
    }
    let now = TimestampMs(engine.parts.clock.unix_ms());
    let expiration_ms = engine.options.producer_expiration.as_millis() as u64;
    let rest = fold(claim, count, history, now, expiration_ms)?;
    let (manifest, manifest_revision) =
        history.manifests.get(&claim.partition).cloned().unwrap_or_default();
    let mut owner = claim.owner.clone();
    let covered: Vec<_> = owner.unfolded.drain(..count).collect();
    let folded = folded_sessions(&manifest, &covered, &owner);
    let mut manifest = Manifest { rest: None, folded, ..manifest };
    if !rest.epochs.is_empty() {
        manifest.epochs.clone_from(&rest.epochs);
    }
    let manifest = fitted(manifest);
    Ok(Some(ManifestFold { claim: claim.clone(), owner, manifest, manifest_revision, rest }))
}

/// The newly covered sessions, then of the others those that the owner record still names.
fn folded_sessions(manifest: &Manifest, covered: &[Unfolded], owner: &Owner) -> Vec<Folded> {
    let mut folded: Vec<Folded> = Vec::new();
    for Unfolded { session, through_seq, .. } in covered.iter().cloned() {
        match folded.iter_mut().find(|it| it.session == session) {
            Some(known) => known.through_seq = known.through_seq.max(through_seq),
            None => folded.push(Folded { session, through_seq }),
        }
    }
    let named = |session: &Bytes| {
        owner.session == session || owner.unfolded.iter().any(|it| it.session == session)
    };
    let known = |session: &Bytes| folded.iter().any(|it| it.session == session);
    let others = manifest.folded.iter().filter(|it| named(&it.session) && !known(&it.session));
    let others: Vec<_> = others.cloned().collect();
    folded.extend(others);
    folded
}

/// Stores all rests in one object, and lets the manifests refer to them.
async fn put_rests(
    engine: &Engine,
    session: &ActiveSession,
    folds: &mut [ManifestFold],
) -> Result<(), LogError> {
    let object = object_names::manifest_rests(session.stamp.id, &engine.parts.randomness);
    let mut parts = Vec::new();
    let mut offset = 0;
    for fold in folds.iter_mut().filter(|fold| !fold.rest.is_empty()) {
        let bytes = fold.rest.encode();
        let length = bytes.len() as u64;
        let reference = Reference { object: object.to_string(), offset, length };
        fold.manifest.rest = Some(reference);
        fold.manifest = fitted(std::mem::take(&mut fold.manifest));
        offset += length;
        parts.push(bytes);
    }
    if parts.is_empty() {
        return Ok(());
    }
    store(engine, &object, parts).await
}

async fn store(engine: &Engine, object: &ObjectName, parts: Vec<Bytes>) -> Result<(), LogError> {
    let put = engine.parts.objects.put(object, parts).await;
    put.map_err(|error| LogError::Unavailable(format!("manifests could not be stored: {error}")))
}

/// Sends the transaction of `folds` until it is known what became of each, or for too long.
async fn settle(
    engine: &Engine,
    session: &ActiveSession,
    mut folds: Vec<ManifestFold>,
) -> Vec<(ManifestFold, Settled)> {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, engine.parts.randomness.clone());
    let mut settled = Vec::new();
    let mut failure = LogError::Unavailable("manifests could not be folded".to_owned());
    for _ in 0..ATTEMPTS {
        if folds.is_empty() {
            break;
        }
        match engine.parts.metadata.transact(transaction(engine, session, &folds)).await {
            Ok(outcome) => {
                let (known, lives) = judge(session, &mut folds, &outcome);
                settled.extend(known);
                if !lives {
                    failure = LogError::SessionLost;
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a fold into manifests was not answered");
                failure = LogError::Unavailable(error.to_string());
                if !error.retryable() {
                    break;
                }
                tokio::time::sleep(backoff.next_pause()).await;
            }
        }
    }
    settled.extend(folds.into_iter().map(|fold| (fold, Settled::Failed(failure.clone()))));
    settled
}

fn transaction(engine: &Engine, session: &ActiveSession, folds: &[ManifestFold]) -> Transaction {
    let keys = &engine.parts.keys;
    let session_key = keys.session(session.stamp.broker);
    let created = session.stamp.create_revision;
    let read = |key| Operation::Read(RangeQuery::key(key));
    let mut transaction = Transaction {
        compares: vec![Compare::CreateRevision(session_key.clone(), created)],
        then: Vec::new(),
        otherwise: vec![read(session_key)],
    };
    for fold in folds {
        let owner = keys.owner(fold.claim.partition);
        let manifest = keys.manifest(fold.claim.partition);
        transaction.compares.extend([
            Compare::ModRevision(owner.clone(), fold.claim.owner_revision),
            Compare::ModRevision(manifest.clone(), fold.manifest_revision),
        ]);
        transaction.then.extend([
            Operation::put(owner.clone(), families::encode(fold.owner.clone())),
            Operation::put(manifest.clone(), families::encode(fold.manifest.clone())),
        ]);
        transaction.otherwise.extend([read(owner), read(manifest)]);
    }
    transaction
}

/// Takes out of `folds` those of which the outcome is known now; answers them, and whether the session lives.
fn judge(
    session: &ActiveSession,
    folds: &mut Vec<ManifestFold>,
    outcome: &Outcome,
) -> (Vec<(ManifestFold, Settled)>, bool) {
    if outcome.succeeded {
        let revision = outcome.revision;
        let done = |fold| (fold, Settled::Done { manifest: revision, owner: revision });
        return (folds.drain(..).map(done).collect(), true);
    }
    let mut found = outcome.replies.iter().map(|reply| match reply {
        Reply::Read(entries) => entries.first(),
        _ => None,
    });
    let mut next = || found.next().flatten();
    let lives = next().is_some_and(|it| it.create_revision == session.stamp.create_revision);
    let mut known = Vec::new();
    for fold in std::mem::take(folds) {
        let (owner, manifest) = (next(), next());
        match judge_one(&fold, owner, manifest) {
            Some(settled) => known.push((fold, settled)),
            None => folds.push(fold),
        }
    }
    (known, lives)
}

/// `None`: both are as they were, it has not happened so far.
fn judge_one(
    fold: &ManifestFold,
    owner: Option<&Entry>,
    manifest: Option<&Entry>,
) -> Option<Settled> {
    let revision = |entry: Option<&Entry>| entry.map_or(Revision(0), |it| it.mod_revision);
    if revision(owner) == fold.claim.owner_revision && revision(manifest) == fold.manifest_revision
    {
        return None;
    }
    let is = |entry: Option<&Entry>, value: Bytes| entry.is_some_and(|it| it.value == value);
    let landed = is(owner, families::encode(fold.owner.clone()))
        && is(manifest, families::encode(fold.manifest.clone()));
    Some(match landed {
        true => Settled::Done { manifest: revision(manifest), owner: revision(owner) },
        false => Settled::Changed(owner.cloned()),
    })
}

/// The claim as it is to be opened now.
fn take_over(
    fold: ManifestFold,
    settled: Settled,
    history: &mut History,
) -> Result<Claim, LogError> {
    let mut claim = fold.claim;
    match settled {
        Settled::Done { manifest, owner } => {
            history.manifests.insert(claim.partition, (fold.manifest, manifest));
            history.rests.insert(claim.partition, fold.rest);
            (claim.owner, claim.owner_revision) = (fold.owner, owner);
            metrics::counter!("alluvium_manifest_folds_total").increment(1);
            Ok(claim)
        }
        Settled::Changed(stored) => folded_before(claim, stored.as_ref()),
        Settled::Failed(error) => Err(error),
    }
}

/// An earlier fold of the same claim, whose answer never came, may have landed.
fn folded_before(mut claim: Claim, stored: Option<&Entry>) -> Result<Claim, LogError> {
    let changed = || LogError::Unavailable("the owner record changed; try again".to_owned());
    let stored = stored.ok_or_else(changed)?;
    let damaged = |error: MetadataError| LogError::Inconsistent(error.to_string());
    let owner: Owner = families::decode(stored).map_err(damaged)?;
    let is_shorter = owner.unfolded.len() < claim.owner.unfolded.len()
        && claim.owner.unfolded.ends_with(&owner.unfolded);
    let unfolded = owner.unfolded.clone();
    let expected = Owner { unfolded, format: owner.format, ..claim.owner.clone() };
    if !is_shorter || expected != owner {
        return Err(changed());
    }
    (claim.owner, claim.owner_revision) = (owner, stored.mod_revision);
    Ok(claim)
}
