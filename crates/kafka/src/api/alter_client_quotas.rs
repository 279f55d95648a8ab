//! `AlterClientQuotas` (API key 49): sets and removes the quotas of users and client ids. Source: KIP-546.
//!
//! An entity of which one change can't be made is not changed at all. What is not enforced here can't be set.

use super::{
    Api, Outcome, Versions,
    describe_client_quotas::{CLIENT_ID, USER},
};
use crate::{context::Context, error::Refusal};
use cluster::QuotaChange;
use kafka_protocol::{
    ResponseError,
    messages::{
        AlterClientQuotasRequest, AlterClientQuotasResponse,
        alter_client_quotas_request::{self, OpData},
        alter_client_quotas_response::{EntityData, EntryData},
    },
};
use security::{
    acl::Operation,
    quota::{Entity, KEYS, Which},
};
use std::collections::BTreeSet;

/// Longest name of a user or client id, in bytes: they stand in the metadata store's keys.
const NAME_MAX_BYTES: usize = 4096;

/// Handles versions 0 and 1.
pub(super) struct AlterClientQuotas;

impl Api for AlterClientQuotas {
    type Request = AlterClientQuotasRequest;
    type Response = AlterClientQuotasResponse;
    const VERSIONS: Versions = Versions::new(0, 1);

    async fn begin(
        context: Context,
        request: AlterClientQuotasRequest,
    ) -> Outcome<AlterClientQuotasResponse> {
        let authorized = context.authorize_cluster(Operation::AlterConfigs);
        let mut seen = BTreeSet::new();
        let read: Vec<_> = request
            .entries
            .iter()
            .map(|entry| authorized.clone().and_then(|()| changes(entry, &mut seen)))
            .collect();
        Outcome::later(async move {
            let mut entries = Vec::with_capacity(request.entries.len());
            for (entry, changes) in request.entries.into_iter().zip(read) {
                let changed = match changes {
                    Ok(changes) if !request.validate_only => {
                        let changed = context.broker().cluster.change_quotas(&changes).await;
                        changed.map_err(Refusal::from)
                    }
                    Ok(_) => Ok(()),
                    Err(refusal) => Err(refusal),
                };
                entries.push(result(entry, changed));
            }
            AlterClientQuotasResponse::default().with_entries(entries)
        })
    }
}

fn changes(
    entry: &alter_client_quotas_request::EntryData,
    seen: &mut BTreeSet<Entity>,
) -> Result<Vec<QuotaChange>, Refusal> {
    let entity = entity(entry)?;
    if !seen.insert(entity.clone()) {
        return Err(invalid("the entity is named twice"));
    }
    let mut keys = BTreeSet::new();
    let mut changes = Vec::with_capacity(entry.ops.len());
    for change in &entry.ops {
        if !keys.insert(change.key.as_str()) {
            return Err(invalid(&format!("Duplicate quota key {}", change.key)));
        }
        changes.push(QuotaChange {
            entity: entity.clone(),
            key: change.key.to_string(),
            value: value(change)?,
        });
    }
    Ok(changes)
}

fn value(change: &OpData) -> Result<Option<f64>, Refusal> {
    let (key, value) = (change.key.as_str(), change.value);
    if !KEYS.contains(&key) {
        let reason = format!("{key} is not enforced here; there are {}", KEYS.join(" and "));
        return Err(invalid(&reason));
    }
    if change.remove {
        return Ok(None);
    }
    // Rates of bytes are whole numbers in Kafka.
    if !(value > 0.0 && value < i64::MAX as f64 && value.fract() == 0.0) {
        return Err(invalid(&format!("Quota {key} must be a whole number greater than 0")));
    }
    Ok(Some(value))
}

fn entity(entry: &alter_client_quotas_request::EntryData) -> Result<Entity, Refusal> {
    let mut entity = Entity::default();
    for part in &entry.entity {
        let which = match &part.entity_name {
            Some(name) if name.len() > NAME_MAX_BYTES => {
                return Err(invalid("names have 4096 bytes at most"));
            }
            Some(name) => Which::Named(name.to_string()),
            None => Which::Default,
        };
        let place = match part.entity_type.as_str() {
            USER => &mut entity.user,
            CLIENT_ID => &mut entity.client_id,
            other => return Err(invalid(&format!("there are no quotas of {other} here"))),
        };
        if place.replace(which).is_some() {
            return Err(invalid(&format!("duplicate entity entry {}", part.entity_type)));
        }
    }
    if entity == Entity::default() {
        return Err(invalid("Invalid empty client quota entity"));
    }
    Ok(entity)
}

fn result(
    entry: alter_client_quotas_request::EntryData,
    changed: Result<(), Refusal>,
) -> EntryData {
    let entity = entry.entity.into_iter().map(|part| {
        EntityData::default().with_entity_type(part.entity_type).with_entity_name(part.entity_name)
    });
    let result = EntryData::default().with_error_message(None).with_entity(entity.collect());
    match changed {
        Ok(()) => result,
        Err(refusal) => {
            result.with_error_code(refusal.code()).with_error_message(refusal.wire_message())
        }
    }
}

fn invalid(reason: &str) -> Refusal {
    Refusal::new(ResponseError::InvalidRequest, reason)
}
