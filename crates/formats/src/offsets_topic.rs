//! Records of `__consumer_offsets`, byte by byte as Kafka's group coordinator writes them.
//!
//! Tools tail that topic and decode them. Keys are those of offsets (version 1) and of groups (version 2), values of version
//! 3: the newest that every tool knows. A record without a value says that what its key names is gone. Nothing here reads
//! them. Source: Kafka's `OffsetCommitKey`, `OffsetCommitValue`, `GroupMetadataKey` and `GroupMetadataValue` schemas.

use crate::kafka_fields::Fields;
use bytes::{BufMut, Bytes};

const OFFSET_KEY_VERSION: i16 = 1;
const GROUP_KEY_VERSION: i16 = 2;
const VALUE_VERSION: i16 = 3;

/// Names a committed offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetKey<'a> {
    /// The group.
    pub group: &'a str,
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
}

/// A committed offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetValue<'a> {
    /// The next one to read.
    pub offset: i64,
    /// Of the last record read; −1 when it is not known.
    pub leader_epoch: i32,
    /// The client's note.
    pub metadata: &'a str,
    /// When, in milliseconds since 1970.
    pub committed_unix_ms: i64,
}

/// Names a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupKey<'a>(pub &'a str);

/// A group after a rebalance, or without members.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupValue<'a> {
    /// Its kind.
    pub protocol_type: &'a str,
    /// Its generation.
    pub generation: i32,
    /// The chosen protocol; `None` without members.
    pub protocol: Option<&'a str>,
    /// Its leader; `None` without members.
    pub leader: Option<&'a str>,
    /// In this state since then, in milliseconds since 1970.
    pub since_unix_ms: i64,
    /// Its members.
    pub members: Vec<MemberValue<'a>>,
}

/// A member of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberValue<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its instance, when static (KIP-345).
    pub instance: Option<&'a str>,
    /// What its client calls itself.
    pub client_id: &'a str,
    /// Where its client is.
    pub client_host: &'a str,
    /// How long it may take to join again.
    pub rebalance_timeout_ms: i32,
    /// Silent for longer, it is out.
    pub session_timeout_ms: i32,
    /// What it says of itself under the chosen protocol.
    pub subscription: &'a [u8],
    /// Its share.
    pub assignment: &'a [u8],
}

impl OffsetKey<'_> {
    /// Its bytes; `None` when a text is longer than the format can say, 32,767 bytes.
    pub fn encode(&self) -> Option<Bytes> {
        let mut fields = Fields::of_version(OFFSET_KEY_VERSION);
        fields.text(self.group)?;
        fields.text(self.topic)?;
        fields.0.put_i32(self.partition);
        Some(fields.0.into())
    }
}

impl OffsetValue<'_> {
    /// Its bytes; `None` when the note is too long.
    pub fn encode(&self) -> Option<Bytes> {
        let mut fields = Fields::of_version(VALUE_VERSION);
        fields.0.put_i64(self.offset);
        fields.0.put_i32(self.leader_epoch);
        fields.text(self.metadata)?;
        fields.0.put_i64(self.committed_unix_ms);
        Some(fields.0.into())
    }
}

impl GroupKey<'_> {
    /// Its bytes; `None` when the id is too long.
    pub fn encode(&self) -> Option<Bytes> {
        let mut fields = Fields::of_version(GROUP_KEY_VERSION);
        fields.text(self.0)?;
        Some(fields.0.into())
    }
}

impl GroupValue<'_> {
    /// Its bytes; `None` when a text is too long.
    pub fn encode(&self) -> Option<Bytes> {
        let mut fields = Fields::of_version(VALUE_VERSION);
        fields.text(self.protocol_type)?;
        fields.0.put_i32(self.generation);
        fields.nullable(self.protocol)?;
        fields.nullable(self.leader)?;
        fields.0.put_i64(self.since_unix_ms);
        fields.0.put_i32(i32::try_from(self.members.len()).ok()?);
        for member in &self.members {
            member.put(&mut fields)?;
        }
        Some(fields.0.into())
    }
}

impl MemberValue<'_> {
    fn put(&self, fields: &mut Fields) -> Option<()> {
        fields.text(self.id)?;
        fields.nullable(self.instance)?;
        fields.text(self.client_id)?;
        fields.text(self.client_host)?;
        fields.0.put_i32(self.rebalance_timeout_ms);
        fields.0.put_i32(self.session_timeout_ms);
        fields.bytes(self.subscription)?;
        fields.bytes(self.assignment)
    }
}
