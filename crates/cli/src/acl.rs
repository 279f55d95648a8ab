//! `alluvium acl`: access rules, by the words of kafka-acls.

use crate::{
    Bootstrap, CliError, Client,
    output::{Cell, Table},
    text::text_of,
};
use clap::{Subcommand, ValueEnum};
use kafka_protocol::messages::{
    CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest, create_acls_request::AclCreation,
    delete_acls_request::DeleteAclsFilter, delete_acls_response::DeleteAclsMatchingAcl,
};
use security::acl::{CLUSTER, Operation, Permission, ResourceType};
use std::io::Write;

/// The first that knows users as a type of resource.
const VERSION: i16 = 3;
/// The number of anything in a filter.
const ANY: i8 = 1;
/// Of patterns in a filter: those that cover a name, `*` and prefixes among them.
const COVERING: i8 = 2;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;

/// What is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Resource {
    /// A topic, by name; * for all
    Topic,
    /// A group, by id
    Group,
    /// The cluster; it needs no name
    Cluster,
    /// A transactional id
    TransactionalId,
    /// A delegation token
    DelegationToken,
    /// A user, whose delegation tokens are looked after
    User,
}

impl Resource {
    const ALL: [(Self, ResourceType); 6] = [
        (Self::Topic, ResourceType::Topic),
        (Self::Group, ResourceType::Group),
        (Self::Cluster, ResourceType::Cluster),
        (Self::TransactionalId, ResourceType::TransactionalId),
        (Self::DelegationToken, ResourceType::DelegationToken),
        (Self::User, ResourceType::User),
    ];

    fn to_wire(self) -> i8 {
        Self::ALL.iter().find(|it| it.0 == self).map_or(0, |it| it.1.to_wire())
    }

    /// The name that was given, or the cluster's, which has only one.
    fn name(self, given: Option<String>) -> Option<String> {
        given.or_else(|| (self == Self::Cluster).then(|| CLUSTER.to_owned()))
    }
}

/// Operations, as they are written here.
const OPERATIONS: [(&str, Operation); 13] = [
    ("all", Operation::All),
    ("read", Operation::Read),
    ("write", Operation::Write),
    ("create", Operation::Create),
    ("delete", Operation::Delete),
    ("alter", Operation::Alter),
    ("describe", Operation::Describe),
    ("cluster-action", Operation::ClusterAction),
    ("describe-configs", Operation::DescribeConfigs),
    ("alter-configs", Operation::AlterConfigs),
    ("idempotent-write", Operation::IdempotentWrite),
    ("create-tokens", Operation::CreateTokens),
    ("describe-tokens", Operation::DescribeTokens),
];

fn operation(text: &str) -> Result<Operation, String> {
    let known = OPERATIONS.iter().find(|it| it.0.eq_ignore_ascii_case(text));
    known.map(|it| it.1).ok_or_else(|| {
        let names: Vec<&str> = OPERATIONS.iter().map(|it| it.0).collect();
        format!("operations are {}", names.join(", "))
    })
}

/// What to do with access rules.
#[derive(Clone, Debug, Subcommand)]
pub enum AclCommand {
    /// List rules: all, those of a kind of resource, or those that are about one, prefixes and * included
    List {
        /// Of this kind of resource only
        resource: Option<Resource>,
        /// Its name
        name: Option<String>,
        /// Of this principal only: User:alice
        #[arg(long)]
        principal: Option<String>,
    },
    /// Allow (or deny) something to somebody
    Add {
        /// The kind of resource
        resource: Resource,
        /// Its name, or how names begin with --prefixed; none for the cluster
        name: Option<String>,
        /// For every resource whose name begins so
        #[arg(long)]
        prefixed: bool,
        /// Who: User:alice, or User:* for everyone; may be given several times
        #[arg(long = "principal", required = true)]
        principals: Vec<String>,
        /// What they may do: read, write, describe, all...; several separated by commas
        #[arg(long = "operation", required = true, value_delimiter = ',', value_parser = operation)]
        operations: Vec<Operation>,
        /// From this address only
        #[arg(long, default_value = "*")]
        host: String,
        /// Deny it instead, whatever other rules allow
        #[arg(long)]
        deny: bool,
    },
    /// Remove the rules of a resource, all or those that are meant by the flags, and show them
    Remove {
        /// The kind of resource
        resource: Resource,
        /// Its name as it stands in the rules; none for the cluster
        name: Option<String>,
        /// The rules for names that begin so
        #[arg(long)]
        prefixed: bool,
        /// Of this principal only
        #[arg(long)]
        principal: Option<String>,
        /// Of these operations only
        #[arg(long = "operation", value_delimiter = ',', value_parser = operation)]
        operations: Vec<Operation>,
        /// Of this address only
        #[arg(long)]
        host: Option<String>,
        /// Only show what would be removed
        #[arg(long)]
        dry_run: bool,
    },
}

impl AclCommand {
    /// Runs the command, printing to `out`.
    ///
    /// # Errors
    /// As [`CliError`] says.
    pub async fn run(self, bootstrap: &Bootstrap, out: &mut dyn Write) -> Result<(), CliError> {
        let mut client = Client::connect(bootstrap).await?;
        match self {
            Self::List { resource, name, principal } => {
                let name = name.filter(|_| resource.is_some());
                let filter = DeleteAclsFilter::default()
                    .with_resource_type_filter(resource.map_or(ANY, Resource::to_wire))
                    .with_pattern_type_filter(if name.is_some() { COVERING } else { ANY })
                    .with_resource_name_filter(name.as_deref().map(text_of))
                    .with_principal_filter(principal.as_deref().map(text_of))
                    .with_host_filter(None)
                    .with_operation(ANY)
                    .with_permission_type(ANY);
                print(find(&mut client, filter).await?, bootstrap, out)?;
            }
            Self::Add { resource, name, prefixed, principals, operations, host, deny } => {
                let name = named(resource, name)?;
                let permission = if deny { Permission::Deny } else { Permission::Allow };
                let creation = AclCreation::default()
                    .with_resource_type(resource.to_wire())
                    .with_resource_name(text_of(&name))
                    .with_resource_pattern_type(pattern(prefixed))
                    .with_host(text_of(&host))
                    .with_permission_type(permission.to_wire());
                let creations = principals.iter().flat_map(|principal| {
                    let creation = creation.clone().with_principal(text_of(principal));
                    operations.iter().map(move |it| creation.clone().with_operation(it.to_wire()))
                });
                let creations: Vec<AclCreation> = creations.collect();
                let count = creations.len();
                add(&mut client, creations).await?;
                writeln!(out, "added {count} {}", if count == 1 { "rule" } else { "rules" })?;
            }
            Self::Remove { resource, name, prefixed, principal, operations, host, dry_run } => {
                let name = named(resource, name)?;
                let filter = DeleteAclsFilter::default()
                    .with_resource_type_filter(resource.to_wire())
                    .with_resource_name_filter(Some(text_of(&name)))
                    .with_pattern_type_filter(pattern(prefixed))
                    .with_principal_filter(principal.as_deref().map(text_of))
                    .with_host_filter(host.as_deref().map(text_of))
                    .with_permission_type(ANY);
                let any = if operations.is_empty() { vec![ANY] } else { Vec::new() };
                let operations = operations.into_iter().map(Operation::to_wire).chain(any);
                let filters = operations.map(|it| filter.clone().with_operation(it));
                let rules = remove(&mut client, filters.collect(), dry_run).await?;
                if rules.is_empty() {
                    return Err(CliError::Usage("no rule is meant by that".to_owned()));
                }
                print(rules, bootstrap, out)?;
            }
        }
        Ok(())
    }
}

fn named(resource: Resource, name: Option<String>) -> Result<String, CliError> {
    let name = resource.name(name);
    name.ok_or_else(|| CliError::Usage("which one? Its name follows the kind; * is all".to_owned()))
}

fn pattern(prefixed: bool) -> i8 {
    if prefixed { PREFIXED } else { LITERAL }
}

/// A rule, its fields as numbers and text of the wire.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Rule {
    resource: i8,
    name: String,
    pattern: i8,
    principal: String,
    host: String,
    operation: i8,
    permission: i8,
}

impl From<DeleteAclsMatchingAcl> for Rule {
    fn from(it: DeleteAclsMatchingAcl) -> Self {
        Self {
            resource: it.resource_type,
            name: it.resource_name.to_string(),
            pattern: it.pattern_type,
            principal: it.principal.to_string(),
            host: it.host.to_string(),
            operation: it.operation,
            permission: it.permission_type,
        }
    }
}

/// The rules that a filter means.
async fn find(client: &mut Client, filter: DeleteAclsFilter) -> Result<Vec<Rule>, CliError> {
    let request = DescribeAclsRequest::default()
        .with_resource_type_filter(filter.resource_type_filter)
        .with_resource_name_filter(filter.resource_name_filter)
        .with_pattern_type_filter(filter.pattern_type_filter)
        .with_principal_filter(filter.principal_filter)
        .with_host_filter(filter.host_filter)
        .with_operation(filter.operation)
        .with_permission_type(filter.permission_type);
    let answer = client.call_controller(&request, VERSION).await?;
    let message = answer.error_message.map(|it| it.to_string());
    CliError::check(answer.error_code, "the access rules", message)?;
    let rules = answer.resources.into_iter().flat_map(|resource| {
        let (kind, pattern) = (resource.resource_type, resource.pattern_type);
        let name = resource.resource_name.to_string();
        resource.acls.into_iter().map(move |it| Rule {
            resource: kind,
            name: name.clone(),
            pattern,
            principal: it.principal.to_string(),
            host: it.host.to_string(),
            operation: it.operation,
            permission: it.permission_type,
        })
    });
    Ok(rules.collect())
}

async fn add(client: &mut Client, creations: Vec<AclCreation>) -> Result<(), CliError> {
    let asked = creations.clone();
    let request = CreateAclsRequest::default().with_creations(creations);
    let answer = client.call_controller(&request, VERSION).await?;
    for (it, asked) in answer.results.into_iter().zip(asked) {
        let message = it.error_message.map(|it| it.to_string());
        let rule = format!("a rule for {} on {}", asked.principal, asked.resource_name);
        CliError::check(it.error_code, crate::printable(&rule), message)?;
    }
    Ok(())
}

/// Removes (or only finds) the rules that any of the filters means.
async fn remove(
    client: &mut Client,
    filters: Vec<DeleteAclsFilter>,
    dry_run: bool,
) -> Result<Vec<Rule>, CliError> {
    let mut rules = Vec::new();
    if dry_run {
        for filter in filters {
            rules.extend(find(client, filter).await?);
        }
        return Ok(rules);
    }
    let request = DeleteAclsRequest::default().with_filters(filters);
    let answer = client.call_controller(&request, VERSION).await?;
    for result in answer.filter_results {
        let message = result.error_message.map(|it| it.to_string());
        CliError::check(result.error_code, "the access rules", message)?;
        for rule in result.matching_acls {
            let message = rule.error_message.as_ref().map(ToString::to_string);
            CliError::check(rule.error_code, "a rule", message)?;
            rules.push(rule.into());
        }
    }
    Ok(rules)
}

fn print(mut rules: Vec<Rule>, bootstrap: &Bootstrap, out: &mut dyn Write) -> Result<(), CliError> {
    rules.sort();
    let mut table =
        Table::new(["resource", "name", "pattern", "principal", "host", "operation", "permission"]);
    for rule in rules {
        table.push(line(rule));
    }
    Ok(table.print(bootstrap.output, out)?)
}

fn line(rule: Rule) -> [Cell; 7] {
    let resource = ResourceType::from_wire(rule.resource)
        .and_then(|of| Resource::ALL.iter().find(|it| it.1 == of)?.0.to_possible_value());
    let operation =
        Operation::from_wire(rule.operation).and_then(|of| OPERATIONS.iter().find(|it| it.1 == of));
    // What a later Kafka has is told by its number.
    let number = |number: i8| format!("type {number}");
    [
        resource.map_or_else(|| number(rule.resource), |it| it.get_name().to_owned()).into(),
        rule.name.into(),
        match rule.pattern {
            LITERAL => "literal".into(),
            PREFIXED => "prefixed".into(),
            other => number(other).into(),
        },
        rule.principal.into(),
        rule.host.into(),
        operation.map_or_else(|| number(rule.operation), |it| it.0.to_owned()).into(),
        match Permission::from_wire(rule.permission) {
            Some(Permission::Allow) => "allow".into(),
            Some(Permission::Deny) => "deny".into(),
            None => number(rule.permission).into(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputFormat;

    fn printed(rules: Vec<Rule>) -> String {
        let bootstrap = Bootstrap {
            bootstrap_server: String::new(),
            command_config: None,
            output: OutputFormat::Table,
        };
        let mut out = Vec::new();
        print(rules, &bootstrap, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rules_are_told_in_words_and_what_is_not_known_by_its_number() {
        let rule = |resource, name: &str, pattern, operation, permission| Rule {
            resource,
            name: name.to_owned(),
            pattern,
            principal: "User:alice".to_owned(),
            host: "*".to_owned(),
            operation,
            permission,
        };
        let rules = vec![
            rule(7, "bob", 3, 13, 2),
            rule(2, "orders-", 4, 3, 3),
            rule(2, "orders-", 4, 99, 9),
            rule(9, "new\u{1b}", 5, 2, 3),
        ];
        let expected = "\
resource  name       pattern   principal   host  operation      permission
topic     orders-    prefixed  User:alice  *     read           allow
topic     orders-    prefixed  User:alice  *     type 99        type 9
user      bob        literal   User:alice  *     create-tokens  deny
type 9    new\\u{1b}  type 5    User:alice  *     all            allow
";
        assert_eq!(printed(rules), expected);
    }

    #[test]
    fn every_operation_and_resource_has_a_word() {
        for number in 2..=14 {
            let of = Operation::from_wire(number).unwrap();
            assert!(OPERATIONS.iter().any(|it| it.1 == of), "{of:?}");
        }
        assert_eq!(operation("Describe-Configs"), Ok(Operation::DescribeConfigs));
        assert!(operation("reed").unwrap_err().contains("read, write"));
        for number in 2..=7 {
            let of = ResourceType::from_wire(number).unwrap();
            assert!(Resource::ALL.iter().any(|it| it.1 == of && it.0.to_wire() == number));
        }
    }
}
