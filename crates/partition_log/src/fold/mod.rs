//! Folding: 64 commits become one index object, 64 of those one of the next level (DESIGN 5).
//!
//! Commits' data is gathered first, where that gains something ([`crate::gather`]); else a fold moves none. It runs beside the commits. One transaction swaps the key of the index object for those of its children: it
//! compares the session and that the first child is still there, so one that lands late, after a higher fold took its result,
//! changes nothing.

mod commits;
mod worker;

pub(crate) use commits::{FoldableCommit, Freed, SessionCommits};
pub(crate) use worker::fold_as_needed;

use crate::pipeline::{ActiveSession, Cut};
use std::sync::Arc;

/// Notes a commit of `session`, which a later fold takes in.
pub(crate) fn note_commit(session: &ActiveSession, cut: &Cut) {
    session.commits.lock().push(commits::FoldableCommit {
        seq: cut.seq,
        object: cut.object.clone(),
        footer: Arc::clone(&cut.footer),
        wal_synced: cut.wal_synced(),
    });
    session.fold_wanted.notify_one();
}
