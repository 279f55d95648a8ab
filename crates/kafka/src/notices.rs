//! Notices of commits on the wire: a tagged field of `Fetch`, by which a follower asks its leader in Kafka, too.
//!
//! What brokers fetch from each other is what was committed, and never a record. Bytes: `docs/formats/inter-broker.md`.

use bytes::Bytes;
use formats::inter_broker::{
    self as message, NoticesAnswer, NoticesRequest, notice::Kind as MessageKind,
};
use model::{Offset, PartitionId, PartitionIndex, SessionId, TopicId};
use partition_log::{Notice, NoticesFound, NoticesWanted};
use std::sync::Arc;

/// Tag of the field, in requests and answers.
pub(crate) const TAG: i32 = 10_000;

/// What a follower asks.
pub(crate) fn encode_wanted(wanted: &NoticesWanted) -> Bytes {
    let request = NoticesRequest {
        session: session_bytes(wanted.session),
        position: wanted.position,
        unserved: wanted.unserved.iter().map(|id| partition_message(*id)).collect(),
        ..NoticesRequest::default()
    };
    request.to_bytes()
}

/// Reads what a follower asks.
///
/// # Errors
/// A sentence.
pub(crate) fn decode_wanted(bytes: Bytes) -> Result<NoticesWanted, String> {
    let request = NoticesRequest::from_bytes(bytes).map_err(|error| error.to_string())?;
    let unserved = request.unserved.iter().map(partition_of);
    Ok(NoticesWanted {
        session: session_of(&request.session)?,
        position: request.position,
        unserved: unserved.collect::<Option<_>>().ok_or("a partition that can't be")?,
    })
}

/// The answer; `None` when this broker has no session.
pub(crate) fn encode_found(found: Option<&NoticesFound>) -> Bytes {
    let answer = found.map_or_else(NoticesAnswer::default, |found| NoticesAnswer {
        session: session_bytes(Some(found.session)),
        gap: found.gap,
        next: found.next,
        notices: found.notices.iter().map(|notice| notice_message(notice)).collect(),
        ..NoticesAnswer::default()
    });
    answer.to_bytes()
}

/// Reads the answer.
///
/// # Errors
/// A sentence.
pub(crate) fn decode_found(bytes: Bytes) -> Result<Option<NoticesFound>, String> {
    let answer = NoticesAnswer::from_bytes(bytes).map_err(|error| error.to_string())?;
    let Some(session) = session_of(&answer.session)? else { return Ok(None) };
    let notices = answer.notices.into_iter().map(|notice| notice_of(notice).map(Arc::new));
    let notices = notices.collect::<Option<_>>().ok_or("a notice that is not known")?;
    Ok(Some(NoticesFound { session, gap: answer.gap, notices, next: answer.next }))
}

fn notice_message(notice: &Notice) -> message::Notice {
    let kind = match notice.clone() {
        Notice::Committed { seq, object, footer } => {
            MessageKind::Committed(message::Committed { seq, object, footer })
        }
        Notice::Folded { object, directory } => {
            MessageKind::Folded(message::Folded { object, directory })
        }
        Notice::LogStart { partition, offset } => MessageKind::LogStart(message::LogStart {
            partition: Some(partition_message(partition)),
            offset: offset.get(),
        }),
    };
    message::Notice { kind: Some(kind) }
}

fn notice_of(notice: message::Notice) -> Option<Notice> {
    Some(match notice.kind? {
        MessageKind::Committed(message::Committed { seq, object, footer }) => {
            Notice::Committed { seq, object, footer }
        }
        MessageKind::Folded(message::Folded { object, directory }) => {
            Notice::Folded { object, directory }
        }
        MessageKind::LogStart(message::LogStart { partition, offset }) => {
            Notice::LogStart { partition: partition_of(&partition?)?, offset: Offset::new(offset)? }
        }
    })
}

fn session_bytes(session: Option<SessionId>) -> Bytes {
    session.map(|id| Bytes::copy_from_slice(id.as_bytes())).unwrap_or_default()
}

/// `None` for no bytes.
fn session_of(bytes: &[u8]) -> Result<Option<SessionId>, String> {
    let session = (!bytes.is_empty()).then(|| SessionId::from_slice(bytes));
    session.map_or(Ok(None), |id| id.map(Some).ok_or_else(|| "a session that is no id".to_owned()))
}

fn partition_message(id: PartitionId) -> message::Partition {
    let topic = Bytes::copy_from_slice(id.topic.as_bytes());
    message::Partition { topic, index: id.partition.get() }
}

fn partition_of(partition: &message::Partition) -> Option<PartitionId> {
    let topic = TopicId::from_slice(&partition.topic)?;
    Some(PartitionId { topic, partition: PartitionIndex::new(partition.index)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> PartitionId {
        let partition = PartitionIndex::new(3).unwrap();
        PartitionId { topic: TopicId::from_bytes([5; 16]), partition }
    }

    #[test]
    fn a_question_comes_over_as_it_was() {
        for session in [None, Some(SessionId::from_bytes([9; 16]))] {
            let wanted = NoticesWanted { session, position: 12, unserved: vec![partition()] };
            assert_eq!(decode_wanted(encode_wanted(&wanted)), Ok(wanted));
        }
    }

    #[test]
    fn an_answer_comes_over_as_it_was() {
        let notices = [
            Notice::Committed {
                seq: 4,
                object: "data/a".to_owned(),
                footer: Bytes::from_static(b"f"),
            },
            Notice::Folded { object: "index/a".to_owned(), directory: Bytes::from_static(b"d") },
            Notice::LogStart { partition: partition(), offset: Offset::new(8).unwrap() },
        ];
        let found = NoticesFound {
            session: SessionId::from_bytes([9; 16]),
            gap: true,
            notices: notices.into_iter().map(Arc::new).collect(),
            next: 40,
        };
        assert_eq!(decode_found(encode_found(Some(&found))), Ok(Some(found)));
        assert_eq!(decode_found(encode_found(None)), Ok(None));
    }

    #[test]
    fn bytes_of_no_broker_are_refused() {
        assert!(decode_found(Bytes::from_static(b"\xff")).is_err());
        assert!(decode_wanted(Bytes::new()).is_err(), "it has no format");
    }
}
