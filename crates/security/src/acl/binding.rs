//! [`Binding`]: one access rule, and the words it is made of, with their numbers on the wire.

/// What is protected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ResourceType {
    /// A topic.
    Topic,
    /// A group.
    Group,
    /// The cluster, whose name is `kafka-cluster`.
    Cluster,
    /// A transactional id.
    TransactionalId,
    /// A delegation token.
    DelegationToken,
    /// A user, whose delegation tokens are looked after.
    User,
}

/// What is done to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operation {
    /// Every operation; only rules have it.
    All,
    /// Reads records.
    Read,
    /// Writes records.
    Write,
    /// Makes something.
    Create,
    /// Removes something.
    Delete,
    /// Changes something.
    Alter,
    /// Looks at something.
    Describe,
    /// What brokers ask of each other.
    ClusterAction,
    /// Looks at configs.
    DescribeConfigs,
    /// Changes configs.
    AlterConfigs,
    /// Writes with a producer id.
    IdempotentWrite,
    /// Makes delegation tokens for a user.
    CreateTokens,
    /// Looks at a user's delegation tokens.
    DescribeTokens,
}

/// Whether a rule allows or denies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Permission {
    /// Denies, whatever others allow.
    Deny,
    /// Allows.
    Allow,
}

/// Which resources of a type a rule is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Pattern {
    /// The one of that name; `*` is every one.
    Literal(String),
    /// Those whose names begin so.
    Prefixed(String),
}

/// An access rule.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Binding {
    /// What it is about.
    pub resource: ResourceType,
    /// Which of them.
    pub pattern: Pattern,
    /// Whose it is: `User:name`, or `User:*` for everyone.
    pub principal: String,
    /// From where: an address, or `*`.
    pub host: String,
    /// To do what.
    pub operation: Operation,
    /// Whether it may be done.
    pub permission: Permission,
}

/// A rule's name, host or principal for all.
pub(super) const WILDCARD: &str = "*";
/// The principal of a rule for everyone.
pub(super) const EVERYONE: &str = "User:*";

/// The name of the cluster as a resource.
pub const CLUSTER: &str = "kafka-cluster";

impl ResourceType {
    /// What can be done to a resource of the type, as sets of authorized operations tell of (KIP-430).
    pub fn operations(self) -> &'static [Operation] {
        use Operation as Op;
        match self {
            Self::Topic => &[
                Op::Read,
                Op::Write,
                Op::Create,
                Op::Delete,
                Op::Alter,
                Op::Describe,
                Op::DescribeConfigs,
                Op::AlterConfigs,
            ],
            Self::Group => {
                &[Op::Read, Op::Delete, Op::Describe, Op::DescribeConfigs, Op::AlterConfigs]
            }
            Self::Cluster => &[
                Op::Create,
                Op::Alter,
                Op::Describe,
                Op::ClusterAction,
                Op::DescribeConfigs,
                Op::AlterConfigs,
                Op::IdempotentWrite,
            ],
            Self::TransactionalId => &[Op::Write, Op::Describe],
            Self::DelegationToken => &[Op::Describe],
            Self::User => &[Op::CreateTokens, Op::DescribeTokens],
        }
    }

    const WIRE: [(Self, i8); 6] = [
        (Self::Topic, 2),
        (Self::Group, 3),
        (Self::Cluster, 4),
        (Self::TransactionalId, 5),
        (Self::DelegationToken, 6),
        (Self::User, 7),
    ];

    /// Of a number on the wire.
    pub fn from_wire(number: i8) -> Option<Self> {
        of_number(&Self::WIRE, number)
    }

    /// Its number on the wire.
    pub fn to_wire(self) -> i8 {
        number_of(&Self::WIRE, self)
    }
}

impl Operation {
    const WIRE: [(Self, i8); 13] = [
        (Self::All, 2),
        (Self::Read, 3),
        (Self::Write, 4),
        (Self::Create, 5),
        (Self::Delete, 6),
        (Self::Alter, 7),
        (Self::Describe, 8),
        (Self::ClusterAction, 9),
        (Self::DescribeConfigs, 10),
        (Self::AlterConfigs, 11),
        (Self::IdempotentWrite, 12),
        (Self::CreateTokens, 13),
        (Self::DescribeTokens, 14),
    ];

    /// Of a number on the wire.
    pub fn from_wire(number: i8) -> Option<Self> {
        of_number(&Self::WIRE, number)
    }

    /// Its number on the wire, which is also its bit in sets of authorized operations.
    pub fn to_wire(self) -> i8 {
        number_of(&Self::WIRE, self)
    }

    /// Whether a rule that allows this also allows `wanted`.
    pub(super) fn implies(self, wanted: Self) -> bool {
        self == wanted
            || match wanted {
                Self::Describe => {
                    matches!(self, Self::Read | Self::Write | Self::Delete | Self::Alter)
                }
                Self::DescribeConfigs => self == Self::AlterConfigs,
                _ => false,
            }
    }
}

impl Permission {
    const WIRE: [(Self, i8); 2] = [(Self::Deny, 2), (Self::Allow, 3)];

    /// Of a number on the wire.
    pub fn from_wire(number: i8) -> Option<Self> {
        of_number(&Self::WIRE, number)
    }

    /// Its number on the wire.
    pub fn to_wire(self) -> i8 {
        number_of(&Self::WIRE, self)
    }
}

impl Pattern {
    /// Of a number on the wire, with a name.
    pub fn from_wire(number: i8, name: String) -> Option<Self> {
        match number {
            3 => Some(Self::Literal(name)),
            4 => Some(Self::Prefixed(name)),
            _ => None,
        }
    }

    /// Its number on the wire.
    pub fn to_wire(&self) -> i8 {
        match self {
            Self::Literal(_) => 3,
            Self::Prefixed(_) => 4,
        }
    }

    /// The name, or its beginning.
    pub fn name(&self) -> &str {
        match self {
            Self::Literal(name) | Self::Prefixed(name) => name,
        }
    }

    /// Whether it is about the resource of that name.
    pub fn covers(&self, name: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == WILDCARD || literal == name,
            Self::Prefixed(prefix) => name.starts_with(prefix.as_str()),
        }
    }
}

fn of_number<T: Copy>(table: &[(T, i8)], number: i8) -> Option<T> {
    table.iter().find(|(_, wire)| *wire == number).map(|(value, _)| *value)
}

fn number_of<T: Copy + PartialEq>(table: &[(T, i8)], value: T) -> i8 {
    // Every value stands in its table, which a test says; 0 is Kafka's "unknown".
    table.iter().find(|(there, _)| *there == value).map_or(0, |(_, wire)| *wire)
}
