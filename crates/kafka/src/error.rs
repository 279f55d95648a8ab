//! How the engines' errors read on the wire: each one's Kafka code, in exhaustive matches (PROTOCOL.md sections 2 and 3).

use cluster::ClusterError;
use coordinator::{GroupError, JournalError, SlotError};
use kafka_protocol::{ResponseError, protocol::StrBytes};
use partition_log::{AppendError, LogError, ReadError};

/// A refusal in Kafka's terms.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    /// The code.
    pub(crate) error: ResponseError,
    /// What to tell a person, where the response has room for it.
    pub(crate) message: Option<String>,
}

impl Refusal {
    /// With a message.
    pub(crate) fn new(error: ResponseError, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::from(error) }
    }

    /// The code on the wire.
    pub(crate) fn code(&self) -> i16 {
        self.error.code()
    }

    /// The message on the wire.
    pub(crate) fn wire_message(&self) -> Option<StrBytes> {
        self.message.clone().map(StrBytes::from_string)
    }
}

impl From<ResponseError> for Refusal {
    /// Counts it: what is refused is answered.
    fn from(error: ResponseError) -> Self {
        metrics::counter!("kafka_errors_total", "error" => format!("{error:?}")).increment(1);
        Self { error, message: None }
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        let code = match &error {
            // A client asks for metadata again and finds the owner, or this broker once the partition is open. Consumers of
            // Java take no other retriable error in a fetch answer, so reads and writes say the same.
            AppendError::NotOwner | AppendError::NotReady | AppendError::Stopping => {
                ResponseError::NotLeaderOrFollower
            }
            AppendError::CorruptBatch(_) => ResponseError::CorruptMessage,
            AppendError::InvalidRecord { .. } => ResponseError::InvalidRecord,
            AppendError::TooLarge { .. } => ResponseError::MessageTooLarge,
            AppendError::InvalidTimestamp { .. } => ResponseError::InvalidTimestamp,
            AppendError::UnsupportedCompression(_) => ResponseError::UnsupportedCompressionType,
            AppendError::OutOfOrderSequence { .. } => ResponseError::OutOfOrderSequenceNumber,
            AppendError::InvalidProducerEpoch { .. } => ResponseError::InvalidProducerEpoch,
            AppendError::InvalidTransactionState(_) => ResponseError::InvalidTxnState,
            AppendError::CoordinatorFenced { .. } => ResponseError::TransactionCoordinatorFenced,
            // Known to every client since 0.8, means "nothing was appended", and is retried after a pause without
            // asking for metadata: just what a full buffer wants.
            AppendError::Overloaded(_) => ResponseError::NotEnoughReplicas,
            AppendError::Storage(_) => ResponseError::KafkaStorageError,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        let code = match &error {
            ReadError::NotOwner | ReadError::NotReady => ResponseError::NotLeaderOrFollower,
            ReadError::OffsetOutOfRange { .. } => ResponseError::OffsetOutOfRange,
            ReadError::FencedEpoch { .. } => ResponseError::FencedLeaderEpoch,
            ReadError::UnknownEpoch { .. } => ResponseError::UnknownLeaderEpoch,
            ReadError::Unavailable(_) => ResponseError::KafkaStorageError,
            // Not retriable: a consumer that waits for damage to go away would hang in silence.
            ReadError::Damaged { .. } => ResponseError::CorruptMessage,
        };
        Self::new(code, error.to_string())
    }
}

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        let code = match error {
            LogError::Read(error) => return error.into(),
            LogError::Unavailable(_) => ResponseError::KafkaStorageError,
            LogError::SessionLost => ResponseError::NotLeaderOrFollower,
            LogError::Inconsistent(_) => ResponseError::UnknownServerError,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ClusterError> for Refusal {
    fn from(error: ClusterError) -> Self {
        let code = match &error {
            ClusterError::TopicExists(_) => ResponseError::TopicAlreadyExists,
            ClusterError::UnknownTopic(_) => ResponseError::UnknownTopicOrPartition,
            ClusterError::UnknownBroker(_) | ClusterError::InvalidRequest(_) => {
                ResponseError::InvalidRequest
            }
            ClusterError::NotMoving(_) => ResponseError::NoReassignmentInProgress,
            ClusterError::InvalidTopicName(_) => ResponseError::InvalidTopicException,
            ClusterError::InvalidPartitions(_) => ResponseError::InvalidPartitions,
            ClusterError::InvalidReplicationFactor(_) => ResponseError::InvalidReplicationFactor,
            ClusterError::InvalidConfig(_) => ResponseError::InvalidConfig,
            // The change may have happened: what Kafka's controller says when it ran out of time.
            ClusterError::Unavailable(_) => ResponseError::RequestTimedOut,
            ClusterError::Identity(_)
            | ClusterError::Version(_)
            | ClusterError::AlreadyRunning(_) => ResponseError::UnknownServerError,
        };
        Self::new(code, error.to_string())
    }
}

impl From<GroupError> for Refusal {
    fn from(error: GroupError) -> Self {
        let code = match &error {
            GroupError::InvalidGroupId => ResponseError::InvalidGroupId,
            GroupError::UnknownMemberId => ResponseError::UnknownMemberId,
            GroupError::FencedInstanceId => ResponseError::FencedInstanceId,
            GroupError::IllegalGeneration => ResponseError::IllegalGeneration,
            GroupError::RebalanceInProgress => ResponseError::RebalanceInProgress,
            GroupError::InconsistentProtocol => ResponseError::InconsistentGroupProtocol,
            GroupError::InvalidSessionTimeout => ResponseError::InvalidSessionTimeout,
            GroupError::GroupMaxSizeReached => ResponseError::GroupMaxSizeReached,
            GroupError::MemberIdRequired(_) => ResponseError::MemberIdRequired,
            // What Kafka says when its log refuses the group's record.
            GroupError::TooLarge => ResponseError::UnknownServerError,
            GroupError::GroupIdNotFound => ResponseError::GroupIdNotFound,
            GroupError::NonEmptyGroup => ResponseError::NonEmptyGroup,
            GroupError::SubscribedToTopic => ResponseError::GroupSubscribedToTopic,
            GroupError::FencedMemberEpoch => ResponseError::FencedMemberEpoch,
            GroupError::StaleMemberEpoch => ResponseError::StaleMemberEpoch,
            GroupError::UnreleasedInstanceId => ResponseError::UnreleasedInstanceId,
            GroupError::UnsupportedAssignor => ResponseError::UnsupportedAssignor,
            GroupError::InvalidRegularExpression(_) => ResponseError::InvalidRegularExpression,
            GroupError::UnsupportedVersion => ResponseError::UnsupportedVersion,
            GroupError::TransactionEnded => ResponseError::ConcurrentTransactions,
            GroupError::Slot(SlotError::NotCoordinator)
            | GroupError::Journal(JournalError::Ended) => ResponseError::NotCoordinator,
            GroupError::Slot(SlotError::Loading) => ResponseError::CoordinatorLoadInProgress,
            GroupError::Journal(JournalError::Overloaded) | GroupError::TimedOut => {
                ResponseError::CoordinatorNotAvailable
            }
        };
        Self::new(code, error.to_string())
    }
}
