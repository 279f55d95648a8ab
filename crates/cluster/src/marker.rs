//! The bucket's marker: which cluster the prefix belongs to, and how far metadata had come.
//!
//! `marker/{generation}/cluster` is written once (If-None-Match) and never changed. `marker/{generation}/broker-{id}` notes the
//! largest metadata revision that broker saw. Both are lines of `name value`, so that a person can read them. (A name below the
//! generation, because on a local directory one path can't be a file and a directory.)

use crate::ClusterError;
use bytes::Bytes;
use metadata::Revision;
use model::{BrokerId, ClusterId};
use storage::{ObjectError, ObjectErrorKind, ObjectName, Objects};

const PREFIX: &str = "marker/";

/// What the bucket says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Marker {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its highest generation.
    pub generation: u64,
    /// The largest metadata revision that any broker noted in that generation.
    pub noted: Revision,
}

/// Reads the marker of the highest generation; `None` in a bucket without one.
///
/// # Errors
/// `Unavailable`; `Identity` for a marker that can't be read.
pub(crate) async fn read(objects: &Objects) -> Result<Option<Marker>, ClusterError> {
    let listed = objects.list(PREFIX).await.map_err(unavailable)?;
    let names = listed.iter().filter_map(|it| Some((parse_generation(&it.name)?, &it.name)));
    let Some(generation) = names.clone().map(|(generation, _)| generation).max() else {
        return Ok(None);
    };
    let mut cluster = None;
    let mut noted = Revision(0);
    for (_, name) in names.filter(|(of, _)| *of == generation) {
        let text = objects.get(name).await.map_err(unavailable)?;
        if name.as_str().ends_with("/cluster") {
            cluster = Some(parse_cluster(name, &text)?);
        } else {
            noted = noted.max(parse_noted(name, &text)?);
        }
    }
    let cluster = cluster.ok_or_else(|| {
        ClusterError::Identity(format!(
            "{} has notes of generation {generation} but its marker object is gone",
            objects.describe()
        ))
    })?;
    Ok(Some(Marker { cluster, generation, noted }))
}

/// Writes the marker of a new cluster; when there is one already, it must be the same.
///
/// # Errors
/// `Identity`, naming both clusters; `Unavailable`.
pub(crate) async fn found(
    objects: &Objects,
    cluster: &ClusterId,
    generation: u64,
) -> Result<(), ClusterError> {
    let name = cluster_name(generation)?;
    let content = Bytes::from(format!("format 1\ncluster_id {cluster}\ngeneration {generation}\n"));
    let there = match objects.put_if_absent(&name, content).await {
        Ok(()) => return Ok(()),
        Err(error) if error.kind == ObjectErrorKind::AlreadyExists => {
            objects.get(&name).await.map_err(unavailable)?
        }
        Err(error) => return Err(unavailable(error)),
    };
    let other = parse_cluster(&name, &there)?;
    if &other == cluster {
        return Ok(());
    }
    Err(ClusterError::Identity(format!(
        "{} belongs to cluster {other}, but the metadata store to cluster {cluster}: two clusters must not share a prefix; give one of them another --object-store",
        objects.describe()
    )))
}

/// Notes `revision` for `broker`.
///
/// # Errors
/// The store's.
pub(crate) async fn note(
    objects: &Objects,
    generation: u64,
    broker: BrokerId,
    revision: Revision,
) -> Result<(), ObjectError> {
    let text = format!("{PREFIX}{generation:010}/broker-{broker}");
    let name = ObjectName::new(&text).map_err(|error| ObjectError {
        operation: "put",
        name: text,
        kind: ObjectErrorKind::Invalid,
        reason: error.to_string(),
    })?;
    objects.put(&name, vec![Bytes::from(format!("format 1\nrevision {revision}\n"))]).await
}

fn cluster_name(generation: u64) -> Result<ObjectName, ClusterError> {
    ObjectName::new(&format!("{PREFIX}{generation:010}/cluster"))
        .map_err(|error| ClusterError::Identity(error.to_string()))
}

fn parse_generation(name: &ObjectName) -> Option<u64> {
    name.as_str().strip_prefix(PREFIX)?.split_once('/')?.0.parse().ok()
}

fn parse_cluster(name: &ObjectName, text: &[u8]) -> Result<ClusterId, ClusterError> {
    let id = field(name, text, "cluster_id")?;
    ClusterId::new(id).map_err(|error| unreadable(name, &error.to_string()))
}

fn parse_noted(name: &ObjectName, text: &[u8]) -> Result<Revision, ClusterError> {
    let number = field(name, text, "revision")?.parse();
    number.map(Revision).map_err(|_| unreadable(name, "the revision is no number"))
}

/// The value of a line `field value`; the first line must name a format this program knows.
fn field<'a>(name: &ObjectName, text: &'a [u8], field: &str) -> Result<&'a str, ClusterError> {
    let text = std::str::from_utf8(text).map_err(|_| unreadable(name, "it is not text"))?;
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    if lines.next() != Some(("format", "1")) {
        return Err(ClusterError::Version(format!(
            "{name} is of a format this program does not know: run a newer version of it"
        )));
    }
    lines
        .find_map(|(key, value)| (key == field).then_some(value))
        .ok_or_else(|| unreadable(name, &format!("it has no {field}")))
}

fn unreadable(name: &ObjectName, reason: &str) -> ClusterError {
    ClusterError::Identity(format!("object {name} can't be read as a cluster marker: {reason}"))
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn unavailable(error: ObjectError) -> ClusterError {
    ClusterError::Unavailable(error.to_string())
}
