//! `ListPartitionReassignments` (API key 46): none. A partition's data lies in object storage and never moves between brokers.
//!
//! Source: KIP-455.

use super::{Api, Outcome, Versions};
use crate::context::Context;
use kafka_protocol::messages::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

/// Handles version 0.
pub(super) struct ListPartitionReassignments;

impl Api for ListPartitionReassignments {
    type Request = ListPartitionReassignmentsRequest;
    type Response = ListPartitionReassignmentsResponse;
    const VERSIONS: Versions = Versions::new(0, 0);

    async fn begin(
        _context: Context,
        _request: ListPartitionReassignmentsRequest,
    ) -> Outcome<ListPartitionReassignmentsResponse> {
        Outcome::Ready(ListPartitionReassignmentsResponse::default().with_error_message(None))
    }
}
