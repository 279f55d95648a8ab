//! `acls/{resource_type}/{pattern_type}/{name}/{principal}/{host}/{operation}/{permission}`: access rules, a key for each.

use super::{Keys, keys::escaped, value::value};
use bytes::Bytes;
use formats::metadata::AccessRule;

value!(AccessRule, |rule| {
    let known = (2..=7).contains(&rule.resource_type)
        && (3..=4).contains(&rule.pattern_type)
        && (2..=14).contains(&rule.operation)
        && (2..=3).contains(&rule.permission);
    if known { Ok(()) } else { Err("the access rule has a number that is not Kafka's") }
});

impl Keys {
    /// The key of a rule: all that it says, so that the same rule has the same key whoever makes it.
    pub fn acl(&self, rule: &AccessRule) -> Bytes {
        let AccessRule { resource_type, pattern_type, operation, permission, .. } = rule;
        let (name, principal) = (escaped(&rule.name), escaped(&rule.principal));
        let host = escaped(&rule.host);
        self.at(&format!(
            "acls/{resource_type}/{pattern_type}/{name}/{principal}/{host}/{operation}/{permission}"
        ))
    }

    /// Every rule.
    pub fn all_acls(&self) -> Bytes {
        self.at("acls/")
    }

    /// What a key of [`Keys::all_acls`] is below that prefix; rules are told apart by it.
    pub fn parse_acl(&self, key: &[u8]) -> Option<String> {
        self.rest("acls/", key).map(str::to_owned)
    }
}
