//! The `range` assignor: of each topic, neighbouring partitions in the order of the members.
//!
//! Static members come first, by instance, so that they have the same partitions after they were away. Nothing is kept
//! for its own sake: equal members and topics give an equal assignment.

use super::{Partitions, Spec, Target};

/// Replaces the target.
pub(super) fn assign(spec: &Spec<'_>, target: &mut Target) {
    let mut order: Vec<usize> = (0..spec.members.len()).collect();
    order.sort_by_key(|place| {
        let member = spec.members.get(*place);
        let instance = member.and_then(|member| member.instance);
        (instance.is_none(), instance, member.map(|member| member.id))
    });
    let mut shares = vec![Partitions::default(); spec.members.len()];
    for (topic, readers) in spec.readers() {
        let partitions = spec.topics.get(&topic).copied().unwrap_or_default();
        let mut in_order = vec![false; spec.members.len()];
        for place in &readers {
            if let Some(reads) = in_order.get_mut(*place) {
                *reads = true;
            }
        }
        let readers_in_order = order.iter().filter(|place| in_order.get(**place) == Some(&true));
        let count = readers.len() as u32;
        let mut next = 0;
        for (turn, place) in (0..).zip(readers_in_order) {
            let size = partitions / count + u32::from(turn < partitions % count);
            if let Some(share) = shares.get_mut(*place) {
                share.extend((next..next + size).map(|partition| (topic, partition)));
            }
            next += size;
        }
    }
    for (member, share) in spec.members.iter().zip(shares) {
        target.insert(member.id.clone(), share);
    }
}
