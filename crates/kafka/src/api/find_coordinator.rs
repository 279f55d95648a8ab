//! `FindCoordinator` (API key 10). There are no coordinators yet.
//!
//! Groups are answered `COORDINATOR_NOT_AVAILABLE`, which consumers with partitions of their own choice wait for in the background
//! while they read; transactions are refused for good, because a producer would wait for them in vain. Sources: KIP-98, KIP-699.

use super::{Api, Outcome, Versions};
use crate::{context::Context, error::Refusal};
use kafka_protocol::{
    ResponseError,
    messages::{
        FindCoordinatorRequest, FindCoordinatorResponse, find_coordinator_response::Coordinator,
    },
};

/// Handles versions 0 to 6.
pub(super) struct FindCoordinator;

impl Api for FindCoordinator {
    type Request = FindCoordinatorRequest;
    type Response = FindCoordinatorResponse;
    const VERSIONS: Versions = Versions::new(0, 6);

    async fn begin(
        context: Context,
        request: FindCoordinatorRequest,
    ) -> Outcome<FindCoordinatorResponse> {
        Outcome::Ready(answer(context.version(), request))
    }
}

fn answer(version: i16, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    let response = FindCoordinatorResponse::default();
    if version < 4 {
        let refusal = refusal(request.key_type, &request.key);
        let response =
            response.with_error_code(refusal.code()).with_node_id((-1).into()).with_port(-1);
        let message = if version >= 1 { refusal.wire_message() } else { None };
        return response.with_error_message(message);
    }
    let coordinators = request.coordinator_keys.into_iter().map(|key| {
        let refusal = refusal(request.key_type, &key);
        Coordinator::default()
            .with_key(key)
            .with_node_id((-1).into())
            .with_port(-1)
            .with_error_code(refusal.code())
            .with_error_message(refusal.wire_message())
    });
    response.with_error_message(None).with_coordinators(coordinators.collect())
}

fn refusal(key_type: i8, key: &str) -> Refusal {
    match key_type {
        0 if key.is_empty() => Refusal::new(ResponseError::InvalidGroupId, "the group id is empty"),
        0 => Refusal::new(
            ResponseError::CoordinatorNotAvailable,
            "consumer groups are not supported yet: assign partitions",
        ),
        1 => Refusal::new(ResponseError::UnsupportedVersion, "transactions are not supported yet"),
        _ => Refusal::new(
            ResponseError::InvalidRequest,
            format!("coordinators of type {key_type} are not supported"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transactional_producer_is_not_left_waiting() {
        assert!(!refusal(1, "pay").error.is_retriable());
        assert!(refusal(0, "readers").error.is_retriable());
        assert_eq!(refusal(0, "").error, ResponseError::InvalidGroupId);
    }
}
