//! Which schema may follow which: levels, and the comparison that each format brings.

use crate::{avro, json_schema, protobuf, schema::Parsed};
use std::fmt;

/// One thing that stands against a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    kind: &'static str,
    path: String,
    what: String,
}

impl Difference {
    pub(crate) fn new(kind: &'static str, path: &str, what: &str) -> Self {
        let path = if path.is_empty() { "/" } else { path };
        Self { kind, path: path.to_owned(), what: what.to_owned() }
    }

    /// Confluent's name for it.
    pub fn kind(&self) -> &'static str {
        self.kind
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, path, what } = self;
        write!(f, "{{errorType:'{kind}', description:'{what}, at {path}'}}")
    }
}

/// A subject's rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Anything goes.
    None,
    /// The new schema reads what the last one wrote.
    #[default]
    Backward,
    /// … and what all before it wrote.
    BackwardTransitive,
    /// The last schema reads what the new one writes.
    Forward,
    /// … and so do all before it.
    ForwardTransitive,
    /// Both ways with the last.
    Full,
    /// Both ways with all.
    FullTransitive,
}

const LEVELS: [(&str, Level); 7] = [
    ("NONE", Level::None),
    ("BACKWARD", Level::Backward),
    ("BACKWARD_TRANSITIVE", Level::BackwardTransitive),
    ("FORWARD", Level::Forward),
    ("FORWARD_TRANSITIVE", Level::ForwardTransitive),
    ("FULL", Level::Full),
    ("FULL_TRANSITIVE", Level::FullTransitive),
];

impl Level {
    /// By name, in capitals or not.
    pub fn from_name(name: &str) -> Option<Self> {
        LEVELS.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, level)| *level)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        LEVELS.iter().find(|(_, level)| *level == self).map_or("NONE", |(name, _)| name)
    }

    /// Whether all earlier versions count, not only the last.
    pub fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }

    fn is_backward(self) -> bool {
        matches!(
            self,
            Self::Backward | Self::BackwardTransitive | Self::Full | Self::FullTransitive
        )
    }

    fn is_forward(self) -> bool {
        matches!(self, Self::Forward | Self::ForwardTransitive | Self::Full | Self::FullTransitive)
    }
}

/// What stands against `new` after `old` (in the order of their versions).
pub(crate) fn check(level: Level, new: &Parsed, old: &[Parsed]) -> Vec<Difference> {
    let considered =
        if level.is_transitive() { old } else { old.split_at(old.len().saturating_sub(1)).1 };
    for old in considered.iter().rev() {
        let mut found = Vec::new();
        if level.is_backward() {
            found.extend(reads(new, old));
        }
        if level.is_forward() {
            found.extend(reads(old, new));
        }
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Why `reader` cannot read what `writer` wrote.
pub(crate) fn reads(reader: &Parsed, writer: &Parsed) -> Vec<Difference> {
    match (reader, writer) {
        (Parsed::Avro(reader), Parsed::Avro(writer)) => avro::differences(reader, writer),
        (Parsed::Protobuf(reader), Parsed::Protobuf(writer)) => {
            protobuf::differences(reader, writer)
        }
        (Parsed::Json(reader), Parsed::Json(writer)) => json_schema::differences(reader, writer),
        _ => vec![Difference::new("TYPE_MISMATCH", "", "the schemas are of different types")],
    }
}
