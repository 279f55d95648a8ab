//! Notes the metadata revision in the bucket, within ten seconds of a change, and never when idle.

use crate::{cluster::Shared, marker};
use metadata::Revision;
use runtime::Shutdown;
use std::{sync::Arc, time::Duration};

const RHYTHM: Duration = Duration::from_secs(10);

/// Notes until shutdown, and once more then.
pub(crate) async fn note_changes(shared: Arc<Shared>, shutdown: Shutdown) {
    let mut noted = Revision(0);
    loop {
        let ends = tokio::select! {
            () = shutdown.requested() => true,
            () = tokio::time::sleep(RHYTHM) => false,
        };
        let seen = shared.seen();
        if seen > noted {
            let broker = shared.identity.broker;
            match marker::note(&shared.parts.objects, shared.generation, broker, seen).await {
                Ok(()) => noted = seen,
                Err(error) => tracing::warn!(%error, "could not note the metadata revision"),
            }
        }
        if ends {
            return;
        }
    }
}
