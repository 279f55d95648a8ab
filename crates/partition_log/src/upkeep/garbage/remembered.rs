//! [`Remembered`]: what passes learnt of objects, for as long as each pass meets them.

use std::collections::HashMap;
use storage::ObjectName;

/// Something of each object that the last pass met, or this one so far.
#[derive(Debug)]
pub(super) struct Remembered<V> {
    values: HashMap<ObjectName, (V, u64)>,
    /// Those that have ended.
    passes: u64,
}

impl<V> Default for Remembered<V> {
    fn default() -> Self {
        Self { values: HashMap::new(), passes: 0 }
    }
}

impl<V: Clone> Remembered<V> {
    /// What is remembered of an object, which this pass meets.
    pub(super) fn get(&mut self, object: &ObjectName) -> Option<V> {
        let (value, pass) = self.values.get_mut(object)?;
        *pass = self.passes;
        Some(value.clone())
    }

    /// Remembers that of an object, which this pass meets.
    pub(super) fn insert(&mut self, object: ObjectName, value: V) {
        self.values.insert(object, (value, self.passes));
    }

    /// Ends a pass: what it did not meet is forgotten.
    pub(super) fn end_pass(&mut self) {
        self.values.retain(|_, (_, pass)| *pass == self.passes);
        self.passes += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pass_does_not_meet_is_forgotten() {
        let [one, two] = ["one", "two"].map(|name| ObjectName::new(name).expect("a name"));
        let mut remembered = Remembered::default();
        remembered.insert(one.clone(), 1);
        remembered.insert(two.clone(), 2);
        remembered.end_pass();
        assert_eq!(remembered.get(&one), Some(1));
        remembered.end_pass();
        assert_eq!((remembered.get(&one), remembered.get(&two)), (Some(1), None));
    }
}
