//! [`Principal`]: who a connection belongs to.

use std::{fmt, sync::Arc};

/// A user, by name. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Principal(Arc<str>);

impl Principal {
    /// Somebody who did not say who they are.
    pub fn anonymous() -> Self {
        Self::user("ANONYMOUS")
    }

    /// The user of that name.
    pub fn user(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The user's name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// As access rules spell it: `User:name`.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User:{}", self.0)
    }
}
