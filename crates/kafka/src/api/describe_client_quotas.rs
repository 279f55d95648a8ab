//! `DescribeClientQuotas` (API key 48): the quotas of users and client ids that a filter takes. Source: KIP-546.

use super::{Api, Outcome, Versions, group_text::wire};
use crate::{context::Context, error::Refusal};
use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeClientQuotasRequest, DescribeClientQuotasResponse,
        describe_client_quotas_response::{EntityData, EntryData, ValueData},
    },
    protocol::StrBytes,
};
use security::{
    acl::Operation,
    quota::{Entity, Which},
};
use std::collections::BTreeMap;

/// What a component asks for: that name, the default, or any.
const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const ANY: i8 = 2;

/// Types of entities. Those of addresses have no quotas here, and none is found.
pub(super) const USER: &str = "user";
pub(super) const CLIENT_ID: &str = "client-id";
const IP: &str = "ip";

/// Handles versions 0 and 1.
pub(super) struct DescribeClientQuotas;

impl Api for DescribeClientQuotas {
    type Request = DescribeClientQuotasRequest;
    type Response = DescribeClientQuotasResponse;
    const VERSIONS: Versions = Versions::new(0, 1);

    async fn begin(
        context: Context,
        request: DescribeClientQuotasRequest,
    ) -> Outcome<DescribeClientQuotasResponse> {
        let response = DescribeClientQuotasResponse::default().with_error_message(None);
        Outcome::Ready(match find(&context, &request) {
            Ok(entries) => response.with_entries(Some(entries)),
            Err(refusal) => response
                .with_error_code(refusal.code())
                .with_error_message(refusal.wire_message())
                .with_entries(None),
        })
    }
}

/// What a component wants of an entity's part; the outer `None` is nothing of it.
type Wanted = BTreeMap<String, Option<Which>>;

fn find(
    context: &Context,
    request: &DescribeClientQuotasRequest,
) -> Result<Vec<EntryData>, Refusal> {
    context.authorize_cluster(Operation::DescribeConfigs)?;
    let wanted = wanted(request)?;
    let quotas = context.broker().cluster.quotas();
    let taken = quotas.entries().filter(|(entity, _)| takes(&wanted, request.strict, entity));
    let entries = taken.map(|(entity, values)| {
        let values = values
            .iter()
            .map(|(key, value)| ValueData::default().with_key(wire(key)).with_value(*value));
        EntryData::default().with_entity(parts(entity)).with_values(values.collect())
    });
    Ok(entries.collect())
}

fn wanted(request: &DescribeClientQuotasRequest) -> Result<Wanted, Refusal> {
    let invalid = |reason: &str| Err(Refusal::new(ResponseError::InvalidRequest, reason));
    let mut wanted = Wanted::new();
    for component in &request.components {
        if ![USER, CLIENT_ID, IP].contains(&component.entity_type.as_str()) {
            let reason = format!("Unsupported entity type {}", component.entity_type);
            return Err(Refusal::new(ResponseError::UnsupportedVersion, reason));
        }
        let which = match (component.match_type, &component._match) {
            (EXACT, Some(name)) => Some(Which::Named(name.to_string())),
            (DEFAULT, None) => Some(Which::Default),
            (ANY, None) => None,
            _ => return invalid("the match type does not fit the match"),
        };
        if wanted.insert(component.entity_type.to_string(), which).is_some() {
            return invalid("an entity type appears more than once in the filter");
        }
    }
    if wanted.contains_key(IP) && wanted.len() > 1 {
        return invalid("addresses don't go together with users or client ids");
    }
    Ok(wanted)
}

fn takes(wanted: &Wanted, strict: bool, entity: &Entity) -> bool {
    let part = |of: &str| match of {
        USER => entity.user.as_ref(),
        CLIENT_ID => entity.client_id.as_ref(),
        _ => None,
    };
    let count = usize::from(entity.user.is_some()) + usize::from(entity.client_id.is_some());
    (!strict || count == wanted.len())
        && wanted.iter().all(|(of, which)| match (which, part(of)) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(which), Some(part)) => which == part,
        })
}

/// An entity's parts in an answer.
fn parts(entity: &Entity) -> Vec<EntityData> {
    let part = |of: &'static str, which: &Option<Which>| {
        let name = match which.as_ref()? {
            Which::Named(name) => Some(wire(name)),
            Which::Default => None,
        };
        let part = EntityData::default().with_entity_type(StrBytes::from_static_str(of));
        Some(part.with_entity_name(name))
    };
    [part(USER, &entity.user), part(CLIENT_ID, &entity.client_id)].into_iter().flatten().collect()
}
