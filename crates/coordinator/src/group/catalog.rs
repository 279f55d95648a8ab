//! [`TopicCatalog`]: the topics there are, as of one moment; and [`View`], what an event of a group sees.

use super::{GroupLimits, Now};
use model::TopicId;
use std::fmt;

/// A topic of a catalog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CatalogTopic<'a> {
    /// Its id.
    pub id: TopicId,
    /// Its name.
    pub name: &'a str,
    /// How many partitions it has.
    pub partitions: u32,
}

/// The topics there are, as of one moment.
pub trait TopicCatalog: Send + Sync + fmt::Debug {
    /// Another one when anything may have changed.
    fn version(&self) -> u64;

    /// A topic by name.
    fn by_name(&self, name: &str) -> Option<CatalogTopic<'_>>;

    /// A topic by id.
    fn by_id(&self, id: TopicId) -> Option<CatalogTopic<'_>>;

    /// Every topic.
    fn topics(&self) -> Box<dyn Iterator<Item = CatalogTopic<'_>> + '_>;
}

/// What an event of a group sees.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The topics.
    pub catalog: &'a dyn TopicCatalog,
    /// What the group keeps to.
    pub limits: &'a GroupLimits,
    /// The time.
    pub now: Now,
}
