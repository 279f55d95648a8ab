//! `alluvium recover`: rebuilds a lost metadata store from the bucket.
//!
//! The newest snapshot is put into a store in memory, brought up to date there with what segments say, and turned into the next
//! generation; only then is the real store filled with it. So `--dry-run` does all but the last step, and a recovery that was
//! killed is run again: it does everything anew, which is seconds of work, as only footers of what is younger than the snapshot are
//! read.

use crate::{BrokerFlags, Failure, deployment::Deployment, serve::install_cryptography};
use cluster::BucketIdentity;
use coordinator::transaction::{LoggedProducer, LoggedTransaction};
use formats::metadata::{Cluster, Recovery};
use metadata::{MemoryStore, MetadataStore, families::Keys};
use model::{ClusterId, SessionId, TimestampMs, config::broker};
use partition_log::{
    Stores,
    adoption::{self, TracedProducer},
};
use recovery::{Found, Target};
use runtime::{Clock, Randomness};
use settings::Settings;
use std::{io::Write, process::ExitCode, sync::Arc};
use storage::Objects;
use telling::{progress, tell, tell_adopted, tell_snapshot, tell_transactions};

mod telling;

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
    /// How many slots transactional ids have, unless their topic says so.
    slots: u32,
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
    let slots = settings.number(&broker::TRANSACTION_STATE_LOG_NUM_PARTITIONS);
    let slots = slots.and_then(|slots| u32::try_from(slots).ok()).unwrap_or(1);
    let (clock, randomness) = (Clock::system(), Randomness::system());
    if dry_run {
        let objects = Deployment::open_objects_to_read(&settings, &clock, &randomness)?;
        let bucket = identify(&objects, &settings).await?;
        let source = Source { objects, bucket, keys: Keys::new("dry/"), slots, clock, randomness };
        source.rebuild(source.bucket.generation + 1, out).await?;
        tell(out, "nothing was changed; without --dry-run it is done")?;
        return Ok(ExitCode::SUCCESS);
    }
    let Deployment { metadata, keys, objects, .. } =
        Deployment::open(&settings, &clock, &randomness).await?;
    let bucket = identify(&objects, &settings).await?;
    let target = Target::new(Arc::clone(&metadata), keys.clone());
    let generation = next_generation(&target, &bucket, &metadata.describe(), out).await?;
    let source = Source { objects, bucket, keys, slots, clock, randomness };
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
    out: &mut (dyn Write + Send),
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
        Found::Begun(begun) => {
            tell(
                out,
                "an earlier attempt did not end: what it left is cleared, and all of it done again",
            )?;
            // The marker is written last but one: it may be there already.
            Ok(begun.generation.max(bucket.generation))
        }
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
        let now_unix_ms = self.clock.unix_ms();
        let adopted =
            adoption::adopt(&stores, last_session, now_unix_ms, progress(&self.clock)).await;
        let adopted = adopted.map_err(Failure::from_display)?;
        tell_adopted(out, &adopted)?;
        let logged: Vec<_> = adopted.producers.into_iter().map(logged).collect();
        let now = TimestampMs(now_unix_ms);
        let resolved = coordinator::transaction::resolve(
            metadata.as_ref(),
            &self.keys,
            &logged,
            self.slots,
            now,
        );
        tell_transactions(out, &resolved.await.map_err(Failure::from_display)?)?;
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
        tell(out, "filling the metadata store")?;
        let filled = target.fill(rebuilt.metadata.as_ref(), &recovery).await;
        let keys = filled.map_err(Failure::from_display)?;
        tell(out, &format!("{keys} keys; marking the bucket as of generation {generation}"))?;
        let marked = cluster::mark_bucket(&self.objects, cluster, generation).await;
        marked.map_err(Failure::from_display)?;
        target.finish(rebuilt.cluster, &recovery).await.map_err(Failure::from_display)?;
        let done = format!(
            "done: cluster {cluster} is of generation {generation} now. Start the brokers, then run `alluvium fsck`"
        );
        tell(out, &done)
    }
}

/// What the coordinator of transactions asks of a producer's traces in the logs.
fn logged(traced: TracedProducer) -> LoggedProducer {
    let TracedProducer { producer, newest_epoch, open, first_end } = traced;
    let open = open.map(|it| LoggedTransaction {
        epoch: it.epoch,
        partitions: it.partitions,
        is_new: it.is_new,
        was_committed: it.was_committed,
    });
    LoggedProducer { producer, newest_epoch, open, first_end }
}
