//! The partitions' logs: put together as a broker does that opens them, then compared with what they refer to.

use super::{
    Failure, Finding, FindingKind,
    context::Context,
    segment::{self, ListedSegment, read},
    slices::discontinuity,
};
use crate::{
    Claim, LogError,
    index::{IndexEntry, IndexRun, LogIndex},
    manifest_rest::Rest,
    object_read::ObjectReadError,
    recovery::{History, RecentReads, assemble, overlap},
};
use formats::{
    metadata::{Manifest, Owner, Reference},
    segment::Slice,
};
use metadata::{Entry, RangeQuery, families};
use model::{PartitionId, SessionId, TopicId, TopicName, config::TopicSettings};
use std::{collections::BTreeMap, sync::Arc};
use storage::ObjectName;

/// Logs put together at the same time.
const TOGETHER: usize = 64;

/// Checks the log of every partition.
pub(super) async fn check_all(context: &mut Context<'_>) -> Result<(), Failure> {
    let topics: Vec<_> = context.topics.keys().copied().collect();
    for topic in topics {
        for partition in name_rests(context, topic).await? {
            context.doubtful_partitions.insert(partition);
        }
        check_topic(context, topic).await?;
    }
    Ok(())
}

/// Notes what the manifests of a topic refer to; answers the partitions of which that can't be told.
async fn name_rests(context: &Context<'_>, topic: TopicId) -> Result<Vec<PartitionId>, Failure> {
    let keys = &context.stores.keys;
    let mut doubtful = Vec::new();
    for entry in context.range(keys.manifests_of(topic)).await? {
        let Some(partition) = keys.parse_manifest(&entry.key) else { continue };
        let told = match context.decode::<Manifest>(&entry) {
            None => false,
            Some(manifest) => match &manifest.rest {
                None => true,
                Some(rest) => name_rest(context, partition, &entry, rest).await?,
            },
        };
        if !told {
            doubtful.push(partition);
        }
    }
    Ok(doubtful)
}

async fn name_rest(
    context: &Context<'_>,
    partition: PartitionId,
    entry: &Entry,
    reference: &Reference,
) -> Result<bool, Failure> {
    match read_rest(context, reference).await? {
        Ok(rest) => {
            for run in &rest.runs {
                context.bucket.name(&run.object);
            }
            Ok(true)
        }
        Err((kind, reason)) => {
            if context.is_stored(entry).await? {
                let place = Some(context.place(partition, None));
                let object = Some(reference.object.clone());
                context.report([Finding { kind, place, object, reason }]);
            }
            Ok(false)
        }
    }
}

async fn read_rest(
    context: &Context<'_>,
    reference: &Reference,
) -> Result<Result<Rest, (FindingKind, String)>, Failure> {
    let Ok(object) = ObjectName::new(&reference.object) else {
        let reason = "the manifest names it, which is no object's name".to_owned();
        return Ok(Err((FindingKind::Metadata, reason)));
    };
    if context.size_of(&object).await?.is_none() {
        return Ok(Err((FindingKind::Missing, "the manifest's rest is not there".to_owned())));
    }
    let range = reference.offset..reference.offset.saturating_add(reference.length);
    let bytes = read(context, &object, range).await?;
    let rest = bytes.and_then(|bytes| Rest::decode(&bytes));
    Ok(rest.map_err(|reason| (FindingKind::Damaged, format!("the manifest's rest: {reason}"))))
}

async fn check_topic(context: &Context<'_>, topic: TopicId) -> Result<(), Failure> {
    let keys = &context.stores.keys;
    if context.range(keys.topic(topic)).await?.is_empty() {
        return Ok(());
    }
    let mut by_session: BTreeMap<SessionId, Vec<Claim>> = BTreeMap::new();
    for entry in context.range(keys.owners_of(topic)).await? {
        if let Some((session, claim)) = claim(context, &entry) {
            by_session.entry(session).or_default().push(claim);
        }
    }
    let recent = RecentReads::default();
    for (session, claims) in by_session {
        for claims in claims.chunks(TOGETHER) {
            check_logs(context, &recent, session, claims).await?;
        }
    }
    Ok(())
}

/// The claim that a broker would make of what the owner record says.
fn claim(context: &Context<'_>, entry: &Entry) -> Option<(SessionId, Claim)> {
    let partition = context.stores.keys.parse_owner(&entry.key)?;
    let owner: Owner = context.decode(entry)?;
    let session = SessionId::from_slice(&owner.session)?;
    let topic = context.topics.get(&partition.topic)?;
    let claim = Claim {
        partition,
        owner,
        owner_revision: entry.mod_revision,
        topic: TopicName::new(topic).ok()?,
        settings: Arc::new(TopicSettings::resolve(&BTreeMap::new(), &BTreeMap::new())),
    };
    Some((session, claim))
}

async fn check_logs(
    context: &Context<'_>,
    recent: &RecentReads,
    session: SessionId,
    claims: &[Claim],
) -> Result<(), Failure> {
    let together = History::read(context.stores, recent, session, claims).await;
    for claim in claims {
        let put_together = match &together {
            Ok(history) => put_together(claim, session, history).ok(),
            Err(_) => None,
        };
        let index = match put_together {
            Some(index) => index,
            None => match put_together_anew(context, claim).await? {
                Some(index) => index,
                None => continue,
            },
        };
        check_log(context, claim.partition, &index).await?;
        context.count(|summary| summary.partitions += 1);
    }
    Ok(())
}

fn put_together(claim: &Claim, session: SessionId, history: &History) -> Result<LogIndex, String> {
    let assembled = assemble(claim, session, history)?;
    match overlap(claim, session, history) {
        Some(reason) => Err(reason),
        None => Ok(assembled.index),
    }
}

/// Puts one log together, from an owner record read anew; what is still wrong then is a finding.
async fn put_together_anew(
    context: &Context<'_>,
    claim: &Claim,
) -> Result<Option<LogIndex>, Failure> {
    let key = context.stores.keys.owner(claim.partition);
    let read = context.stores.metadata.range(RangeQuery::key(key)).await?;
    let Some(entry) = read.entries.first() else { return Ok(None) };
    let Some((session, claim)) = self::claim(context, entry) else { return Ok(None) };
    let (recent, claims) = (RecentReads::default(), std::slice::from_ref(&claim));
    let history = History::read(context.stores, &recent, session, claims).await;
    let index = match history {
        Ok(history) => put_together(&claim, session, &history),
        Err(LogError::Unavailable(reason)) => return Err(Failure::Unreadable(reason)),
        Err(error) => Err(error.to_string()),
    };
    match index {
        Ok(index) => Ok(Some(index)),
        Err(reason) => {
            let place = Some(context.place(claim.partition, None));
            let kind = FindingKind::Log;
            context.report([Finding { kind, place, object: None, reason }]);
            Ok(None)
        }
    }
}

/// Looks into the runs of a log: partition segments, and index objects that its manifest names.
async fn check_log(
    context: &Context<'_>,
    partition: PartitionId,
    index: &LogIndex,
) -> Result<(), Failure> {
    let mut findings = Vec::new();
    for entry in index.entries() {
        let IndexEntry::Run(run) = entry else { continue };
        if run.is_merged() {
            findings.extend(check_partition_segment(context, partition, run).await?);
        } else {
            findings.extend(check_run(context, partition, run).await?);
        }
    }
    if !findings.is_empty() && names_still(context, partition, index).await? {
        context.report(findings);
    }
    Ok(())
}

/// Whether the log is listed as before: upkeep may have replaced what was listed.
async fn names_still(
    context: &Context<'_>,
    partition: PartitionId,
    index: &LogIndex,
) -> Result<bool, Failure> {
    let key = context.stores.keys.manifest(partition);
    let read = context.stores.metadata.range(RangeQuery::key(key)).await?;
    let manifest: Option<Manifest> =
        read.entries.first().and_then(|entry| families::decode(entry).ok());
    let Some(reference) = manifest.and_then(|manifest| manifest.rest) else { return Ok(true) };
    let Ok(rest) = read_rest(context, &reference).await? else { return Ok(true) };
    let merged = index.entries().filter(|entry| entry.is_merged());
    let named = |entry: &IndexEntry| rest.runs.iter().any(|run| run.object == *entry.object());
    Ok(merged.into_iter().all(named))
}

async fn check_partition_segment(
    context: &Context<'_>,
    partition: PartitionId,
    run: &IndexRun,
) -> Result<Vec<Finding>, Failure> {
    let listed = ListedSegment {
        object: run.object.clone(),
        size: None,
        footer: Some(run.bytes.clone()),
        slices: Vec::new(),
    };
    let checked = segment::check(context, &listed).await?;
    let about = |kind, reason: String| finding(context, partition, run, kind, reason);
    let mut findings: Vec<_> =
        checked.findings.into_iter().map(|it| about(it.kind, it.reason)).collect();
    if let Some(footer) = checked.footer {
        let own: Vec<_> = footer.slices.iter().collect();
        let alone = own.iter().all(|slice| slice.partition == partition);
        if !alone || !is_of_run(&own, run) {
            let reason = "the manifest says otherwise of it than its own footer".to_owned();
            findings.push(about(FindingKind::Differs, reason));
        }
    }
    Ok(findings)
}

async fn check_run(
    context: &Context<'_>,
    partition: PartitionId,
    run: &IndexRun,
) -> Result<Vec<Finding>, Failure> {
    context.bucket.name(&run.object);
    let about = |kind, reason: String| vec![finding(context, partition, run, kind, reason)];
    let slices = match context.reader.load_run(partition, run).await {
        Ok(slices) => slices,
        Err(ObjectReadError::Missing(_)) => {
            return Ok(about(FindingKind::Missing, "it is not there".to_owned()));
        }
        Err(ObjectReadError::Damaged { reason, .. }) => {
            return Ok(about(FindingKind::Damaged, reason));
        }
        Err(ObjectReadError::Unavailable(reason)) => return Err(Failure::Unreadable(reason)),
    };
    let slices: Vec<_> = slices.iter().map(|segment| segment.slice.as_ref()).collect();
    if let Some((end, start)) = discontinuity(slices.iter().copied()) {
        return Ok(about(FindingKind::Log, format!("offset {start} follows {end} in this run")));
    }
    if !is_of_run(&slices, run) {
        let reason = "the manifest says otherwise of this run than the run itself".to_owned();
        return Ok(about(FindingKind::Differs, reason));
    }
    Ok(Vec::new())
}

fn is_of_run(slices: &[&Slice], run: &IndexRun) -> bool {
    let bytes: u64 = slices.iter().map(|it| it.size_bytes()).sum();
    let ends = slices.first().zip(slices.last());
    ends.is_some_and(|(first, last)| {
        first.base_offset == run.base_offset && last.end_offset == run.end_offset
    }) && bytes == run.size_bytes
        && slices.iter().map(|it| it.max_timestamp).max() == Some(run.max_timestamp)
}

fn finding(
    context: &Context<'_>,
    partition: PartitionId,
    run: &IndexRun,
    kind: FindingKind,
    reason: String,
) -> Finding {
    let offsets = run.base_offset.get()..run.end_offset.get();
    let place = Some(context.place(partition, Some(offsets)));
    Finding { kind, place, object: Some(run.object.to_string()), reason }
}
