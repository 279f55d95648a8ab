//! Orphans: what sessions stored and never committed, before they ended. A killed broker leaves what it had under way.
//!
//! Each ended session is looked through once, a grace after its end, by one broker; its head says so from then on. What lies beyond
//! the head was never committed, and never will be; of the index objects, those that no key names were never swapped in, nor were gathered
//! segments from a commit on that no index holds. Names begin with a hash, so it takes 768 listings, however much the bucket holds.
//!
//! Metadata that lost commits looks the same: what lies further beyond a head than a pipeline reaches is never touched, and neither is
//! anything of sessions from before a recovery.

use super::{HeadEntry, Sessions, notes, range, settle};
use crate::{engine::Engine, object_names, pipeline::ActiveSession};
use formats::metadata::{CommitHead, Index};
use futures::{StreamExt, TryStreamExt, stream};
use metadata::{Compare, Operation, RangeQuery, Revision, Transaction, families};
use model::SessionId;
use runtime::BootTime;
use std::collections::{HashMap, HashSet};
use storage::ObjectName;

/// Listings at the same time.
const LISTINGS_IN_FLIGHT: usize = 16;

/// How far beyond its head a session may have got: `flush.uploads.in.flight` is 64 at most, and two more flushes are cut or committed.
const PIPELINE_REACH: u64 = 66;

/// Remembers since when sessions are over, and of which more is there than can be explained.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    over_since: HashMap<SessionId, BootTime>,
    unexplained: HashSet<SessionId>,
}

impl Orphans {
    /// Notes the orphans of one session whose time has come, if there is one and it is for this broker to do.
    ///
    /// # Errors
    /// A sentence, when metadata or the object store did not answer.
    pub(super) async fn sort_out(
        &mut self,
        engine: &Engine,
        session: &ActiveSession,
        sessions: &Sessions,
    ) -> Result<(), String> {
        let now = engine.parts.clock.boot_time();
        let unswept: HashMap<_, _> =
            sessions.ended.iter().filter(|(_, head)| !head.value.swept).collect();
        self.over_since.retain(|id, _| unswept.contains_key(id));
        for &&id in unswept.keys() {
            self.over_since.entry(id).or_insert(now);
        }
        if sessions.lasting.iter().min() != Some(&session.stamp.id) {
            return Ok(());
        }
        let recovered_at = recovered_at(engine).await?;
        let due = unswept.into_iter().find(|(id, head)| {
            let since = self.over_since.get(id).copied().unwrap_or(now);
            head.created >= recovered_at
                && now.since(since) >= engine.options.delete_delay
                && !self.unexplained.contains(id)
        });
        let Some((&id, head)) = due else { return Ok(()) };
        match orphans(engine, id, head.value.seq).await? {
            Ok(orphans) => sweep(engine, session, id, head, &orphans).await,
            Err(object) => {
                tracing::error!(
                    session = %id, head = head.value.seq, %object,
                    "the bucket has a segment that is too far beyond what metadata knows of its session: metadata may have lost commits. \
                     Nothing of the session is deleted; see `alluvium fsck`, `alluvium recover`"
                );
                self.unexplained.insert(id);
                Ok(())
            }
        }
    }
}

/// When this cluster's metadata began, or was put back: heads that were created before are those of an earlier life.
async fn recovered_at(engine: &Engine) -> Result<Revision, String> {
    let query = RangeQuery::key(engine.parts.keys.cluster());
    let read = engine.parts.metadata.range(query).await.map_err(|error| error.to_string())?;
    Ok(read.entries.first().map_or(Revision::default(), |entry| entry.create_revision))
}

/// What the session stored and nothing names; or a segment that it can't have stored without having committed others.
async fn orphans(
    engine: &Engine,
    id: SessionId,
    head: u64,
) -> Result<Result<Vec<ObjectName>, ObjectName>, String> {
    let Indexed { objects: named, through } = Indexed::read(engine, id).await?;
    let objects = &engine.parts.objects;
    let orphans = stream::iter(object_names::prefixes_of(id))
        .map(|prefix| async move { objects.list(&prefix).await })
        .buffer_unordered(LISTINGS_IN_FLIGHT)
        .map_ok(|listed| {
            let names = listed.into_iter().map(|it| it.name);
            let unnamed = names.filter(|name| {
                if let Some((_, seq)) = object_names::parse_segment(name) {
                    seq > head
                } else if let Some((_, from_seq)) = object_names::parse_gathered(name) {
                    from_seq > through
                } else {
                    !named.contains(name.as_str())
                }
            });
            unnamed.collect::<Vec<_>>()
        })
        .try_concat()
        .await
        .map_err(|error| error.to_string())?;
    let unexplained = orphans.iter().find(|name| {
        let seq = object_names::parse_segment(name).map(|(_, seq)| seq);
        seq.is_some_and(|seq| seq > head.saturating_add(PIPELINE_REACH))
    });
    Ok(match unexplained {
        Some(name) => Err(name.clone()),
        None => Ok(orphans),
    })
}

/// What metadata has of a session's index objects.
struct Indexed {
    /// Their names. Those that later folds replaced are noted already: once more does no harm.
    objects: HashSet<String>,
    /// The last commit that one of them holds.
    through: u64,
}

impl Indexed {
    async fn read(engine: &Engine, id: SessionId) -> Result<Self, String> {
        let entries = range(engine, engine.parts.keys.indexes(id)).await;
        let mut indexed = Self { objects: HashSet::new(), through: 0 };
        for entry in entries.map_err(|error| error.to_string())? {
            let index: Index = families::decode(&entry).map_err(|error| error.to_string())?;
            indexed.through = indexed.through.max(index.through_seq);
            indexed.objects.insert(index.object);
        }
        Ok(indexed)
    }
}

/// Notes the orphans, and that the session needs not be looked at again, in one transaction.
async fn sweep(
    engine: &Engine,
    session: &ActiveSession,
    id: SessionId,
    head: &HeadEntry,
    orphans: &[ObjectName],
) -> Result<(), String> {
    let keys = &engine.parts.keys;
    let names: Vec<_> = orphans.iter().map(ObjectName::to_string).collect();
    let mut then = notes(engine, &names);
    let swept = CommitHead { swept: true, ..head.value };
    then.push(Operation::put(keys.commit_head(id), families::encode(swept)));
    let transaction = Transaction {
        compares: vec![
            Compare::CreateRevision(
                keys.session(session.stamp.broker),
                session.stamp.create_revision,
            ),
            Compare::ModRevision(keys.commit_head(id), head.revision),
        ],
        then,
        otherwise: vec![],
    };
    if settle(engine, transaction).await? && !orphans.is_empty() {
        tracing::info!(session = %id, orphans = orphans.len(), "what an ended session never committed is deleted");
        metrics::counter!("alluvium_orphans_total").increment(orphans.len() as u64);
    }
    Ok(())
}
