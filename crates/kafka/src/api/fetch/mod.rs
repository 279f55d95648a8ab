//! `Fetch` (API key 1): record batches as they are stored, for consumers.
//!
//! Without sessions (KIP-227 allows a broker to answer every fetch in full with session id 0). A fetch that finds less than `min_bytes`
//! waits, woken by the partitions' watermarks and not by timers, and ends early at an error or when the server stops. The records go
//! out as the slices that the log holds. Sources: KIP-74, KIP-98, KIP-227, KIP-320, KIP-392, KIP-516,
//! KIP-595, KIP-951.

mod followers;
mod long_poll;
mod reading;
mod zones;

use super::{Api, Outcome, Versions};
use crate::{context::Context, frame::Reply, notices, rope::Rope};
use kafka_protocol::{
    ResponseError,
    messages::{FetchRequest, FetchResponse},
    protocol::{Encodable, HeaderVersion},
};
use security::{acl::Operation, quota::CONSUMER_BYTE_RATE};
use std::collections::VecDeque;

/// Handles versions 4 to 18.
pub(super) struct Fetch;

/// A fetch answer and the records that its placeholders stand for.
#[derive(Default)]
pub(super) struct FetchReply {
    response: FetchResponse,
    records: VecDeque<Rope>,
    /// What the records hold of the fetch budget until they are encoded.
    held: Option<crate::budget::Reservation>,
}

impl Reply for FetchReply {
    fn header_version(version: i16) -> i16 {
        <FetchResponse as HeaderVersion>::header_version(version)
    }

    fn into_parts(self) -> (impl Encodable, VecDeque<Rope>, Vec<crate::budget::Reservation>) {
        (self.response, self.records, self.held.into_iter().collect())
    }
}

impl Api for Fetch {
    type Request = FetchRequest;
    type Response = FetchReply;
    const VERSIONS: Versions = Versions::new(4, 18);

    async fn begin(context: Context, mut request: FetchRequest) -> Outcome<FetchReply> {
        if let Some(wanted) = request.unknown_tagged_fields.remove(&notices::TAG) {
            if let Err(refusal) = context.authorize_cluster(Operation::ClusterAction) {
                let response = FetchResponse::default().with_error_code(refusal.code());
                return Outcome::Ready(FetchReply { response, ..FetchReply::default() });
            }
            return followers::answer(context, &request, wanted);
        }
        if is_of_a_session(&request) {
            let code = ResponseError::FetchSessionIdNotFound.code();
            let response = FetchResponse::default().with_error_code(code);
            return Outcome::Ready(FetchReply { response, ..FetchReply::default() });
        }
        // Nothing until it has waited, as in Kafka.
        let wait = context.throttle(CONSUMER_BYTE_RATE, 0);
        if !wait.is_zero() {
            let milliseconds = wait.as_millis().max(1) as i32;
            let response = FetchResponse::default().with_throttle_time_ms(milliseconds);
            return Outcome::Ready(FetchReply { response, ..FetchReply::default() });
        }
        Outcome::later(async move {
            let wanted = long_poll::until_ready(&context, &request).await;
            reading::answer(&context, &request, wanted).await
        })
    }
}

/// Whether the request continues a session; no session was ever handed out here. Epoch 0 begins one and −1 wants none: both name all
/// their partitions.
fn is_of_a_session(request: &FetchRequest) -> bool {
    request.session_id != 0 && request.session_epoch > 0
}
