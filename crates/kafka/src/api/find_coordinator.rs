//! `FindCoordinator` (API key 10): which broker coordinates a group or a transactional id.
//!
//! It is the owner of the partition of `__consumer_offsets` or `__transaction_state` that the id is hashed to; the first request
//! makes the topic. Sources: KIP-98, KIP-699.

use super::{Api, Outcome, Versions};
use crate::{context::Context, error::Refusal, internal_topics::coordinator_of};
use cluster::Image;
use coordinator::SlotKind;
use kafka_protocol::{
    ResponseError,
    messages::{
        FindCoordinatorRequest, FindCoordinatorResponse, find_coordinator_response::Coordinator,
    },
    protocol::StrBytes,
};
use security::acl::{Operation, ResourceType};

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
        let kind = match kind(request.key_type) {
            Ok(kind) if !may_ask_for_some(&context, kind, &request) => {
                return Outcome::Ready(answer(&context, request));
            }
            Ok(kind) if context.broker().cluster.image().topic(kind.topic()).is_none() => kind,
            _ => return Outcome::Ready(answer(&context, request)),
        };
        Outcome::later(async move {
            // Why it failed was logged; without slots the answer is that there is no coordinator.
            let _made = context.broker().make_slots(kind).await;
            answer(&context, request)
        })
    }
}

/// Whether it may look at one of what it asks for: only then slots are made.
fn may_ask_for_some(context: &Context, kind: SlotKind, request: &FindCoordinatorRequest) -> bool {
    let may = |key: &StrBytes| context.may_quietly(Operation::Describe, resource(kind), key);
    match context.version() >= 4 {
        true => request.coordinator_keys.iter().any(may),
        false => may(&request.key),
    }
}

fn resource(kind: SlotKind) -> ResourceType {
    match kind {
        SlotKind::Groups => ResourceType::Group,
        SlotKind::Transactions => ResourceType::TransactionalId,
    }
}

/// What a key's type asks for.
fn kind(key_type: i8) -> Result<SlotKind, Refusal> {
    match key_type {
        0 => Ok(SlotKind::Groups),
        1 => Ok(SlotKind::Transactions),
        _ => Err(Refusal::new(
            ResponseError::InvalidRequest,
            format!("coordinators of type {key_type} are not supported"),
        )),
    }
}

fn answer(context: &Context, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    let image = context.broker().cluster.image();
    let response = FindCoordinatorResponse::default();
    if context.version() >= 4 {
        let coordinators = request
            .coordinator_keys
            .into_iter()
            .map(|key| coordinator(key.clone(), find(context, &image, request.key_type, &key)));
        return response.with_error_message(None).with_coordinators(coordinators.collect());
    }
    let found = find(context, &image, request.key_type, &request.key);
    let found = coordinator(request.key, found);
    let response = response
        .with_error_code(found.error_code)
        .with_node_id(found.node_id)
        .with_host(found.host)
        .with_port(found.port);
    let message = if context.version() >= 1 { found.error_message } else { None };
    response.with_error_message(message)
}

/// A broker's number, host and port.
type Node = (i32, String, u16);

fn find(context: &Context, image: &Image, key_type: i8, key: &str) -> Result<Node, Refusal> {
    let kind = kind(key_type)?;
    context.authorize(Operation::Describe, resource(kind), key)?;
    let listener = &context.connection.listener;
    let leader = coordinator_of(image, kind, key);
    let broker = leader.and_then(|leader| image.brokers.get(&leader));
    let reachable = broker.and_then(|broker| Some((broker, broker.endpoint(listener)?)));
    let (broker, endpoint) = reachable.ok_or(ResponseError::CoordinatorNotAvailable)?;
    Ok((broker.id.to_wire(), endpoint.host.clone(), endpoint.port))
}

fn coordinator(key: StrBytes, found: Result<Node, Refusal>) -> Coordinator {
    let coordinator = Coordinator::default().with_key(key);
    match found {
        Ok((id, host, port)) => coordinator
            .with_node_id(id.into())
            .with_host(StrBytes::from_string(host))
            .with_port(i32::from(port))
            .with_error_message(None),
        Err(refusal) => coordinator
            .with_node_id((-1).into())
            .with_port(-1)
            .with_error_code(refusal.code())
            .with_error_message(refusal.wire_message()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_of_groups_or_transactions() {
        assert_eq!(kind(0).unwrap(), SlotKind::Groups);
        assert_eq!(kind(1).unwrap(), SlotKind::Transactions);
        assert!(!kind(2).unwrap_err().error.is_retriable());
    }
}
