//! The key families: one typed file each. Keys, values and the transactions that only that family needs.

/// Makes the keys of one cluster below its prefix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys below `prefix`, which ends with `/` or is empty.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The prefix.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}
