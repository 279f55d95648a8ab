//! `manifests/{topic id}/{partition}`: what makes up a partition's log beyond the commits not yet folded.

use super::{
    Keys,
    keys::{parse_partition_path, partition_path},
    value::{check_id, value},
};
use crate::{Compare, Operation, Revision, Transaction};
use bytes::Bytes;
use formats::metadata::Manifest;
use model::{PartitionId, TopicId};

/// The most bytes a manifest's value takes; what is more goes to the object it refers to.
pub const MANIFEST_MAX_BYTES: usize = 512;

value!(Manifest, |manifest| manifest
    .folded
    .iter()
    .try_for_each(|folded| { check_id(&folded.session, "a session in `folded` is not 16 bytes") }));

impl Keys {
    /// The manifest of a partition.
    pub fn manifest(&self, partition: PartitionId) -> Bytes {
        self.at(&format!("manifests/{}", partition_path(partition)))
    }

    /// Every manifest.
    pub fn manifests(&self) -> Bytes {
        self.at("manifests/")
    }

    /// The manifests of one topic.
    pub fn manifests_of(&self, topic: TopicId) -> Bytes {
        self.at(&format!("manifests/{topic}/"))
    }

    /// Which partition a key of [`Keys::manifests`] is about.
    pub fn parse_manifest(&self, key: &[u8]) -> Option<PartitionId> {
        parse_partition_path(self.rest("manifests/", key)?)
    }

    /// Puts a manifest, provided that the owner record and the manifest (zero: absent) are those of these revisions.
    pub fn manifest_transaction(
        &self,
        partition: PartitionId,
        owner_revision: Revision,
        manifest_revision: Revision,
        manifest: Manifest,
    ) -> Transaction {
        let key = self.manifest(partition);
        Transaction {
            compares: vec![
                Compare::ModRevision(self.owner(partition), owner_revision),
                Compare::ModRevision(key.clone(), manifest_revision),
            ],
            then: vec![Operation::put(key, super::encode(manifest))],
            otherwise: vec![],
        }
    }
}
