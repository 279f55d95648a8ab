//! What brokers tell each other.

use crate::Decoder;
use bytes::Bytes;
use formats::inter_broker::{
    Committed, Folded, LogStart, Notice, NoticesAnswer, NoticesRequest, Partition, notice::Kind,
};

/// Notices of commits, and the question for them.
pub(crate) const NOTICES: Decoder = Decoder {
    name: "notices",
    run: |bytes| {
        let bytes = Bytes::copy_from_slice(bytes);
        let _ = NoticesRequest::from_bytes(bytes.clone());
        let _ = NoticesAnswer::from_bytes(bytes);
    },
    seeds: || vec![request().to_bytes().to_vec(), answer().to_bytes().to_vec()],
};

fn partition() -> Partition {
    Partition { topic: Bytes::from_static(&[7; 16]), index: 3 }
}

fn request() -> NoticesRequest {
    NoticesRequest {
        session: Bytes::from_static(&[9; 16]),
        position: 300,
        unserved: vec![partition(); 2],
        ..NoticesRequest::default()
    }
}

fn answer() -> NoticesAnswer {
    let kinds = [
        Kind::Committed(Committed {
            seq: 5,
            object: "data/a".to_owned(),
            footer: Bytes::from_static(b"footer"),
        }),
        Kind::Folded(Folded {
            object: "index/a".to_owned(),
            directory: Bytes::from_static(b"directory"),
        }),
        Kind::LogStart(LogStart { partition: Some(partition()), offset: 8 }),
    ];
    NoticesAnswer {
        session: Bytes::from_static(&[9; 16]),
        next: 303,
        notices: kinds.into_iter().map(|kind| Notice { kind: Some(kind) }).collect(),
        ..NoticesAnswer::default()
    }
}
