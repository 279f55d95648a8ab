//! What a request names more than once.

use std::{
    collections::{BTreeSet, HashSet},
    hash::Hash,
};

/// Each element once, told apart by `key`: a short request must not ask for a long answer many times over.
pub(super) fn without_repetitions<T, K: Eq + Hash>(
    mut elements: Vec<T>,
    key: impl Fn(&T) -> K,
) -> Vec<T> {
    let mut seen = HashSet::new();
    elements.retain(|element| seen.insert(key(element)));
    elements
}

/// What stands among `keys` more than once.
pub(super) fn repeated<K: Ord + Clone>(keys: impl IntoIterator<Item = K>) -> BTreeSet<K> {
    let mut seen = BTreeSet::new();
    keys.into_iter().filter(|key| !seen.insert(key.clone())).collect()
}
