//! [`GroupError`]: what a group refuses.

use super::MemberId;
use crate::{JournalError, SlotError};

/// Why a group's request is refused; each is an error of Kafka's protocol.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GroupError {
    /// The group's id can't be one.
    #[error("the group id is empty")]
    InvalidGroupId,
    /// It is not a member.
    #[error("not a member of the group")]
    UnknownMemberId,
    /// Another instance has taken its place (KIP-345).
    #[error("another member has this group instance id")]
    FencedInstanceId,
    /// The group is in another generation.
    #[error("the group is in another generation")]
    IllegalGeneration,
    /// It must join again.
    #[error("the group is rebalancing")]
    RebalanceInProgress,
    /// The members would have no protocol in common.
    #[error("the protocols are not those of the group")]
    InconsistentProtocol,
    /// The session time-out is out of bounds.
    #[error(
        "the session time-out is not between group.min.session.timeout.ms and group.max.session.timeout.ms"
    )]
    InvalidSessionTimeout,
    /// The group is full.
    #[error("the group has as many members as it may have")]
    GroupMaxSizeReached,
    /// Join again with this id (KIP-394).
    #[error("join again with the member id that is given")]
    MemberIdRequired(MemberId),
    /// What is to be stored of the group is too large.
    #[error("subscriptions and assignments of the group are too large to be stored")]
    TooLarge,
    /// There is no such group.
    #[error("the group does not exist")]
    GroupIdNotFound,
    /// It has members.
    #[error("the group has members")]
    NonEmptyGroup,
    /// A member reads the topic.
    #[error("the group is subscribed to the topic")]
    SubscribedToTopic,
    /// Its epoch is not the member's (KIP-848): it must give everything up and join again.
    #[error("the member's epoch is not the one that the coordinator knows")]
    FencedMemberEpoch,
    /// Its epoch is not the member's: it is to try again with the one it has by then.
    #[error("the member's epoch is not the current one")]
    StaleMemberEpoch,
    /// Another member has the instance and has not left.
    #[error("another member has this group instance id and has not released it")]
    UnreleasedInstanceId,
    /// The broker has no such assignor.
    #[error("the assignor is not one of group.consumer.assignors")]
    UnsupportedAssignor,
    /// What topics are to be subscribed by is no regular expression.
    #[error("not a regular expression: {0}")]
    InvalidRegularExpression(Box<str>),
    /// A member of the consumer protocol commits by a version that knows nothing of it.
    #[error("members under the consumer protocol commit with version 9 or above")]
    UnsupportedVersion,
    /// The transaction that was to commit offsets ended meanwhile.
    #[error("the transaction ended meanwhile")]
    TransactionEnded,
    /// Not this broker's, or not yet.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// It could not be stored.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It was not stored in time; it may be later.
    #[error("the metadata store did not answer in time")]
    TimedOut,
}
