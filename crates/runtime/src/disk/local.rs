//! [`LocalDisk`]: a directory of the machine's file system.
//!
//! Writes bypass the page cache (`O_DIRECT`) where the file system can, and go through it elsewhere; either way they
//! are durable only after `fdatasync`. Files are written full of zeroes when they are made: space that is merely
//! reserved costs a journal commit at each first write.

use super::{BLOCK_BYTES, DirectFile, Disk, DiskFile};
use rustix::fs::FlockOperation;
use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

const LOCK_FILE: &str = "LOCK";
/// Ends the names of files that are not complete yet.
const UNFINISHED: &str = ".unfinished";
const ZEROES_BYTES: usize = 1 << 20;

/// A directory of the local file system.
#[derive(Clone, Debug)]
pub struct LocalDisk {
    directory: PathBuf,
}

impl LocalDisk {
    /// Opens `directory`, which is made if it does not exist.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn unfinished(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}{UNFINISHED}"))
    }

    /// Makes the directory's names durable.
    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    /// Removes what an earlier process had not finished. Only for who holds the lock.
    fn remove_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.as_os_str().to_string_lossy().ends_with(UNFINISHED) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Gives a finished file its name; on an error of `made` nothing is left behind.
    fn finish(&self, made: io::Result<()>, name: &str) -> io::Result<()> {
        let unfinished = self.unfinished(name);
        let result = made.and_then(|()| fs::rename(&unfinished, self.path(name)));
        if result.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        result?;
        self.sync_names()
    }
}

impl Disk for LocalDisk {
    fn describe(&self) -> String {
        self.directory.display().to_string()
    }

    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        let file =
            File::options().create(true).truncate(false).write(true).open(self.path(LOCK_FILE))?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        self.remove_unfinished()?;
        Ok(Box::new(file))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !metadata.is_file() || name == LOCK_FILE || name.ends_with(UNFINISHED) {
                continue;
            }
            files.push((name, metadata.len()));
        }
        files.sort();
        Ok(files)
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let written = File::create(self.unfinished(name)).and_then(|file| {
            file.write_all_at(content, 0)?;
            file.sync_all()
        });
        self.finish(written, name)
    }

    fn create(&self, name: &str, length: u64) -> io::Result<Arc<dyn DiskFile>> {
        let written = File::create(self.unfinished(name)).and_then(|file| {
            write_zeroes(&file, length)?;
            file.sync_all()
        });
        self.finish(written, name)?;
        self.open(name)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(LocalFile::open(&self.path(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))?;
        self.sync_names()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))?;
        self.sync_names()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let space = rustix::fs::statvfs(&self.directory)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}

fn write_zeroes(file: &File, length: u64) -> io::Result<()> {
    let zeroes = vec![0; ZEROES_BYTES];
    let mut at = 0;
    while at < length {
        let count = (length - at).min(ZEROES_BYTES as u64);
        let chunk = zeroes.get(..count as usize).unwrap_or(&zeroes);
        file.write_all_at(chunk, at)?;
        at += count;
    }
    Ok(())
}

/// An open file; writes go through `writes`, reads through the page cache, which the kernel keeps coherent.
#[derive(Debug)]
struct LocalFile {
    writes: DirectFile,
    reads: File,
    length: u64,
}

impl LocalFile {
    fn open(path: &Path) -> io::Result<Self> {
        let reads = File::open(path)?;
        let length = reads.metadata()?.len();
        Ok(Self { writes: DirectFile::open(path)?, reads, length })
    }
}

impl DiskFile for LocalFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let whole_blocks = |count: u64| count.is_multiple_of(BLOCK_BYTES as u64);
        let fits = offset.checked_add(bytes.len() as u64).is_some_and(|end| end <= self.length);
        if !(fits && whole_blocks(offset) && whole_blocks(bytes.len() as u64)) {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        self.writes.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.writes.sync_data()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.reads.read_exact_at(bytes, offset)
    }

    fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
