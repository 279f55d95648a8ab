//! [`Subscription`] of a member, and [`Subscriptions`]: the different ones of a group, resolved to topics.

use super::{GroupError, Time, View};
use model::TopicId;
use regex::{Regex, RegexBuilder};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// A regular expression is held against new topics no more often than this.
const REFRESH_INTERVAL: Duration = Duration::from_secs(10);

/// Bytes that a compiled expression may take.
const COMPILED_LIMIT_BYTES: usize = 1 << 20;

/// What a member reads.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Subscription {
    /// Topics by name.
    pub names: BTreeSet<Arc<str>>,
    /// Topics whose whole name this matches; empty like none.
    pub regex: Option<Arc<str>>,
}

impl Subscription {
    /// About what it takes to store it.
    pub(super) fn bytes(&self) -> usize {
        let names: usize = self.names.iter().map(|name| name.len() + 4).sum();
        names + self.regex.as_ref().map_or(0, |regex| regex.len())
    }

    /// Its expression, if it has one.
    pub(super) fn pattern(&self) -> Option<&Arc<str>> {
        self.regex.as_ref().filter(|regex| !regex.is_empty())
    }
}

/// The different subscriptions of a group's members.
#[derive(Clone, Debug, Default)]
pub(super) struct Subscriptions {
    /// How many members have each.
    counts: BTreeMap<Arc<Subscription>, usize>,
    /// Expressions of theirs, as far as they were resolved.
    resolved: BTreeMap<Arc<str>, Resolved>,
}

/// An expression, and the topics that it matched.
#[derive(Clone, Debug)]
struct Resolved {
    regex: Regex,
    topics: BTreeSet<TopicId>,
    /// Of the catalog that it was held against.
    version: u64,
    at: Time,
}

/// Compiles an expression that must match whole names (KIP-848: RE2's syntax).
///
/// # Errors
/// `InvalidRegularExpression`.
pub(super) fn compile(pattern: &str) -> Result<Regex, GroupError> {
    let invalid =
        |error: regex::Error| GroupError::InvalidRegularExpression(error.to_string().into());
    // On its own first: what closes our group and opens another must not pass.
    let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(COMPILED_LIMIT_BYTES).build();
    build(pattern).map_err(invalid)?;
    build(&format!(r"\A(?:{pattern})\z")).map_err(invalid)
}

impl Subscriptions {
    /// The one that is equal to it, if a member has it already: then they share memory.
    pub(super) fn shared(&self, subscription: Subscription) -> Arc<Subscription> {
        match self.counts.get_key_value(&subscription) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::new(subscription),
        }
    }

    /// A member has it.
    pub(super) fn add(&mut self, subscription: &Arc<Subscription>) {
        *self.counts.entry(Arc::clone(subscription)).or_default() += 1;
    }

    /// A member does not have it any more.
    pub(super) fn remove(&mut self, subscription: &Arc<Subscription>) {
        let Some(members) = self.counts.get_mut(subscription) else { return };
        *members -= 1;
        if *members == 0 {
            self.counts.remove(subscription);
        }
    }

    /// Whether a topic is subscribed to by name.
    pub(super) fn names(&self, topic: &str) -> bool {
        self.counts.keys().any(|subscription| subscription.names.contains(topic))
    }

    /// Bytes of all.
    pub(super) fn bytes(&self) -> usize {
        self.counts.keys().map(|subscription| subscription.bytes()).sum()
    }

    /// Holds expressions against the catalog where that is due; whether all of them know it.
    pub(super) fn resolve(&mut self, view: &View<'_>) -> bool {
        let wanted: BTreeSet<Arc<str>> =
            self.counts.keys().filter_map(|subscription| subscription.pattern().cloned()).collect();
        self.resolved.retain(|pattern, _| wanted.contains(pattern));
        let mut all_know = true;
        for pattern in wanted {
            all_know &= self.resolve_one(pattern, view);
        }
        all_know
    }

    fn resolve_one(&mut self, pattern: Arc<str>, view: &View<'_>) -> bool {
        let now = view.now.time;
        let known = self.resolved.get(&pattern);
        if known.is_some_and(|known| known.version == view.catalog.version()) {
            return true;
        }
        if known.is_some_and(|known| now < known.at.saturating_add(REFRESH_INTERVAL)) {
            return false;
        }
        let regex = known.map_or_else(|| compile(&pattern), |known| Ok(known.regex.clone()));
        // It was compiled before it came here; what a newer version of us refuses matches nothing.
        let Ok(regex) = regex else { return true };
        let topics = view.catalog.topics().filter(|topic| regex.is_match(topic.name));
        let topics = topics.map(|topic| topic.id).collect();
        let resolved = Resolved { regex, topics, version: view.catalog.version(), at: now };
        self.resolved.insert(pattern, resolved);
        true
    }

    /// The topics of a subscription that exist.
    pub(super) fn topics(&self, of: &Subscription, view: &View<'_>) -> BTreeSet<TopicId> {
        let named = of.names.iter().filter_map(|name| Some(view.catalog.by_name(name)?.id));
        let matched = of.pattern().and_then(|pattern| self.resolved.get(pattern));
        let matched = matched.into_iter().flat_map(|resolved| &resolved.topics);
        let existing = matched.filter(|topic| view.catalog.by_id(**topic).is_some());
        named.chain(existing.copied()).collect()
    }

    /// The same for each of the different ones.
    pub(super) fn all_topics(
        &self,
        view: &View<'_>,
    ) -> BTreeMap<Arc<Subscription>, BTreeSet<TopicId>> {
        self.counts.keys().map(|of| (Arc::clone(of), self.topics(of, view))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_matches_whole_names() {
        let regex = compile("orders-[0-9]+|audit").unwrap();
        assert!(regex.is_match("orders-7") && regex.is_match("audit"));
        assert!(!regex.is_match("old-orders-7") && !regex.is_match("orders-7-x"));
    }

    #[test]
    fn what_is_no_expression_of_its_own_is_refused() {
        for pattern in ["(", "a)(b", "[a-", "*", "(?=a)", r"(a)\1"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
