//! [`FileName`]: what a file in a WAL directory is for, by its name.

use std::{fmt, str::FromStr};

/// What a file is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Role {
    /// It holds a stretch of the stream.
    Live,
    /// Its content means nothing.
    Spare,
    /// It holds frames of an earlier WAL in this directory, kept for salvage only.
    Quarantine,
}

impl Role {
    const ALL: [Self; 3] = [Self::Live, Self::Spare, Self::Quarantine];

    const fn extension(self) -> &'static str {
        match self {
            Self::Live => "wal",
            Self::Spare => "spare",
            Self::Quarantine => "quarantine",
        }
    }
}

/// A name: the file's generation, which no other use of a file in the directory ever had, and its role.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct FileName {
    pub(crate) generation: u64,
    pub(crate) role: Role,
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.generation, self.role.extension())
    }
}

/// Not a name that the WAL gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OtherFile;

impl FromStr for FileName {
    type Err = OtherFile;

    fn from_str(name: &str) -> Result<Self, OtherFile> {
        let (stem, extension) = name.split_once('.').ok_or(OtherFile)?;
        let role = Role::ALL.into_iter().find(|role| role.extension() == extension);
        let generation = u64::from_str_radix(stem, 16).map_err(|_| OtherFile)?;
        let found = Self { generation, role: role.ok_or(OtherFile)? };
        if found.to_string() == name { Ok(found) } else { Err(OtherFile) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_sort_by_generation() {
        for role in Role::ALL {
            let name = FileName { generation: 0x1f, role };
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        let name = |generation| FileName { generation, role: Role::Live }.to_string();
        assert!(name(9) < name(10) && name(255) < name(256));
    }

    #[test]
    fn names_of_others_are_not_ours() {
        for name in ["LOCK", "identity", "1.wal", "000000000000001F.wal", "000000000000001f.log"] {
            assert_eq!(name.parse::<FileName>(), Err(OtherFile), "{name}");
        }
    }
}
