//! `commits/{session}/{seq}` and `commit_head/{session}`: the transaction that makes a segment part of the log.
//!
//! One transaction a flush. It holds only while the session lives and its head is the seq before, so a commit lands
//! at most once, in order, and never after the session's end (DESIGN 4.6, 5).

use super::{
    Keys,
    keys::{digits, parse_digits, parse_id},
    value::value,
};
use crate::{
    Compare, Entry, MetadataError, Operation, Outcome, RangeQuery, Reply, Revision, Transaction,
};
use bytes::Bytes;
use formats::metadata::{Commit, CommitHead};
use model::{BrokerId, SessionId};

value!(Commit, |commit| match commit.object.as_str() {
    "" => Err("the commit names no object"),
    _ => Ok(()),
});
value!(CommitHead);

impl Keys {
    /// A commit.
    pub fn commit(&self, session: SessionId, seq: u64) -> Bytes {
        self.at(&format!("commits/{session}/{}", digits(seq)))
    }

    /// The commits of a session that are not folded.
    pub fn commits(&self, session: SessionId) -> Bytes {
        self.at(&format!("commits/{session}/"))
    }

    /// The unfolded commits of all sessions.
    pub fn all_commits(&self) -> Bytes {
        self.at("commits/")
    }

    /// The session and seq of a key of [`Keys::all_commits`].
    pub fn parse_commit(&self, key: &[u8]) -> Option<(SessionId, u64)> {
        let (session, seq) = self.rest("commits/", key)?.split_once('/')?;
        Some((parse_id(session)?, parse_digits(seq)?))
    }

    /// The last seq a session committed; put at 0 when the session is registered.
    pub fn commit_head(&self, session: SessionId) -> Bytes {
        self.at(&format!("commit_head/{session}"))
    }

    /// Every session's head.
    pub fn commit_heads(&self) -> Bytes {
        self.at("commit_head/")
    }

    /// Whose head a key of [`Keys::commit_heads`] is.
    pub fn parse_commit_head(&self, key: &[u8]) -> Option<SessionId> {
        parse_id(self.rest("commit_head/", key)?)
    }
}

/// One commit to be made: everything its transaction says. Sending it twice is safe.
#[derive(Clone, PartialEq, Debug)]
pub struct CommitAttempt {
    /// Whose `sessions/{broker}` is compared.
    pub broker: BrokerId,
    /// The session.
    pub session: SessionId,
    /// Create revision of its key.
    pub session_create_revision: Revision,
    /// This commit's number; the head must be the one before. From 1.
    pub seq: u64,
    /// What becomes part of the log.
    pub commit: Commit,
}

/// What is known of a commit after its transaction was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommitOutcome {
    /// It is part of the log, since this revision at the latest.
    Committed(Revision),
    /// Its session is over and it is not there: it never will be.
    NeverWill,
    /// What only an error in this program, or a hand in the store, brings about. Stop, and say this.
    Bug(String),
}

impl CommitAttempt {
    /// The transaction. Identical each time, so sending it again settles an unknown outcome.
    pub fn transaction(&self, keys: &Keys) -> Transaction {
        let session = keys.session(self.broker);
        let head = keys.commit_head(self.session);
        let commit = keys.commit(self.session, self.seq);
        let head_at = |seq| super::encode(CommitHead { seq, ..CommitHead::default() });
        Transaction {
            compares: vec![
                Compare::CreateRevision(session.clone(), self.session_create_revision),
                Compare::Value(head.clone(), head_at(self.seq.saturating_sub(1))),
            ],
            then: vec![
                Operation::put(commit.clone(), super::encode(self.commit.clone())),
                Operation::put(head.clone(), head_at(self.seq)),
            ],
            otherwise: [session, head, commit]
                .map(|key| Operation::Read(RangeQuery::key(key)))
                .to_vec(),
        }
    }

    /// Judges the transaction's answer.
    ///
    /// A head at or beyond this seq whose commit is gone means that it was committed, and folded after the session's
    /// end. Without a head nothing can be told: it outlives the session by a grace, so a broker that old must stop.
    ///
    /// # Errors
    /// [`MetadataError::Damaged`] when the head or the commit there can't be read.
    pub fn decide(&self, outcome: &Outcome) -> Result<CommitOutcome, MetadataError> {
        if outcome.succeeded {
            return Ok(CommitOutcome::Committed(outcome.revision));
        }
        let [Reply::Read(session), Reply::Read(head), Reply::Read(commit)] =
            outcome.replies.as_slice()
        else {
            return Ok(CommitOutcome::Bug(
                "the answer has another shape than asked for".to_owned(),
            ));
        };
        if let Some(entry) = commit.first() {
            return self.decide_by_entry(entry);
        }
        if session.first().is_some_and(|it| it.create_revision == self.session_create_revision) {
            return Ok(self.bug("is refused although its session lives", head.first()));
        }
        let Some(head) = head.first() else {
            return Ok(self.bug("can't be judged: its session's head is gone", None));
        };
        let seq = super::decode::<CommitHead>(head)?.seq;
        let committed = seq >= self.seq;
        Ok(if committed {
            CommitOutcome::Committed(head.mod_revision)
        } else {
            CommitOutcome::NeverWill
        })
    }

    fn decide_by_entry(&self, entry: &Entry) -> Result<CommitOutcome, MetadataError> {
        let there: Commit = super::decode(entry)?;
        Ok(if there.object == self.commit.object {
            CommitOutcome::Committed(entry.mod_revision)
        } else {
            self.bug(&format!("names another object there: {}", there.object), None)
        })
    }

    fn bug(&self, what: &str, head: Option<&Entry>) -> CommitOutcome {
        let head = head.and_then(|entry| super::decode::<CommitHead>(entry).ok());
        let head = head.map_or_else(|| "none".to_owned(), |head| head.seq.to_string());
        CommitOutcome::Bug(format!(
            "commit {} of session {} ({}) {what}; head: {head}",
            self.seq, self.session, self.commit.object
        ))
    }
}
