//! Transactions that come before each other in a circle (Adya's G0 and G1c).
//!
//! A transaction comes before another one that wrote behind it in a partition (write-write), or that polled what it
//! wrote (write-read). Only write-read circles are violations: Kafka does not keep transactions from writing in between
//! each other, so circles with write-write edges are told and permitted.

use super::Evidence;
use crate::{
    Anomaly, Finding, Isolation, Permission, Report,
    components::{Graph, cycle_in, cyclic_components},
    history::Partition,
    observed::Write,
    transactions::TransactionIndex,
};
use std::collections::HashSet;

pub(super) fn check(evidence: &Evidence<'_>, report: &mut Report) {
    let reads = read_edges(evidence);
    let writes = write_edges(evidence);
    let pairs = reads.iter().zip(&writes);
    let both: Graph = pairs.map(|(reads, writes)| [reads.as_slice(), writes].concat()).collect();
    let uncommitted = evidence.history.conditions().isolation == Isolation::ReadUncommitted;
    let read_permission = uncommitted.then_some(Permission::ReadUncommitted);
    let interleaved = Some(Permission::WritesInterleave);
    let mut told = HashSet::new();
    for (graph, anomaly, permission) in
        [(&reads, Anomaly::ReadCycle, read_permission), (&writes, Anomaly::WriteCycle, interleaved)]
    {
        for component in cyclic_components(graph) {
            report.add(finding(evidence, &cycle_in(graph, &component), anomaly, permission));
            told.extend(component);
        }
    }
    for component in cyclic_components(&both) {
        // Beside a circle of one kind among the same transactions it says nothing new.
        if !component.iter().any(|transaction| told.contains(transaction)) {
            let cycle = cycle_in(&both, &component);
            report.add(finding(evidence, &cycle, Anomaly::ReadCycle, interleaved));
        }
    }
}

fn finding(
    evidence: &Evidence<'_>,
    cycle: &[TransactionIndex],
    anomaly: Anomaly,
    permission: Option<Permission>,
) -> Finding {
    let transactions = cycle.iter().filter_map(|index| evidence.transactions.get(*index));
    let operations = transactions.map(|transaction| transaction.id).collect();
    let (partition, offsets, values) = (None, Vec::new(), Vec::new());
    Finding { anomaly, permission, partition, offsets, values, operations }
}

/// From the writer of each record to the transaction that polled it.
fn read_edges(evidence: &Evidence<'_>) -> Graph {
    let mut graph = vec![Vec::new(); evidence.transactions.len()];
    for (place, _, record) in evidence.reads() {
        let reader = evidence.transactions.of_operation(place);
        let writer = transaction_of(evidence, record.partition, record.value);
        if let (Some(reader), Some(writer)) = (reader, writer) {
            link(&mut graph, writer, reader);
        }
    }
    without_repetition(graph)
}

/// From the writer of each record to that of the next one in its partition.
fn write_edges(evidence: &Evidence<'_>) -> Graph {
    let mut graph = vec![Vec::new(); evidence.transactions.len()];
    for (partition, log) in (0..).zip(&evidence.observed.logs) {
        let values = log.sightings.iter().map(|sighting| sighting.value);
        let mut before = None;
        for writer in values.filter_map(|value| transaction_of(evidence, partition, value)) {
            if let Some(before) = before.replace(writer) {
                link(&mut graph, before, writer);
            }
        }
    }
    without_repetition(graph)
}

/// The transaction that wrote a value, unless it surely is not there.
fn transaction_of(
    evidence: &Evidence<'_>,
    partition: Partition,
    value: u64,
) -> Option<TransactionIndex> {
    let write = evidence.observed.writes.get(&(partition, value));
    let isolation = evidence.history.conditions().isolation;
    write.filter(|write: &&Write| write.may_be_read(isolation))?.transaction
}

fn link(graph: &mut Graph, from: TransactionIndex, to: TransactionIndex) {
    if from != to
        && let Some(after) = graph.get_mut(from)
    {
        after.push(to);
    }
}

fn without_repetition(mut graph: Graph) -> Graph {
    for after in &mut graph {
        after.sort_unstable();
        after.dedup();
    }
    graph
}
