//! [`Spool`]: copies of this broker's newest segments on local disk, until they are gathered.
//!
//! Nothing rests on it: what it does not take, or loses, stays in the segments that were uploaded. Its files have no names
//! (they are unlinked once they are open), so a crash leaves nothing behind.

use bytes::Bytes;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use storage::ObjectName;

/// Files at most, whatever their size: each is an open file of the process.
const FILES_MAX: usize = 512;

/// Segments that are written at the same time: each is held in memory meanwhile.
const WRITERS_MAX: usize = 8;

/// Segments by name, on disk.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    limit_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: HashMap<ObjectName, Held>,
    files: u64,
}

#[derive(Debug)]
struct Held {
    bytes: u64,
    /// `None` while it is written.
    file: Option<Arc<File>>,
}

/// What a read found.
#[derive(Debug)]
pub(crate) enum Spooled {
    /// It is not here, and will not be.
    Absent,
    /// It is being written.
    Coming,
    /// It is here, and the disk may have it.
    Here(io::Result<Bytes>),
}

impl Spool {
    /// A spool of at most `limit_bytes`, in a directory that is made if it is missing.
    ///
    /// # Errors
    /// The operating system's, when no file can be made there.
    pub fn open(directory: &Path, limit_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let spool = Self { directory: directory.to_owned(), limit_bytes, state: Mutex::default() };
        spool.file().map(|_| spool)
    }

    /// Takes the room for a segment of so many bytes, which [`Spool::write`] is to fill. `false`: there is none, or others write.
    pub(crate) fn begin(&self, object: &ObjectName, bytes: u64) -> bool {
        let mut state = self.state.lock();
        let writers = state.held.values().filter(|held| held.file.is_none()).count();
        let held: u64 = state.held.values().map(|held| held.bytes).sum();
        let is_full = state.held.len() >= FILES_MAX || held + bytes > self.limit_bytes;
        if is_full || writers >= WRITERS_MAX || state.held.contains_key(object) {
            return false;
        }
        state.held.insert(object.clone(), Held { bytes, file: None });
        true
    }

    /// Writes a segment for which there is room. It blocks.
    ///
    /// # Errors
    /// The operating system's: of a full disk, say. Its room is given back.
    pub(crate) fn write(&self, object: &ObjectName, parts: &[Bytes]) -> io::Result<()> {
        let written = self.file().and_then(|mut file| {
            parts.iter().try_for_each(|part| file.write_all(part)).map(|()| Arc::new(file))
        });
        let mut state = self.state.lock();
        match (written, state.held.get_mut(object)) {
            (Ok(file), Some(held)) => held.file = Some(file),
            // Nobody wants it any more.
            (Ok(_), None) => {}
            (Err(error), _) => {
                state.held.remove(object);
                return Err(error);
            }
        }
        Ok(())
    }

    /// A part of a segment. It blocks.
    pub(crate) fn read(&self, object: &ObjectName, range: Range<u64>) -> Spooled {
        let file = match self.state.lock().held.get(object) {
            None => return Spooled::Absent,
            Some(Held { file: None, .. }) => return Spooled::Coming,
            Some(Held { file: Some(file), .. }) => Arc::clone(file),
        };
        let mut bytes = vec![0; range.end.saturating_sub(range.start) as usize];
        Spooled::Here(file.read_exact_at(&mut bytes, range.start).map(|()| bytes.into()))
    }

    /// Gives up what is not wanted any more.
    pub(crate) fn retain(&self, is_wanted: impl Fn(&ObjectName) -> bool) {
        self.state.lock().held.retain(|object, _| is_wanted(object));
    }

    /// An open file without a name.
    fn file(&self) -> io::Result<File> {
        let number = {
            let mut state = self.state.lock();
            state.files += 1;
            state.files
        };
        let path = self.directory.join(format!("segment-{number}"));
        let file =
            OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ObjectName {
        ObjectName::new(text).expect("a name")
    }

    fn read(spool: &Spool, object: &str, range: Range<u64>) -> Option<Vec<u8>> {
        match spool.read(&name(object), range) {
            Spooled::Here(read) => Some(read.expect("a disk").to_vec()),
            Spooled::Absent | Spooled::Coming => None,
        }
    }

    #[test]
    fn what_was_written_is_read_in_parts_and_leaves_no_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let spool = Spool::open(directory.path(), 100).expect("a spool");
        assert!(spool.begin(&name("a"), 6));
        assert!(matches!(spool.read(&name("a"), 0..1), Spooled::Coming));
        spool.write(&name("a"), &[Bytes::from("abc"), Bytes::from("def")]).expect("room");
        assert_eq!(read(&spool, "a", 2..5).as_deref(), Some(b"cde".as_slice()));
        assert_eq!(read(&spool, "b", 0..1), None);
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 0);
        spool.retain(|_| false);
        assert_eq!(read(&spool, "a", 2..5), None);
    }

    #[test]
    fn it_takes_no_more_than_its_limit_and_gives_room_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let spool = Spool::open(directory.path(), 20).expect("a spool");
        assert!(spool.begin(&name("a"), 18));
        spool.write(&name("a"), &[Bytes::from_static(&[1; 18])]).expect("room");
        assert!(!spool.begin(&name("b"), 3), "no room");
        spool.retain(|object| object.as_str() != "a");
        assert!((0..WRITERS_MAX).all(|number| spool.begin(&name(&number.to_string()), 2)));
        assert!(!spool.begin(&name("b"), 2), "enough write already");
    }

    #[test]
    fn a_segment_that_was_given_up_while_it_was_written_is_not_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let spool = Spool::open(directory.path(), 10).expect("a spool");
        assert!(spool.begin(&name("a"), 1));
        spool.retain(|_| false);
        spool.write(&name("a"), &[Bytes::from_static(b"1")]).expect("room");
        assert_eq!(read(&spool, "a", 0..1), None);
    }
}
