//! [`replace`]: writes a file past the page cache, and gives it its name when it is whole and durable.
//!
//! Segments are written once and seldom read soon. Through the page cache each would cost a second copy into cold memory and a
//! burst of write-back that the WAL on the same disk waits behind: `benches/profiles.md` has the figures.

use bytes::Bytes;
use runtime::disk::{BLOCK_BYTES, DirectFile};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Bytes of one write.
const CHUNK_BYTES: usize = 1 << 20;

/// Makes staged names unique within this process; a name that another left behind is passed over.
static STAGED: AtomicU64 = AtomicU64::new(0);

/// Replaces the file at `path` by `parts`, directories on the way included; durable on return. After an error the old content
/// stands, or none.
///
/// # Errors
/// The operating system's.
pub(super) fn replace(path: &Path, parts: &[Bytes]) -> io::Result<()> {
    let Staged { file, path: staged, changed } = stage(path)?;
    let written = write_all(&file, &staged, parts)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&staged, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&staged);
        return Err(error);
    }
    // The innermost holds the name, each of the others the name of the next.
    changed.iter().try_for_each(|directory| super::sync(directory))
}

/// Makes `directory` and what is missing above it. Answers those that must be synced, innermost first: it, and each one in which
/// another was made.
fn make_directories(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut changed = vec![directory.to_owned()];
    let mut missing = directory;
    while !missing.is_dir() {
        let Some(above) = missing.parent() else { break };
        changed.push(above.to_owned());
        missing = above;
    }
    fs::create_dir_all(directory)?;
    Ok(changed)
}

/// A new file under a name that no listing shows.
struct Staged {
    file: File,
    path: PathBuf,
    /// Directories to be synced once it has its name.
    changed: Vec<PathBuf>,
}

/// Makes a new file beside `path`.
fn stage(path: &Path) -> io::Result<Staged> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut missing = 0;
    loop {
        let changed = make_directories(directory)?;
        let mut staged = path.as_os_str().to_owned();
        staged.push(format!("#{}", STAGED.fetch_add(1, Relaxed)));
        match File::options().write(true).create_new(true).open(&staged) {
            Ok(file) => return Ok(Staged { file, path: staged.into(), changed }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A deletion took the empty directory away just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && missing < 3 => missing += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Writes `parts` one after another, past the page cache where the file system can.
fn write_all(file: &File, path: &Path, parts: &[Bytes]) -> io::Result<()> {
    let direct = DirectFile::open(path)?;
    let length: u64 = parts.iter().map(|part| part.len() as u64).sum();
    let mut chunk = Chunk::new(length);
    for part in parts {
        let mut rest = part.as_ref();
        while !rest.is_empty() {
            rest = chunk.fill(rest);
            if chunk.is_full() {
                chunk.write(&direct)?;
            }
        }
    }
    chunk.write(&direct)?;
    // The last block was written whole.
    file.set_len(length)
}

/// Aligned memory through which a file is written.
struct Chunk {
    memory: Vec<u8>,
    start: usize,
    capacity: usize,
    filled: usize,
    /// Where in the file it goes.
    at: u64,
}

impl Chunk {
    /// For a file of `length` bytes.
    fn new(length: u64) -> Self {
        let capacity = (length.min(CHUNK_BYTES as u64) as usize).next_multiple_of(BLOCK_BYTES);
        let memory = vec![0; capacity + BLOCK_BYTES];
        let start = memory.as_ptr().align_offset(BLOCK_BYTES);
        Self { memory, start, capacity, filled: 0, at: 0 }
    }

    fn is_full(&self) -> bool {
        self.filled == self.capacity
    }

    /// Takes what fits of `bytes` and answers the rest.
    fn fill<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (now, rest) = bytes.split_at(bytes.len().min(self.capacity - self.filled));
        let from = self.start + self.filled;
        if let Some(room) = self.memory.get_mut(from..from + now.len()) {
            room.copy_from_slice(now);
        }
        self.filled += now.len();
        rest
    }

    /// Writes what it holds, padded with zeroes to whole blocks, and starts anew.
    fn write(&mut self, file: &DirectFile) -> io::Result<()> {
        let whole = self.filled.next_multiple_of(BLOCK_BYTES);
        let (start, filled) = (self.start, self.filled);
        self.memory.get_mut(start + filled..start + whole).unwrap_or_default().fill(0);
        file.write_all_at(self.memory.get(start..start + whole).unwrap_or_default(), self.at)?;
        self.at += whole as u64;
        self.filled = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(length: usize, seed: usize) -> Bytes {
        (0..length).map(|at| ((at + seed) % 251) as u8).collect()
    }

    #[test]
    fn parts_of_any_length_are_written_one_after_another() {
        let directory = tempfile::tempdir().unwrap();
        let lengths = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, CHUNK_BYTES + 5, 3 * CHUNK_BYTES, 7];
        for count in 0..=lengths.len() {
            let parts: Vec<Bytes> =
                lengths.iter().take(count).map(|&length| pattern(length, length)).collect();
            let path = directory.path().join(format!("a/{count}/b"));
            replace(&path, &parts).unwrap();
            assert!(fs::read(&path).unwrap() == parts.concat(), "{count} parts");
        }
    }

    #[test]
    fn a_shorter_file_takes_the_place_of_a_longer_one_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("object");
        replace(&path, &[pattern(100_000, 1)]).unwrap();
        replace(&path, &[pattern(10, 2)]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), pattern(10, 2));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
