//! Feature levels: what this program can run, against what the cluster finalised.

use crate::ClusterError;
use formats::metadata::{Features, Registration};

/// The oldest level this program runs.
pub(crate) const LOWEST_LEVEL: u32 = 1;
/// The newest level this program runs, and what a new cluster is founded at.
pub(crate) const HIGHEST_LEVEL: u32 = 1;

/// What a broker of this program registers.
pub(crate) fn registration() -> Registration {
    Registration { format: 1, lowest_level: LOWEST_LEVEL, highest_level: HIGHEST_LEVEL }
}

/// What a new cluster is founded with.
pub(crate) fn founding() -> Features {
    Features { format: 1, level: HIGHEST_LEVEL }
}

/// Refuses a finalised level that this program can't run.
///
/// # Errors
/// `Version`.
pub(crate) fn check(features: Features) -> Result<(), ClusterError> {
    if (LOWEST_LEVEL..=HIGHEST_LEVEL).contains(&features.level) {
        return Ok(());
    }
    Err(ClusterError::Version(format!(
        "the cluster runs at feature level {}, this program knows {LOWEST_LEVEL} to {HIGHEST_LEVEL}: run another version of it",
        features.level
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_level_refuses_to_start() {
        assert!(check(founding()).is_ok());
        let newer = Features { format: 1, level: HIGHEST_LEVEL + 1 };
        assert!(matches!(check(newer), Err(ClusterError::Version(_))));
    }
}
