//! Access rules and users: made and removed.

use super::{Write, accepted, text_of};
use crate::{
    Served,
    access::{MECHANISMS, OPERATIONS, RESOURCE_TYPES, number_of},
    refused::Refused,
};
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, CreateAclsRequest, DeleteAclsRequest,
    alter_user_scram_credentials_request::{ScramCredentialDeletion, ScramCredentialUpsertion},
    create_acls_request::AclCreation,
    delete_acls_request::DeleteAclsFilter,
};
use security::sasl::{MIN_ITERATIONS, SaltedPassword, ScramHash};
use serde::Deserialize;
use std::{fmt, num::NonZeroU32};

const ACLS_VERSION: i16 = 3;
const USERS_VERSION: i16 = 0;

/// A rule, in the words of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    principal: String,
    permission: String,
    operation: String,
    resource_type: String,
    resource: String,
    pattern: String,
    host: String,
}

/// The same in numbers.
struct Numbers {
    permission: i8,
    operation: i8,
    resource_type: i8,
    pattern: i8,
}

impl Rule {
    fn numbers(&self) -> Result<Numbers, Refused> {
        let known = |number: Option<i8>, what: &str| {
            number.ok_or_else(|| Refused::bad_request(format!("there is no such {what}")))
        };
        let of = |text: &str, words: [(&str, i8); 2]| {
            words.into_iter().find(|it| it.0 == text).map(|it| it.1)
        };
        Ok(Numbers {
            permission: known(of(&self.permission, [("deny", 2), ("allow", 3)]), "permission")?,
            operation: known(number_of(OPERATIONS, &self.operation), "operation")?,
            resource_type: known(number_of(RESOURCE_TYPES, &self.resource_type), "resource type")?,
            pattern: known(of(&self.pattern, [("literal", 3), ("prefixed", 4)]), "pattern")?,
        })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, permission, operation, resource_type, resource, pattern, host } =
            self;
        write!(
            f,
            "{permission} {principal} {operation} on {pattern} {resource_type} {resource} from {host}"
        )
    }
}

/// Makes a rule.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct AddRule(Rule);

impl Write for AddRule {
    const NAME: &'static str = "add-rule";

    fn subject(&self) -> String {
        self.0.to_string()
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let Self(rule) = self;
        let numbers = rule.numbers()?;
        let creation = AclCreation::default()
            .with_resource_type(numbers.resource_type)
            .with_resource_name(text_of(&rule.resource))
            .with_resource_pattern_type(numbers.pattern)
            .with_principal(text_of(&rule.principal))
            .with_host(text_of(&rule.host))
            .with_operation(numbers.operation)
            .with_permission_type(numbers.permission);
        let request = CreateAclsRequest::default().with_creations(vec![creation]);
        let answer = served.brokers.write(None, &request, ACLS_VERSION).await?;
        answer
            .results
            .iter()
            .try_for_each(|it| accepted(it.error_code, it.error_message.as_ref(), "the rule"))
    }
}

/// Removes exactly this rule.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct RemoveRule(Rule);

impl Write for RemoveRule {
    const NAME: &'static str = "remove-rule";

    fn subject(&self) -> String {
        self.0.to_string()
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let Self(rule) = self;
        let numbers = rule.numbers()?;
        let filter = DeleteAclsFilter::default()
            .with_resource_type_filter(numbers.resource_type)
            .with_resource_name_filter(Some(text_of(&rule.resource)))
            .with_pattern_type_filter(numbers.pattern)
            .with_principal_filter(Some(text_of(&rule.principal)))
            .with_host_filter(Some(text_of(&rule.host)))
            .with_operation(numbers.operation)
            .with_permission_type(numbers.permission);
        let request = DeleteAclsRequest::default().with_filters(vec![filter]);
        let answer = served.brokers.write(None, &request, ACLS_VERSION).await?;
        let mut removed = 0;
        for found in &answer.filter_results {
            accepted(found.error_code, found.error_message.as_ref(), "the rule")?;
            for it in &found.matching_acls {
                accepted(it.error_code, it.error_message.as_ref(), "the rule")?;
                removed += 1;
            }
        }
        if removed == 0 {
            return Err(Refused::not_found("there is no such rule any more"));
        }
        Ok(())
    }
}

/// Makes a user who logs in with SCRAM, or gives one another password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPassword {
    user: String,
    mechanism: String,
    password: String,
}

impl fmt::Debug for SetPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetPassword({})", self.user)
    }
}

impl Write for SetPassword {
    const NAME: &'static str = "set-password";

    fn subject(&self) -> String {
        format!("user {}, {}", self.user, self.mechanism)
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let mechanism = mechanism(&self.mechanism)?;
        let hash = if mechanism == 1 { ScramHash::Sha256 } else { ScramHash::Sha512 };
        let iterations = NonZeroU32::new(MIN_ITERATIONS).unwrap_or(NonZeroU32::MIN);
        let derived = SaltedPassword::derive_with_new_salt(hash, &self.password, iterations);
        let (salted, salt) = derived.map_err(Refused::bad_request)?;
        // Only what is derived from the password goes further.
        let upsertion = ScramCredentialUpsertion::default()
            .with_name(text_of(&self.user))
            .with_mechanism(mechanism)
            .with_iterations(i32::try_from(MIN_ITERATIONS).unwrap_or(i32::MAX))
            .with_salt(salt.into())
            .with_salted_password(salted.as_bytes().to_vec().into());
        let request = AlterUserScramCredentialsRequest::default().with_upsertions(vec![upsertion]);
        alter_users(served, &request).await
    }
}

/// Takes a way to log in from a user.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveUser {
    user: String,
    mechanism: String,
}

impl Write for RemoveUser {
    const NAME: &'static str = "remove-user";

    fn subject(&self) -> String {
        format!("user {}, {}", self.user, self.mechanism)
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let deletion = ScramCredentialDeletion::default()
            .with_name(text_of(&self.user))
            .with_mechanism(mechanism(&self.mechanism)?);
        let request = AlterUserScramCredentialsRequest::default().with_deletions(vec![deletion]);
        alter_users(served, &request).await
    }
}

fn mechanism(name: &str) -> Result<i8, Refused> {
    let known = number_of(MECHANISMS, name);
    known.ok_or_else(|| Refused::bad_request("a mechanism is SCRAM-SHA-256 or SCRAM-SHA-512"))
}

async fn alter_users(
    served: &Served,
    request: &AlterUserScramCredentialsRequest,
) -> Result<(), Refused> {
    let answer = served.brokers.write(None, request, USERS_VERSION).await?;
    answer
        .results
        .iter()
        .try_for_each(|it| accepted(it.error_code, it.error_message.as_ref(), "the user"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_told() {
        let json = r#"{"user": "ann", "mechanism": "SCRAM-SHA-512", "password": "hushhush"}"#;
        let write: SetPassword = serde_json::from_str(json).unwrap();
        let told = format!("{write:?} {}", write.subject());
        assert!(told.contains("ann") && !told.contains("hush"), "{told}");
    }

    #[test]
    fn a_rule_is_read_in_the_words_that_it_is_shown_in() {
        let rule = |operation: &str, kind: &str| Rule {
            principal: "User:ann".to_owned(),
            permission: "deny".to_owned(),
            operation: operation.to_owned(),
            resource_type: kind.to_owned(),
            resource: "orders".to_owned(),
            pattern: "prefixed".to_owned(),
            host: "*".to_owned(),
        };
        let Ok(numbers) = rule("DescribeConfigs", "transactional id").numbers() else {
            panic!("these words are known")
        };
        let Numbers { permission, operation, resource_type, pattern } = numbers;
        assert_eq!((permission, operation, resource_type, pattern), (2, 10, 5, 4));
        assert!(rule("unknown", "topic").numbers().is_err());
        assert!(rule("Read", "thing").numbers().is_err());
    }
}
