//! `groups/…`, `group_members/…`, `group_offsets/…`, `group_commits/…`: groups, members that are stored on their own,
//! offsets, and commits not yet folded into these.
//!
//! Everything of a slot lies below one prefix a family, because a slot is loaded as a whole. Group ids can be any text:
//! in keys, what is not a letter, a digit, `.`, `_` or `-` is written as `%` and two hex digits.

use super::{
    Keys,
    keys::{digits, escaped, parse_digits, parse_id, unescaped},
    value::{check_id, value},
};
use bytes::Bytes;
use formats::metadata::{ConsumerGroupMember, Group, GroupCommits, GroupOffsets, StagedOffsets};
use model::{LeaderEpoch, ProducerId, TopicId};

/// Partitions whose offsets lie in one `group_offsets` value.
pub const PARTITIONS_PER_CHUNK: u32 = 64;

value!(Group);
value!(ConsumerGroupMember);
value!(GroupOffsets);
value!(StagedOffsets, |staged| {
    let topics = &staged.topics;
    topics.iter().try_for_each(|topic| check_id(&topic.topic, "a topic's id is not 16 bytes"))
});
value!(GroupCommits, |commits| {
    let topics = commits.commits.iter().flat_map(|commit| &commit.topics);
    topics.into_iter().try_for_each(|topic| check_id(&topic.topic, "a topic's id is not 16 bytes"))
});

impl Keys {
    /// A group.
    pub fn group(&self, slot: u32, group: &str) -> Bytes {
        self.at(&format!("groups/{}/{}", digits(u64::from(slot)), escaped(group)))
    }

    /// The groups of a slot.
    pub fn groups_of(&self, slot: u32) -> Bytes {
        self.at(&format!("groups/{}/", digits(u64::from(slot))))
    }

    /// Which group a key of [`Keys::groups_of`] is.
    pub fn parse_group(&self, key: &[u8]) -> Option<String> {
        unescaped(self.rest("groups/", key)?.split_once('/')?.1)
    }

    /// A member of a group of the consumer protocol.
    pub fn group_member(&self, slot: u32, group: &str, member: &str) -> Bytes {
        let slot = digits(u64::from(slot));
        self.at(&format!("group_members/{slot}/{}/{}", escaped(group), escaped(member)))
    }

    /// The members of a group.
    pub fn members_of_group(&self, slot: u32, group: &str) -> Bytes {
        self.at(&format!("group_members/{}/{}/", digits(u64::from(slot)), escaped(group)))
    }

    /// The members of a slot's groups.
    pub fn members_of_slot(&self, slot: u32) -> Bytes {
        self.at(&format!("group_members/{}/", digits(u64::from(slot))))
    }

    /// Group and member of a key of [`Keys::members_of_slot`].
    pub fn parse_group_member(&self, key: &[u8]) -> Option<(String, String)> {
        let mut parts = self.rest("group_members/", key)?.split('/').skip(1);
        let group = unescaped(parts.next()?)?;
        let member = unescaped(parts.next()?)?;
        parts.next().is_none().then_some((group, member))
    }

    /// Offsets that a group committed in the `chunk`th [`PARTITIONS_PER_CHUNK`] partitions of a topic.
    pub fn group_offsets(&self, slot: u32, group: &str, topic: TopicId, chunk: u32) -> Bytes {
        let slot = digits(u64::from(slot));
        let chunk = digits(u64::from(chunk));
        self.at(&format!("group_offsets/{slot}/{}/{topic}/{chunk}", escaped(group)))
    }

    /// All offsets of a group.
    pub fn offsets_of_group(&self, slot: u32, group: &str) -> Bytes {
        self.at(&format!("group_offsets/{}/{}/", digits(u64::from(slot)), escaped(group)))
    }

    /// All offsets of a slot's groups.
    pub fn offsets_of_slot(&self, slot: u32) -> Bytes {
        self.at(&format!("group_offsets/{}/", digits(u64::from(slot))))
    }

    /// Group, topic and chunk of a key of [`Keys::offsets_of_slot`].
    pub fn parse_group_offsets(&self, key: &[u8]) -> Option<(String, TopicId, u32)> {
        let mut parts = self.rest("group_offsets/", key)?.split('/').skip(1);
        let group = unescaped(parts.next()?)?;
        let topic = parse_id(parts.next()?)?;
        let chunk = parse_digits(parts.next()?)?;
        parts.next().is_none().then_some((group, topic, chunk))
    }

    /// Where the commits of a slot lie that its owner wrote in an epoch: the key without its number.
    pub fn group_commits(&self, slot: u32, epoch: LeaderEpoch) -> Bytes {
        let (slot, epoch) = (digits(u64::from(slot)), digits(u64::from(epoch.get())));
        self.at(&format!("group_commits/{slot}/{epoch}/"))
    }

    /// The commits of a slot that are not folded.
    pub fn commits_of_slot(&self, slot: u32) -> Bytes {
        self.at(&format!("group_commits/{}/", digits(u64::from(slot))))
    }

    /// Offsets that a producer's transaction is to commit for a group.
    pub fn staged_offsets(&self, slot: u32, producer: ProducerId, group: &str) -> Bytes {
        let (slot, producer) = (digits(u64::from(slot)), digits(producer.get()));
        self.at(&format!("staged_offsets/{slot}/{producer}/{}", escaped(group)))
    }

    /// All offsets of a slot that transactions are to commit.
    pub fn staged_offsets_of_slot(&self, slot: u32) -> Bytes {
        self.at(&format!("staged_offsets/{}/", digits(u64::from(slot))))
    }

    /// The same, of all slots.
    pub fn staged_offsets_of_all(&self) -> Bytes {
        self.at("staged_offsets/")
    }

    /// Producer and group of a key of [`Keys::staged_offsets_of_slot`].
    pub fn parse_staged_offsets(&self, key: &[u8]) -> Option<(ProducerId, String)> {
        let mut parts = self.rest("staged_offsets/", key)?.split('/').skip(1);
        let producer = ProducerId::new(parse_digits(parts.next()?)?)?;
        let group = unescaped(parts.next()?)?;
        parts.next().is_none().then_some((producer, group))
    }
}
