//! [`Forgetting`]: history goes a little with each commit, so that no commit takes long.
//!
//! A revision may have changed a hundred keys, and each of their old versions is a row to delete: thousands of revisions at once
//! would keep everybody waiting for a second.

use super::writer::{Answer, Failure, refusal};
use crate::{Revision, machine::Machine};

/// Revisions of history that are kept at least, and a few more at most when nobody asks for less.
const HISTORY_MAX_REVISIONS: u64 = 4_000;

/// Revisions that go with a commit, beside as many as it adds.
const STEP_REVISIONS: u64 = 8;

/// Who asked for what to be forgotten, until it is.
#[derive(Debug, Default)]
pub(super) struct Forgetting {
    asked: Vec<(Revision, Answer<()>)>,
}

impl Forgetting {
    /// Somebody wants history before `revision` to go, which is not ahead of the store.
    pub(super) fn ask(&mut self, revision: Revision, answer: Answer<()>) {
        self.asked.push((revision, answer));
    }

    /// Whether somebody still waits for it.
    pub(super) fn is_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Where the commit that begins after revision `before` is to compact to.
    pub(super) fn next_bound(&self, machine: &Machine, before: Revision) -> Option<Revision> {
        let (Revision(now), Revision(compacted)) = (machine.revision(), machine.compacted());
        let asked = self.asked.iter().map(|(revision, _)| revision.0).max().unwrap_or(0);
        let goal = asked.max(now.saturating_sub(HISTORY_MAX_REVISIONS));
        let step = now.saturating_sub(before.0) + STEP_REVISIONS;
        let bound = goal.min(compacted + step);
        (bound > compacted).then_some(Revision(bound))
    }

    /// Answers whoever got what he asked for, after a commit; everybody when it failed.
    pub(super) fn committed(&mut self, compacted: Revision, failure: Option<&Failure>) {
        let done = |(revision, _): &mut (Revision, _)| failure.is_some() || *revision <= compacted;
        for (_, answer) in self.asked.extract_if(.., done) {
            // Whoever dropped the other end does not want the answer.
            let _ = answer.send(failure.map_or(Ok(()), |failure| Err(refusal(failure))));
        }
    }
}
