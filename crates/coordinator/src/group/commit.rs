//! [`Committer`]: who commits offsets for a group.

use super::MemberRef;

/// Who commits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Committer<'a> {
    /// The member; without id and generation somebody who is none: a tool, or a consumer that assigns itself.
    pub from: MemberRef<'a>,
    /// Whether it commits within a transaction, whose coordinator vouches for a producer that names no member.
    pub transactional: bool,
    /// Whether its request may come from a member under the consumer protocol (`OffsetCommit` 9 and above).
    pub knows_member_epochs: bool,
}
