//! Which cluster this is: what metadata and bucket say, and what follows.
//!
//! Metadata is founded first, then the bucket's marker; a crash between the two leaves a cluster that no broker has registered
//! in, and the next start finishes it. After that the two must agree at every start (DESIGN section 5, "Identity").

use crate::{ClusterError, ClusterParts, features, marker, marker::Marker, stored::Stored};
use metadata::{
    Compare, MetadataStore, Operation, RangeQuery, Revision, Transaction,
    families::{self, Keys},
};
use model::ClusterId;
use storage::Objects;

/// What metadata says.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Remembered {
    cluster: ClusterId,
    generation: u64,
    /// Whether a broker ever registered.
    used: bool,
}

/// What to do at this start.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Plan {
    /// Nothing is stored anywhere: make the cluster.
    Found,
    /// Metadata was founded, the marker not yet.
    FinishFounding(ClusterId, u64),
    /// All agree.
    Use(ClusterId),
}

/// Finds or founds the cluster.
///
/// # Errors
/// `Identity`, `Version`, `Unavailable`.
pub(crate) async fn identify(
    parts: &ClusterParts,
    asked: Option<&ClusterId>,
) -> Result<ClusterId, ClusterError> {
    let bucket = marker::read(&parts.objects).await?;
    let (remembered, revision) = read_metadata(parts.metadata.as_ref(), &parts.keys).await?;
    let places = Places { metadata: parts.metadata.describe(), bucket: parts.objects.describe() };
    match decide(remembered, bucket, revision, asked, &places)? {
        Plan::Use(cluster) => Ok(cluster),
        Plan::FinishFounding(cluster, generation) => {
            marker::found(&parts.objects, &cluster, generation).await?;
            Ok(cluster)
        }
        Plan::Found => {
            let cluster = asked.cloned().unwrap_or_else(|| random_id(parts));
            let (cluster, generation) = found_metadata(parts, cluster).await?;
            marker::found(&parts.objects, &cluster, generation).await?;
            Ok(cluster)
        }
    }
}

/// Says which cluster metadata and bucket both hold; changes nothing.
///
/// # Errors
/// `Identity`, also when there is none; `Version`, `Unavailable`.
pub async fn confirm_identity(
    metadata: &dyn MetadataStore,
    keys: &Keys,
    objects: &Objects,
    asked: Option<&ClusterId>,
) -> Result<ClusterId, ClusterError> {
    let bucket = marker::read(objects).await?;
    let (remembered, revision) = read_metadata(metadata, keys).await?;
    let places = Places { metadata: metadata.describe(), bucket: objects.describe() };
    match decide(remembered, bucket, revision, asked, &places)? {
        Plan::Use(cluster) | Plan::FinishFounding(cluster, _) => Ok(cluster),
        Plan::Found => Err(ClusterError::Identity(format!(
            "neither {} nor {} holds a cluster",
            places.metadata, places.bucket
        ))),
    }
}

/// Where the two truths lie, for messages.
struct Places {
    metadata: String,
    bucket: String,
}

fn decide(
    remembered: Option<Remembered>,
    bucket: Option<Marker>,
    revision: Revision,
    asked: Option<&ClusterId>,
    places: &Places,
) -> Result<Plan, ClusterError> {
    let Places { metadata, bucket: objects } = places;
    let refuse = |text: String| Err(ClusterError::Identity(text));
    let plan = match (remembered, bucket) {
        (None, None) => return Ok(Plan::Found),
        (None, Some(marker)) => {
            return refuse(format!(
                "{objects} holds cluster {}, but {metadata} is empty: the metadata is lost or another one is meant. Nothing was changed. Point --metadata at the right store, or rebuild it from the bucket with `alluvium recover`",
                marker.cluster
            ));
        }
        (Some(known), None) if known.used => {
            return refuse(format!(
                "{metadata} holds cluster {}, but {objects} has no marker of it: is --object-store the right bucket and prefix?",
                known.cluster
            ));
        }
        (Some(known), None) => Plan::FinishFounding(known.cluster, known.generation),
        (Some(known), Some(marker)) if known.cluster != marker.cluster => {
            return refuse(format!(
                "{metadata} holds cluster {}, {objects} holds cluster {}: two clusters must not share a prefix; give one of them another --metadata or --object-store",
                known.cluster, marker.cluster
            ));
        }
        (Some(known), Some(marker)) if known.generation != marker.generation => {
            return refuse(format!(
                "{metadata} is of generation {}, {objects} of generation {}: the metadata was restored from an older backup; run `alluvium recover`",
                known.generation, marker.generation
            ));
        }
        (Some(_), Some(marker)) if revision < marker.noted => {
            return refuse(format!(
                "{metadata} is at revision {revision}, but {objects} saw it at {}: the metadata was restored from an older backup. Nothing was changed. Run `alluvium recover`",
                marker.noted
            ));
        }
        (Some(known), Some(_)) => Plan::Use(known.cluster),
    };
    let (Plan::Use(found) | Plan::FinishFounding(found, _)) = &plan else { return Ok(plan) };
    match asked {
        Some(asked) if asked != found => refuse(format!(
            "--cluster-id asks for {asked}, but {metadata} and {objects} hold cluster {found}"
        )),
        _ => Ok(plan),
    }
}

async fn read_metadata(
    store: &dyn MetadataStore,
    keys: &Keys,
) -> Result<(Option<Remembered>, Revision), ClusterError> {
    let range = store.range(RangeQuery::key(keys.cluster())).await?;
    let Some(entry) = range.entries.first() else { return Ok((None, range.revision)) };
    let cluster = Stored::<formats::metadata::Cluster>::from_entry(entry)?.value;
    if let Some(stored) =
        Stored::<formats::metadata::Features>::read(store, keys.features()).await?
    {
        features::check(stored.value)?;
    }
    let brokers = store.range(RangeQuery::prefix(keys.brokers()).limit(1)).await?;
    let remembered = Remembered {
        cluster: checked_id(cluster.cluster_id)?,
        generation: cluster.generation,
        used: !brokers.entries.is_empty(),
    };
    Ok((Some(remembered), range.revision))
}

/// Creates the keys of a new cluster; when another broker was faster, its cluster is the answer.
async fn found_metadata(
    parts: &ClusterParts,
    cluster: ClusterId,
) -> Result<(ClusterId, u64), ClusterError> {
    let record = formats::metadata::Cluster {
        format: 1,
        cluster_id: cluster.to_string(),
        generation: 0,
        created_unix_ms: parts.clock.unix_ms(),
    };
    let founding = Transaction {
        compares: vec![Compare::Absent(parts.keys.cluster())],
        then: vec![
            Operation::put(parts.keys.cluster(), families::encode(record)),
            Operation::put(parts.keys.features(), families::encode(features::founding())),
        ],
        otherwise: Vec::new(),
    };
    // Whatever becomes of it, what is stored afterwards decides: a late landing can only find the key present.
    let outcome = parts.metadata.transact(founding).await;
    let key = parts.keys.cluster();
    let stored = Stored::<formats::metadata::Cluster>::read(parts.metadata.as_ref(), key).await?;
    match (stored, outcome) {
        (Some(stored), _) => Ok((checked_id(stored.value.cluster_id)?, stored.value.generation)),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Err(ClusterError::Unavailable("the cluster key vanished".to_owned())),
    }
}

fn checked_id(text: String) -> Result<ClusterId, ClusterError> {
    ClusterId::new(text).map_err(|error| ClusterError::Identity(error.to_string()))
}

/// 128 random bits in 22 characters of base64url, as Kafka's tools make them; never with a leading `-`, which shells misread.
fn random_id(parts: &ClusterParts) -> ClusterId {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    loop {
        let mut bits = u128::from_be_bytes(parts.randomness.bytes16());
        let text: String = (0..22)
            .map(|_| {
                let letter = ALPHABET.get((bits & 63) as usize).copied().unwrap_or(b'A');
                bits >>= 6;
                char::from(letter)
            })
            .collect();
        if let (false, Ok(id)) = (text.starts_with('-'), ClusterId::new(text)) {
            return id;
        }
    }
}

#[cfg(test)]
mod tests;
