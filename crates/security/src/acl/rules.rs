//! [`Rules`]: access rules, put in order for questions. Looking up allocates nothing.

use super::{
    Binding, Operation, Pattern, Permission, Request, ResourceType,
    binding::{EVERYONE, WILDCARD},
};
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

/// Rules, added and removed one by one.
#[derive(Clone, Debug, Default)]
pub struct Rules(BTreeMap<ResourceType, OfType>);

/// The rules of one type of resources.
#[derive(Clone, Debug, Default)]
struct OfType {
    literal: HashMap<String, Vec<Rule>>,
    prefixed: HashMap<String, Vec<Rule>>,
    /// Lengths of the prefixes, in bytes, and how many prefixes are that long.
    prefix_lengths: BTreeMap<usize, usize>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Rule {
    who: Who,
    host: Host,
    operation: Operation,
    permission: Permission,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Who {
    Everyone,
    User(String),
    /// A principal of a type that nobody has here.
    Nobody(String),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Host {
    Any,
    Address(IpAddr),
    /// No address, so nobody comes from there: names are not resolved, as in Kafka.
    Nowhere(String),
}

/// What was found about a resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Found {
    /// A rule is about the resource, whoever it is for.
    pub(super) any: bool,
    pub(super) allows: bool,
    pub(super) denies: bool,
}

impl FromIterator<Binding> for Rules {
    fn from_iter<I: IntoIterator<Item = Binding>>(bindings: I) -> Self {
        let mut rules = Self::default();
        bindings.into_iter().for_each(|binding| rules.add(&binding));
        rules
    }
}

impl Rules {
    /// Adds a rule, which must not be there yet.
    pub fn add(&mut self, binding: &Binding) {
        self.0.entry(binding.resource).or_default().add(&binding.pattern, Rule::of(binding));
    }

    /// Removes a rule.
    pub fn remove(&mut self, binding: &Binding) {
        if let Some(of_type) = self.0.get_mut(&binding.resource) {
            of_type.remove(&binding.pattern, &Rule::of(binding));
        }
    }

    /// What there is about a request: a rule that denies it ends the search.
    pub(super) fn find(&self, request: &Request<'_>) -> Found {
        let of_type = self.0.get(&request.resource);
        of_type.map_or_else(Found::default, |of_type| of_type.find(request))
    }

    /// Whether some resource of the type is allowed, as far as rules say so themselves: what operations imply does not count.
    pub(super) fn allow_some(&self, request: &Request<'_>) -> bool {
        self.0.get(&request.resource).is_some_and(|of_type| of_type.allow_some(request))
    }
}

impl OfType {
    fn add(&mut self, pattern: &Pattern, rule: Rule) {
        match pattern {
            Pattern::Literal(name) => self.literal.entry(name.clone()).or_default().push(rule),
            Pattern::Prefixed(prefix) => {
                let rules = self.prefixed.entry(prefix.clone()).or_default();
                if rules.is_empty() {
                    *self.prefix_lengths.entry(prefix.len()).or_default() += 1;
                }
                rules.push(rule);
            }
        }
    }

    fn remove(&mut self, pattern: &Pattern, rule: &Rule) {
        let (rules, name) = match pattern {
            Pattern::Literal(name) => (&mut self.literal, name),
            Pattern::Prefixed(prefix) => (&mut self.prefixed, prefix),
        };
        let Some(of_name) = rules.get_mut(name) else { return };
        if let Some(place) = of_name.iter().position(|there| there == rule) {
            of_name.swap_remove(place);
        }
        if !of_name.is_empty() {
            return;
        }
        rules.remove(name);
        if let (Pattern::Prefixed(_), Some(count)) =
            (pattern, self.prefix_lengths.get_mut(&name.len()))
        {
            *count -= 1;
            if *count == 0 {
                self.prefix_lengths.remove(&name.len());
            }
        }
    }

    fn find(&self, request: &Request<'_>) -> Found {
        let mut found = Found::default();
        let literals = [request.name, WILDCARD];
        let literals = if request.name == WILDCARD { &literals[..1] } else { &literals[..] };
        let literals = literals.iter().filter_map(|name| self.literal.get(*name));
        for rule in literals.chain(self.prefixed_of(request.name)).flatten() {
            found.any = true;
            if rule.is_about(request) {
                match rule.permission {
                    Permission::Deny => {
                        found.denies = true;
                        return found;
                    }
                    Permission::Allow => found.allows = true,
                }
            }
        }
        found
    }

    /// The rules of each prefix of `name`.
    fn prefixed_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Vec<Rule>> {
        let prefixes = self.prefix_lengths.keys().filter_map(|length| name.get(..*length));
        prefixes.filter_map(|prefix| self.prefixed.get(prefix))
    }

    fn allow_some(&self, request: &Request<'_>) -> bool {
        let has = |rules: &[Rule], permission| {
            rules.iter().any(|rule| rule.permission == permission && rule.is_exactly(request))
        };
        if self.literal.get(WILDCARD).is_some_and(|rules| has(rules, Permission::Deny)) {
            return false;
        }
        let is_denied_below =
            |name: &str| self.prefixed_of(name).any(|rules| has(rules, Permission::Deny));
        let mut literal = self.literal.iter().filter(|(_, rules)| has(rules, Permission::Allow));
        let mut prefixed = self.prefixed.iter().filter(|(_, rules)| has(rules, Permission::Allow));
        literal.any(|(name, rules)| {
            name == WILDCARD || !has(rules, Permission::Deny) && !is_denied_below(name)
        }) || prefixed.any(|(prefix, _)| !is_denied_below(prefix))
    }
}

impl Rule {
    fn of(binding: &Binding) -> Self {
        let who = match binding.principal.strip_prefix("User:") {
            Some(_) if binding.principal == EVERYONE => Who::Everyone,
            Some(name) => Who::User(name.to_owned()),
            None => Who::Nobody(binding.principal.clone()),
        };
        let host = match binding.host.parse::<IpAddr>() {
            Ok(address) => Host::Address(address.to_canonical()),
            Err(_) if binding.host == WILDCARD => Host::Any,
            Err(_) => Host::Nowhere(binding.host.clone()),
        };
        Self { who, host, operation: binding.operation, permission: binding.permission }
    }

    fn is_about(&self, request: &Request<'_>) -> bool {
        let is_operation = match self.permission {
            _ if self.operation == Operation::All => true,
            Permission::Allow => self.operation.implies(request.operation),
            // What is denied is that alone: who may not write may still describe.
            Permission::Deny => self.operation == request.operation,
        };
        is_operation && self.is_for(request)
    }

    /// Without what operations imply.
    fn is_exactly(&self, request: &Request<'_>) -> bool {
        (self.operation == Operation::All || self.operation == request.operation)
            && self.is_for(request)
    }

    fn is_for(&self, request: &Request<'_>) -> bool {
        let is_who = match &self.who {
            Who::Everyone => true,
            Who::User(name) => name == request.principal.name(),
            Who::Nobody(_) => false,
        };
        let is_host = match &self.host {
            Host::Any => true,
            Host::Address(address) => *address == request.host.to_canonical(),
            Host::Nowhere(_) => false,
        };
        is_who && is_host
    }
}
