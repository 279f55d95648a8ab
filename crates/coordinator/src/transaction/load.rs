//! Loading: reads the transactional ids of a slot that this broker got, and goes on with what was being ended.

use super::{TransactionalProducer, coordinator::Shared, slot::TransactionSlot, value::from_value};
use crate::{Journal, JournalError, SlotClaim, slot_log::Unwritten};
use metadata::{MetadataError, RangeQuery, families};
use runtime::Backoff;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Ids in one answer of the store.
const PAGE: usize = 1_000;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Loads a slot, as long as it takes while the claim holds.
pub(super) async fn load(shared: Arc<Shared>, claim: SlotClaim, journal: Journal) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, shared.parts.randomness.clone());
    // The slot may have been closed and opened again: what was decided before is read, too.
    if journal.settled(journal.position()).await.is_err() {
        return;
    }
    while shared.slots.is_claimed(claim) && journal.admits() != Err(JournalError::Ended) {
        match read(&shared, claim).await {
            Ok(ids) => return serve(&shared, claim, journal, ids),
            Err(error) => {
                let slot = claim.partition.partition;
                tracing::warn!(%slot, %error, "transactions could not be loaded; trying again");
            }
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

fn serve(
    shared: &Arc<Shared>,
    claim: SlotClaim,
    journal: Journal,
    ids: HashMap<String, TransactionalProducer>,
) {
    let tasks = shared.parts.tasks.child();
    let position = journal.position();
    // Whoever owned the slot before may not have told everything.
    let mut unwritten = Unwritten::new(Arc::clone(&shared.unwritten));
    unwritten.add_all(ids.keys().cloned());
    let keys = shared.parts.keys.clone();
    let slot = TransactionSlot::new(claim, journal, keys, tasks, ids, unwritten);
    let slot = Arc::new(slot);
    if !shared.slots.loaded(claim, Arc::clone(&slot)) {
        return;
    }
    let being_ended =
        slot.collect(|id, known| known.state.ending().map(|_| (id.to_owned(), known.clone())));
    for (id, known) in being_ended {
        super::marking::begin(shared, &slot, &id, known, position);
    }
}

/// Everything of the slot, at one revision. No earlier owner can write it any more.
async fn read(
    shared: &Shared,
    claim: SlotClaim,
) -> Result<HashMap<String, TransactionalProducer>, MetadataError> {
    let keys = &shared.parts.keys;
    let slot = claim.partition.partition.get();
    let mut query = RangeQuery::prefix(keys.transactions_of(slot)).limit(PAGE);
    let mut ids = HashMap::new();
    loop {
        let range = shared.parts.metadata.range(query.clone()).await?;
        query.at = query.at.or(Some(range.revision));
        for entry in &range.entries {
            let damaged = |reason: &str| MetadataError::Damaged {
                key: String::from_utf8_lossy(&entry.key).into_owned(),
                reason: reason.to_owned(),
            };
            let id = keys.parse_transaction(&entry.key).ok_or_else(|| damaged("the key"))?;
            let known = from_value(&families::decode(entry)?)
                .ok_or_else(|| damaged("a field is out of range"))?;
            ids.insert(id, known);
        }
        match range.entries.last() {
            Some(last) if range.more => query.start = [last.key.as_ref(), &[0]].concat().into(),
            _ => return Ok(ids),
        }
    }
}
