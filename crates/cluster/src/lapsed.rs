//! Brokers whose session lapsed a moment ago. Pure.
//!
//! When the metadata store stands still for longer than a lease, all sessions end at the same instant, and begin anew in the next one. Clients
//! that were told of no broker in between would forget those they know: librdkafka closes its connections and stays without any for as long
//! as its requests allow. So a broker that did not say it leaves is named to clients for a while longer. It leads nothing meanwhile.

use crate::Image;
use model::BrokerId;
use runtime::BootTime;
use std::{collections::BTreeMap, time::Duration};

/// Until when each lapsed broker of the image that comes after `before` is named. `grace` is how long.
pub(crate) fn lapsed(
    before: &Image,
    after: &Image,
    now: BootTime,
    grace: Duration,
) -> BTreeMap<BrokerId, BootTime> {
    let until = |broker: &BrokerId| match before.lapsed.get(broker) {
        Some(until) => Some(*until).filter(|until| now < *until),
        None => before.brokers.contains_key(broker).then(|| now.plus(grace)),
    };
    did_not_leave(after).filter_map(|broker| Some((broker, until(&broker)?))).collect()
}

/// The same of a broker's first image: when all of them start again, the first one finds the others gone.
pub(crate) fn lapsed_before(
    first: &Image,
    now: BootTime,
    grace: Duration,
) -> BTreeMap<BrokerId, BootTime> {
    did_not_leave(first).map(|broker| (broker, now.plus(grace))).collect()
}

fn did_not_leave(image: &Image) -> impl Iterator<Item = BrokerId> {
    image.fenced_brokers.values().filter(|broker| !broker.draining).map(|broker| broker.id)
}
