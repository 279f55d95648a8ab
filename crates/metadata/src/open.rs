//! Opens the metadata store that a setting names.

use crate::{
    EmbeddedStore, MetadataError, MetadataStore,
    etcd::{EtcdAccess, EtcdOptions, EtcdStore},
};
use runtime::{Clock, Randomness};
use std::{path::Path, sync::Arc};

/// Opens `url`: `embedded` is a store in `directory`, `etcd://host:port[,host:port…]` is etcd over plain HTTP, and
/// `etcds://…` is etcd over TLS; `access` is how etcd is come in at.
///
/// An embedded store is read before this returns; etcd is not contacted yet, unless a user logs in.
///
/// # Errors
/// `Refused` for another kind of URL, an address that is none, or a directory that can't be used; `Damaged`.
pub async fn open(
    url: &str,
    directory: &Path,
    access: &EtcdAccess,
    clock: &Clock,
    randomness: &Randomness,
) -> Result<Arc<dyn MetadataStore>, MetadataError> {
    if url == "embedded" {
        return Ok(Arc::new(EmbeddedStore::open(directory, clock.clone())?));
    }
    open_etcd(url, access, randomness).await
}

/// The same to be read only: of an embedded store, which must be there, a copy is opened that lies in memory.
///
/// # Errors
/// As [`open`].
pub async fn open_to_read(
    url: &str,
    directory: &Path,
    access: &EtcdAccess,
    clock: &Clock,
    randomness: &Randomness,
) -> Result<Arc<dyn MetadataStore>, MetadataError> {
    if url == "embedded" {
        return Ok(Arc::new(EmbeddedStore::open_copy(directory, clock.clone())?));
    }
    open_etcd(url, access, randomness).await
}

async fn open_etcd(
    url: &str,
    access: &EtcdAccess,
    randomness: &Randomness,
) -> Result<Arc<dyn MetadataStore>, MetadataError> {
    let refused = |reason: &str| Err(MetadataError::Refused(format!("{url:?} {reason}")));
    let (scheme, members) = match url.split_once("://") {
        Some(("etcd", members)) => ("http", members),
        Some(("etcds", members)) => ("https", members),
        _ => {
            return refused(
                "is no metadata store: write `embedded`, `etcd://host:port[,host:port…]` or, with TLS, `etcds://host:port[,host:port…]`",
            );
        }
    };
    let members: Vec<&str> = members.trim_end_matches('/').split(',').collect();
    if members.iter().any(|member| !is_address(member)) {
        return refused("must name members as etcd://host:port[,host:port…]");
    }
    match (scheme, &access.tls, &access.login) {
        ("https", None, _) => {
            return refused("needs etcd.ssl.ca.location: whom to trust to be etcd, in PEM");
        }
        ("http", Some(_), _) => {
            return refused("is in the open, and etcd.ssl.ca.location is set: write etcds://");
        }
        ("http", _, Some(_)) => {
            return refused(
                "would show etcd.password to everybody on the way: write etcds://, with etcd.ssl.ca.location",
            );
        }
        _ => {}
    }
    let endpoints = members.iter().map(|member| format!("{scheme}://{member}"));
    let options = EtcdOptions { access: access.clone(), ..EtcdOptions::new(endpoints) };
    Ok(Arc::new(EtcdStore::connect(options, randomness.clone()).await?))
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
        refusal_with(url, &EtcdAccess::default()).await
    }

    async fn refusal_with(url: &str, access: &EtcdAccess) -> String {
        let (clock, randomness) = (Clock::system(), Randomness::seeded(1));
        match open(url, Path::new("/nowhere"), access, &clock, &randomness).await {
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

    #[tokio::test]
    async fn nothing_goes_in_the_open_that_was_to_be_encrypted() {
        assert!(refusal("etcds://a:1").await.contains("needs etcd.ssl.ca.location"));
        let login = Some(("alluvium".to_owned(), "secret".to_owned()));
        let access = EtcdAccess { login, ..EtcdAccess::default() };
        let refused = refusal_with("etcd://a:1", &access).await;
        assert!(refused.contains("etcds://") && !refused.contains("secret"), "{refused}");
    }
}
