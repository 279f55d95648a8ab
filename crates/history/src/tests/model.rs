//! A log with transactions in a few lines, and clients that use it in any interleaving: their histories are correct.
//!
//! Each operation is three steps of its process: it is invoked, it acts, it completes. Choices come from a list of bytes.

use crate::{Action, Event, Phase};
use std::collections::BTreeMap;

const PARTITIONS: [&str; 2] = ["a", "b"];
const PRODUCERS: u32 = 3;
const CLIENTS: u32 = 5;
const READER: u32 = CLIENTS;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Plain,
    Open(u32),
    Committed,
    Aborted,
    Marker,
}

#[derive(Default)]
struct Client {
    /// In a transaction: it is that of the process.
    in_transaction: bool,
    positions: BTreeMap<&'static str, u64>,
    pending: Option<Pending>,
}

struct Pending {
    id: u64,
    action: Action,
    acted: bool,
    phase: Phase,
}

#[derive(Default)]
pub(super) struct Model {
    logs: BTreeMap<&'static str, Vec<(u64, State)>>,
    clients: BTreeMap<u32, Client>,
    pub events: Vec<Event>,
    operations: u64,
}

/// A correct history; the last process reads everything at the end.
pub(super) fn correct_history(choices: &[(u8, u8)]) -> Vec<Event> {
    let mut model = Model::default();
    for (who, what) in choices {
        model.advance(u32::from(*who) % CLIENTS, *what);
    }
    for process in 0..CLIENTS {
        model.finish(process);
    }
    for partition in PARTITIONS {
        model.perform(READER, Action::Seek { partition: partition.into(), offset: Some(0) });
    }
    model.perform(READER, Action::Poll { records: BTreeMap::new() });
    model.events
}

impl Model {
    fn advance(&mut self, process: u32, choice: u8) {
        let client = self.clients.entry(process).or_default();
        match &client.pending {
            None => {
                let (action, phase) = self.choose(process, choice);
                self.invoke(process, action, phase);
            }
            Some(pending) if pending.acted => self.complete(process),
            Some(_) => self.act(process),
        }
    }

    fn choose(&mut self, process: u32, choice: u8) -> (Action, Phase) {
        let partition = PARTITIONS[usize::from(choice >> 7)];
        let in_transaction = self.clients[&process].in_transaction;
        let action = match (process < PRODUCERS, in_transaction, choice % 8) {
            (true, false, 0..4) => Action::Begin,
            (true, true, 0) => Action::Commit,
            (true, true, 1) => Action::Abort,
            (true, ..) => {
                let value = self.operations * 10;
                let records = vec![(None, value), (None, value + 1)];
                Action::Send { records: BTreeMap::from([(partition.to_owned(), records)]) }
            }
            (false, _, 0) => Action::Seek { partition: partition.into(), offset: Some(0) },
            _ => Action::Poll { records: BTreeMap::new() },
        };
        let uncertain = matches!(action, Action::Send { .. } | Action::Commit | Action::Abort);
        let phase = match (uncertain, choice >> 3 & 7) {
            (true, 0 | 1) => Phase::Info,
            (true, 2) => Phase::Fail,
            _ => Phase::Ok,
        };
        (action, phase)
    }

    fn perform(&mut self, process: u32, action: Action) {
        self.clients.entry(process).or_default();
        self.invoke(process, action, Phase::Ok);
        self.act(process);
        self.complete(process);
    }

    fn invoke(&mut self, process: u32, action: Action, phase: Phase) {
        self.operations += 1;
        let id = self.operations;
        self.tell(process, id, Phase::Invoke, action.clone());
        let client = self.clients.get_mut(&process).unwrap();
        client.pending = Some(Pending { id, action, acted: false, phase });
    }

    fn act(&mut self, process: u32) {
        let mut pending = self.clients.get_mut(&process).unwrap().pending.take().unwrap();
        pending.acted = true;
        // Of what ends unknown, every second one happens.
        let unknown_and_not = pending.phase == Phase::Info && pending.id.is_multiple_of(2);
        let happens = pending.phase != Phase::Fail && !unknown_and_not;
        match &mut pending.action {
            Action::Begin => self.clients.get_mut(&process).unwrap().in_transaction = true,
            Action::Commit => self.end_transaction(process, happens),
            Action::Abort => self.end_transaction(process, false),
            Action::Send { records } if happens => self.append(process, records),
            Action::Poll { records } => *records = self.read(process),
            Action::Seek { partition, offset: Some(offset) } => {
                let partition = PARTITIONS.into_iter().find(|it| it == partition).unwrap();
                let client = self.clients.get_mut(&process).unwrap();
                client.positions.insert(partition, *offset);
            }
            _ => {}
        }
        self.clients.get_mut(&process).unwrap().pending = Some(pending);
    }

    fn complete(&mut self, process: u32) {
        let pending = self.clients.get_mut(&process).unwrap().pending.take().unwrap();
        let mut action = pending.action;
        if let (Action::Send { records }, Phase::Info | Phase::Fail) = (&mut action, pending.phase)
        {
            records.clear();
        }
        self.tell(process, pending.id, pending.phase, action);
    }

    /// Ends what is under way, and aborts the transaction.
    fn finish(&mut self, process: u32) {
        let client = self.clients.entry(process).or_default();
        if let Some(pending) = &client.pending {
            if !pending.acted {
                self.act(process);
            }
            self.complete(process);
        }
        if self.clients[&process].in_transaction {
            self.perform(process, Action::Abort);
        }
    }

    fn append(&mut self, process: u32, records: &mut BTreeMap<String, Vec<(Option<u64>, u64)>>) {
        let open = self.clients[&process].in_transaction;
        let state = if open { State::Open(process) } else { State::Plain };
        for partition in PARTITIONS {
            let log = self.logs.entry(partition).or_default();
            for (offset, value) in records.get_mut(partition).into_iter().flatten() {
                *offset = Some(log.len() as u64);
                log.push((*value, state));
            }
        }
    }

    fn end_transaction(&mut self, process: u32, commit: bool) {
        self.clients.get_mut(&process).unwrap().in_transaction = false;
        let ended = if commit { State::Committed } else { State::Aborted };
        for log in self.logs.values_mut() {
            let mut wrote = false;
            for (_, state) in log.iter_mut().filter(|(_, state)| *state == State::Open(process)) {
                *state = ended;
                wrote = true;
            }
            if wrote {
                log.push((0, State::Marker));
            }
        }
    }

    fn read(&mut self, process: u32) -> BTreeMap<String, Vec<(u64, u64)>> {
        let limit = if process == READER { usize::MAX } else { 3 };
        let client = self.clients.get_mut(&process).unwrap();
        let mut polled = BTreeMap::new();
        for (partition, log) in &self.logs {
            let position = client.positions.entry(partition).or_default();
            let mut records = Vec::new();
            for (offset, (value, state)) in (0..).zip(log).skip(*position as usize) {
                if matches!(state, State::Open(_)) || records.len() == limit {
                    break;
                }
                if matches!(state, State::Plain | State::Committed) {
                    records.push((offset, *value));
                }
                *position = offset + 1;
            }
            polled.insert((*partition).to_owned(), records);
        }
        polled
    }

    fn tell(&mut self, process: u32, id: u64, phase: Phase, action: Action) {
        let time = self.events.len() as u64 * 10;
        self.events.push(Event { process, id, time, phase, action });
    }
}
