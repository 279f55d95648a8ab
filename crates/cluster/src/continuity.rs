//! Whether the metadata store is still the one this broker joined: same cluster, and its revision never goes back.
//!
//! A store restored from an older backup has forgotten commits that were acknowledged. A broker that sees it must neither register
//! nor write (DESIGN section 5, "Identity").

use crate::{ClusterError, cluster::Shared, stored::Stored};
use metadata::{RangeQuery, Revision};

/// What is said of a store whose revision went back.
pub(crate) fn went_back(shared: &Shared) -> String {
    format!(
        "{} went back in time: it was restored from an older backup. This broker stops, nothing was changed; run `alluvium recover`",
        shared.parts.metadata.describe()
    )
}

/// Reads the cluster's record and compares.
///
/// # Errors
/// `Identity` when the store is another one or went back; `Version`; `Unavailable`.
pub(crate) async fn check(shared: &Shared) -> Result<(), ClusterError> {
    let seen: Revision = shared.seen();
    let query = RangeQuery::key(shared.parts.keys.cluster());
    let range = shared.parts.metadata.range(query).await?;
    if range.revision < seen {
        return Err(ClusterError::Identity(went_back(shared)));
    }
    let stored = range.entries.first().map(Stored::<formats::metadata::Cluster>::from_entry);
    let found = stored.transpose()?.map(|stored| stored.value);
    let place = shared.parts.metadata.describe();
    match found {
        Some(found)
            if found.cluster_id == shared.cluster_id.as_str()
                && found.generation == shared.generation =>
        {
            Ok(())
        }
        Some(found) if found.cluster_id == shared.cluster_id.as_str() => {
            Err(ClusterError::Identity(format!(
                "{place} is of generation {} now, this broker joined generation {}: start it again",
                found.generation, shared.generation
            )))
        }
        Some(found) => Err(ClusterError::Identity(format!(
            "{place} holds cluster {} now, this broker belongs to cluster {}; is --metadata the right store?",
            found.cluster_id, shared.cluster_id
        ))),
        None => Err(ClusterError::Identity(format!(
            "{place} has no cluster any more, this broker belongs to cluster {}: the metadata is lost. Nothing was changed; run `alluvium recover`",
            shared.cluster_id
        ))),
    }
}
