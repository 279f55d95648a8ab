//! How consumers went through partitions: each polled record, with the offset that was to come next.

use crate::{
    Permission,
    history::{Deed, History, Operation, Outcome, Partition},
};
use std::collections::HashMap;

/// A consumer got a record although it had a position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub partition: Partition,
    /// The offset that was to come next.
    pub expected: u64,
    pub offset: u64,
    pub value: u64,
    /// The numbers of the operation that set the position and of the poll.
    pub operations: [u64; 2],
    /// What may have moved the consumer in between.
    pub moved: Option<Permission>,
}

#[derive(Clone, Copy)]
struct Position {
    expected: u64,
    set_by: u64,
    moved: Option<Permission>,
}

/// Tells every step of all consumers.
pub(crate) fn walk(history: &History, mut tell: impl FnMut(Step)) {
    let mut positions: HashMap<u32, HashMap<Partition, Position>> = HashMap::new();
    for operation in in_order_of_ends(history) {
        if operation.outcome == Outcome::Failed {
            continue;
        }
        let consumer = positions.entry(operation.process).or_default();
        match &operation.deed {
            Deed::Poll(_) if operation.outcome == Outcome::Unknown => {
                displace(consumer.values_mut(), Permission::PollUnknown);
            }
            Deed::Poll(records) => {
                for record in records {
                    let Some(offset) = record.offset else { continue };
                    let expected = offset.saturating_add(1);
                    let position = Position { expected, set_by: operation.id, moved: None };
                    if let Some(before) = consumer.insert(record.partition, position) {
                        tell(Step {
                            partition: record.partition,
                            expected: before.expected,
                            offset,
                            value: record.value,
                            operations: [before.set_by, operation.id],
                            moved: before.moved,
                        });
                    }
                }
            }
            Deed::Reposition => displace(consumer.values_mut(), Permission::Repositioned),
            Deed::Seek { partition, offset: Some(expected) }
                if operation.outcome == Outcome::Happened =>
            {
                let (expected, set_by) = (*expected, operation.id);
                consumer.insert(*partition, Position { expected, set_by, moved: None });
            }
            Deed::Seek { partition, .. } => {
                displace(consumer.get_mut(partition).into_iter(), Permission::Repositioned);
            }
            _ => {}
        }
    }
}

fn displace<'a>(positions: impl Iterator<Item = &'a mut Position>, why: Permission) {
    for position in positions {
        position.moved = Some(why);
    }
}

/// Operations in the order in which they ended; those that never did, in that of their beginnings.
fn in_order_of_ends(history: &History) -> Vec<&Operation> {
    let mut operations: Vec<&Operation> = history.operations().iter().collect();
    operations.sort_by_key(|operation| operation.completed.unwrap_or(operation.invoked));
    operations
}
