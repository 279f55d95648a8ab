//! The flush pipeline of one session: the scheduler cuts, uploads run beside each other, commits go in order.
//!
//! A flush never fails while its session lasts: the same bytes are retried. When the session ends the pipeline ends with it,
//! and whatever it had not committed is cut anew from the tails under the next session (DESIGN 4.4 to 4.7, 5).

mod commit;
mod cut;
mod reread;
mod schedule;
mod session;
mod upload;

pub(crate) use cut::Cut;
pub(crate) use session::ActiveSession;

use crate::{engine::Engine, fold, traces::FlushSpans};
use std::sync::Arc;
use tokio::{sync::mpsc, task::JoinHandle};

/// A flush on its way: what is being uploaded, and the upload.
#[derive(Debug)]
struct InFlight {
    cut: Arc<Cut>,
    upload: JoinHandle<()>,
    spans: FlushSpans,
}

/// Starts the pipeline of `session`.
pub(crate) fn start(engine: &Arc<Engine>, session: &Arc<ActiveSession>) {
    let (sender, receiver) = mpsc::channel(engine.options.flush_uploads.max(1));
    let run = schedule::schedule(Arc::clone(engine), Arc::clone(session), sender);
    session.spawn("flush_scheduler", run);
    let run = commit::commit_in_order(Arc::clone(engine), Arc::clone(session), receiver);
    session.spawn("commit", run);
    session.spawn("fold", fold::fold_as_needed(Arc::clone(engine), Arc::clone(session)));
}
