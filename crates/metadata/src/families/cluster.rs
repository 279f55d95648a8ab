//! `cluster`: which cluster this is, written once; a new generation only by `alluvium recover`.

use super::{Keys, value::value};
use bytes::Bytes;
use formats::metadata::Cluster;

value!(Cluster, |cluster| match cluster.cluster_id.as_str() {
    "" => Err("the cluster id is empty"),
    _ => Ok(()),
});

impl Keys {
    /// The cluster's identity.
    pub fn cluster(&self) -> Bytes {
        self.at("cluster")
    }
}
