//! [`Caller`]: another connection to the broker under exam, since some answers wait for what others ask.

use crate::client::Client;

/// A connection, and what is asked on it.
pub struct Caller {
    pub(crate) client: Client,
    /// Version and correlation id of what is not answered yet.
    pub(crate) asked: Option<(i16, i32)>,
}

impl Caller {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, asked: None }
    }
}
