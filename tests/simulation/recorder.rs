//! [`Recorder`]: writes down what clients do, as a history that `alluvium audit` reads.

use crate::{client::name, log_starts::LogStarts};
use history::{Action, Conditions, Event, History, HistoryBuilder, Phase};
use parking_lot::Mutex;
use std::{fmt::Write, sync::Arc, time::Duration};

/// What all clients did so far. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Recording>>);

#[derive(Debug, Default)]
struct Recording {
    now: Duration,
    events: Vec<Event>,
    operations: u64,
    starts: LogStarts,
}

impl Recording {
    /// Idempotent producers, `read_committed`, and somebody read everything at the end that was not deleted.
    fn conditions(&self) -> Conditions {
        let starts = self.starts.acknowledged().into_iter();
        let log_start = starts.map(|(partition, offset)| (name(partition), offset)).collect();
        Conditions { log_start, ..Conditions::strict() }
    }
}

impl Recorder {
    /// It is `now`.
    pub fn pass(&self, now: Duration) {
        self.0.lock().now = now;
    }

    /// Where logs start: what lies before it may be missing.
    pub fn log_starts(&self) -> LogStarts {
        self.0.lock().starts.clone()
    }

    /// An operation of a client begins; answers its number.
    pub fn invoke(&self, process: u32, action: Action) -> u64 {
        let id = {
            let mut recording = self.0.lock();
            recording.operations += 1;
            recording.operations
        };
        self.tell(process, id, Phase::Invoke, action);
        id
    }

    /// It ended.
    pub fn complete(&self, process: u32, id: u64, phase: Phase, action: Action) {
        self.tell(process, id, phase, action);
    }

    fn tell(&self, process: u32, id: u64, phase: Phase, action: Action) {
        let mut recording = self.0.lock();
        let time = recording.now.as_nanos() as u64;
        recording.events.push(Event { process, id, time, phase, action });
    }

    /// The history as a file has it.
    pub fn as_json_lines(&self) -> String {
        let recording = self.0.lock();
        let mut text = serde_json::to_string(&recording.conditions()).unwrap();
        for event in &recording.events {
            write!(text, "\n{}", serde_json::to_string(event).unwrap()).unwrap();
        }
        text
    }

    /// The history, to be judged.
    pub fn history(&self) -> History {
        let recording = self.0.lock();
        let mut builder = HistoryBuilder::new(recording.conditions()).unwrap();
        for event in &recording.events {
            builder.add(event.clone()).unwrap();
        }
        builder.finish()
    }
}
