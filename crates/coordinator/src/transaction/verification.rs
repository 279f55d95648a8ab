//! [`Verifier`]: reads transactional ids from the journal for whoever is asked to append a first batch (KIP-890).
//!
//! A read sees everything that was decided before it was asked for: it is linearizable, and it begins after. One read is
//! on its way at a time; who asks meanwhile is answered by the next one, all together.

use super::{TransactionError, TransactionalProducer, value::from_value};
use metadata::{
    Entry, MetadataError, MetadataStore, Operation, RangeQuery, Reply, Transaction,
    families::{self, Keys},
};
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{Mutex as Turn, oneshot};

/// Ids in one read: operations of one transaction.
const IDS_PER_READ: usize = 100;

type Found = Result<Option<TransactionalProducer>, TransactionError>;
type Waiting = BTreeMap<(u32, String), Vec<oneshot::Sender<Found>>>;

/// Reads ids from the journal.
#[derive(Debug)]
pub(super) struct Verifier {
    metadata: Arc<dyn MetadataStore>,
    keys: Keys,
    waiting: Mutex<Waiting>,
    /// Held by whoever reads for all that wait.
    turn: Turn<()>,
}

impl Verifier {
    pub(super) fn new(metadata: Arc<dyn MetadataStore>, keys: Keys) -> Self {
        Self { metadata, keys, waiting: Mutex::default(), turn: Turn::new(()) }
    }

    /// An id as the journal has it; `None` when it does not.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) async fn read(&self, slot: u32, id: &str) -> Found {
        let (sender, mut answer) = oneshot::channel();
        self.waiting.lock().entry((slot, id.to_owned())).or_default().push(sender);
        loop {
            let _turn = tokio::select! {
                biased;
                found = &mut answer => return found.unwrap_or(Err(TransactionError::Unavailable)),
                turn = self.turn.lock() => turn,
            };
            self.read_waiting().await;
        }
    }

    /// Reads for those that wait now.
    async fn read_waiting(&self) {
        let batch = self.take();
        if batch.is_empty() {
            return;
        }
        let wanted = batch.keys().map(|(slot, id)| self.keys.transaction(*slot, id));
        let reads = wanted.map(|key| Operation::Read(RangeQuery::key(key)));
        let read = Transaction { then: reads.collect(), ..Transaction::default() };
        let replies = match self.metadata.transact(read).await {
            Ok(outcome) => outcome.replies,
            Err(error) => {
                tracing::warn!(%error, "transactions could not be verified");
                Vec::new()
            }
        };
        let mut replies = replies.into_iter();
        for waiting in batch.into_values() {
            let found = replies.next().map_or(Err(TransactionError::Unavailable), found);
            for sender in waiting {
                // Whoever asked may have gone.
                let _ = sender.send(found.clone());
            }
        }
    }

    fn take(&self) -> Waiting {
        let mut waiting = self.waiting.lock();
        let rest = waiting.keys().nth(IDS_PER_READ).cloned();
        let rest = rest.map_or_else(Waiting::new, |first| waiting.split_off(&first));
        std::mem::replace(&mut *waiting, rest)
    }
}

fn found(reply: Reply) -> Found {
    let Reply::Read(entries) = reply else { return Err(TransactionError::Unavailable) };
    let Some(entry) = entries.first() else { return Ok(None) };
    read_entry(entry).map(Some).map_err(|error| {
        tracing::error!(%error, "a transaction can't be verified");
        TransactionError::Unavailable
    })
}

fn read_entry(entry: &Entry) -> Result<TransactionalProducer, MetadataError> {
    from_value(&families::decode(entry)?).ok_or_else(|| MetadataError::Damaged {
        key: String::from_utf8_lossy(&entry.key).into_owned(),
        reason: "a field is out of range".to_owned(),
    })
}
