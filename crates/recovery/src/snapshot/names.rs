//! Names of snapshots' objects: `snapshot/{generation}/{revision}-{random}/head` and `…/part-{number}`.

use metadata::Revision;
use runtime::Randomness;
use storage::ObjectName;

/// The first part of every name.
pub(crate) const PREFIX: &str = "snapshot/";

const HEAD: &str = "head";
const PART: &str = "part-";

/// One snapshot, or an attempt at one. The newest is the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct SnapshotId {
    /// The cluster's generation.
    pub(crate) generation: u64,
    /// Revision of the metadata store, in that generation.
    pub(crate) revision: Revision,
    /// Tells two of one revision apart.
    pub(crate) attempt: u64,
}

/// What an object of a snapshot is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    Head,
    Part,
}

impl SnapshotId {
    /// A new attempt.
    pub(crate) fn new(generation: u64, revision: Revision, randomness: &Randomness) -> Self {
        let attempt = (u128::from_be_bytes(randomness.bytes16()) >> 64) as u64;
        Self { generation, revision, attempt }
    }

    /// The head's name.
    pub(crate) fn head(self) -> ObjectName {
        self.name(HEAD)
    }

    /// The name of a part.
    pub(crate) fn part(self, number: usize) -> ObjectName {
        self.name(&format!("{PART}{number:06}"))
    }

    fn name(self, piece: &str) -> ObjectName {
        let Self { generation, revision, attempt } = self;
        let name = format!("{PREFIX}{generation:010}/{:020}-{attempt:016x}/{piece}", revision.0);
        #[expect(
            clippy::unwrap_used,
            reason = "digits, hex, '-' and '/' only, far below 512 bytes"
        )]
        ObjectName::new(&name).unwrap()
    }

    /// Whose piece an object is; `None` for another kind of object.
    pub(crate) fn parse(object: &ObjectName) -> Option<(Self, Piece)> {
        let mut parts = object.as_str().strip_prefix(PREFIX)?.split('/');
        let generation = parts.next()?.parse().ok()?;
        let (revision, attempt) = parts.next()?.split_once('-')?;
        let revision = Revision(revision.parse().ok()?);
        let attempt = u64::from_str_radix(attempt, 16).ok()?;
        let piece = match parts.next()? {
            HEAD => Piece::Head,
            name if name.starts_with(PART) => Piece::Part,
            _ => return None,
        };
        parts.next().is_none().then_some((Self { generation, revision, attempt }, piece))
    }
}
