//! What `alluvium recover` says, in the words of who has to act on it.

use crate::Failure;
use coordinator::transaction::Resolved;
use partition_log::adoption::{Adopted, LostTopic, Progress};
use recovery::PutBack;
use runtime::{BootTime, Clock};
use std::{io::Write, time::Duration};

/// So many of a kind are printed; the others are counted.
const PRINTED: usize = 20;

/// So often, at most, progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

pub(super) fn tell_snapshot(
    out: &mut (dyn Write + Send),
    put_back: &PutBack,
    now_unix_ms: i64,
) -> Result<(), Failure> {
    for (object, reason) in &put_back.passed_over {
        tell(
            out,
            &format!("passed over {object}: {reason}. Objects that an older one names may be gone"),
        )?;
    }
    let age = now_unix_ms.saturating_sub(put_back.head.written_unix_ms) / 1_000;
    let entries: u64 = put_back.head.parts.iter().map(|part| part.entries).sum();
    let found = format!(
        "{}: {entries} keys, written {age} s ago. Groups, offsets, topics and settings are as of then",
        put_back.object
    );
    tell(out, &found)
}

pub(super) fn tell_adopted(out: &mut (dyn Write + Send), adopted: &Adopted) -> Result<(), Failure> {
    let Adopted { segments, partitions, records, .. } = adopted;
    let found = format!(
        "{segments} segments were stored since: {records} records, or what is left of them, in {partitions} partitions"
    );
    tell(out, &found)?;
    let refused = adopted.refused.iter();
    let refused: Vec<_> =
        refused.map(|(object, reason)| format!("not committed: {object}: {reason}")).collect();
    let gaps = adopted.gaps.iter().map(|(partition, range)| {
        format!("missing: offsets {}..{} of {partition}; it ends there", range.start, range.end)
    });
    let broken = adopted.broken.iter().map(|(partition, reason)| {
        format!("damaged: {partition}: {reason}; nothing was added to it")
    });
    for lines in [refused, gaps.collect(), broken.collect()] {
        for line in lines.iter().take(PRINTED) {
            tell(out, line)?;
        }
        if let Some(more) = lines.len().checked_sub(PRINTED).filter(|more| *more > 0) {
            tell(out, &format!("… and {more} more of these"))?;
        }
    }
    for topic in &adopted.lost {
        tell(out, &lost(topic))?;
    }
    if adopted.of_deleted_topics > 0 {
        let slices = adopted.of_deleted_topics;
        tell(out, &format!("left out: {slices} slices of topics that were deleted"))?;
    }
    Ok(())
}

fn lost(topic: &LostTopic) -> String {
    let LostTopic { id, name, is_known, partitions, records, bytes } = topic;
    match (partitions, is_known) {
        (Some(partitions), true) => format!(
            "grown: topic {name} has {partitions} partitions, more than when the snapshot was written ({records} records, {bytes} bytes in them)"
        ),
        (Some(partitions), false) => format!(
            "not known: topic {id}, created since the snapshot: {records} records, {bytes} bytes. Its name and settings are lost; it is back as {name}, {partitions} partitions, which keeps everything: copy it to a topic of the right name, then delete it"
        ),
        (None, _) => format!(
            "not known: topic {id}: {bytes} bytes that begin no log, of a topic that was deleted long ago, or whose first segments are not there. Nothing of it is given back; its objects stay in the bucket, and no broker deletes them"
        ),
    }
}

pub(super) fn tell_transactions(
    out: &mut (dyn Write + Send),
    resolved: &Resolved,
) -> Result<(), Failure> {
    let Resolved { committed, aborted, without_id } = resolved;
    if committed + aborted == 0 {
        return Ok(());
    }
    let found = format!(
        "transactions that went on: brokers will commit {committed}, of which the bucket shows that they were decided, and abort {aborted}; {without_id} of them are of producers whose transactional id is not known, and are listed as recovered-producer-…"
    );
    tell(out, &found)
}

/// Tells on standard error how far reading came, now and then.
pub(super) fn progress(clock: &Clock) -> impl FnMut(Progress) + Send {
    let (clock, began) = (clock.clone(), clock.boot_time());
    let mut told: BootTime = began;
    move |progress| {
        let now = clock.boot_time();
        if now.since(told) < TELL_EVERY {
            return;
        }
        told = now;
        let Progress { listed, to_read, read } = progress;
        let done = if read == 0 {
            format!("listed {listed} segments, {to_read} of them younger than the snapshot")
        } else {
            let per_second = read as f64 / now.since(began).as_secs_f64();
            let percent = read * 100 / to_read.max(1);
            format!("{percent}% of {to_read} footers read, {per_second:.0} a second")
        };
        eprintln!("{done}");
    }
}

pub(super) fn tell(out: &mut (dyn Write + Send), line: &str) -> Result<(), Failure> {
    writeln!(out, "{line}").map_err(Failure::from_display)
}
