//! What a broker is told that serves this one's partitions to another zone: what was committed, and no records.
//!
//! It asks as a follower asks its leader in Kafka, and waits as one (DESIGN section 6, ADR 20).

use super::{FetchReply, Outcome};
use crate::{context::Context, notices};
use bytes::Bytes;
use kafka_protocol::{
    ResponseError,
    messages::{FetchRequest, FetchResponse},
};
use model::BrokerId;
use partition_log::NoticesWanted;
use std::time::Duration;

/// The longest that a follower waits.
const PATIENCE_MAX: Duration = Duration::from_secs(10);

/// Answers a follower, once there is something to tell.
pub(super) fn answer(
    context: Context,
    request: &FetchRequest,
    wanted: Bytes,
) -> Outcome<FetchReply> {
    let reader = BrokerId::from_wire(request.replica_state.replica_id.0);
    let Some((reader, wanted)) = reader.zip(notices::decode_wanted(wanted).ok()) else {
        let code = ResponseError::InvalidRequest.code();
        return Outcome::Ready(reply(FetchResponse::default().with_error_code(code)));
    };
    let patience = Duration::from_millis(request.max_wait_ms.max(0) as u64).min(PATIENCE_MAX);
    Outcome::later(async move {
        let found = found(&context, reader, &wanted, patience).await;
        let response = FetchResponse::default();
        reply(response.with_unknown_tagged_field(notices::TAG, found))
    })
}

async fn found(
    context: &Context,
    reader: BrokerId,
    wanted: &NoticesWanted,
    patience: Duration,
) -> Bytes {
    let found = tokio::select! {
        found = context.broker().logs.notices(reader, wanted, patience) => found,
        () = context.connection.shutdown.requested() => None,
    };
    notices::encode_found(found.as_ref())
}

fn reply(response: FetchResponse) -> FetchReply {
    FetchReply { response, ..FetchReply::default() }
}
