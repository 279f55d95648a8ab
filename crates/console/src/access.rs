//! Who may do what, and who can log in: access rules, and users with the names of their mechanisms.

use crate::{
    brokers::Brokers,
    refused::{Refused, check, error_of},
};
use kafka_protocol::messages::{
    DescribeAclsRequest, DescribeUserScramCredentialsRequest,
    describe_acls_response::{AclDescription, DescribeAclsResource},
};
use serde::Serialize;

const DESCRIBE_ACLS_VERSION: i16 = 3;
const DESCRIBE_USERS_VERSION: i16 = 0;
const ANY: i8 = 1;
/// The code of a cluster without an authorizer.
const SECURITY_DISABLED: i16 = 54;
/// Rules in one answer.
const RULES: usize = 10_000;

/// Each half on its own: one may be allowed and the other not.
#[derive(Debug, Serialize)]
pub(crate) struct Access {
    /// Whether there is an authorizer at all; not known when it could not be asked.
    authorizer: Option<bool>,
    rules: Vec<Rule>,
    rules_left_out: usize,
    rules_problem: Option<String>,
    users: Vec<User>,
    users_problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct Rule {
    principal: String,
    permission: &'static str,
    operation: &'static str,
    resource_type: &'static str,
    resource: String,
    pattern: &'static str,
    host: String,
}

#[derive(Debug, Serialize)]
struct User {
    name: String,
    mechanisms: Vec<&'static str>,
}

pub(crate) async fn describe(brokers: &Brokers) -> Access {
    let (rules, users) = futures::join!(rules(brokers), users(brokers));
    let (authorizer, mut rules, rules_problem) = match rules {
        Ok(Some(rules)) => (Some(true), rules, None),
        Ok(None) => (Some(false), Vec::new(), None),
        Err(refused) => (None, Vec::new(), Some(refused.message)),
    };
    let (users, users_problem) = match users {
        Ok(users) => (users, None),
        Err(refused) => (Vec::new(), Some(refused.message)),
    };
    let rules_left_out = rules.len().saturating_sub(RULES);
    rules.truncate(RULES);
    Access { authorizer, rules, rules_left_out, rules_problem, users, users_problem }
}

/// `None` without an authorizer.
async fn rules(brokers: &Brokers) -> Result<Option<Vec<Rule>>, Refused> {
    let request = DescribeAclsRequest::default()
        .with_resource_type_filter(ANY)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(ANY)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY);
    let answer = brokers.call_any(&request, DESCRIBE_ACLS_VERSION).await?;
    if answer.error_code == SECURITY_DISABLED {
        return Ok(None);
    }
    check(answer.error_code, answer.error_message, "access rules")?;
    let mut rules: Vec<Rule> = answer.resources.iter().flat_map(rules_of).collect();
    rules.sort_by(|one, other| {
        (&one.principal, one.resource_type, &one.resource).cmp(&(
            &other.principal,
            other.resource_type,
            &other.resource,
        ))
    });
    Ok(Some(rules))
}

fn rules_of(resource: &DescribeAclsResource) -> impl Iterator<Item = Rule> {
    resource.acls.iter().map(|rule: &AclDescription| Rule {
        principal: rule.principal.to_string(),
        permission: if rule.permission_type == 2 { "deny" } else { "allow" },
        operation: word(OPERATIONS, rule.operation),
        resource_type: word(RESOURCE_TYPES, resource.resource_type),
        resource: resource.resource_name.to_string(),
        pattern: if resource.pattern_type == 4 { "prefixed" } else { "literal" },
        host: rule.host.to_string(),
    })
}

type Words = &'static [(i8, &'static str)];

/// Kafka's numbers of operations.
pub(crate) const OPERATIONS: Words = &[
    (2, "All"),
    (3, "Read"),
    (4, "Write"),
    (5, "Create"),
    (6, "Delete"),
    (7, "Alter"),
    (8, "Describe"),
    (9, "ClusterAction"),
    (10, "DescribeConfigs"),
    (11, "AlterConfigs"),
    (12, "IdempotentWrite"),
    (13, "CreateTokens"),
    (14, "DescribeTokens"),
    (15, "TwoPhaseCommit"),
];

/// Kafka's numbers of what rules are about.
pub(crate) const RESOURCE_TYPES: Words = &[
    (2, "topic"),
    (3, "group"),
    (4, "cluster"),
    (5, "transactional id"),
    (6, "delegation token"),
    (7, "user"),
];

/// Kafka's numbers of SCRAM's mechanisms.
pub(crate) const MECHANISMS: Words = &[(1, "SCRAM-SHA-256"), (2, "SCRAM-SHA-512")];

fn word(words: Words, number: i8) -> &'static str {
    words.iter().find(|it| it.0 == number).map_or("unknown", |it| it.1)
}

pub(crate) fn number_of(words: Words, word: &str) -> Option<i8> {
    words.iter().find(|it| it.1 == word).map(|it| it.0)
}

async fn users(brokers: &Brokers) -> Result<Vec<User>, Refused> {
    let request = DescribeUserScramCredentialsRequest::default().with_users(None);
    let answer = brokers.call_any(&request, DESCRIBE_USERS_VERSION).await?;
    check(answer.error_code, answer.error_message, "users")?;
    let known = answer.results.into_iter().filter(|user| error_of(user.error_code).is_none());
    let mut users: Vec<User> = known
        .map(|user| User {
            name: user.user.to_string(),
            mechanisms: user
                .credential_infos
                .iter()
                .map(|it| word(MECHANISMS, it.mechanism))
                .collect(),
        })
        .collect();
    users.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(users)
}
