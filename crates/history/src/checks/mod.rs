//! The checks, one file for each.

mod aborted_reads;
mod cycles;
mod duplicates;
mod inconsistent_offsets;
mod lost_writes;
mod nonmonotonic_polls;
mod nonmonotonic_sends;
mod poll_skips;
mod precommitted_reads;
mod unsent_reads;

use crate::{
    Anomaly, Finding, History, Permission, Report,
    history::{Deed, Operation, Outcome, Partition, Record},
    observed::Observed,
    positions,
    transactions::Transactions,
};

/// Judges a history.
pub fn audit(history: &History) -> Report {
    let transactions = Transactions::of(history);
    let observed = Observed::of(history, &transactions);
    let evidence = Evidence { history, transactions, observed };
    let mut report = Report::default();
    lost_writes::check(&evidence, &mut report);
    duplicates::check(&evidence, &mut report);
    inconsistent_offsets::check(&evidence, &mut report);
    unsent_reads::check(&evidence, &mut report);
    aborted_reads::check(&evidence, &mut report);
    precommitted_reads::check(&evidence, &mut report);
    nonmonotonic_sends::check(&evidence, &mut report);
    positions::walk(history, |step| {
        poll_skips::check(&evidence, &step, &mut report);
        nonmonotonic_polls::check(&evidence, &step, &mut report);
    });
    cycles::check(&evidence, &mut report);
    report
}

/// A history and what follows from it.
struct Evidence<'a> {
    history: &'a History,
    transactions: Transactions,
    observed: Observed,
}

impl Evidence<'_> {
    /// All polled records, each with its poll.
    fn reads(&self) -> impl Iterator<Item = (usize, &Operation, &Record)> {
        let operations = self.history.operations().iter().enumerate();
        let polls = operations.filter(|(_, operation)| operation.outcome != Outcome::Failed);
        polls.flat_map(|(place, operation)| {
            let records = match &operation.deed {
                Deed::Poll(records) => records.as_ref(),
                _ => &[],
            };
            records.iter().map(move |record| (place, operation, record))
        })
    }

    /// Why a record may be gone.
    fn taken_by_upkeep(&self, partition: Partition, offset: Option<u64>) -> Option<Permission> {
        let name = self.history.partition_name(partition);
        let conditions = self.history.conditions();
        let start = conditions.log_start.get(name);
        if start.is_some_and(|start| offset.is_some_and(|offset| offset < *start)) {
            return Some(Permission::BelowLogStart);
        }
        conditions.compacted.contains(name).then_some(Permission::Compacted)
    }

    /// What only idempotent producers rule out.
    fn unless_idempotent(&self) -> Option<Permission> {
        (!self.history.conditions().idempotence).then_some(Permission::NotIdempotent)
    }

    /// A finding about one partition, without offsets, values and operations.
    fn finding(&self, anomaly: Anomaly, partition: Partition) -> Finding {
        let partition = Some(self.history.partition_name(partition).to_owned());
        let (offsets, values, operations) = (Vec::new(), Vec::new(), Vec::new());
        Finding { anomaly, permission: None, partition, offsets, values, operations }
    }
}
