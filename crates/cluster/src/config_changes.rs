//! Changes of configs: read, changed, checked as a whole, and written if nobody else wrote meanwhile.

use crate::{
    ClusterError, ConfigChange, ConfigResource,
    cluster::Shared,
    stored::{Stored, modified},
    view::View,
};
use formats::metadata::Configs;
use metadata::{
    Compare, MetadataError, Operation, Transaction,
    families::{self, encode},
};
use model::config::{
    ConfigKey, ConfigType, Dynamic, InvalidConfig, broker, broker_key, parse_list, topic_key,
    validate_topic_configs, wal_is_ephemeral,
};
use std::{collections::BTreeMap, time::Duration};

type Values = BTreeMap<String, String>;

/// Attempts before a caller is told that others change the same resource all the time.
const ATTEMPTS: usize = 10;

/// Applies single changes.
pub(crate) async fn change(
    shared: &Shared,
    resource: &ConfigResource,
    changes: &[ConfigChange],
    validate_only: bool,
) -> Result<(), ClusterError> {
    let update = |mut values: Values| {
        for change in changes {
            apply(shared, resource, &mut values, change)?;
        }
        Ok(values)
    };
    write(shared, resource, validate_only, update).await
}

/// Replaces all values.
pub(crate) async fn replace(
    shared: &Shared,
    resource: &ConfigResource,
    configs: &Values,
    validate_only: bool,
) -> Result<(), ClusterError> {
    for name in configs.keys() {
        changeable(resource, name)?;
    }
    write(shared, resource, validate_only, |_| Ok(configs.clone())).await
}

async fn write(
    shared: &Shared,
    resource: &ConfigResource,
    validate_only: bool,
    update: impl Fn(Values) -> Result<Values, ClusterError>,
) -> Result<(), ClusterError> {
    let target = target(shared, resource)?;
    let key = shared.parts.keys.configs(target);
    let store = shared.parts.metadata.as_ref();
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let stored = Stored::<Configs>::read(store, key.clone()).await?;
        let seen = modified(stored.as_ref());
        let before: Values =
            stored.map(|stored| stored.value.values.into_iter().collect()).unwrap_or_default();
        let after = update(before.clone())?;
        validate(resource, &after)?;
        check_durability(shared, &after)?;
        if validate_only || after == before {
            return Ok(());
        }
        let mut compares = vec![Compare::ModRevision(key.clone(), seen)];
        if let families::ConfigResource::Topic(topic) = target {
            compares.push(Compare::Exists(shared.parts.keys.topic(topic)));
        }
        let operation = if after.is_empty() {
            Operation::Delete(key.clone())
        } else {
            let values = after.into_iter().collect();
            Operation::put(key.clone(), encode(Configs { format: 1, values }))
        };
        let transaction = Transaction { compares, then: vec![operation], otherwise: Vec::new() };
        match store.transact(transaction).await {
            Ok(outcome) if outcome.succeeded => {
                let modified = |view: &View| Some(view.configs.get(&target)?.modified);
                shared.until_seen(outcome.revision, modified).await;
                return Ok(());
            }
            // Another change came between; or the topic went, which the next read of the image tells.
            Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error @ MetadataError::OutcomeUnknown(_)) => last = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(last.map_or_else(
        || ClusterError::Unavailable("too many changes of these configs at once".to_owned()),
        ClusterError::from,
    ))
}

/// Whose record it is.
fn target(
    shared: &Shared,
    resource: &ConfigResource,
) -> Result<families::ConfigResource, ClusterError> {
    match resource {
        ConfigResource::Topic(name) => {
            let topic = shared.image.borrow().topic(name).map(|topic| topic.id);
            topic
                .map(families::ConfigResource::Topic)
                .ok_or_else(|| ClusterError::UnknownTopic(name.clone()))
        }
        ConfigResource::Broker(None) => Ok(families::ConfigResource::ClusterDefault),
        ConfigResource::Broker(Some(broker)) => {
            if shared.view.lock().brokers.contains_key(broker) {
                Ok(families::ConfigResource::Broker(*broker))
            } else {
                Err(ClusterError::UnknownBroker(broker.to_string()))
            }
        }
    }
}

fn apply(
    shared: &Shared,
    resource: &ConfigResource,
    values: &mut Values,
    change: &ConfigChange,
) -> Result<(), ClusterError> {
    match change {
        ConfigChange::Set(name, value) => {
            let key = changeable(resource, name)?;
            values.insert(key.name.to_owned(), value.clone());
        }
        ConfigChange::Delete(name) => {
            // A key that this version does not know can still be removed.
            values.remove(name);
        }
        ConfigChange::Append(name, items) => {
            edit_list(shared, resource, values, name, |list| {
                for item in parse_list(items) {
                    if !list.iter().any(|there| there == item) {
                        list.push(item.to_owned());
                    }
                }
            })?;
        }
        ConfigChange::Subtract(name, items) => {
            edit_list(shared, resource, values, name, |list| {
                list.retain(|there| !parse_list(items).contains(&there.as_str()));
            })?;
        }
    }
    Ok(())
}

/// Changes a list, beginning with what is in force now when the resource has no value of its own (KIP-339).
fn edit_list(
    shared: &Shared,
    resource: &ConfigResource,
    values: &mut Values,
    name: &str,
    edit: impl FnOnce(&mut Vec<String>),
) -> Result<(), ClusterError> {
    let key = changeable(resource, name)?;
    if key.kind != ConfigType::List {
        return Err(ClusterError::InvalidConfig(format!(
            "{name} is no list: nothing can be appended to it or taken from it"
        )));
    }
    let in_force = values.get(name).cloned().or_else(|| inherited(shared, key));
    let in_force = in_force.unwrap_or_default();
    let mut list: Vec<String> = parse_list(&in_force).into_iter().map(str::to_owned).collect();
    edit(&mut list);
    values.insert(key.name.to_owned(), list.join(","));
    Ok(())
}

fn inherited(shared: &Shared, key: &ConfigKey) -> Option<String> {
    let image = shared.image.borrow().clone();
    let own = image.broker_configs.get(&shared.identity.broker).cloned().unwrap_or_default();
    let layers = model::config::ConfigLayers {
        topic: None,
        broker: &own,
        default_broker: &image.default_broker_configs,
        fixed: &shared.options.static_configs,
    };
    layers.effective(key).0
}

/// The key of that name, if it can be changed while brokers run.
fn changeable(resource: &ConfigResource, name: &str) -> Result<&'static ConfigKey, ClusterError> {
    match resource {
        ConfigResource::Topic(_) => Ok(topic_key(name)?),
        ConfigResource::Broker(_) => match broker_key(name)? {
            key if key.dynamic == Dynamic::ReadOnly => {
                Err(InvalidConfig::ReadOnly(key.name).into())
            }
            key => Ok(key),
        },
    }
}

/// Refuses what would have acknowledgements rest on disks that go away.
pub(crate) fn check_durability(shared: &Shared, values: &Values) -> Result<(), ClusterError> {
    let asks_for_wal = values.get(broker::DURABILITY_MODE.name).is_some_and(|it| it == "wal");
    if asks_for_wal && wal_is_ephemeral(&shared.options.static_configs) {
        return Err(ClusterError::InvalidConfig(
            "durability.mode=wal: the WALs of these brokers go away with them (wal.ephemeral), take object".to_owned(),
        ));
    }
    Ok(())
}

fn validate(resource: &ConfigResource, values: &Values) -> Result<(), ClusterError> {
    match resource {
        ConfigResource::Topic(_) => validate_topic_configs(values)?,
        ConfigResource::Broker(_) => {
            for (name, value) in values {
                broker_key(name)?.validate(value)?;
            }
        }
    }
    Ok(())
}
