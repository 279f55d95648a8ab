//! [`Finding`]: something that is not as it must be, and where.

use model::PartitionId;
use std::{fmt, ops::Range};

/// What is wrong, in a word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FindingKind {
    /// An object that is referred to is not there.
    Missing,
    /// An object is not as long as it was written.
    Size,
    /// Bytes are not those that were written.
    Damaged,
    /// A list says something else than the object that it lists.
    Differs,
    /// What is listed of a partition makes up no log: a gap, an overlap, or something that can't be read.
    Log,
    /// Nothing refers to an object.
    Orphan,
    /// A value of the metadata store can't be read.
    Metadata,
}

impl FindingKind {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Size => "size",
            Self::Damaged => "damaged",
            Self::Differs => "differs",
            Self::Log => "log",
            Self::Orphan => "orphan",
            Self::Metadata => "metadata",
        }
    }
}

/// The part of a log that a finding is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The partition.
    pub partition: PartitionId,
    /// Its topic's name; `None` when metadata has no topic of that id.
    pub topic: Option<String>,
    /// Its offsets; `None`: all of it.
    pub offsets: Option<Range<u64>>,
}

/// Something that is not as it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// In which part of which log, when that is known.
    pub place: Option<Place>,
    /// In which object, if in one.
    pub object: Option<String>,
    /// One sentence.
    pub reason: String,
}

/// One line: `missing: topic orders partition 0 offsets 3..7, object data/…: reason`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        let mut separator = ": ";
        if let Some(place) = &self.place {
            write!(f, "{separator}{place}")?;
            separator = ", ";
        }
        if let Some(object) = &self.object {
            write!(f, "{separator}object {object}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.topic {
            Some(topic) => write!(f, "topic {topic}")?,
            None => write!(f, "topic id {}", self.partition.topic)?,
        }
        write!(f, " partition {}", self.partition.partition.get())?;
        match &self.offsets {
            Some(offsets) => write!(f, " offsets {}..{}", offsets.start, offsets.end),
            None => Ok(()),
        }
    }
}
