//! [`Member`]: one member of a group, on a connection of its own, a request at a time.
//!
//! Sending and receiving are apart, so that one thread lets a thousand members act at once. The encodings are those of versions that
//! every broker of today serves.

use crate::{
    connection::Connection,
    error::DriverError,
    wire::{Answer, Request},
};
use std::io::IoSlice;

const JOIN: (i16, i16) = (11, 3);
const SYNC: (i16, i16) = (14, 1);
const HEARTBEAT: (i16, i16) = (12, 1);
const CONSUMER_HEARTBEAT: (i16, i16) = (68, 0);

/// Partitions of a topic.
type Share = ([u8; 16], Vec<i32>);

/// Longer than any run.
const TIMEOUT_MS: i32 = 1_800_000;

/// A member.
#[derive(Debug)]
pub(crate) struct Member {
    connection: Connection,
    group: String,
    topic: String,
    /// Its id, once it has one.
    pub(crate) id: String,
    /// Its generation, or its epoch.
    pub(crate) generation: i32,
    /// Ids of everybody, if it leads a classic group.
    pub(crate) led: Vec<String>,
    /// Topic and partitions that it was assigned last, by the consumer protocol.
    assigned: Vec<Share>,
}

impl Member {
    /// Connects one.
    pub(crate) fn open(address: &str, group: &str, topic: &str) -> Result<Self, DriverError> {
        Ok(Self {
            connection: Connection::open(address)?,
            group: group.to_owned(),
            topic: topic.to_owned(),
            id: String::new(),
            generation: 0,
            led: Vec::new(),
            assigned: Vec::new(),
        })
    }

    fn send(&mut self, request: Request) -> Result<(), DriverError> {
        self.connection.send(&mut [IoSlice::new(&request.finish(0))])
    }

    /// Asks to join the next generation.
    pub(crate) fn send_join(&mut self) -> Result<(), DriverError> {
        let mut subscription = vec![0, 0, 0, 0, 0, 1];
        subscription.extend((self.topic.len() as u16).to_be_bytes());
        subscription.extend(self.topic.as_bytes());
        subscription.extend((-1_i32).to_be_bytes());
        let mut request = Request::new(JOIN.0, JOIN.1, 0);
        request.text(&self.group).i32(TIMEOUT_MS).i32(TIMEOUT_MS).text(&self.id).text("consumer");
        request.i32(1).text("range").bytes(&subscription);
        self.send(request)
    }

    /// The answer to that; its code.
    pub(crate) fn joined(&mut self) -> Result<i16, DriverError> {
        let mut answer = Answer::new("JoinGroup", self.connection.receive()?)?;
        answer.i32()?;
        let code = answer.i16()?;
        self.generation = answer.i32()?;
        answer.text()?;
        answer.text()?;
        let id = answer.text()?.to_owned();
        let mut led = Vec::new();
        for _ in 0..answer.count()? {
            led.push(answer.text()?.to_owned());
            answer.bytes()?;
        }
        (self.id, self.led) = (id, led);
        Ok(code)
    }

    /// Asks for its share; a leader brings one partition for each member.
    pub(crate) fn send_sync(&mut self) -> Result<(), DriverError> {
        let mut request = Request::new(SYNC.0, SYNC.1, 0);
        request.text(&self.group).i32(self.generation).text(&self.id);
        request.i32(self.led.len() as i32);
        for (partition, member) in (0_i32..).zip(&self.led) {
            let mut share = vec![0, 0, 0, 0, 0, 1];
            share.extend((self.topic.len() as u16).to_be_bytes());
            share.extend(self.topic.as_bytes());
            share.extend(1_i32.to_be_bytes());
            share.extend(partition.to_be_bytes());
            share.extend((-1_i32).to_be_bytes());
            request.text(member).bytes(&share);
        }
        self.send(request)
    }

    /// The answer to that; its code.
    pub(crate) fn synced(&mut self) -> Result<i16, DriverError> {
        self.code("SyncGroup")
    }

    /// Says by the classic protocol that it lives.
    pub(crate) fn send_heartbeat(&mut self) -> Result<(), DriverError> {
        let mut request = Request::new(HEARTBEAT.0, HEARTBEAT.1, 0);
        request.text(&self.group).i32(self.generation).text(&self.id);
        self.send(request)
    }

    /// The answer to that; its code.
    pub(crate) fn heard(&mut self) -> Result<i16, DriverError> {
        self.code("Heartbeat")
    }

    fn code(&mut self, api: &'static str) -> Result<i16, DriverError> {
        let mut answer = Answer::new(api, self.connection.receive()?)?;
        answer.i32()?;
        answer.i16()
    }

    /// Joins, or reports what it holds, by the consumer protocol.
    pub(crate) fn send_consumer_heartbeat(&mut self) -> Result<(), DriverError> {
        let mut request = Request::flexible(CONSUMER_HEARTBEAT.0, CONSUMER_HEARTBEAT.1, 0);
        request.compact_text(&self.group).compact_text(&self.id).i32(self.generation);
        // Neither instance nor zone.
        request.varint(0).varint(0);
        if self.generation == 0 {
            request.i32(TIMEOUT_MS).varint(2).compact_text(&self.topic);
        } else {
            request.i32(-1).varint(0);
        }
        // No assignor of its own.
        request.varint(0).varint(self.assigned.len() as u32 + 1);
        for (topic, partitions) in &self.assigned {
            request.raw(topic).varint(partitions.len() as u32 + 1);
            for partition in partitions {
                request.i32(*partition);
            }
            request.varint(0);
        }
        request.varint(0);
        self.send(request)
    }

    /// The answer to that: its code, and whether anything changed for the member.
    pub(crate) fn consumer_heard(&mut self) -> Result<(i16, bool), DriverError> {
        let frame = self.connection.receive()?;
        let mut answer = Answer::new("ConsumerGroupHeartbeat", frame)?;
        answer.varint()?;
        answer.i32()?;
        let code = answer.i16()?;
        answer.compact_text()?;
        let id = answer.compact_text()?.to_owned();
        let epoch = answer.i32()?;
        answer.i32()?;
        let assigned = if answer.i8()? < 0 { None } else { Some(assignment(&mut answer)?) };
        let changed = epoch != self.generation || assigned.is_some();
        if code == 0 {
            (self.id, self.generation) = (id, epoch);
            self.assigned = assigned.unwrap_or(std::mem::take(&mut self.assigned));
        }
        Ok((code, changed))
    }

    /// How many partitions it has by the consumer protocol.
    pub(crate) fn share(&self) -> usize {
        self.assigned.iter().map(|(_, partitions)| partitions.len()).sum()
    }
}

fn assignment(answer: &mut Answer<'_>) -> Result<Vec<Share>, DriverError> {
    let topics = answer.varint()?.saturating_sub(1);
    let mut assigned = Vec::new();
    for _ in 0..topics {
        let topic = answer.raw()?;
        let count = answer.varint()?.saturating_sub(1);
        let partitions: Result<Vec<i32>, DriverError> = (0..count).map(|_| answer.i32()).collect();
        assigned.push((topic, partitions?));
        answer.varint()?;
    }
    Ok(assigned)
}
