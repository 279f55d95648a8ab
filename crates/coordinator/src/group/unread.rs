//! [`Unread`]: the topics that a group with members does not read (any more), so that their offsets may expire.

use super::{ConsumerGroup, Group, GroupState, Kind};
use model::TopicId;
use std::collections::BTreeSet;

/// Tells what is not read. As long as what members read is not known, it may be anything.
#[derive(Debug)]
pub struct Unread<'a>(Read<'a>);

#[derive(Debug)]
enum Read<'a> {
    Unknown,
    Names(BTreeSet<String>),
    By(&'a ConsumerGroup),
}

impl Group {
    /// What it does not read.
    pub fn unread(&self) -> Unread<'_> {
        Unread(match &self.kind {
            Kind::Consumer(group) => Read::By(group),
            Kind::Classic(group) if group.state() == GroupState::Stable => {
                group.subscribed_topics().map_or(Read::Unknown, Read::Names)
            }
            Kind::Classic(_) => Read::Unknown,
        })
    }
}

impl Unread<'_> {
    /// Whether nobody reads the topic.
    pub fn has(&self, name: &str, id: TopicId) -> bool {
        match &self.0 {
            Read::Unknown => false,
            Read::Names(names) => !names.contains(name),
            Read::By(group) => !group.is_subscribed_to(name, id),
        }
    }
}
