//! A live broker as the successor that it would be.

use crate::{SessionStamp, cluster::Shared, stored::Stored, succession::Successor};
use formats::metadata::CommitHead;
use metadata::MetadataError;
use model::{BrokerId, SessionId, WalId};

/// What an owner record for `broker` would say; `None` when it does not live. Its commits so far hold nothing of what it is given.
///
/// # Errors
/// The store's.
pub(crate) async fn successor(
    shared: &Shared,
    broker: BrokerId,
) -> Result<Option<Successor>, MetadataError> {
    let found = {
        let view = shared.view.lock();
        let session = view.sessions.get(&broker);
        let wal = view.brokers.get(&broker).and_then(|it| WalId::from_slice(&it.value.wal_id));
        session.and_then(|it| Some((SessionId::from_slice(&it.value.id)?, it.created))).zip(wal)
    };
    let Some(((id, create_revision), wal)) = found else { return Ok(None) };
    let key = shared.parts.keys.commit_head(id);
    let head = Stored::<CommitHead>::read(shared.parts.metadata.as_ref(), key).await?;
    Ok(head.map(|stored| Successor {
        session: SessionStamp { id, create_revision, broker },
        wal,
        head: stored.value.seq,
    }))
}
