//! Keeps a session's lease alive, and finds out when the session is over.

use crate::{cluster::Shared, session::RegisteredSession};
use metadata::{MetadataError, RangeQuery, Revision};
use std::{sync::Arc, time::Duration};

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    /// Its lease ended, or its key was deleted.
    Lost,
    /// The store's revision went back: it was restored from an older backup. This broker must not go on.
    WentBack,
}

/// What one keep-alive found.
enum Beat {
    Alive(Revision),
    Silent(MetadataError),
    Gone,
}

/// Keeps the lease alive until the session is known to be over. A store that does not answer ends nothing: the lease rule stops
/// acknowledgements by itself, and the session goes on if it is still there when the store returns.
pub(crate) async fn keep(shared: Arc<Shared>, session: RegisteredSession) -> Ended {
    let rhythm = session.lease.time_to_live / 3;
    loop {
        // Asked before the keep-alive: its answer can't be older than what was seen by then.
        let seen = shared.seen();
        let pause = match beat(&shared, &session, rhythm).await {
            Beat::Alive(revision) if revision < seen => return Ended::WentBack,
            Beat::Alive(revision) => {
                shared.saw(revision);
                rhythm
            }
            Beat::Silent(error) => {
                tracing::warn!(%error, session = %session.stamp.id, "could not keep the lease alive");
                (rhythm / 10).max(Duration::from_millis(50))
            }
            Beat::Gone => return Ended::Lost,
        };
        tokio::time::sleep(pause).await;
    }
}

/// Sends one keep-alive. It counts only if the session key was read back after it: a lease can outlive its keys.
async fn beat(shared: &Shared, session: &RegisteredSession, limit: Duration) -> Beat {
    let sent = shared.parts.clock.boot_time();
    let answered = tokio::time::timeout(limit, exchange(shared, session)).await;
    match answered {
        Ok(Ok(Some(revision))) => {
            shared.lease.extend(session.stamp.id, sent);
            Beat::Alive(revision)
        }
        Ok(Ok(None) | Err(MetadataError::LeaseGone)) => Beat::Gone,
        Ok(Err(error)) => Beat::Silent(error),
        Err(_) => Beat::Silent(MetadataError::Unavailable("no answer in time".to_owned())),
    }
}

/// The store's revision while the session's key is there; `None` when it is not.
async fn exchange(
    shared: &Shared,
    session: &RegisteredSession,
) -> Result<Option<Revision>, MetadataError> {
    let store = shared.parts.metadata.as_ref();
    store.keep_alive(session.lease).await?;
    let key = shared.parts.keys.session(session.stamp.broker);
    let range = store.range(RangeQuery::key(key)).await?;
    let mine = range.entries.first().map(|entry| entry.create_revision);
    Ok((mine == Some(session.stamp.create_revision)).then_some(range.revision))
}
