//! `CreateAcls` (API key 30): makes access rules. Sources: KIP-140, KIP-290.
//!
//! A rule that is there already is no error; one that can't be made does not keep the others from it.

use super::{Api, Outcome, Versions, acl_wire};
use crate::{context::Context, error::Refusal};
use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, create_acls_response::AclCreationResult,
};
use security::acl::{Binding, Operation};

/// Handles versions 1 to 3.
pub(super) struct CreateAcls;

impl Api for CreateAcls {
    type Request = CreateAclsRequest;
    type Response = CreateAclsResponse;
    const VERSIONS: Versions = Versions::new(1, 3);

    async fn begin(context: Context, request: CreateAclsRequest) -> Outcome<CreateAclsResponse> {
        if let Err(refusal) = acl_wire::authorize(&context, Operation::Alter) {
            let results = request.creations.iter().map(|_| result(Err(refusal.clone())));
            return Outcome::Ready(CreateAclsResponse::default().with_results(results.collect()));
        }
        let read: Vec<_> = request.creations.iter().map(acl_wire::binding).collect();
        Outcome::later(async move {
            let valid: Vec<Binding> = read.iter().filter_map(|read| read.clone().ok()).collect();
            let made = context.broker().cluster.create_acls(valid).await.map_err(Refusal::from);
            let results = read.into_iter().map(|read| result(read.and_then(|_| made.clone())));
            CreateAclsResponse::default().with_results(results.collect())
        })
    }
}

fn result(made: Result<(), Refusal>) -> AclCreationResult {
    let result = AclCreationResult::default().with_error_message(None);
    match made {
        Ok(()) => result,
        Err(refusal) => {
            result.with_error_code(refusal.code()).with_error_message(refusal.wire_message())
        }
    }
}
