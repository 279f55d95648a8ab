//! [`Access`]: who a request is from, and what they may do with schemas. A port: whoever serves the registry fills it in.

use crate::RegistryError;
use async_trait::async_trait;
use std::net::IpAddr;

/// What may be done with a subject, or with the registry as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Read its schemas and compare others with them.
    Read,
    /// Register a schema.
    Write,
    /// Delete versions, softly or for good.
    Delete,
    /// Read its compatibility level and mode.
    ReadConfig,
    /// Change them.
    WriteConfig,
}

/// Whoever a request is from.
pub trait Visitor: Send + Sync {
    /// Whether they may do that with a subject (its name without its context), or without one with the registry as a whole. A
    /// request that was `asked` for it is told to whoever watches; what only sorts out of a list is not.
    fn may(&self, deed: Deed, subject: Option<&str>, asked: bool) -> bool;
}

/// Who comes in.
#[async_trait]
pub trait Access: Send + Sync {
    /// Who a request is from, by its `Authorization` header; `host` is the address that it came from.
    ///
    /// # Errors
    /// 401, when that says nobody who is known.
    async fn enter(
        &self,
        authorization: Option<&str>,
        host: IpAddr,
    ) -> Result<Box<dyn Visitor>, RegistryError>;
}

/// Everybody may do everything.
pub(crate) struct Anybody;

impl Visitor for Anybody {
    fn may(&self, _: Deed, _: Option<&str>, _: bool) -> bool {
        true
    }
}
