//! [`Schemas`]: what produce asks the schema registry, for topics whose records must have a schema.

use futures::future::BoxFuture;
use model::config::SubjectNaming;

/// The schemas that this broker knows of. It hears of those registered elsewhere a little later.
pub trait Schemas: std::fmt::Debug + Send + Sync + 'static {
    /// Whether a schema of the default context with this id is registered for `part` (`key` or `value`) of `topic`'s records; `None`
    /// while the registry is still being read.
    fn has(&self, id: u32, topic: &str, part: &str, naming: SubjectNaming) -> Option<bool>;

    /// Waits until the registry's log was read to its end once more.
    fn look_again(&self) -> BoxFuture<'static, ()>;
}
