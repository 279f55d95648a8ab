//! Keeps the [`View`] up to date: reads every family at one revision, then follows their watches.

use crate::{cluster::Shared, continuity, view::View};
use futures::{StreamExt, stream};
use metadata::{
    Event, EventKind, MetadataError, Operation, RangeQuery, Reply, Revision, Transaction,
};
use runtime::{Backoff, Shutdown};
use std::{sync::Arc, time::Duration};

/// Follows the cluster's records until shutdown.
pub(crate) async fn follow(shared: Arc<Shared>, mut from: Revision, shutdown: Shutdown) {
    let mut backoff = Backoff::new(
        Duration::from_millis(50),
        Duration::from_secs(5),
        shared.parts.randomness.clone(),
    );
    loop {
        let ended = tokio::select! {
            () = shutdown.requested() => return,
            ended = follow_from(&shared, from.next()) => ended,
        };
        tracing::info!(reason = %ended, "reading the cluster's records anew");
        loop {
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(backoff.next_pause()) => {}
            }
            let seen = shared.seen();
            match read(&shared).await {
                Ok(view) if view.revision < seen => {
                    shared.fail(continuity::went_back(&shared));
                    return;
                }
                Ok(view) => {
                    from = view.revision;
                    backoff.reset();
                    shared.replace_view(view);
                    break;
                }
                Err(error) => tracing::warn!(%error, "could not read the cluster's records"),
            }
        }
    }
}

/// Reads a view, as of one revision.
///
/// # Errors
/// The store's, or `Damaged`.
pub(crate) async fn read(shared: &Shared) -> Result<View, MetadataError> {
    read_view(&shared.parts).await
}

/// The same, before anything is shared.
pub(crate) async fn read_view(parts: &crate::ClusterParts) -> Result<View, MetadataError> {
    let mut view = View::default();
    let mut at = None;
    for prefix in View::families(&parts.keys) {
        let mut query = RangeQuery::prefix(prefix);
        query.at = at;
        let range = parts.metadata.range(query).await?;
        at = at.or(Some(range.revision));
        for entry in &range.entries {
            view.put(&parts.keys, entry)?;
        }
    }
    view.revision = at.unwrap_or_default();
    Ok(view)
}

/// Applies changes from revision `from` on; returns why it can't go on.
async fn follow_from(shared: &Shared, from: Revision) -> MetadataError {
    let parts = &shared.parts;
    let mut watches = Vec::new();
    for prefix in View::families(&parts.keys) {
        match parts.metadata.watch(prefix, from).await {
            Ok(watch) => watches.push(stream::unfold(watch, |mut watch| async move {
                let next = watch.next().await;
                Some((next, watch))
            })),
            Err(error) => return error,
        }
    }
    let mut changes =
        stream::select_all(watches.into_iter().map(StreamExt::boxed)).ready_chunks(64);
    while let Some(chunk) = changes.next().await {
        let mut events = Vec::new();
        for batch in chunk {
            match batch {
                Ok(batch) => events.extend(batch),
                Err(error) => return error,
            }
        }
        if let Err(error) = complete(shared, &mut events).await {
            return error;
        }
        shared.change_view(&events);
    }
    MetadataError::Unavailable("every watch ended".to_owned())
}

/// Families are watched one by one, so a new topic could be seen before its configs, and be served under other settings than it
/// was created with; or before it is known who is to lead its partitions. So both are read before a topic not seen before is shown.
async fn complete(shared: &Shared, events: &mut Vec<Event>) -> Result<(), MetadataError> {
    let parts = &shared.parts;
    let new = events.iter().filter_map(|event| match &event.kind {
        EventKind::Put(entry) => parts.keys.parse_topic(&entry.key),
        EventKind::Delete(_) => None,
    });
    let new: Vec<_> = new.filter(|topic| !shared.view.lock().topics.contains_key(topic)).collect();
    for topic in new {
        let resource = metadata::families::ConfigResource::Topic(topic);
        let reads = Transaction {
            then: vec![
                Operation::Read(RangeQuery::key(parts.keys.configs(resource))),
                Operation::Read(RangeQuery::prefix(parts.keys.moves_of(topic))),
            ],
            ..Transaction::default()
        };
        let replies = parts.metadata.transact(reads).await?.replies.into_iter();
        let found = replies.flat_map(|reply| match reply {
            Reply::Read(entries) => entries,
            Reply::Put | Reply::Deleted(_) => Vec::new(),
        });
        let found =
            found.map(|entry| Event { revision: entry.mod_revision, kind: EventKind::Put(entry) });
        events.splice(0..0, found);
    }
    Ok(())
}
