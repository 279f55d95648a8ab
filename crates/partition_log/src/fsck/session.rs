//! What sessions committed: commits and indexes in metadata, index objects, and every segment that they name.

use super::{
    Failure, Finding, FindingKind,
    context::Context,
    segment::{self, CheckedSegment, ListedSegment, read},
    slices::ListedSlice,
};
use formats::{
    index_object::{
        Directory, DirectoryEntry, IndexedSlice, TRAILER_BYTES, decode_directory, decode_partition,
        directory_range,
    },
    metadata::{Commit, Index},
    segment::Footer,
};
use futures::{StreamExt, TryStreamExt, stream};
use metadata::Entry;
use model::SessionId;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};
use storage::ObjectName;

/// Segments checked at the same time.
const SEGMENTS_IN_FLIGHT: usize = 16;

/// Runs of an index object that lie side by side are read together up to this size.
const RUNS_BYTES: u64 = 8 << 20;

/// Checks what is left of each session.
pub(super) async fn check_all(context: &mut Context<'_>) -> Result<(), Failure> {
    for session in sessions(context).await? {
        if !check(context, session).await? {
            context.doubtful_sessions.insert(session);
        }
    }
    Ok(())
}

/// Every session that has a head, a commit or an index.
async fn sessions(context: &Context<'_>) -> Result<BTreeSet<SessionId>, Failure> {
    let keys = &context.stores.keys;
    let heads = context.range(keys.commit_heads()).await?;
    let mut sessions: BTreeSet<_> =
        heads.iter().filter_map(|it| keys.parse_commit_head(&it.key)).collect();
    let commits = context.range(keys.all_commits()).await?;
    sessions.extend(commits.iter().filter_map(|it| Some(keys.parse_commit(&it.key)?.0)));
    let indexes = context.range(keys.all_indexes()).await?;
    sessions.extend(indexes.iter().filter_map(|it| Some(keys.parse_index(&it.key)?.0)));
    Ok(sessions)
}

/// Whether everything that the session's keys name could be told.
async fn check(context: &Context<'_>, session: SessionId) -> Result<bool, Failure> {
    let keys = &context.stores.keys;
    // A fold moves commits to indexes: read in this order nothing is missed.
    let commits = context.range(keys.commits(session)).await?;
    let indexes = context.range(keys.indexes(session)).await?;
    let mut all_told = true;
    for entry in commits {
        let (findings, told) = check_commit(context, &entry).await?;
        all_told &= settle(context, &entry, findings, told).await?;
    }
    for entry in indexes {
        let (findings, told) = check_index(context, session, &entry).await?;
        all_told &= settle(context, &entry, findings, told).await?;
    }
    Ok(all_told)
}

/// Tells of findings, unless the entry was replaced meanwhile.
async fn settle(
    context: &Context<'_>,
    entry: &Entry,
    findings: Vec<Finding>,
    told: bool,
) -> Result<bool, Failure> {
    if findings.is_empty() {
        return Ok(told);
    }
    if !context.is_stored(entry).await? {
        return Ok(false);
    }
    context.report(findings);
    Ok(told)
}

async fn check_commit(
    context: &Context<'_>,
    entry: &Entry,
) -> Result<(Vec<Finding>, bool), Failure> {
    let Some(commit) = context.decode::<Commit>(entry) else { return Ok((Vec::new(), false)) };
    let Ok(object) = ObjectName::new(&commit.object) else {
        return Ok((vec![strange(entry)], false));
    };
    let slices = match commit.footer.is_empty() {
        true => Vec::new(),
        false => match Footer::decode(&commit.footer) {
            Ok(footer) => footer.slices.iter().map(ListedSlice::of).collect(),
            Err(error) => return Ok((vec![unreadable(&object, &error.to_string())], true)),
        },
    };
    let footer = commit.footer_offset..commit.footer_offset.saturating_add(commit.footer_length);
    let listed = ListedSegment { object, size: Some(commit.size), footer: Some(footer), slices };
    Ok((segment::check(context, &listed).await?.findings, true))
}

async fn check_index(
    context: &Context<'_>,
    session: SessionId,
    entry: &Entry,
) -> Result<(Vec<Finding>, bool), Failure> {
    let Some(index) = context.decode::<Index>(entry) else { return Ok((Vec::new(), false)) };
    let Ok(object) = ObjectName::new(&index.object) else {
        return Ok((vec![strange(entry)], false));
    };
    let refuse = |kind, reason: String| {
        let object = Some(object.to_string());
        Ok((vec![Finding { kind, place: None, object, reason }], false))
    };
    match context.size_of(&object).await? {
        None => return refuse(FindingKind::Missing, "it is not there".to_owned()),
        Some(size) if size != index.size => {
            let reason = format!("it has {size} bytes, {} were written", index.size);
            return refuse(FindingKind::Size, reason);
        }
        Some(_) => {}
    }
    let directory = match read_directory(context, &object, &index).await? {
        Ok(directory) => directory,
        Err(reason) => return refuse(FindingKind::Damaged, reason),
    };
    context.count(|summary| summary.checked += 1);
    let told = (directory.session, directory.from_seq, directory.through_seq);
    if told != (session, index.from_seq, index.through_seq) {
        let reason = "metadata lists it as an index of other commits".to_owned();
        return refuse(FindingKind::Differs, reason);
    }
    let mut segments = Segments::default();
    let mut findings = Vec::new();
    for rows in spans(&directory.entries) {
        findings.extend(read_rows(context, &object, rows, &mut segments).await?);
    }
    // A run that can't be read names segments that are not known.
    let told = findings.is_empty();
    findings.extend(check_segments(context, segments).await?);
    Ok((findings, told))
}

async fn read_directory(
    context: &Context<'_>,
    object: &ObjectName,
    index: &Index,
) -> Result<Result<Directory, String>, Failure> {
    let trailer = index.size.saturating_sub(TRAILER_BYTES as u64)..index.size;
    let end = match read(context, object, trailer).await? {
        Ok(end) => end,
        Err(reason) => return Ok(Err(reason)),
    };
    let listed =
        index.directory_offset..index.directory_offset.saturating_add(index.directory_length);
    match directory_range(&end) {
        Ok(range) if range == listed => {}
        Ok(range) => {
            return Ok(Err(format!("its directory lies at {range:?}, metadata says {listed:?}")));
        }
        Err(error) => return Ok(Err(error.to_string())),
    }
    let bytes = read(context, object, listed).await?;
    Ok(bytes.and_then(|bytes| decode_directory(&bytes).map_err(|error| error.to_string())))
}

/// Rows whose runs are read with one GET.
fn spans(rows: &[DirectoryEntry]) -> Vec<&[DirectoryEntry]> {
    let mut spans = Vec::new();
    let mut rest = rows;
    while let Some(first) = rest.first() {
        let limit = first.bytes.start.saturating_add(RUNS_BYTES);
        let together = rest.windows(2).take_while(|pair| match pair {
            [one, next] => next.bytes.start == one.bytes.end && next.bytes.end <= limit,
            _ => false,
        });
        let (span, behind) = rest.split_at(together.count() + 1);
        spans.push(span);
        rest = behind;
    }
    spans
}

/// The segments that an index object names, and what it says of them.
type Segments = BTreeMap<String, Vec<ListedSlice>>;

async fn read_rows(
    context: &Context<'_>,
    object: &ObjectName,
    rows: &[DirectoryEntry],
    segments: &mut Segments,
) -> Result<Vec<Finding>, Failure> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let Range { start, .. } = first.bytes;
    let bytes = read(context, object, start..last.bytes.end).await?;
    let mut findings = Vec::new();
    for row in rows {
        let run = bytes.as_ref().map_err(String::clone).and_then(|bytes| {
            let within = (row.bytes.start - start) as usize..(row.bytes.end - start) as usize;
            let run = bytes.get(within).unwrap_or_default();
            decode_partition(run).map_err(|error| error.to_string())
        });
        let about = |kind, reason: String| Finding {
            kind,
            place: Some(
                context.place(row.partition, Some(row.base_offset.get()..row.end_offset.get())),
            ),
            object: Some(object.to_string()),
            reason,
        };
        match run {
            Err(reason) => findings.push(about(FindingKind::Damaged, reason)),
            Ok(run) if !is_of_row(&run, row) => {
                let reason = "its directory says something else of this run".to_owned();
                findings.push(about(FindingKind::Damaged, reason));
            }
            Ok(run) => {
                for it in run {
                    segments.entry(it.object).or_default().push(ListedSlice::of(&it.slice));
                }
            }
        }
    }
    Ok(findings)
}

fn is_of_row(run: &[IndexedSlice], row: &DirectoryEntry) -> bool {
    let slices = || run.iter().map(|it| &it.slice);
    let bytes: u64 = run.iter().map(|it| it.slice.size_bytes()).sum();
    let ends = slices().next().zip(slices().next_back());
    ends.is_some_and(|(first, last)| {
        first.partition == row.partition
            && first.base_offset == row.base_offset
            && last.end_offset == row.end_offset
    }) && run.len() == row.slices as usize
        && bytes == row.size_bytes
        && slices().map(|it| it.max_timestamp).max() == Some(row.max_timestamp)
}

async fn check_segments(
    context: &Context<'_>,
    segments: Segments,
) -> Result<Vec<Finding>, Failure> {
    let checked: Vec<CheckedSegment> = stream::iter(segments)
        .map(|(name, slices)| async move {
            let Ok(object) = ObjectName::new(&name) else {
                let reason = "an index object names it, which is no object's name".to_owned();
                let kind = FindingKind::Damaged;
                let finding = Finding { kind, place: None, object: Some(name), reason };
                return Ok(CheckedSegment { findings: vec![finding], footer: None });
            };
            if context.bucket.name(&object).is_none() && context.is_unreachable(&slices).await? {
                return Ok(CheckedSegment::default());
            }
            let listed = ListedSegment { object, size: None, footer: None, slices };
            let checked = segment::check(context, &listed).await?;
            Ok::<_, Failure>(CheckedSegment { footer: None, ..checked })
        })
        .buffered(SEGMENTS_IN_FLIGHT)
        .try_collect()
        .await?;
    Ok(checked.into_iter().flat_map(|it| it.findings).collect())
}

fn strange(entry: &Entry) -> Finding {
    let key = String::from_utf8_lossy(&entry.key);
    let reason = format!("{key} names no object");
    Finding { kind: FindingKind::Metadata, place: None, object: None, reason }
}

fn unreadable(object: &ObjectName, reason: &str) -> Finding {
    Finding {
        kind: FindingKind::Metadata,
        place: None,
        object: Some(object.to_string()),
        reason: format!("its commit has a footer that can't be read: {reason}"),
    }
}
