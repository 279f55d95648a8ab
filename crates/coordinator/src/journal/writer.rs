//! The journal's task: one fenced transaction after another, each sent until its outcome is known.

use super::{Journal, JournalParts, SessionStamp, batch::Batch};
use formats::metadata::JournalHead;
use metadata::{
    Compare, MetadataError, Operation, Outcome, RangeQuery, Reply, Revision, Transaction,
    families::{Keys, decode, encode},
};
use runtime::Backoff;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// After a batch of more submissions than this, the next one gathers for a while, unless some of it waits already: the store has
/// enough to do, and a larger transaction costs it hardly more.
const BUSY_SUBMISSIONS: usize = 16;
const GATHER: Duration = Duration::from_millis(10);

/// What became of a transaction.
enum Settled {
    /// It is stored; the head has this revision.
    Stored(Revision),
    /// The session is over.
    SessionOver,
    /// What only an error in this program, or a hand in the store, brings about.
    Bug(String),
}

/// Writes what is submitted until the session is over.
pub(super) async fn write(journal: Journal, parts: JournalParts) {
    let shutdown = parts.tasks.shutdown();
    tokio::select! {
        () = shutdown.requested() => {}
        () = until_over(&journal, &parts) => {}
    }
    journal.end();
}

async fn until_over(journal: &Journal, parts: &JournalParts) {
    let session = journal.session();
    let Some(mut head) = first_head(journal, parts).await else { return };
    let mut seq = 0;
    loop {
        let batch = journal.shared.queue.lock().take();
        if journal.is_ended() {
            return;
        }
        let Some(batch) = batch else {
            journal.shared.submitted.notified().await;
            continue;
        };
        seq += 1;
        let (through, submissions, is_all) = (batch.through, batch.submissions, batch.is_all);
        let transaction = transaction(&parts.keys, session, head, seq, batch);
        metrics::histogram!("alluvium_journal_operations").record(transaction.then.len() as f64);
        match settle(journal, parts, seq, transaction).await {
            Settled::Stored(revision) => head = revision,
            Settled::SessionOver => return,
            Settled::Bug(reason) => {
                tracing::error!(%reason, "the journal of groups and transactions stops");
                journal.halt(reason);
                return;
            }
        }
        metrics::counter!("alluvium_journal_transactions_total").increment(1);
        metrics::counter!("alluvium_journal_submissions_total").increment(submissions as u64);
        journal.settle(through);
        if submissions > BUSY_SUBMISSIONS && is_all {
            tokio::time::sleep(GATHER).await;
        }
    }
}

/// The revision of the head that an earlier session left. `None` when the session ended meanwhile.
async fn first_head(journal: &Journal, parts: &JournalParts) -> Option<Revision> {
    let key = parts.keys.journal_head(journal.session().broker);
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, parts.randomness.clone());
    while !journal.is_ended() {
        match parts.metadata.range(RangeQuery::key(key.clone())).await {
            Ok(range) => {
                return Some(range.entries.first().map_or(Revision(0), |it| it.mod_revision));
            }
            Err(error) => tracing::warn!(%error, "the journal's head could not be read"),
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
    None
}

/// Identical each time it is sent. A late copy of it, or of an earlier one, finds the head moved.
fn transaction(
    keys: &Keys,
    session: SessionStamp,
    head: Revision,
    seq: u64,
    batch: Batch,
) -> Transaction {
    let session_key = keys.session(session.broker);
    let head_key = keys.journal_head(session.broker);
    let value = encode(JournalHead { format: 1, session: id_bytes(session), seq });
    let mut then = batch.into_operations(seq);
    then.push(Operation::put(head_key.clone(), value));
    Transaction {
        compares: vec![
            Compare::CreateRevision(session_key.clone(), session.create_revision),
            Compare::ModRevision(head_key.clone(), head),
        ],
        then,
        otherwise: [session_key, head_key]
            .map(|key| Operation::Read(RangeQuery::key(key)))
            .to_vec(),
    }
}

/// Sends a transaction until its outcome is known.
async fn settle(
    journal: &Journal,
    parts: &JournalParts,
    seq: u64,
    transaction: Transaction,
) -> Settled {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, parts.randomness.clone());
    while !journal.is_ended() {
        match parts.metadata.transact(transaction.clone()).await {
            Ok(outcome) => {
                return judge(journal.session(), seq, &outcome)
                    .unwrap_or_else(|error| Settled::Bug(error.to_string()));
            }
            Err(error) if error.retryable() => {
                tracing::warn!(%error, "a journal transaction is sent again");
            }
            Err(error) => return Settled::Bug(error.to_string()),
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
    Settled::SessionOver
}

fn judge(session: SessionStamp, seq: u64, outcome: &Outcome) -> Result<Settled, MetadataError> {
    if outcome.succeeded {
        return Ok(Settled::Stored(outcome.revision));
    }
    let [Reply::Read(holder), Reply::Read(head)] = outcome.replies.as_slice() else {
        return Ok(Settled::Bug("the answer has another shape than asked for".to_owned()));
    };
    if let Some(entry) = head.first() {
        let there: JournalHead = decode(entry)?;
        if there.seq == seq && there.session == id_bytes(session) {
            return Ok(Settled::Stored(entry.mod_revision));
        }
    }
    let alive = holder.first().is_some_and(|it| it.create_revision == session.create_revision);
    Ok(if alive {
        Settled::Bug(format!("transaction {seq} is refused although session {} lives", session.id))
    } else {
        Settled::SessionOver
    })
}

fn id_bytes(session: SessionStamp) -> bytes::Bytes {
    bytes::Bytes::copy_from_slice(session.id.as_bytes())
}
