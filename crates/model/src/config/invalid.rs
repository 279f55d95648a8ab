//! Why a config was refused.

/// A key or a value that the tables don't take.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidConfig {
    /// No key of that name.
    #[error("unknown config {name}{}", suggestion(*.nearest))]
    UnknownKey {
        /// What was asked for.
        name: String,
        /// A known key that looks like it.
        nearest: Option<&'static str>,
    },
    /// The key does not take that value.
    #[error("invalid value {value:?} for {key}: {reason}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What it should be.
        reason: String,
    },
    /// Two keys contradict each other.
    #[error("{0}")]
    Contradiction(String),
    /// The key can't be changed while the broker runs.
    #[error("{0} can't be changed while the broker runs: set it in flags, environment or file")]
    ReadOnly(&'static str),
}

fn suggestion(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

impl InvalidConfig {
    /// The error for a key that is not in `known`, with the nearest one that is.
    pub(super) fn unknown(name: &str, known: impl Iterator<Item = &'static str>) -> Self {
        let nearest = known
            .map(|candidate| (distance(name, candidate), candidate))
            .min()
            .filter(|(distance, _)| *distance <= (name.len() / 3).max(2))
            .map(|(_, candidate)| candidate);
        Self::UnknownKey { name: name.chars().take(100).collect(), nearest }
    }
}

/// Levenshtein's distance in bytes; names longer than 100 bytes are not compared.
fn distance(left: &str, right: &str) -> usize {
    if left.len() > 100 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = i;
        let mut previous = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(right.bytes()) {
            let replaced = diagonal + usize::from(a != b);
            diagonal = *cell;
            *cell = replaced.min(diagonal + 1).min(previous + 1);
            previous = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(distance("retention.ms", "retention.ms"), 0);
        assert_eq!(distance("retenton.ms", "retention.ms"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn an_unknown_key_suggests_the_nearest_and_nothing_when_none_is_near() {
        let known = || ["retention.ms", "segment.ms"].into_iter();
        assert_eq!(
            InvalidConfig::unknown("retenton.ms", known()).to_string(),
            "unknown config retenton.ms; did you mean retention.ms?"
        );
        assert_eq!(InvalidConfig::unknown("zzz", known()).to_string(), "unknown config zzz");
    }
}
