//! What can be asked of a store.

use std::fmt;

/// A kind of request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// Write, replacing.
    Put,
    /// Write unless present.
    PutIfAbsent,
    /// Read the whole or a range.
    Get,
    /// Read the size.
    Head,
    /// Delete.
    Delete,
    /// One page of a listing.
    List,
}

impl Operation {
    /// The word for it in errors and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Put | Self::PutIfAbsent => "put",
            Self::Get => "get",
            Self::Head => "head",
            Self::Delete => "delete",
            Self::List => "list",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
