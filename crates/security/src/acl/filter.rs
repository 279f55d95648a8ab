//! [`Filter`]: which rules `DescribeAcls` and `DeleteAcls` are about.

use super::{Binding, Operation, Pattern, Permission, ResourceType, binding::WILDCARD};

/// Rules that agree in all that is given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// The type.
    pub resource: Option<ResourceType>,
    /// The name, as `pattern` says.
    pub name: Option<String>,
    /// How the name is meant.
    pub pattern: PatternFilter,
    /// The principal.
    pub principal: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// The operation.
    pub operation: Option<Operation>,
    /// The permission.
    pub permission: Option<Permission>,
}

/// How a filter's name is meant (KIP-290).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PatternFilter {
    /// Rules of either kind with that very name.
    #[default]
    Any,
    /// Rules that are about a resource of that name.
    Match,
    /// Literal rules with that very name.
    Literal,
    /// Prefixed rules with that very name.
    Prefixed,
}

impl PatternFilter {
    /// Of a number on the wire.
    pub fn from_wire(number: i8) -> Option<Self> {
        match number {
            1 => Some(Self::Any),
            2 => Some(Self::Match),
            3 => Some(Self::Literal),
            4 => Some(Self::Prefixed),
            _ => None,
        }
    }
}

impl Filter {
    /// Whether it takes a rule.
    pub fn takes(&self, binding: &Binding) -> bool {
        let is = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == text)
        };
        self.resource.is_none_or(|wanted| wanted == binding.resource)
            && self.takes_pattern(&binding.pattern)
            && is(&self.principal, &binding.principal)
            && is(&self.host, &binding.host)
            && self.operation.is_none_or(|wanted| wanted == binding.operation)
            && self.permission.is_none_or(|wanted| wanted == binding.permission)
    }

    fn takes_pattern(&self, pattern: &Pattern) -> bool {
        let is_kind = match self.pattern {
            PatternFilter::Any | PatternFilter::Match => true,
            PatternFilter::Literal => matches!(pattern, Pattern::Literal(_)),
            PatternFilter::Prefixed => matches!(pattern, Pattern::Prefixed(_)),
        };
        is_kind
            && self.name.as_ref().is_none_or(|name| match (self.pattern, pattern) {
                (PatternFilter::Match, Pattern::Literal(literal)) => {
                    literal == name || literal == WILDCARD
                }
                (PatternFilter::Match, pattern) => pattern.covers(name),
                _ => pattern.name() == name,
            })
    }
}
