//! [`Coordinator`]: a broker's coordinators, told which slots its session owns.

use crate::{
    CoordinatorOptions, CoordinatorParts, Groups, Journal, JournalError, SessionStamp, SlotClaim,
    SlotKind, Transactions, journal::JournalParts,
};
use model::{PartitionId, SessionId};
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a drain waits for the metadata store.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// This broker's coordinators. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Coordinator {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    journal_parts: JournalParts,
    /// Of the session now.
    journal: Mutex<Option<Journal>>,
    groups: Groups,
    transactions: Transactions,
}

impl Coordinator {
    /// Coordinators without a session; nothing is served until slots are opened.
    pub fn new(options: CoordinatorOptions, parts: CoordinatorParts) -> Self {
        let journal_parts = JournalParts {
            metadata: Arc::clone(&parts.metadata),
            keys: parts.keys.clone(),
            randomness: parts.randomness.clone(),
            tasks: parts.tasks.clone(),
        };
        let of_transactions = options.transactions;
        let groups = Groups::new(options, parts.clone());
        let transactions = Transactions::new(of_transactions, parts, groups.clone());
        let journal = Mutex::default();
        Self { shared: Arc::new(Shared { journal_parts, journal, groups, transactions }) }
    }

    /// Groups and their offsets.
    pub fn groups(&self) -> &Groups {
        &self.shared.groups
    }

    /// Transactions.
    pub fn transactions(&self) -> &Transactions {
        &self.shared.transactions
    }

    /// A session began; slots follow.
    pub fn session_began(&self, session: SessionStamp) {
        let journal = Journal::begin(session, &self.shared.journal_parts);
        let earlier = self.shared.journal.lock().replace(journal);
        self.drop_session(earlier);
    }

    /// The session is over, or in doubt: nothing of it is answered any more.
    pub fn session_lost(&self, session: SessionId) {
        let mut current = self.shared.journal.lock();
        let lost = current.take_if(|journal| journal.session().id == session);
        drop(current);
        self.drop_session(lost);
    }

    /// Loads slots, in the background, and serves them.
    pub fn open(&self, claim: SlotClaim) {
        let Some(journal) = self.shared.journal.lock().clone() else { return };
        match claim.kind {
            SlotKind::Groups => self.shared.groups.open(claim, journal),
            SlotKind::Transactions => self.shared.transactions.open(claim, journal),
        }
    }

    /// Drops a slot, if the partition is one.
    pub fn close(&self, partition: PartitionId) {
        self.shared.groups.close(partition);
        self.shared.transactions.close(partition);
    }

    /// Drops a slot, if the partition is one, and waits until what was decided there is stored: its next owner reads all of it.
    ///
    /// # Errors
    /// `Ended`: the session is over.
    pub async fn seal(&self, partition: PartitionId) -> Result<(), JournalError> {
        let Shared { groups, transactions, journal, .. } = &*self.shared;
        if !groups.has(partition) && !transactions.has(partition) {
            return Ok(());
        }
        self.close(partition);
        let journal = journal.lock().clone().ok_or(JournalError::Ended)?;
        journal.settled(journal.position()).await
    }

    /// Why nothing is stored any more although the session lives, if that is so.
    pub fn halted(&self) -> Option<String> {
        self.shared.journal.lock().as_ref().and_then(Journal::halted)
    }

    /// Answers what waits, stores what was decided, and serves nothing more.
    pub async fn drain(&self) {
        self.shared.groups.close_all();
        self.shared.transactions.close_all();
        let journal = self.shared.journal.lock().take();
        let Some(journal) = journal else { return };
        // Nobody is told of what could not be stored: it waits for the same.
        let _stored = timeout(DRAIN_PATIENCE, journal.settled(journal.position())).await;
        journal.end();
    }

    fn drop_session(&self, journal: Option<Journal>) {
        let Some(journal) = journal else { return };
        journal.end();
        self.shared.groups.close_all();
        self.shared.transactions.close_all();
    }
}
