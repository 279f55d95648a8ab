//! Writes a history by hand: one operation after the other, 10 ns each.

use crate::{
    Action, Anomaly, Conditions, Event, History, HistoryBuilder, Permission, Phase, Report, audit,
};
use std::collections::BTreeMap;

pub(super) struct Script {
    pub conditions: Conditions,
    pub events: Vec<Event>,
}

pub(super) fn sent(partition: &str, records: &[(Option<u64>, u64)]) -> Action {
    Action::Send { records: BTreeMap::from([(partition.to_owned(), records.to_vec())]) }
}

pub(super) fn polled(partition: &str, records: &[(u64, u64)]) -> Action {
    Action::Poll { records: BTreeMap::from([(partition.to_owned(), records.to_vec())]) }
}

impl Script {
    pub fn new() -> Self {
        Self { conditions: Conditions::strict(), events: Vec::new() }
    }

    pub fn step(mut self, process: u32, phase: Phase, action: Action) -> Self {
        let id = self.events.len() as u64 / 2;
        let invocation = match &action {
            Action::Poll { .. } => Action::Poll { records: BTreeMap::new() },
            other => other.clone(),
        };
        let time = id * 10;
        self.events.push(Event { process, id, time, phase: Phase::Invoke, action: invocation });
        self.events.push(Event { process, id, time: time + 5, phase, action });
        self
    }

    /// An acknowledged send of one record.
    pub fn send(self, process: u32, partition: &str, offset: u64, value: u64) -> Self {
        self.step(process, Phase::Ok, sent(partition, &[(Some(offset), value)]))
    }

    pub fn poll(self, process: u32, partition: &str, records: &[(u64, u64)]) -> Self {
        self.step(process, Phase::Ok, polled(partition, records))
    }

    pub fn ok(self, process: u32, action: Action) -> Self {
        self.step(process, Phase::Ok, action)
    }

    pub fn under(mut self, change: impl FnOnce(&mut Conditions)) -> Self {
        change(&mut self.conditions);
        self
    }

    pub fn violations(self) -> Vec<Anomaly> {
        anomalies(&audit(&history(self.conditions, self.events)))
    }

    pub fn permitted(self) -> Vec<(Anomaly, Permission)> {
        let report = audit(&history(self.conditions, self.events));
        assert!(report.is_clean(), "{report:#?}");
        report.permitted().map(|(anomaly, permission, _)| (anomaly, permission)).collect()
    }
}

pub(super) fn history(conditions: Conditions, events: Vec<Event>) -> History {
    let mut builder = HistoryBuilder::new(conditions).unwrap();
    for event in events {
        builder.add(event).unwrap();
    }
    builder.finish()
}

pub(super) fn anomalies(report: &Report) -> Vec<Anomaly> {
    report.violations().map(|(anomaly, _)| anomaly).collect()
}
