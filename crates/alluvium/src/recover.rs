//! `alluvium recover`: rebuilds a lost metadata store from the bucket.
//!
//! The newest snapshot is put into a store in memory, brought up to date there with what segments say, and turned into the next
//! generation; only then is the real store filled with it. So `--dry-run` does all but the last step, and a recovery that was
//! killed is run again.

use crate::{BrokerFlags, Failure, deployment::Deployment, serve::install_cryptography};
use cluster::BucketIdentity;
use formats::metadata::{Cluster, Recovery};
use metadata::{MemoryStore, MetadataStore, families::Keys};
use model::{ClusterId, SessionId, config::broker};
use partition_log::{
    Stores,
    adoption::{self, Adopted},
};
use recovery::{Found, PutBack, Target};
use runtime::{Clock, Randomness};
use settings::Settings;
use std::{io::Write, process::ExitCode, sync::Arc};
use storage::Objects;

/// So many of a kind are printed; the others are counted.
const PRINTED: usize = 20;

#[expect(clippy::doc_markdown, rustdoc::bare_urls, reason = "help texts are read in a terminal")]
/// From where, and whether to do it.
#[derive(Debug, clap::Args)]
pub(crate) struct RecoverFlags {
    #[command(flatten)]
    broker: BrokerFlags,
    /// The bucket to rebuild from, instead of --object-store: s3://bucket/prefix or file:///directory
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Metadata of the next generation, in memory.
struct Rebuilt {
    metadata: Arc<dyn MetadataStore>,
    cluster: Cluster,
    snapshot: String,
}

/// The bucket, and what else rebuilding takes.
struct Source {
    objects: Objects,
    bucket: BucketIdentity,
    keys: Keys,
    clock: Clock,
    randomness: Randomness,
}

/// Rebuilds, and says on `out` what was found and what nobody can know.
///
/// # Errors
/// What stands against it, or failed; it may be run again.
pub(crate) async fn recover(
    flags: RecoverFlags,
    out: &mut (dyn Write + Send),
) -> Result<ExitCode, Failure> {
    install_cryptography();
    let RecoverFlags { mut broker, from, dry_run } = flags;
    broker.object_store = from.or(broker.object_store);
    let settings = broker.settings()?;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    if dry_run {
        let objects = Deployment::open_objects_to_read(&settings, &clock, &randomness)?;
        let bucket = identify(&objects, &settings).await?;
        let source = Source { objects, bucket, keys: Keys::new("dry/"), clock, randomness };
        source.rebuild(source.bucket.generation + 1, out).await?;
        tell(out, "nothing was changed; without --dry-run it is done")?;
        return Ok(ExitCode::SUCCESS);
    }
    let Deployment { metadata, keys, objects, .. } =
        Deployment::open(&settings, &clock, &randomness).await?;
    let bucket = identify(&objects, &settings).await?;
    let target = Target::new(Arc::clone(&metadata), keys.clone());
    let generation = next_generation(&target, &bucket, &metadata.describe()).await?;
    let source = Source { objects, bucket, keys, clock, randomness };
    let rebuilt = source.rebuild(generation, out).await?;
    source.finish(&target, generation, rebuilt, out).await?;
    Ok(ExitCode::SUCCESS)
}

/// Whose the bucket is. It must be named, and right: what is rebuilt is used at once.
async fn identify(objects: &Objects, settings: &Settings) -> Result<BucketIdentity, Failure> {
    let found = cluster::identify_bucket(objects).await.map_err(Failure::from_display)?;
    let place = objects.describe();
    let found = found.ok_or_else(|| {
        Failure(format!("{place} holds no cluster: is --from the right bucket and prefix?"))
    })?;
    let asked = settings.text(&broker::CLUSTER_ID).map(|id| ClusterId::new(id.to_owned()));
    match asked.transpose().map_err(Failure::from_display)? {
        Some(asked) if asked == found.cluster => Ok(found),
        Some(asked) => Err(Failure(format!(
            "--cluster-id asks for {asked}, but {place} holds cluster {}",
            found.cluster
        ))),
        None => Err(Failure(format!(
            "{place} holds cluster {}: name it with --cluster-id if that is the one",
            found.cluster
        ))),
    }
}

/// The generation to make: the bucket's next, or that of an attempt which did not end.
async fn next_generation(
    target: &Target,
    bucket: &BucketIdentity,
    place: &str,
) -> Result<u64, Failure> {
    let next = bucket.generation + 1;
    match target.look().await.map_err(Failure::from_display)? {
        Found::Empty => Ok(next),
        Found::Begun(begun) if begun.cluster_id != bucket.cluster.as_str() => {
            Err(Failure(format!(
                "{place} is being filled with cluster {}, not {}",
                begun.cluster_id, bucket.cluster
            )))
        }
        // The marker is written last but one: it may be there already.
        Found::Begun(begun) => Ok(begun.generation.max(bucket.generation)),
        Found::Taken(key) => Err(Failure(format!(
            "{place} is not empty (it has {key}): a recovery fills an empty one. If that is what is left of the cluster, look whether it is whole before you delete it; else name another place or prefix with --metadata"
        ))),
    }
}

impl Source {
    /// Puts the newest snapshot back in memory, adopts what the bucket has besides, and begins the generation.
    async fn rebuild(
        &self,
        generation: u64,
        out: &mut (dyn Write + Send),
    ) -> Result<Rebuilt, Failure> {
        let metadata: Arc<dyn MetadataStore> = Arc::new(MemoryStore::new(self.clock.clone()));
        let put_back = recovery::put_back(&self.objects, metadata.as_ref(), &self.keys).await;
        let put_back = put_back.map_err(Failure::from_display)?.ok_or_else(|| {
            let place = self.objects.describe();
            Failure(format!(
                "{place} has no whole snapshot of metadata: nothing can be rebuilt from it"
            ))
        })?;
        tell_snapshot(out, &put_back, self.clock.unix_ms())?;
        let stores = Stores {
            metadata: Arc::clone(&metadata),
            keys: self.keys.clone(),
            objects: self.objects.clone(),
        };
        let last_session = SessionId::from_random_bytes(self.randomness.bytes16());
        let adopted =
            adoption::adopt(&stores, last_session).await.map_err(Failure::from_display)?;
        tell_adopted(out, &adopted)?;
        let begun = cluster::begin_generation(metadata.as_ref(), &self.keys, generation).await;
        let cluster = begun.map_err(Failure::from_display)?;
        Ok(Rebuilt { metadata, cluster, snapshot: put_back.object })
    }

    /// Fills the target, marks the bucket, and makes the target a cluster: in this order each step can be done again.
    async fn finish(
        &self,
        target: &Target,
        generation: u64,
        rebuilt: Rebuilt,
        out: &mut (dyn Write + Send),
    ) -> Result<(), Failure> {
        let cluster = &self.bucket.cluster;
        let recovery = Recovery {
            cluster_id: cluster.to_string(),
            generation,
            snapshot: rebuilt.snapshot,
            ..Recovery::default()
        };
        let filled = target.fill(rebuilt.metadata.as_ref(), &recovery).await;
        let keys = filled.map_err(Failure::from_display)?;
        let marked = cluster::mark_bucket(&self.objects, cluster, generation).await;
        marked.map_err(Failure::from_display)?;
        target.finish(rebuilt.cluster, &recovery).await.map_err(Failure::from_display)?;
        let done = format!(
            "done: {keys} keys; cluster {cluster} is of generation {generation} now. Start the brokers, then run `alluvium fsck`"
        );
        tell(out, &done)
    }
}

fn tell_snapshot(
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

fn tell_adopted(out: &mut (dyn Write + Send), adopted: &Adopted) -> Result<(), Failure> {
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
    if adopted.of_unknown_topics > 0 {
        let unknown = adopted.of_unknown_topics;
        tell(
            out,
            &format!(
                "not known: the topics of {unknown} slices, created since the snapshot or deleted before it"
            ),
        )?;
    }
    Ok(())
}

fn tell(out: &mut (dyn Write + Send), line: &str) -> Result<(), Failure> {
    writeln!(out, "{line}").map_err(Failure::from_display)
}
