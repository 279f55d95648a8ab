//! What brokers tell each other, format 1: brokers of two versions speak it during a rolling upgrade.

use crate::{assert_golden, golden};
use bytes::Bytes;
use formats::inter_broker::{
    Committed, Folded, LogStart, Notice, NoticesAnswer, NoticesRequest, Partition, notice::Kind,
};

const ID: Bytes = Bytes::from_static(b"0123456789abcdef");

#[test]
fn a_request_for_notices_has_its_bytes() {
    let request = NoticesRequest {
        format: 1,
        session: ID,
        position: 7,
        unserved: vec![Partition { topic: ID, index: 3 }],
    };
    assert_golden("inter-broker-notices-request", &request.to_bytes());
    let read = NoticesRequest::from_bytes(golden("inter-broker-notices-request").into());
    assert_eq!(read.unwrap(), request);
}

#[test]
fn an_answer_with_notices_has_its_bytes() {
    let committed = Committed { seq: 9, object: "seg".into(), footer: Bytes::from_static(b"foot") };
    let folded = Folded { object: "idx".into(), directory: Bytes::from_static(b"dir") };
    let log_start = LogStart { partition: Some(Partition { topic: ID, index: 3 }), offset: 77 };
    let kinds = [Kind::Committed(committed), Kind::Folded(folded), Kind::LogStart(log_start)];
    let answer = NoticesAnswer {
        format: 1,
        session: ID,
        gap: true,
        next: 10,
        notices: kinds.map(|kind| Notice { kind: Some(kind) }).into(),
    };
    assert_golden("inter-broker-notices-answer", &answer.clone().to_bytes());
    let read = NoticesAnswer::from_bytes(golden("inter-broker-notices-answer").into());
    assert_eq!(read.unwrap(), answer);
}
