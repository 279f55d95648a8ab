//! Opens what a broker stands on: metadata store and object store, as the settings name them.

use crate::Failure;
use metadata::{EtcdAccess, EtcdTls, EtcdTlsFiles, MetadataError, MetadataStore};
use model::config::deployment;
use runtime::{Clock, Randomness};
use settings::Settings;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use storage::{Objects, ObjectsOptions};

/// The stores of one deployment.
pub(crate) struct Deployment {
    pub(crate) metadata: Arc<dyn MetadataStore>,
    pub(crate) metadata_description: String,
    pub(crate) keys: metadata::families::Keys,
    pub(crate) objects: Objects,
    pub(crate) objects_description: String,
    /// Whether segments lie on a local directory: its request budget is another.
    pub(crate) objects_are_local: bool,
}

/// Key prefix in a metadata store that names none.
const DEFAULT_PREFIX: &str = "alluvium/";

impl Deployment {
    /// Opens both stores. Directories are made; nothing of a cluster is read or written yet.
    ///
    /// # Errors
    /// One line that names the setting to change.
    pub(crate) async fn open(
        settings: &Settings,
        clock: &Clock,
        randomness: &Randomness,
    ) -> Result<Self, Failure> {
        if settings.is_embedded() {
            make_directory(&settings.data_directory(), "--data-dir")?;
            make_directory(&metadata_directory(settings), "--data-dir")?;
        }
        let url = object_store_url(settings)?;
        let objects = open_objects(&object_options(settings, &url), clock, randomness)?;
        let (address, prefix) = metadata_address(settings);
        let access = etcd_access(settings)?;
        let directory = metadata_directory(settings);
        let metadata = metadata::open(address, &directory, &access, clock, randomness).await;
        let metadata = metadata.map_err(|error| metadata_failure(settings, &error))?;
        Ok(Self::of(&url, objects, metadata, prefix))
    }

    /// Opens both stores to be read: nothing is made, and nothing changes in them.
    ///
    /// # Errors
    /// As [`Deployment::open`].
    pub(crate) async fn open_to_read(
        settings: &Settings,
        clock: &Clock,
        randomness: &Randomness,
    ) -> Result<Self, Failure> {
        let url = object_store_url(settings)?;
        let objects = Self::open_objects_to_read(settings, clock, randomness)?;
        let (address, prefix) = metadata_address(settings);
        let access = etcd_access(settings)?;
        let directory = metadata_directory(settings);
        let metadata =
            metadata::open_to_read(address, &directory, &access, clock, randomness).await;
        let metadata = metadata.map_err(|error| metadata_failure(settings, &error))?;
        Ok(Self::of(&url, objects, metadata, prefix))
    }

    /// Opens the object store alone, to be read.
    ///
    /// # Errors
    /// As [`Deployment::open`].
    pub(crate) fn open_objects_to_read(
        settings: &Settings,
        clock: &Clock,
        randomness: &Randomness,
    ) -> Result<Objects, Failure> {
        let url = object_store_url(settings)?;
        let options = ObjectsOptions { read_only: true, ..object_options(settings, &url) };
        open_objects(&options, clock, randomness)
    }

    fn of(url: &str, objects: Objects, metadata: Arc<dyn MetadataStore>, prefix: String) -> Self {
        Self {
            metadata_description: metadata.describe(),
            metadata,
            keys: metadata::families::Keys::new(prefix),
            objects_description: objects.describe(),
            objects_are_local: url.starts_with("file:"),
            objects,
        }
    }
}

/// The object store's URL: as given, or a folder of the data directory.
///
/// # Errors
/// A cluster deployment must name one.
fn object_store_url(settings: &Settings) -> Result<String, Failure> {
    if let Some(url) = settings.text(&deployment::OBJECT_STORE) {
        return Ok(url.to_owned());
    }
    if !settings.is_embedded() {
        return Err(Failure(
            "--metadata etcd://… needs --object-store s3://bucket/prefix (or a file:/// directory that all brokers share)".to_owned(),
        ));
    }
    let directory = settings.data_directory();
    let absolute = fs::canonicalize(&directory)
        .map_err(|error| Failure(format!("--data-dir {}: {error}", directory.display())))?;
    Ok(format!("file://{}", absolute.join("objects").display()))
}

fn object_options(settings: &Settings, url: &str) -> ObjectsOptions {
    let mut options = ObjectsOptions::new(url);
    options.endpoint = settings.text(&deployment::OBJECT_STORE_ENDPOINT).map(str::to_owned);
    options.authorities =
        settings.text(&deployment::OBJECT_STORE_SSL_CA_LOCATION).map(PathBuf::from);
    options.credentials.clone_from(&settings.object_store_credentials);
    options
}

fn open_objects(
    options: &ObjectsOptions,
    clock: &Clock,
    randomness: &Randomness,
) -> Result<Objects, Failure> {
    Objects::open(options, clock.clone(), randomness.clone())
        .map_err(|error| Failure(format!("object.store {}: {error}", options.url)))
}

fn metadata_directory(settings: &Settings) -> PathBuf {
    settings.data_directory().join("metadata")
}

fn metadata_address(settings: &Settings) -> (&str, String) {
    split_prefix(settings.text(&deployment::METADATA).unwrap_or_default())
}

/// How etcd is come in at, from files that are read now.
///
/// # Errors
/// One line that names the setting: what is half said would be overlooked.
fn etcd_access(settings: &Settings) -> Result<EtcdAccess, Failure> {
    let text = |key| settings.text(key);
    let path = |key| text(key).map(PathBuf::from);
    let both = |reason: &str| Failure(format!("{reason} belong together"));
    let identity = match (
        path(&deployment::ETCD_SSL_CERTIFICATE_LOCATION),
        path(&deployment::ETCD_SSL_KEY_LOCATION),
    ) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((certificate, key)),
        _ => return Err(both("etcd.ssl.certificate.location and etcd.ssl.key.location")),
    };
    let login = match (text(&deployment::ETCD_USERNAME), text(&deployment::ETCD_PASSWORD)) {
        (None, None) => None,
        (Some(user), Some(password)) => Some((user.to_owned(), password.to_owned())),
        _ => return Err(both("etcd.username and etcd.password")),
    };
    let tls = match path(&deployment::ETCD_SSL_CA_LOCATION) {
        None if identity.is_some() => {
            return Err(Failure(
                "etcd.ssl.certificate.location needs etcd.ssl.ca.location: whom to trust to be etcd"
                    .to_owned(),
            ));
        }
        None => None,
        Some(authorities) => {
            let read = EtcdTls::read(&EtcdTlsFiles { authorities, identity });
            Some(read.map_err(Failure::from_display)?)
        }
    };
    if settings.is_embedded() && (tls.is_some() || login.is_some()) {
        return Err(Failure("etcd.… is set, and --metadata is embedded".to_owned()));
    }
    Ok(EtcdAccess { tls, login })
}

fn metadata_failure(settings: &Settings, error: &MetadataError) -> Failure {
    let place = settings.text(&deployment::METADATA).unwrap_or_default();
    Failure(format!("--metadata {place}: {error}"))
}

/// `etcd://a:1,b:2/my/cluster` is the members and the prefix `my/cluster/`.
fn split_prefix(place: &str) -> (&str, String) {
    let Some((scheme @ ("etcd" | "etcds"), rest)) = place.split_once("://") else {
        return (place, DEFAULT_PREFIX.to_owned());
    };
    let Some((members, prefix)) = rest.split_once('/') else {
        return (place, DEFAULT_PREFIX.to_owned());
    };
    let prefix = match prefix.trim_matches('/') {
        "" => DEFAULT_PREFIX.to_owned(),
        prefix => format!("{prefix}/"),
    };
    (&place[..scheme.len() + "://".len() + members.len()], prefix)
}

/// Makes a directory and its parents.
///
/// # Errors
/// One line that names the flag.
pub(crate) fn make_directory(directory: &Path, flag: &str) -> Result<(), Failure> {
    fs::create_dir_all(directory).map_err(|error| {
        Failure(format!(
            "{flag} {}: {error}; give a directory that this user can write",
            directory.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_after_the_members_is_the_key_prefix() {
        assert_eq!(split_prefix("etcd://a:1,b:2"), ("etcd://a:1,b:2", "alluvium/".to_owned()));
        assert_eq!(split_prefix("etcd://a:1/"), ("etcd://a:1", "alluvium/".to_owned()));
        assert_eq!(split_prefix("etcd://a:1/x/y"), ("etcd://a:1", "x/y/".to_owned()));
        assert_eq!(split_prefix("etcds://a:1/x"), ("etcds://a:1", "x/".to_owned()));
        assert_eq!(split_prefix("embedded"), ("embedded", "alluvium/".to_owned()));
    }
}
