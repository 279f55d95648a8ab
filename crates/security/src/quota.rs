//! Quotas: how fast a user, a client id or both may go (KIP-13, KIP-55, KIP-546). Pure.

use std::collections::{BTreeMap, HashMap};

/// `producer_byte_rate`.
pub const PRODUCER_BYTE_RATE: &str = "producer_byte_rate";
/// `consumer_byte_rate`.
pub const CONSUMER_BYTE_RATE: &str = "consumer_byte_rate";

/// The keys that there are.
pub const KEYS: [&str; 2] = [CONSUMER_BYTE_RATE, PRODUCER_BYTE_RATE];

/// Which of the users, or of the client ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Which {
    /// Those that have no quota of their own; each for itself.
    Default,
    /// The one of that name.
    Named(String),
}

/// What a quota is for: users, client ids, or pairs of both.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Entity {
    /// The user.
    pub user: Option<Which>,
    /// The client id.
    pub client_id: Option<Which>,
}

/// Quotas, by entity and key.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Quotas(HashMap<Entity, BTreeMap<String, f64>>);

/// A quota that is in force for somebody.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limit {
    /// How much a second.
    pub rate: f64,
    /// Whether each user has it for themselves.
    pub of_user: bool,
    /// Whether each client id has it for itself.
    pub of_client_id: bool,
}

impl FromIterator<(Entity, String, f64)> for Quotas {
    fn from_iter<I: IntoIterator<Item = (Entity, String, f64)>>(quotas: I) -> Self {
        let mut all = Self::default();
        for (entity, key, value) in quotas {
            all.0.entry(entity).or_default().insert(key, value);
        }
        all
    }
}

impl Quotas {
    /// The entities with their values, in no order.
    pub fn entries(&self) -> impl Iterator<Item = (&Entity, &BTreeMap<String, f64>)> {
        self.0.iter()
    }

    /// The quota that is in force: the most particular one, and of those a user's before a client id's.
    pub fn find(&self, key: &str, user: &str, client_id: &str) -> Option<Limit> {
        if self.0.is_empty() {
            return None;
        }
        let named = |name: &str| Some(Which::Named(name.to_owned()));
        let (user, client_id) = (named(user), named(client_id));
        let default = Some(Which::Default);
        let order = [
            (&user, &client_id),
            (&user, &default),
            (&user, &None),
            (&default, &client_id),
            (&default, &default),
            (&default, &None),
            (&None, &client_id),
            (&None, &default),
        ];
        order.into_iter().find_map(|(user, client_id)| {
            let entity = Entity { user: user.clone(), client_id: client_id.clone() };
            let rate = *self.0.get(&entity)?.get(key)?;
            Some(Limit { rate, of_user: user.is_some(), of_client_id: client_id.is_some() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(user: Option<&str>, client_id: Option<&str>) -> Entity {
        let which = |name: &str| match name {
            "<default>" => Which::Default,
            name => Which::Named(name.to_owned()),
        };
        Entity { user: user.map(which), client_id: client_id.map(which) }
    }

    #[test]
    fn the_most_particular_quota_is_in_force() {
        let default = Some("<default>");
        let order = [
            entity(Some("alice"), Some("app")),
            entity(Some("alice"), default),
            entity(Some("alice"), None),
            entity(default, Some("app")),
            entity(default, default),
            entity(default, None),
            entity(None, Some("app")),
            entity(None, default),
        ];
        let key = PRODUCER_BYTE_RATE;
        for first in 0..order.len() {
            let quotas = order.iter().zip(0..).skip(first);
            let quotas = quotas.map(|(it, rate)| (it.clone(), key.to_owned(), f64::from(rate)));
            let limit = quotas.collect::<Quotas>().find(key, "alice", "app").unwrap();
            let expected = Limit {
                rate: first as f64,
                of_user: order[first].user.is_some(),
                of_client_id: order[first].client_id.is_some(),
            };
            assert_eq!(limit, expected);
        }
        assert_eq!(Quotas::default().find(key, "alice", "app"), None);
    }

    #[test]
    fn keys_are_looked_for_one_by_one() {
        let quotas: Quotas = [
            (entity(Some("alice"), None), CONSUMER_BYTE_RATE.to_owned(), 1.0),
            (entity(Some("<default>"), None), PRODUCER_BYTE_RATE.to_owned(), 2.0),
        ]
        .into_iter()
        .collect();
        let rate = |key, user| quotas.find(key, user, "app").map(|limit| limit.rate);
        assert_eq!(rate(PRODUCER_BYTE_RATE, "alice"), Some(2.0));
        assert_eq!(rate(CONSUMER_BYTE_RATE, "alice"), Some(1.0));
        assert_eq!(rate(CONSUMER_BYTE_RATE, "bob"), None);
    }
}
