//! [`Assignor`]: how partitions are spread over the members of a group. The assignors are pure, and keep what they can.

mod range;
#[cfg(test)]
mod tests;
mod uniform;

use super::{InstanceId, MemberId, Partitions};
use model::TopicId;
use std::collections::{BTreeMap, BTreeSet};

/// Who gets what.
pub type Target = BTreeMap<MemberId, Partitions>;

/// A way to assign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Assignor {
    /// As even as possible over all topics; what a member has it keeps if that is even.
    Uniform,
    /// Neighbouring partitions, topic by topic, so that members get the same ones of topics with as many.
    Range,
}

impl Assignor {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Uniform, Self::Range];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// The assignor of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// Changes `target` to a new assignment of `spec`.
    pub(super) fn assign(self, spec: &Spec<'_>, target: &mut Target) {
        let known: BTreeSet<&MemberId> = spec.members.iter().map(|member| member.id).collect();
        target.retain(|member, _| known.contains(member));
        for member in &spec.members {
            if !target.contains_key(member.id) {
                target.insert(member.id.clone(), Partitions::default());
            }
        }
        match self {
            Self::Uniform => uniform::assign(spec, target),
            Self::Range => range::assign(spec, target),
        }
    }
}

/// What is to be assigned to whom.
#[derive(Debug)]
pub(super) struct Spec<'a> {
    /// The members, by id.
    pub(super) members: Vec<SpecMember<'a>>,
    /// The topics that anybody reads, with their partitions.
    pub(super) topics: BTreeMap<TopicId, u32>,
}

/// A member.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpecMember<'a> {
    pub(super) id: &'a MemberId,
    pub(super) instance: Option<&'a InstanceId>,
    /// What it reads: topics that exist. Members that read the same share the set.
    pub(super) topics: &'a BTreeSet<TopicId>,
}

impl Spec<'_> {
    /// Whether all members read the same.
    fn is_homogeneous(&self) -> bool {
        let Some(first) = self.members.first() else { return true };
        let same = |member: &SpecMember<'_>| {
            std::ptr::eq(member.topics, first.topics) || member.topics == first.topics
        };
        self.members.iter().all(same)
    }

    /// Who reads each topic, as places in `members`.
    fn readers(&self) -> BTreeMap<TopicId, Vec<usize>> {
        let mut readers: BTreeMap<TopicId, Vec<usize>> = BTreeMap::new();
        for (place, member) in self.members.iter().enumerate() {
            for topic in member.topics {
                readers.entry(*topic).or_default().push(place);
            }
        }
        readers
    }
}
