//! Folding: commits of the session that are to become index objects.

use crate::{engine::Engine, pipeline::{ActiveSession, Cut}};

/// What a session has committed and not folded.
#[derive(Debug, Default)]
pub(crate) struct SessionCommits {}

/// Notes a commit.
pub(crate) fn note_commit(_engine: &Engine, _session: &ActiveSession, _cut: &Cut) {}
