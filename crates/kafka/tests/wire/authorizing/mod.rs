//! Access rules: every API key that is served, under no rule, under every rule that allows it, and under one that denies it.

mod groups;
mod line;
mod table;
mod topics;

use crate::{broker::Served, client::Client, producing};
use kafka::{BrokerOptions, ListenerSecurity, SaslSettings, ServerOptions};
use kafka_protocol::{
    messages::*,
    protocol::{Request, StrBytes},
};
use line::Line;
use model::TopicId;
use runtime::Clock;
use security::{
    acl::{Authorizer, Binding, Filter, Operation, Pattern, Permission, ResourceType},
    sasl::{Mechanism, SaslListener},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

const TOPIC_DENIED: i16 = 29;
const GROUP_DENIED: i16 = 30;
const CLUSTER_DENIED: i16 = 31;
const TRANSACTION_DENIED: i16 = 53;

fn is_denied(code: i16) -> bool {
    [TOPIC_DENIED, GROUP_DENIED, CLUSTER_DENIED, TRANSACTION_DENIED].contains(&code)
}

/// Who asks: `root`, who may do everything, and `alice`, who may do what rules say.
pub struct Askers {
    pub root: Client,
    pub alice: Client,
    /// The id of topic `t`.
    pub topic: TopicId,
}

struct Setting {
    served: Served,
    topic: TopicId,
}

impl Setting {
    /// A broker with topic `t`, group `g` that committed an offset of it, and the transactional id `x`.
    async fn start() -> Self {
        let users = ["root", "alice"].map(|user| (user.to_owned(), user.to_owned()));
        let listener = SaslListener::new(vec![Mechanism::Plain], &BTreeMap::from(users), &[]);
        let sasl = SaslSettings {
            listener: Arc::new(listener.unwrap()),
            max_reauth: None,
            failure_delay: Duration::ZERO,
            clock: Clock::simulated(0),
        };
        let security = ListenerSecurity { sasl: Some(sasl), ..ListenerSecurity::default() };
        let security = BTreeMap::from([("SASL_PLAINTEXT".to_owned(), security)]);
        let super_users = BTreeSet::from(["root".to_owned()]);
        let options = BrokerOptions {
            authorizer: Some(Authorizer::new(super_users, false)),
            ..BrokerOptions::default()
        };
        let server = ServerOptions { security, ..ServerOptions::default() };
        let served = Served::start_as("SASL_PLAINTEXT://127.0.0.1:9092", server, options).await;
        let topic = served.create_topic("t", 1).await;
        let setting = Self { served, topic };
        setting.settle().await;
        setting
    }

    async fn settle(&self) {
        let mut root = self.connect("root").await;
        for key_type in [0, 1] {
            let request = FindCoordinatorRequest::default().with_key_type(key_type);
            root.call(4, request.with_coordinator_keys(vec!["x".into()])).await;
        }
        for _ in 0..200 {
            let committed = root.call(8, groups::commit()).await;
            let code = committed.topics[0].partitions[0].error_code;
            let request = InitProducerIdRequest::default().with_transaction_timeout_ms(60_000);
            let request = request.with_transactional_id(Some(TransactionalId("x".into())));
            if (code, root.call(4, request).await.error_code) == (0, 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no coordinators");
    }

    async fn connect(&self, user: &'static str) -> Client {
        let mut client = self.served.connect().await;
        let request = SaslHandshakeRequest::default().with_mechanism("PLAIN".into());
        assert_eq!(client.call(1, request).await.error_code, 0);
        let message = format!("\0{user}\0{user}").into_bytes();
        let request = SaslAuthenticateRequest::default().with_auth_bytes(message.into());
        assert_eq!(client.call(2, request).await.error_code, 0);
        client
    }

    async fn askers(&self) -> Askers {
        let (root, alice) = (self.connect("root").await, self.connect("alice").await);
        Askers { root, alice, topic: self.topic }
    }

    /// Puts these rules in the place of those that there are.
    async fn rules(&self, rules: &[Binding]) {
        self.served.cluster.delete_acls(&[Filter::default()]).await.unwrap();
        self.served.cluster.create_acls(rules.to_vec()).await.unwrap();
    }
}

/// A rule for alice.
fn rule(
    resource: ResourceType,
    pattern: Pattern,
    operation: Operation,
    permission: Permission,
) -> Binding {
    let (principal, host) = ("User:alice".to_owned(), "*".to_owned());
    Binding { resource, pattern, principal, host, operation, permission }
}

fn allow(resource: ResourceType, name: &str, operation: Operation) -> Binding {
    rule(resource, Pattern::Literal(name.to_owned()), operation, Permission::Allow)
}

fn lines() -> Vec<Line> {
    [table::lines(), topics::lines(), groups::lines()].into_iter().flatten().collect()
}

/// Served before a log-in too.
const OPEN: [ApiKey; 3] = [ApiKey::ApiVersions, ApiKey::SaslHandshake, ApiKey::SaslAuthenticate];

#[tokio::test(start_paused = true)]
async fn every_api_key_has_its_line() {
    let served = Served::start().await;
    let versions = served.connect().await.call(0, ApiVersionsRequest::default()).await;
    let lines = lines();
    for api in versions.api_keys {
        let key = ApiKey::try_from(api.api_key).unwrap();
        let has_line = lines.iter().any(|line| line.key == key);
        assert!(has_line != OPEN.contains(&key), "{key:?} is served: say here what it takes");
    }
}

#[tokio::test(start_paused = true)]
async fn every_api_is_denied_and_allowed_by_the_rules_that_kafka_goes_by() {
    let setting = Setting::start().await;
    let mut asked = 0;
    for line in lines() {
        asked += line.walk(&setting).await;
    }
    assert!(asked > 500, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn a_transactions_records_are_known_by_their_batches() {
    let setting = Setting::start().await;
    setting.rules(&[allow(ResourceType::Topic, "t", Operation::Write)]).await;
    let mut alice = setting.connect("alice").await;
    for named in [None, Some(TransactionalId("x".into()))] {
        let request = producing::produce("t", -1, topics::transactional_batch());
        let request = request.with_transactional_id(named);
        let answer = alice.call(9, request).await;
        assert_eq!(producing::outcome(&answer).0, TRANSACTION_DENIED);
    }
    // What the request's field says of other records is nothing.
    let request = producing::produce("t", -1, producing::batch(&["x"]));
    let request = request.with_transactional_id(Some(TransactionalId("x".into())));
    assert_eq!(producing::outcome(&alice.call(9, request).await).0, 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_learns_of_a_topic_that_they_may_not_see() {
    let setting = Setting::start().await;
    setting.rules(&[]).await;
    let mut alice = setting.connect("alice").await;
    let codes = async |client: &mut Client, name: &'static str| {
        let topic = metadata_request::MetadataRequestTopic::default()
            .with_name(Some(producing::name(name)));
        let request = MetadataRequest::default().with_topics(Some(vec![topic]));
        let metadata = client.call(12, request).await.topics.remove(0);
        assert!(metadata.topic_id.is_nil() && metadata.partitions.is_empty());
        let produced = client.call(9, producing::produce(name, -1, producing::batch(&["x"]))).await;
        let deletion = DeleteTopicsRequest::default().with_timeout_ms(1000);
        let deleted = client.call(5, deletion.with_topic_names(vec![producing::name(name)])).await;
        let produced = producing::outcome(&produced).0;
        [metadata.error_code, produced, deleted.responses[0].error_code]
    };
    let there = codes(&mut alice, "t").await;
    assert_eq!(there, [TOPIC_DENIED; 3]);
    assert_eq!(there, codes(&mut alice, "nowhere").await);
    assert_eq!(there, codes(&mut alice, "no topic's name").await);
    let all = alice.call(12, MetadataRequest::default().with_topics(None)).await;
    assert!(all.topics.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_may_be_done_is_told_as_bits() {
    use Operation::{Alter, AlterConfigs, Delete, Describe, DescribeConfigs, Read};
    let setting = Setting::start().await;
    let (topic, group) = (ResourceType::Topic, ResourceType::Group);
    setting
        .rules(&[
            allow(topic, "t", Read),
            allow(topic, "t", AlterConfigs),
            allow(group, "g", Delete),
            allow(ResourceType::Cluster, "kafka-cluster", Alter),
        ])
        .await;
    let mut alice = setting.connect("alice").await;
    let request = MetadataRequest::default().with_include_topic_authorized_operations(true);
    let request = request.with_include_cluster_authorized_operations(true).with_topics(None);
    let metadata = alice.call(10, request).await;
    let bits = |operations: &[Operation]| {
        operations.iter().fold(0, |bits, operation| bits | 1 << operation.to_wire())
    };
    let expected = bits(&[Read, Describe, DescribeConfigs, AlterConfigs]);
    assert_eq!(metadata.topics[0].topic_authorized_operations, expected);
    assert_eq!(metadata.cluster_authorized_operations, bits(&[Alter, Describe]));
    let request = DescribeGroupsRequest::default().with_groups(vec![GroupId("g".into())]);
    let described = alice.call(5, request.with_include_authorized_operations(true)).await;
    assert_eq!(described.groups[0].authorized_operations, bits(&[Describe, Delete]));
}

#[tokio::test(start_paused = true)]
async fn rules_are_made_found_and_removed_one_by_one() {
    let setting = Setting::start().await;
    setting.rules(&[]).await;
    let mut root = setting.connect("root").await;
    let creation = |name: &str, principal: &str, operation: i8| {
        create_acls_request::AclCreation::default()
            .with_resource_type(2)
            .with_resource_name(StrBytes::from_string(name.to_owned()))
            .with_resource_pattern_type(3)
            .with_principal(StrBytes::from_string(principal.to_owned()))
            .with_host("*".into())
            .with_operation(operation)
            .with_permission_type(3)
    };
    let creations = vec![
        creation("t", "User:alice", 3),
        creation("t", "User:alice", 4),
        creation("t", "User:bob", 3),
        creation("t", "User:bob", 3),
        creation("", "User:bob", 3),
        creation("t", "bob", 3),
        creation("t", "User:bob", 1),
        creation("t", "User:bob", 3).with_resource_type(4),
    ];
    let made = root.call(3, CreateAclsRequest::default().with_creations(creations)).await;
    let codes: Vec<i16> = made.results.iter().map(|it| it.error_code).collect();
    assert_eq!(codes, [0, 0, 0, 0, 42, 42, 42, 42]);
    let all = DescribeAclsRequest::default()
        .with_resource_type_filter(1)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(1)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(1)
        .with_permission_type(1);
    let described = root.call(3, all.clone()).await;
    assert_eq!((described.resources.len(), described.resources[0].acls.len()), (1, 3));
    // One goes, the others of its resource stay.
    let filter = delete_acls_request::DeleteAclsFilter::default()
        .with_resource_type_filter(1)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(1)
        .with_principal_filter(Some("User:alice".into()))
        .with_host_filter(None)
        .with_operation(3)
        .with_permission_type(1);
    let filters = vec![filter.clone(), filter.clone().with_operation(99), filter];
    let removed = root.call(3, DeleteAclsRequest::default().with_filters(filters)).await;
    let removed: Vec<_> =
        removed.filter_results.iter().map(|it| (it.error_code, it.matching_acls.len())).collect();
    assert_eq!(removed, [(0, 1), (42, 0), (0, 1)]);
    let described = root.call(3, all.clone()).await;
    let left: Vec<_> = described.resources[0].acls.iter().map(|it| it.operation).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    // Without an authorizer there is nothing to ask.
    let open = Served::start().await;
    assert_eq!(open.connect().await.call(3, all).await.error_code, 54);
}

/// A name in a request.
fn text<T: From<StrBytes>>(name: &'static str) -> T {
    T::from(StrBytes::from_static_str(name))
}

/// Sends, as who asks; a shorthand for lines.
async fn ask<R: Request>(client: &mut Client, version: i16, request: R) -> R::Response {
    client.call(version, request).await
}
