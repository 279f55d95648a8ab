//! A local directory as a store: every write and delete is synced before it is answered.

mod file_read;
mod file_write;

use crate::{
    Listed, ObjectErrorKind, ObjectName,
    failure::{from_io, from_object_store},
    store::{Failure, Mode, Page, Store},
};
use async_trait::async_trait;
use bytes::Bytes;
use file_read::Read;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{
    ObjectStore, ObjectStoreExt, PutOptions, PutPayload, local::LocalFileSystem,
    path::Path as ObjectPath,
};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

#[derive(Debug)]
pub(crate) struct LocalStore {
    files: LocalFileSystem,
    root: PathBuf,
}

impl LocalStore {
    /// Opens the directory, which is made when its parent exists: a missing parent is more likely a volume that is not
    /// mounted than a wish.
    pub fn open(root: &Path) -> Result<Self, Failure> {
        make(root)?;
        check_writable(root)?;
        Self::at(root)
    }

    /// Opens a directory that is there, and leaves it as it is.
    pub fn open_to_read(root: &Path) -> Result<Self, Failure> {
        if !root.is_dir() {
            let reason = format!("there is no directory {}", root.display());
            return Err(Failure::new(ObjectErrorKind::Invalid, reason));
        }
        Self::at(root)
    }

    fn at(root: &Path) -> Result<Self, Failure> {
        let files = LocalFileSystem::new_with_prefix(root).map_err(from_object_store)?;
        let files = files.with_fsync(true).with_automatic_cleanup(true);
        Ok(Self { files, root: root.to_owned() })
    }

    /// `NotFound`, unless the whole directory is gone: that says nothing about the object.
    fn not_found_unless_gone(&self, failure: Failure) -> Failure {
        if failure.kind == ObjectErrorKind::NotFound && !self.root.is_dir() {
            return Failure::new(
                ObjectErrorKind::Denied,
                format!("directory {} is gone: is its volume mounted?", self.root.display()),
            );
        }
        failure
    }

    /// Makes deletions durable: syncs the directories that held the names, or what is left above them.
    async fn sync_directories_of(&self, names: &[ObjectName]) -> Result<(), Failure> {
        let root = self.root.clone();
        let directories: BTreeSet<PathBuf> = names
            .iter()
            .filter_map(|name| root.join(name.as_str()).parent().map(Path::to_owned))
            .collect();
        blocking(move || {
            directories.iter().try_for_each(|directory| sync_nearest(&root, directory))
        })
        .await
    }
}

#[async_trait]
impl Store for LocalStore {
    async fn put(&self, name: &ObjectName, payload: PutPayload, mode: Mode) -> Result<(), Failure> {
        if !self.root.is_dir() {
            return Err(self.not_found_unless_gone(Failure::not_found()));
        }
        if mode == Mode::Replace {
            let path = self.root.join(name.as_str());
            let parts: Vec<Bytes> = payload.into_iter().collect();
            return blocking(move || file_write::replace(&path, &parts)).await;
        }
        let options = PutOptions { mode: object_store::PutMode::Create, ..PutOptions::default() };
        self.files.put_opts(&path(name), payload, options).await.map_err(from_object_store)?;
        Ok(())
    }

    async fn get(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Bytes, Failure> {
        let path = self.root.join(name.as_str());
        let read = blocking(move || file_read::read(&path, range)).await;
        match read.map_err(|failure| self.not_found_unless_gone(failure))? {
            Read::Content(content) => Ok(content),
            Read::Outside(range, size) => Err(Failure::outside(&range, Some(size))),
        }
    }

    async fn size(&self, name: &ObjectName) -> Result<u64, Failure> {
        let found = self.files.head(&path(name)).await.map_err(from_object_store);
        Ok(found.map_err(|failure| self.not_found_unless_gone(failure))?.size)
    }

    async fn delete(&self, names: &[ObjectName]) -> Result<(), Failure> {
        let paths: Vec<_> = names.iter().map(|name| Ok(path(name))).collect();
        let mut deleted = self.files.delete_stream(stream::iter(paths).boxed());
        while let Some(outcome) = deleted.next().await {
            let failure = match outcome.map_err(from_object_store) {
                Ok(_) => continue,
                Err(failure) => self.not_found_unless_gone(failure),
            };
            if failure.kind != ObjectErrorKind::NotFound {
                return Err(failure);
            }
        }
        self.sync_directories_of(names).await
    }

    async fn list(&self, prefix: &str, _page: Option<String>) -> Result<Page, Failure> {
        let directory = prefix.rsplit_once('/').map(|(directory, _)| ObjectPath::from(directory));
        let found = self.files.list(directory.as_ref()).map_err(from_object_store);
        let objects: Vec<Listed> = found
            .try_filter_map(|meta| std::future::ready(Ok(listed(&meta))))
            .try_filter(|object| std::future::ready(object.name.as_str().starts_with(prefix)))
            .try_collect()
            .await?;
        if objects.is_empty() && !self.root.is_dir() {
            return Err(self.not_found_unless_gone(Failure::not_found()));
        }
        Ok(Page { objects, next: None })
    }

    async fn abort_uploads(&self, begun_before_unix_ms: i64) -> Result<usize, Failure> {
        let root = self.root.clone();
        let before = UNIX_EPOCH + Duration::from_millis(begun_before_unix_ms.max(0) as u64);
        blocking(move || remove_staging_files(&root, before)).await
    }

    fn describe(&self) -> String {
        format!("directory {}", self.root.display())
    }
}

/// An object's place for `object_store`; its alphabet needs no escaping.
fn path(name: &ObjectName) -> ObjectPath {
    ObjectPath::from(name.as_str())
}

/// Files that are no objects of ours (somebody's `README (1)`) are not listed.
fn listed(meta: &object_store::ObjectMeta) -> Option<Listed> {
    let name = ObjectName::new(meta.location.as_ref()).ok()?;
    let modified_unix_ms = meta.last_modified.timestamp_millis();
    Some(Listed { name, size: meta.size, modified_unix_ms })
}

fn make(root: &Path) -> Result<(), Failure> {
    let shown = root.display();
    match fs::create_dir(root) {
        Ok(()) => root.parent().map_or(Ok(()), sync).map_err(|error| from_io(&error)),
        Err(_) if root.is_dir() => Ok(()),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => Failure::new(
                ObjectErrorKind::Invalid,
                format!("{shown} is not a directory: name a directory, or remove the file"),
            ),
            io::ErrorKind::NotFound => Failure::new(
                ObjectErrorKind::Invalid,
                format!(
                    "{shown} has no parent directory: create it, or mount the volume it lies on"
                ),
            ),
            _ => not_writable(root, &error),
        }),
    }
}

/// Writes and removes a file under a name that no listing shows.
fn check_writable(root: &Path) -> Result<(), Failure> {
    let file = root.join("write-check#0");
    let written = fs::write(&file, b"").and_then(|()| fs::remove_file(&file));
    written.map_err(|error| not_writable(root, &error))
}

fn not_writable(root: &Path, error: &io::Error) -> Failure {
    let hint = "make it writable for this user, or choose another directory";
    let reason = format!("cannot write in {}: {error}: {hint}", root.display());
    Failure::new(from_io(error).kind, reason)
}

/// Syncs `directory`, or the nearest one above it that still exists, up to `root`.
fn sync_nearest(root: &Path, directory: &Path) -> io::Result<()> {
    match sync(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && directory != root => {
            directory.parent().map_or(Ok(()), |above| sync_nearest(root, above))
        }
        outcome => outcome,
    }
}

/// Removes what a crash left of writes: `object_store` stages them as `name#number`, and lists no such names.
fn remove_staging_files(directory: &Path, before: SystemTime) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += remove_staging_files(&entry.path(), before)?;
        } else if is_staging(&entry.file_name().to_string_lossy())
            && entry.metadata()?.modified()? < before
        {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_staging(file_name: &str) -> bool {
    file_name.rsplit_once('#').is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Runs file-system work where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined
        .map_err(|error| Failure::new(ObjectErrorKind::Unavailable, error.to_string()))?
        .map_err(|error| from_io(&error))
}
