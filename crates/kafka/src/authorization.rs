//! What a request may do: asked of the access rules, and told to the audit log (KIP-11).
//!
//! Without an authorizer everyone may do everything. Every denial of what a client asked for is an event of the target `audit`, every
//! permission one at debug level. What only sorts out of a list what somebody may not see is not told.

use crate::{
    broker::{TopicRef, find_topic},
    context::Context,
    error::Refusal,
};
use cluster::{Image, TopicInfo};
use kafka_protocol::ResponseError;
use security::{
    Principal,
    acl::{CLUSTER, Decision, Operation, Request, ResourceType},
};
use std::sync::Arc;

impl Context {
    /// Whether it may do that, and tells the audit log.
    pub(crate) fn may(&self, operation: Operation, resource: ResourceType, name: &str) -> bool {
        let Some(decision) = self.decide(operation, resource, name) else { return true };
        self.audit(operation, resource, name, decision);
        decision.is_allowed()
    }

    /// Whether it may do that; nobody asked for it.
    pub(crate) fn may_quietly(
        &self,
        operation: Operation,
        resource: ResourceType,
        name: &str,
    ) -> bool {
        self.decide(operation, resource, name).is_none_or(Decision::is_allowed)
    }

    /// Whether it may do that to the cluster; nobody asked for it.
    pub(crate) fn may_to_cluster_quietly(&self, operation: Operation) -> bool {
        self.may_quietly(operation, ResourceType::Cluster, CLUSTER)
    }

    /// Whether it may do that to at least one resource of the type (KIP-679).
    pub(crate) fn may_to_some(&self, operation: Operation, resource: ResourceType) -> bool {
        let Some(authorizer) = &self.broker().options.authorizer else { return true };
        let Some(principal) = self.principal() else { return false };
        let request =
            Request { principal, host: self.connection.peer.ip(), operation, resource, name: "" };
        let decision = authorizer.decide_for_any(&self.broker().cluster.rules(), &request);
        decision.is_allowed()
    }

    /// Refuses what it may not do.
    ///
    /// # Errors
    /// The code for the type of resource.
    pub(crate) fn authorize(
        &self,
        operation: Operation,
        resource: ResourceType,
        name: &str,
    ) -> Result<(), Refusal> {
        if self.may(operation, resource, name) { Ok(()) } else { Err(failed(resource).into()) }
    }

    /// The same for the cluster.
    ///
    /// # Errors
    /// `CLUSTER_AUTHORIZATION_FAILED`.
    pub(crate) fn authorize_cluster(&self, operation: Operation) -> Result<(), Refusal> {
        self.authorize(operation, ResourceType::Cluster, CLUSTER)
    }

    /// The same for a topic by name or id. Without access rules nothing is looked up: whoever uses the topic finds out whether there is one.
    ///
    /// # Errors
    /// `TOPIC_AUTHORIZATION_FAILED`, whether or not there is a topic of that name; `UNKNOWN_TOPIC_ID` for an id that no topic has.
    pub(crate) fn authorize_topic(
        &self,
        operation: Operation,
        image: &Image,
        topic: TopicRef<'_>,
    ) -> Result<(), Refusal> {
        if !self.has_access_rules() {
            return Ok(());
        }
        let name = match topic {
            TopicRef::Name(name) => name,
            TopicRef::Id(id) => match image.topic_by_id(id) {
                Some(topic) => topic.name.as_str(),
                None => return Err(ResponseError::UnknownTopicId.into()),
            },
        };
        self.authorize(operation, ResourceType::Topic, name)
    }

    /// A topic by name or id, to do that to it.
    ///
    /// # Errors
    /// `TOPIC_AUTHORIZATION_FAILED` before anything else is told of a name; unknown topic or id.
    pub(crate) fn find_authorized<'a>(
        &self,
        operation: Operation,
        image: &'a Image,
        topic: TopicRef<'_>,
    ) -> Result<&'a Arc<TopicInfo>, Refusal> {
        self.authorize_topic(operation, image, topic)?;
        find_topic(image, topic)
    }

    /// Whether there is an authorizer.
    pub(crate) fn has_access_rules(&self) -> bool {
        self.broker().options.authorizer.is_some()
    }

    /// The operations on a resource that are allowed, as bits (KIP-430).
    pub(crate) fn authorized_operations(&self, resource: ResourceType, name: &str) -> i32 {
        let allowed = resource
            .operations()
            .iter()
            .filter(|operation| self.may_quietly(**operation, resource, name));
        allowed.fold(0, |bits, operation| bits | 1 << operation.to_wire())
    }

    /// The same for the cluster; none for whoever may not look at it.
    pub(crate) fn authorized_cluster_operations(&self) -> i32 {
        if !self.may(Operation::Describe, ResourceType::Cluster, CLUSTER) {
            return 0;
        }
        self.authorized_operations(ResourceType::Cluster, CLUSTER)
    }

    /// Refuses to read and change who logs in. Without an authorizer who did not say who they are may look, as in Kafka, where
    /// kafka-configs asks for users together with their quotas, but change nobody.
    ///
    /// # Errors
    /// `CLUSTER_AUTHORIZATION_FAILED`.
    pub(crate) fn authorize_users(&self, operation: Operation) -> Result<(), Refusal> {
        let is_known =
            self.principal().is_some_and(|principal| *principal != Principal::anonymous());
        if !self.has_access_rules() && !is_known && operation != Operation::Describe {
            return Err(ResponseError::ClusterAuthorizationFailed.into());
        }
        self.authorize_cluster(operation)
    }

    fn principal(&self) -> Option<&Principal> {
        self.connection.authentication.principal()
    }

    /// `None` without an authorizer.
    fn decide(&self, operation: Operation, resource: ResourceType, name: &str) -> Option<Decision> {
        let authorizer = self.broker().options.authorizer.as_ref()?;
        let Some(principal) = self.principal() else { return Some(Decision::NotAllowed) };
        let host = self.connection.peer.ip();
        let request = Request { principal, host, operation, resource, name };
        Some(authorizer.decide(&self.broker().cluster.rules(), &request))
    }

    fn audit(&self, operation: Operation, resource: ResourceType, name: &str, decision: Decision) {
        let principal = self.principal().map(tracing::field::display);
        let (host, listener) = (self.connection.peer.ip(), &*self.connection.listener);
        let api = crate::api::find(self.head.api_key).map_or("?", |entry| entry.name);
        // Names come from clients: shown with what is not printable escaped.
        if decision.is_allowed() {
            tracing::debug!(
                target: "audit", principal, %host, listener, api, ?operation, ?resource, ?name, ?decision, "allowed"
            );
        } else {
            metrics::counter!("kafka_denied_total", "api" => api).increment(1);
            tracing::info!(
                target: "audit", principal, %host, listener, api, ?operation, ?resource, ?name, ?decision, "denied"
            );
        }
    }
}

/// How a denial reads on the wire.
fn failed(resource: ResourceType) -> ResponseError {
    match resource {
        ResourceType::Topic => ResponseError::TopicAuthorizationFailed,
        ResourceType::Group => ResponseError::GroupAuthorizationFailed,
        ResourceType::Cluster | ResourceType::User => ResponseError::ClusterAuthorizationFailed,
        ResourceType::TransactionalId => ResponseError::TransactionalIdAuthorizationFailed,
        ResourceType::DelegationToken => ResponseError::DelegationTokenAuthorizationFailed,
    }
}
