//! [`Notes`]: the file in which a check notes what it has read, so that one that was killed goes on behind it.

use crate::Failure;
use partition_log::fsck::Verified;
use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, Write},
    path::PathBuf,
};
use storage::ObjectName;

/// What the first line begins with; the cluster's id follows.
const HEAD: &str = "alluvium fsck 1 ";

/// A file that grows by a line for each segment; nowhere, when none is wanted.
#[derive(Debug)]
pub(super) struct Notes {
    open: Option<(PathBuf, File)>,
    failed: Option<io::Error>,
}

impl Notes {
    /// Opens or creates it, and reads what it says. A last line without its end was being written when the check was killed.
    ///
    /// # Errors
    /// When it can't be read or written, and when it is about another cluster.
    pub(super) fn open(path: Option<PathBuf>, cluster: &str) -> Result<(Self, Verified), Failure> {
        let mut verified = Verified::default();
        let Some(path) = path else { return Ok((Self { open: None, failed: None }, verified)) };
        let at = |error: io::Error| Failure(format!("{}: {error}", path.display()));
        let foreign = || {
            let path = path.display();
            Failure(format!(
                "{path} was not written by a check of cluster {cluster}: name another file"
            ))
        };
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(&path).map_err(at)?;
        let head = format!("{HEAD}{cluster}\n");
        let mut whole = 0;
        let mut reader = BufReader::new(&file);
        let mut line = String::new();
        while reader.read_line(&mut line).map_err(at)? > 0 && line.ends_with('\n') {
            if whole == 0 && line != head {
                return Err(foreign());
            }
            if whole > 0
                && let Ok(object) = ObjectName::new(line.trim_end())
            {
                verified.insert(&object);
            }
            whole += line.len() as u64;
            line.clear();
        }
        if whole == 0 && !head.starts_with(&line) {
            return Err(foreign());
        }
        file.set_len(whole).map_err(at)?;
        file.seek(io::SeekFrom::Start(whole)).map_err(at)?;
        if whole == 0 {
            file.write_all(head.as_bytes()).map_err(at)?;
        }
        Ok((Self { open: Some((path, file)), failed: None }, verified))
    }

    /// Notes a segment.
    pub(super) fn add(&mut self, object: &ObjectName) {
        if let Some((_, file)) = &mut self.open
            && self.failed.is_none()
        {
            self.failed = file.write_all(format!("{object}\n").as_bytes()).err();
        }
    }

    /// The check came to its end: the next one reads everything.
    ///
    /// # Errors
    /// When notes could not be written, or the file not be deleted.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Some((path, _)) = self.open else { return Ok(()) };
        let deleted = std::fs::remove_file(&path);
        let done = self.failed.map_or(deleted, Err);
        done.map_err(|error| Failure(format!("{}: {error}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> ObjectName {
        ObjectName::new(name).unwrap()
    }

    #[test]
    fn what_was_noted_is_read_back_but_for_a_torn_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes");
        let (mut notes, verified) = Notes::open(Some(path.clone()), "c").unwrap();
        assert_eq!(verified.count(), 0);
        for name in ["data/a", "data/b"] {
            notes.add(&object(name));
        }
        let torn = std::fs::read_to_string(&path).unwrap() + "data/c";
        std::fs::write(&path, torn).unwrap();
        for _ in 0..2 {
            assert_eq!(Notes::open(Some(path.clone()), "c").unwrap().1.count(), 2);
        }
        assert!(Notes::open(Some(path.clone()), "another").is_err());
        let (notes, _) = Notes::open(Some(path.clone()), "c").unwrap();
        notes.finish().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("letter");
        for letter in ["dear reader\n", "dear"] {
            std::fs::write(&path, letter).unwrap();
            assert!(Notes::open(Some(path.clone()), "c").is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
        }
    }
}
