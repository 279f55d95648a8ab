//! Opens the metadata store that a setting names.

use crate::{
    EmbeddedStore, MetadataError, MetadataStore,
    etcd::{EtcdOptions, EtcdStore},
};
use runtime::{Clock, Randomness};
use std::{path::Path, sync::Arc};

/// Opens `url`: `embedded` is a store in `directory`, `etcd://host:port[,host:port…]` is etcd over plain HTTP.
///
/// An embedded store is read before this returns; etcd is not contacted yet.
///
/// # Errors
/// `Refused` for another kind of URL, an address that is none, or a directory that can't be used; `Damaged`.
pub async fn open(
    url: &str,
    directory: &Path,
    clock: &Clock,
    randomness: &Randomness,
) -> Result<Arc<dyn MetadataStore>, MetadataError> {
    if url == "embedded" {
        return Ok(Arc::new(EmbeddedStore::open(directory, clock.clone())?));
    }
    open_etcd(url, randomness).await
}

/// The same to be read only: of an embedded store, which must be there, a copy is opened that lies in memory.
///
/// # Errors
/// As [`open`].
pub async fn open_to_read(
    url: &str,
    directory: &Path,
    clock: &Clock,
    randomness: &Randomness,
) -> Result<Arc<dyn MetadataStore>, MetadataError> {
    if url == "embedded" {
        return Ok(Arc::new(EmbeddedStore::open_copy(directory, clock.clone())?));
    }
    open_etcd(url, randomness).await
}

async fn open_etcd(
    url: &str,
    randomness: &Randomness,
) -> Result<Arc<dyn MetadataStore>, MetadataError> {
    let Some(members) = url.strip_prefix("etcd://") else {
        return Err(MetadataError::Refused(format!(
            "{url:?} is no metadata store: write `embedded` or `etcd://host:port[,host:port…]`"
        )));
    };
    let members: Vec<&str> = members.trim_end_matches('/').split(',').collect();
    if members.iter().any(|member| !is_address(member)) {
        return Err(MetadataError::Refused(format!(
            "{url:?} must name members as etcd://host:port[,host:port…]"
        )));
    }
    let endpoints = members.iter().map(|member| format!("http://{member}"));
    let store = EtcdStore::connect(EtcdOptions::new(endpoints), randomness.clone()).await?;
    Ok(Arc::new(store))
}

/// Whether `member` is `host:port`.
fn is_address(member: &str) -> bool {
    member
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refusal(url: &str) -> String {
        let (clock, randomness) = (Clock::system(), Randomness::seeded(1));
        match open(url, Path::new("/nowhere"), &clock, &randomness).await {
            Err(MetadataError::Refused(reason)) => reason,
            other => panic!("{url} gave {other:?}"),
        }
    }

    #[tokio::test]
    async fn an_unknown_kind_of_store_says_what_is_known() {
        assert!(refusal("zookeeper://a:2181").await.contains("etcd://host:port"));
    }

    #[tokio::test]
    async fn an_etcd_member_needs_a_port() {
        assert!(refusal("etcd://localhost").await.contains("host:port"));
        assert!(refusal("etcd://a:2379,b").await.contains("host:port"));
    }
}
