//! [`Source`]: an object to dump, in the bucket or copied to a file; and what it says of itself.

use super::damaged;
use crate::{BrokerFlags, Failure, deployment::Deployment};
use bytes::Bytes;
use cli::Report;
use formats::{
    index_object::{self, Directory, IndexError, decode_directory, directory_range},
    segment::{self, Footer, SegmentError, footer_range},
};
use runtime::{Clock, Randomness};
use std::{
    fmt::Display,
    fs::{self, File},
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
};
use storage::{ObjectErrorKind, ObjectName, Objects};

/// Of segments and of index objects.
const TRAILER_BYTES: u64 = segment::TRAILER_BYTES as u64;
const _: () = assert!(segment::TRAILER_BYTES == index_object::TRAILER_BYTES);

/// Of segments and of index objects.
const HEADER_BYTES: u64 = segment::HEADER_BYTES as u64;
const _: () = assert!(segment::HEADER_BYTES == index_object::HEADER_BYTES);

/// So much is read at a time where many things lie behind each other, and at least one of them.
pub(super) const READ_BYTES: u64 = 8 << 20;

/// What to do about an object that is damaged.
const REMEDY: &str = "compare it with a copy (a version or a replica of the bucket), and let `alluvium fsck --deep` say which offsets are concerned";

/// An object's bytes.
#[derive(Debug)]
pub(super) struct Source {
    place: Place,
    /// As it was named.
    pub(super) name: String,
    /// Its size in bytes.
    pub(super) size: u64,
}

#[derive(Debug)]
enum Place {
    File(File),
    Bucket(Objects, ObjectName),
}

/// What an object says of itself at its end, and where that lies.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) table: Table,
    pub(super) range: Range<u64>,
    /// Why its beginning is not that of such an object, if it is not.
    pub(super) header: Result<(), String>,
}

#[derive(Debug)]
pub(super) enum Table {
    Segment(Footer),
    Index(Directory),
}

impl Source {
    /// Opens a file; if there is none, the object of that name.
    pub(super) async fn open(named: &Path, flags: BrokerFlags) -> Result<Self, Failure> {
        let shown = named.display();
        match fs::metadata(named) {
            Ok(metadata) if metadata.is_file() => {
                let file =
                    File::open(named).map_err(|error| Failure(format!("{shown}: {error}")))?;
                let (place, size) = (Place::File(file), metadata.len());
                Ok(Self { place, name: shown.to_string(), size })
            }
            Ok(_) => {
                Err(Failure(format!("{shown} is no file: name a file, or an object of the bucket")))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::open_object(&shown.to_string(), flags).await
            }
            Err(error) => Err(Failure(format!("{shown}: {error}"))),
        }
    }

    async fn open_object(named: &str, flags: BrokerFlags) -> Result<Self, Failure> {
        let neither = |reason: String| Failure(format!("there is no file {named}, and {reason}"));
        let name = ObjectName::new(named)
            .map_err(|_| neither("no object can have this name".to_owned()))?;
        let (clock, randomness) = (Clock::system(), Randomness::system());
        let objects = flags
            .settings()
            .and_then(|settings| Deployment::open_objects_to_read(&settings, &clock, &randomness))
            .map_err(|Failure(reason)| {
                neither(format!("no bucket to look for such an object: {reason}"))
            })?;
        let size = objects.size(&name).await.map_err(|error| match error.kind {
            ObjectErrorKind::NotFound => neither(format!(
                "{} has no object of this name; --object-store or --data-dir names another bucket",
                objects.describe()
            )),
            _ => Failure::from_display(error),
        })?;
        Ok(Self { place: Place::Bucket(objects, name), name: named.to_owned(), size })
    }

    /// Reads bytes.
    pub(super) async fn read(&self, range: Range<u64>) -> Result<Bytes, Failure> {
        if range.start > range.end || range.end > self.size {
            return Err(self.damaged(format!("bytes {range:?} lie outside")));
        }
        match &self.place {
            Place::Bucket(objects, name) => {
                objects.get_range(name, range).await.map_err(Failure::from_display)
            }
            Place::File(file) => {
                let mut bytes = vec![0; (range.end - range.start) as usize];
                let read = file.read_exact_at(&mut bytes, range.start);
                read.map_err(|error| Failure(format!("{}: {error}", self.name)))?;
                Ok(bytes.into())
            }
        }
    }

    /// Reads what it says of itself.
    pub(super) async fn contents(&self) -> Result<Contents, Failure> {
        let head = self.read(0..self.size.min(HEADER_BYTES)).await?;
        let tail = self.read(self.size.saturating_sub(TRAILER_BYTES)..self.size).await?;
        let (segment_header, index_header) =
            (segment::check_header(&head), index_object::check_header(&head));
        match (footer_range(&tail), directory_range(&tail)) {
            (Ok(range), _) => {
                let bytes = self.table(&range, "footer").await?;
                let footer = Footer::decode(&bytes).map_err(|error| self.damaged(error))?;
                let header = segment_header.map_err(|error| error.to_string());
                Ok(Contents { table: Table::Segment(footer), range, header })
            }
            (_, Ok(range)) => {
                let bytes = self.table(&range, "directory").await?;
                let directory = decode_directory(&bytes).map_err(|error| self.damaged(error))?;
                let header = index_header.map_err(|error| error.to_string());
                Ok(Contents { table: Table::Index(directory), range, header })
            }
            (Err(SegmentError::Version(version)), _) | (_, Err(IndexError::Version(version))) => {
                Err(Failure(format!(
                    "{}: its format version {version} is unknown: ask the alluvium that wrote it",
                    self.name
                )))
            }
            _ if segment_header != Err(SegmentError::Magic) => Err(self.has_no_end("a segment")),
            _ if index_header != Err(IndexError::Magic) => Err(self.has_no_end("an index object")),
            _ => Err(Failure(format!(
                "{} is no segment and no index object, at neither end of its {} bytes: objects of these kinds are data/…, gathered/…, partition/… and index/…; `alluvium manifest dump` tells what manifests refer to",
                self.name, self.size
            ))),
        }
    }

    /// Reads the table of contents that the trailer names.
    async fn table(&self, range: &Range<u64>, what: &str) -> Result<Bytes, Failure> {
        if range.start < HEADER_BYTES || range.end != self.size - TRAILER_BYTES {
            return Err(self.damaged(format!("its trailer names an impossible {what}")));
        }
        self.read(range.clone()).await
    }

    fn has_no_end(&self, what: &str) -> Failure {
        self.damaged(format!("it begins as {what} does, but has not the end of one"))
    }

    /// One line about damage that leaves nothing to tell.
    fn damaged(&self, reason: impl Display) -> Failure {
        let Self { name, size, .. } = self;
        Failure(format!("{name} ({size} bytes) is cut short or damaged: {reason}; {REMEDY}"))
    }
}

impl Contents {
    /// Tells what objects of every kind have; how many places are damaged.
    pub(super) fn tell(
        &self,
        source: &Source,
        version: u16,
        report: &mut Report<'_>,
    ) -> io::Result<u64> {
        report.fact("bytes", source.size)?;
        report.fact("format version", u32::from(version))?;
        match &self.header {
            Ok(()) => report.fact("header", "intact")?,
            Err(reason) => report.fact("header", damaged(reason))?,
        }
        let name = match self.table {
            Table::Segment(_) => "footer",
            Table::Index(_) => "directory",
        };
        report.fact(name, format!("bytes {} to {}", self.range.start, self.range.end))?;
        Ok(u64::from(self.header.is_err()))
    }
}

/// What kind of object a name is of, as far as it says; `None` for a file called otherwise.
pub(super) fn kind_of_name(name: &str) -> Option<&'static str> {
    let parts: Vec<_> = name.split('/').collect();
    let mut kinds = parts.windows(2).filter_map(|pair| match pair {
        [kind, hash] if hash.len() == 2 && u8::from_str_radix(hash, 16).is_ok() => match *kind {
            "data" => Some("segment of a flush"),
            "gathered" => Some("gathered segment"),
            "partition" => Some("partition segment"),
            _ => None,
        },
        _ => None,
    });
    kinds.next_back()
}
