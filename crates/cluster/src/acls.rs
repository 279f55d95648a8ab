//! Access rules in the metadata store: a key for each, which every broker watches, so that a change costs what it changes.

use crate::{Cluster, ClusterError, view::View};
use ::metadata::{
    Event, EventKind, Operation, RangeQuery,
    families::{Keys, decode, encode},
};
use formats::metadata::AccessRule;
use parking_lot::RwLockReadGuard;
use security::acl::{self, Binding, Filter, Pattern, Permission, ResourceType, Rules};
use std::collections::BTreeSet;

impl Cluster {
    /// The rules that this broker knows. Held for one decision only: changes wait for it.
    pub fn rules(&self) -> RwLockReadGuard<'_, Rules> {
        self.shared.rules.read()
    }

    /// The rules that a filter takes, as this broker knows them.
    pub fn acls(&self, filter: &Filter) -> Vec<Binding> {
        let view = self.shared.view.lock();
        let known = view.acls.values().filter_map(|stored| read(&stored.value));
        known.filter(|binding| filter.takes(binding)).collect()
    }

    /// Makes rules, and waits until this broker goes by them. One that is there already stays.
    ///
    /// # Errors
    /// `Unavailable`: some may have been made.
    pub async fn create_acls(&self, bindings: Vec<Binding>) -> Result<(), ClusterError> {
        let keys = &self.shared.parts.keys;
        // A transaction may set a key once.
        let bindings: BTreeSet<Binding> = bindings.into_iter().collect();
        let puts = bindings.iter().map(|binding| {
            let stored = write(binding);
            Operation::put(keys.acl(&stored), encode(stored))
        });
        self.change_acls(puts.collect(), bindings.last()).await
    }

    /// Removes the rules that each filter takes, and waits until this broker does not go by them any more. Answers what each removed. Looks
    /// into the store and not at what this broker knows, so that no rule is left that was there before the call.
    ///
    /// # Errors
    /// `Unavailable`: some may have been removed.
    pub async fn delete_acls(&self, filters: &[Filter]) -> Result<Vec<Vec<Binding>>, ClusterError> {
        let parts = &self.shared.parts;
        let range = parts.metadata.range(RangeQuery::prefix(parts.keys.all_acls())).await?;
        let mut there = Vec::new();
        for entry in &range.entries {
            let stored: AccessRule = decode(entry)?;
            there.extend(read(&stored));
        }
        let taken: Vec<Vec<Binding>> = filters
            .iter()
            .map(|filter| there.iter().filter(|it| filter.takes(it)).cloned().collect())
            .collect();
        there.retain(|it| filters.iter().any(|filter| filter.takes(it)));
        let keys = there.iter().map(|binding| parts.keys.acl(&write(binding)));
        self.change_acls(keys.map(Operation::Delete).collect(), there.last()).await?;
        Ok(taken)
    }

    async fn change_acls(
        &self,
        operations: Vec<Operation>,
        last: Option<&Binding>,
    ) -> Result<(), ClusterError> {
        let Some(last) = last else { return Ok(()) };
        let parts = &self.shared.parts;
        let key = parts.keys.acl(&write(last));
        let key = parts.keys.parse_acl(&key).unwrap_or_default();
        let modified = |view: &View| Some(view.acls.get(&key)?.modified);
        self.shared.write_all(operations, modified).await
    }
}

/// The rule that an event is about.
pub(crate) fn rule_of(keys: &Keys, event: &Event) -> Option<String> {
    match &event.kind {
        EventKind::Put(entry) => keys.parse_acl(&entry.key),
        EventKind::Delete(key) => keys.parse_acl(key),
    }
}

/// A rule of a view.
pub(crate) fn binding_of(view: &View, rule: &str) -> Option<Binding> {
    read(&view.acls.get(rule)?.value)
}

/// All of them.
pub(crate) fn rules_of(view: &View) -> Rules {
    view.acls.values().filter_map(|stored| read(&stored.value)).collect()
}

/// Puts one rule in the place of another.
pub(crate) fn replace(rules: &mut Rules, before: Option<&Binding>, after: Option<&Binding>) {
    if before == after {
        return;
    }
    if let Some(before) = before {
        rules.remove(before);
    }
    if let Some(after) = after {
        rules.add(after);
    }
}

/// `None` for a rule with a number that is not Kafka's; such a one is refused as damaged before it comes here.
fn read(stored: &AccessRule) -> Option<Binding> {
    let number = |number: u32| i8::try_from(number).ok();
    Some(Binding {
        resource: ResourceType::from_wire(number(stored.resource_type)?)?,
        pattern: Pattern::from_wire(number(stored.pattern_type)?, stored.name.clone())?,
        principal: stored.principal.clone(),
        host: stored.host.clone(),
        operation: acl::Operation::from_wire(number(stored.operation)?)?,
        permission: Permission::from_wire(number(stored.permission)?)?,
    })
}

fn write(binding: &Binding) -> AccessRule {
    let number = |number: i8| u32::from(number.unsigned_abs());
    AccessRule {
        format: 1,
        resource_type: number(binding.resource.to_wire()),
        pattern_type: number(binding.pattern.to_wire()),
        name: binding.pattern.name().to_owned(),
        principal: binding.principal.clone(),
        host: binding.host.clone(),
        operation: number(binding.operation.to_wire()),
        permission: number(binding.permission.to_wire()),
    }
}
