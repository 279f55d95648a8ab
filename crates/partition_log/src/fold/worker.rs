//! The worker: makes an index object, stores it, swaps it in.

use super::commits::{FoldWork, FoldableIndex};
use crate::{
    GatherFrom, Notice,
    engine::Engine,
    gather::{self, Gathered},
    index::IndexRun,
    object_names,
    pipeline::ActiveSession,
    upkeep::{self, Throttle},
};
use bytes::Bytes;
use formats::{
    index_object::{HEADER_BYTES, IndexObject, IndexWriter},
    metadata::Index,
};
use metadata::{
    Compare, MetadataError, Operation, Outcome, RangeQuery, Reply, Transaction, families,
};
use parking_lot::Mutex;
use runtime::Backoff;
use std::{sync::Arc, time::Duration};
use storage::ObjectName;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Commits are only folded, not gathered, while so many folds of them wait: they come faster than the budget lets them be copied.
const FOLDS_BEHIND: usize = 3;

/// Folds whenever there is enough to fold, until the session ends.
pub(crate) async fn fold_as_needed(engine: Arc<Engine>, session: Arc<ActiveSession>) {
    let fan_in = engine.options.fold_fan_in.max(2) as usize;
    let rate = engine.options.gather.as_ref().and_then(|options| options.bytes_per_second);
    let throttle = Mutex::new(Throttle::new(rate));
    loop {
        let Some(work) = session.commits.lock().choose(fan_in) else {
            session.fold_wanted.notified().await;
            continue;
        };
        let gathered = gather(&engine, &session, &work, fan_in, &throttle).await;
        let gate = session.fold_gate.lock().await;
        let is_still = session.commits.lock().choose(fan_in).is_some_and(|it| it.is_same(&work));
        if !is_still {
            // Garbage collection took a part of it out meanwhile.
            drop(gate);
            gather::give_up(&engine, &session, gathered).await;
            continue;
        }
        match fold(&engine, &session, &work, &gathered).await {
            Ok(true) => {}
            Ok(false) => return engine.end_session(session.stamp.id),
            Err(reason) => {
                // Commits go on; only their keys grow in number.
                tracing::error!(%reason, "folding stops: metadata or objects contradict this broker");
                metrics::counter!("alluvium_fold_failures_total").increment(1);
                return;
            }
        }
        drop(gate);
        forget_spooled(&engine, &session);
    }
}

/// Copies what commits hold to where each partition's lies together, as far as that keeps up with them.
async fn gather(
    engine: &Engine,
    session: &ActiveSession,
    work: &FoldWork,
    fan_in: usize,
    throttle: &Mutex<Throttle>,
) -> Gathered {
    match work {
        FoldWork::Commits(_) if session.commits.lock().waiting() >= FOLDS_BEHIND * fan_in => {
            metrics::counter!("alluvium_gathers_refused_total", "reason" => "behind").increment(1);
            Gathered::default()
        }
        FoldWork::Commits(commits) => gather::gather(engine, session, commits, throttle).await,
        FoldWork::Indexes(_) => Gathered::default(),
    }
}

/// Nothing gathers what is folded.
fn forget_spooled(engine: &Engine, session: &ActiveSession) {
    let Some(GatherFrom::Spool(spool)) = &engine.parts.gather_from else { return };
    let folded_through = session.commits.lock().folded_through();
    spool.retain(|object| {
        object_names::parse_segment(object)
            .is_some_and(|(id, seq)| id == session.stamp.id && seq > folded_through)
    });
}

/// Does one fold. `false`: the session is over.
async fn fold(
    engine: &Engine,
    session: &ActiveSession,
    work: &FoldWork,
    gathered: &Gathered,
) -> Result<bool, String> {
    let index = write_index(engine, session, work, gathered).await?;
    let first = index.directory.from_seq;
    let randomness = &engine.parts.randomness;
    let object = object_names::index(session.stamp.id, work.level(), first, randomness);
    put_until_stored(engine, &object, &index).await;
    if !swap_in(engine, session, work, gathered, (&object, &index)).await? {
        return Ok(false);
    }
    apply(engine, session, work, object, index);
    metrics::counter!("alluvium_folds_total").increment(1);
    Ok(true)
}

async fn write_index(
    engine: &Engine,
    session: &ActiveSession,
    work: &FoldWork,
    gathered: &Gathered,
) -> Result<IndexObject, String> {
    let mut writer = IndexWriter::new(session.stamp.id, work.level());
    match work {
        FoldWork::Commits(children) => {
            for it in children {
                writer
                    .push_commit(it.object.as_str(), it.seq, gathered.left_of(&it.footer))
                    .map_err(|error| error.to_string())?;
            }
            for (object, copied) in gathered.slices() {
                writer
                    .push_slice(object.as_str(), copied.seq, &copied.slice)
                    .map_err(|error| error.to_string())?;
            }
        }
        FoldWork::Indexes(children) => {
            for child in children {
                let runs = read_runs(engine, child).await;
                push_child(&mut writer, child, &runs)?;
            }
        }
    }
    writer.finish().map_err(|error| error.to_string())
}

fn push_child(writer: &mut IndexWriter, child: &FoldableIndex, runs: &Bytes) -> Result<(), String> {
    let directory = &child.directory;
    writer.cover(directory.from_seq, directory.through_seq).map_err(|error| error.to_string())?;
    for entry in &directory.entries {
        let within = (entry.bytes.start - child.runs.start) as usize
            ..(entry.bytes.end - child.runs.start) as usize;
        let run = runs.get(within).ok_or("a child's directory reaches beyond its runs")?;
        writer.push_run(entry, run).map_err(|error| error.to_string())?;
    }
    Ok(())
}

async fn read_runs(engine: &Engine, child: &FoldableIndex) -> Bytes {
    let mut backoff = backoff(engine);
    loop {
        match engine.parts.objects.get_range(&child.object, child.runs.clone()).await {
            Ok(bytes) => return bytes,
            Err(error) => tracing::warn!(%error, "an index object could not be read to be folded"),
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

async fn put_until_stored(engine: &Engine, object: &ObjectName, index: &IndexObject) {
    let mut backoff = backoff(engine);
    while let Err(error) = engine.parts.objects.put(object, index.parts.clone()).await {
        tracing::warn!(%error, "an index object could not be stored; it is sent again");
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

/// Swaps the index object's key for its children's. `false`: the session is over, and it was not done.
async fn swap_in(
    engine: &Engine,
    session: &ActiveSession,
    work: &FoldWork,
    gathered: &Gathered,
    (object, index): (&ObjectName, &IndexObject),
) -> Result<bool, String> {
    let mut transaction = swap(engine, session, work, object, index).ok_or("a fold of nothing")?;
    transaction.then.extend(superseded(engine, work, gathered));
    let mut backoff = backoff(engine);
    loop {
        let sent = engine.parts.metadata.transact(transaction.clone()).await;
        match sent.and_then(|outcome| settled(session, object, &outcome)) {
            Ok(Settled::Done) => return Ok(true),
            Ok(Settled::SessionOver) => return Ok(false),
            Ok(Settled::Contradiction) => {
                return Err(format!("the children of {object} are gone from metadata"));
            }
            Err(error) => tracing::warn!(%error, "a fold was not answered; it is sent again"),
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

fn swap(
    engine: &Engine,
    session: &ActiveSession,
    work: &FoldWork,
    object: &ObjectName,
    index: &IndexObject,
) -> Option<Transaction> {
    let keys = &engine.parts.keys;
    let id = session.stamp.id;
    let (first, last) = work.child_seqs()?;
    let child_key = |seq| match work {
        FoldWork::Commits(_) => keys.commit(id, seq),
        FoldWork::Indexes(_) => keys.index(id, work.level() - 1, seq),
    };
    let value = Index {
        object: object.to_string(),
        size: index.size,
        from_seq: index.directory.from_seq,
        through_seq: index.directory.through_seq,
        directory_offset: index.directory_offset,
        directory_length: index.directory_length,
        wal_synced: work.wal_synced(),
        freed_segments: work.freed().segments,
        freed_bytes: work.freed().bytes,
        ..Index::default()
    };
    let key = keys.index(id, work.level(), index.directory.from_seq);
    let session_key = keys.session(session.stamp.broker);
    let then = vec![
        Operation::put(key.clone(), families::encode(value)),
        Operation::DeleteRange(child_key(first), child_key(last + 1)),
    ];
    Some(Transaction {
        compares: vec![
            Compare::CreateRevision(session_key.clone(), session.stamp.create_revision),
            Compare::Exists(child_key(first)),
        ],
        then,
        otherwise: vec![
            Operation::Read(RangeQuery::key(session_key)),
            Operation::Read(RangeQuery::key(key)),
        ],
    })
}

/// What the fold replaces is garbage from then on: index objects, and segments of which everything was gathered.
fn superseded(engine: &Engine, work: &FoldWork, gathered: &Gathered) -> Vec<Operation> {
    let objects: Vec<_> = match work {
        FoldWork::Indexes(children) => children.iter().map(|it| it.object.to_string()).collect(),
        FoldWork::Commits(_) if gathered.objects().next().is_none() => Vec::new(),
        FoldWork::Commits(children) => {
            let gone = children.iter().filter(|it| gathered.left_of(&it.footer).next().is_none());
            gone.map(|it| it.object.to_string()).collect()
        }
    };
    upkeep::garbage_notes(engine, &objects)
}

enum Settled {
    Done,
    SessionOver,
    Contradiction,
}

fn settled(
    session: &ActiveSession,
    object: &ObjectName,
    outcome: &Outcome,
) -> Result<Settled, MetadataError> {
    if outcome.succeeded {
        return Ok(Settled::Done);
    }
    let mut found = outcome.replies.iter().map(|reply| match reply {
        Reply::Read(entries) => entries.first(),
        _ => None,
    });
    let (owner, index) = (found.next().flatten(), found.next().flatten());
    if let Some(entry) = index
        && families::decode::<Index>(entry)?.object == object.as_str()
    {
        return Ok(Settled::Done);
    }
    let lives = owner.is_some_and(|it| it.create_revision == session.stamp.create_revision);
    Ok(if lives { Settled::Contradiction } else { Settled::SessionOver })
}

/// Lets partitions refer to the index object, and forgets the children.
fn apply(
    engine: &Engine,
    session: &ActiveSession,
    work: &FoldWork,
    object: ObjectName,
    index: IndexObject,
) {
    let directory = Arc::new(index.directory);
    for row in &directory.entries {
        let Some(partition) = engine.partition(row.partition) else { continue };
        let run = IndexRun::of_row(&object, &directory, row);
        if let Err(error) = partition.sequencer.lock().log.index.fold(&run) {
            // Its slices stay listed one by one, which is as good.
            tracing::warn!(partition = %partition.id, %error, "a fold does not fit an index");
        }
    }
    engine.tell(session.stamp.id, || Notice::Folded {
        object: object.to_string(),
        directory: Bytes::from(directory.encode()),
    });
    session.commits.lock().folded(FoldableIndex {
        object,
        directory,
        runs: HEADER_BYTES as u64..index.directory_offset,
        wal_synced: work.wal_synced(),
        freed: work.freed(),
    });
}

fn backoff(engine: &Engine) -> Backoff {
    Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, engine.parts.randomness.clone())
}
