//! What a config belongs to, as requests about configs name it.

use crate::{context::Context, error::Refusal};
use cluster::ConfigResource;
use kafka_protocol::ResponseError;
use model::BrokerId;
use security::acl::{Operation, ResourceType};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Reads a resource. A broker without a name is all of them.
///
/// # Errors
/// `INVALID_REQUEST` for a type that has no configs here, or a broker that is no number.
pub(super) fn parse(resource_type: i8, name: &str) -> Result<ConfigResource, Refusal> {
    match (resource_type, name) {
        (TOPIC, name) => Ok(ConfigResource::Topic(name.to_owned())),
        (BROKER, "") => Ok(ConfigResource::Broker(None)),
        (BROKER, name) => match name.parse().ok().and_then(BrokerId::new) {
            Some(id) => Ok(ConfigResource::Broker(Some(id))),
            None => Err(Refusal::new(
                ResponseError::InvalidRequest,
                format!("{name:?} is not the number of a broker"),
            )),
        },
        (other, _) => Err(Refusal::new(
            ResponseError::InvalidRequest,
            format!("resources of type {other} have no configs here: 2 is a topic, 4 a broker"),
        )),
    }
}

/// Refuses what may not be done to a resource's configs.
///
/// # Errors
/// `TOPIC_AUTHORIZATION_FAILED`, `CLUSTER_AUTHORIZATION_FAILED`.
pub(super) fn authorize(
    context: &Context,
    operation: Operation,
    resource: &ConfigResource,
) -> Result<(), Refusal> {
    match resource {
        ConfigResource::Topic(name) => context.authorize(operation, ResourceType::Topic, name),
        ConfigResource::Broker(_) => context.authorize_cluster(operation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_without_a_name_is_all_of_them() {
        assert_eq!(parse(4, ""), Ok(ConfigResource::Broker(None)));
        assert_eq!(parse(4, "7"), Ok(ConfigResource::Broker(BrokerId::new(7))));
        assert!(parse(4, "seven").is_err());
        assert!(parse(32, "a-group").is_err());
    }
}
