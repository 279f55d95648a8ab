//! [`Authorizer`]: whether something may be done.

use super::{Operation, ResourceType, Rules, rules::Found};
use crate::Principal;
use std::{collections::BTreeSet, net::IpAddr};

/// What is set for a broker, beside the cluster's rules.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Authorizer {
    super_users: BTreeSet<String>,
    /// `allow.everyone.if.no.acl.found`.
    allows_without_rules: bool,
}

/// Who wants to do what, from where.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// The client's address.
    pub host: IpAddr,
    /// What.
    pub operation: Operation,
    /// To a resource of this type …
    pub resource: ResourceType,
    /// … and name.
    pub name: &'a str,
}

/// The answer, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// A super user may do everything.
    SuperUser,
    /// A rule allows it, and none denies it.
    Allowed,
    /// No rule is about the resource, and then everyone may.
    AllowedWithoutRules,
    /// A rule denies it.
    Denied,
    /// No rule allows it.
    NotAllowed,
}

impl Decision {
    /// Whether it may be done.
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::SuperUser | Self::Allowed | Self::AllowedWithoutRules)
    }
}

impl Authorizer {
    /// With these super users, by name.
    pub fn new(super_users: BTreeSet<String>, allows_without_rules: bool) -> Self {
        Self { super_users, allows_without_rules }
    }

    /// The names of `super.users`: `User:a;User:b`.
    ///
    /// # Errors
    /// What is no `User:name`.
    pub fn parse_super_users(text: &str) -> Result<BTreeSet<String>, String> {
        let users = text.split(';').map(str::trim).filter(|user| !user.is_empty());
        users
            .map(|user| match user.strip_prefix("User:") {
                Some(name) if !name.is_empty() => Ok(name.to_owned()),
                _ => Err(format!("{user} is no User:name; several are parted by semicolons")),
            })
            .collect()
    }

    /// Whether that user may do everything.
    pub fn is_super_user(&self, name: &str) -> bool {
        self.super_users.contains(name)
    }

    /// Whether something may be done: a rule that denies it wins over all that allow it.
    pub fn decide(&self, rules: &Rules, request: &Request<'_>) -> Decision {
        if self.is_super_user(request.principal.name()) {
            return Decision::SuperUser;
        }
        match rules.find(request) {
            Found { denies: true, .. } => Decision::Denied,
            Found { allows: true, .. } => Decision::Allowed,
            Found { any: false, .. } if self.allows_without_rules => Decision::AllowedWithoutRules,
            _ => Decision::NotAllowed,
        }
    }

    /// Whether it may be done to at least one resource of the type, which may not exist yet (KIP-679).
    pub fn decide_for_any(&self, rules: &Rules, request: &Request<'_>) -> Decision {
        // A name like any other: for super users, and where nothing forbids anything.
        let any = Request { name: "hardcode", ..*request };
        match self.decide(rules, &any) {
            decision if decision.is_allowed() => decision,
            _ if rules.allow_some(request) => Decision::Allowed,
            decision => decision,
        }
    }
}
