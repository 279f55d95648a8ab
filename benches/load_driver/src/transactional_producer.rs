//! [`TransactionalProducer`]: one transactional id on a connection of its own, a request at a time.
//!
//! By the rules of `transaction.version` 1, which every broker serves: partitions are added by a request, the epoch stays.

use crate::{
    broker_error::BrokerError,
    connection::Connection,
    error::DriverError,
    wire::{Answer, Request},
};
use bytes::Bytes;
use formats::{compression::Codec, record_batch::BatchBuilder};
use std::{io::IoSlice, thread, time::Duration};

const PRODUCE: (i16, i16) = (0, 7);
const FIND_COORDINATOR: (i16, i16) = (10, 1);
const INIT_PRODUCER_ID: (i16, i16) = (22, 1);
const ADD_PARTITIONS_TO_TXN: (i16, i16) = (24, 1);
const END_TXN: (i16, i16) = (26, 1);
const OF_TRANSACTIONS: i8 = 1;
const TIMEOUT_MS: i32 = 60_000;
/// Attempts at what a moment may mend, and the pause between them: that of Kafka's producer after `CONCURRENT_TRANSACTIONS`.
const ATTEMPTS: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(20);

/// A producer with a transactional id.
#[derive(Debug)]
pub(crate) struct TransactionalProducer {
    connection: Connection,
    transactional_id: String,
    producer_id: i64,
    epoch: i16,
    /// The next sequence number, by partition: every partition of a transaction gets as many records.
    sequence: i32,
}

/// What each partition of a transaction gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    pub(crate) records: usize,
    pub(crate) record_bytes: usize,
    /// When the records say they were made.
    pub(crate) unix_ms: i64,
}

impl TransactionalProducer {
    /// Takes the id, as soon as it has a coordinator.
    pub(crate) fn open(address: &str, transactional_id: &str) -> Result<Self, DriverError> {
        let mut connection = Connection::open(address)?;
        until_accepted("finding a coordinator", || {
            let mut request = Request::new(FIND_COORDINATOR.0, FIND_COORDINATOR.1, 0);
            request.text(transactional_id).i8(OF_TRANSACTIONS);
            let mut answer = Answer::new("FindCoordinator", connection.call(request)?)?;
            answer.i32()?;
            Ok((answer.i16()?, ()))
        })?;
        let (producer_id, epoch) = take(&mut connection, transactional_id)?;
        let transactional_id = transactional_id.to_owned();
        Ok(Self { connection, transactional_id, producer_id, epoch, sequence: 0 })
    }

    /// Takes another id on the same connection: nothing is left of the one before but what the broker keeps.
    pub(crate) fn take_another(&mut self, transactional_id: &str) -> Result<(), DriverError> {
        let (producer_id, epoch) = take(&mut self.connection, transactional_id)?;
        transactional_id.clone_into(&mut self.transactional_id);
        (self.producer_id, self.epoch, self.sequence) = (producer_id, epoch, 0);
        Ok(())
    }

    /// Begins a transaction on these partitions. Answers how often it had to come back: the one before was not complete.
    pub(crate) fn begin(&mut self, topic: &str, partitions: &[i32]) -> Result<u32, DriverError> {
        let Self { connection, transactional_id, producer_id, epoch, .. } = self;
        until_accepted("adding partitions to a transaction", || {
            let mut request = Request::new(ADD_PARTITIONS_TO_TXN.0, ADD_PARTITIONS_TO_TXN.1, 0);
            request.text(transactional_id).i64(*producer_id).i16(*epoch);
            request.i32(1).text(topic).i32(partitions.len() as i32);
            for partition in partitions {
                request.i32(*partition);
            }
            let mut answer = Answer::new("AddPartitionsToTxn", connection.call(request)?)?;
            answer.i32()?;
            let mut refused = 0;
            for _ in 0..answer.count()? {
                answer.text()?;
                for _ in 0..answer.count()? {
                    answer.i32()?;
                    refused = answer.i16()?.max(refused);
                }
            }
            Ok((refused, ()))
        })
        .map(|(attempts, ())| attempts)
    }

    /// Writes a batch to each of these partitions, acks=all.
    pub(crate) fn write(
        &mut self,
        topic: &str,
        partitions: &[i32],
        content: Content,
    ) -> Result<(), DriverError> {
        let batch = self.batch(content);
        let mut request = Request::new(PRODUCE.0, PRODUCE.1, 0);
        request.text(&self.transactional_id).i16(-1).i32(TIMEOUT_MS);
        request.i32(1).text(topic).i32(partitions.len() as i32);
        for partition in partitions {
            request.i32(*partition).bytes(&batch);
        }
        self.connection.send(&mut [IoSlice::new(&request.finish(0))])?;
        let mut answer = Answer::new("Produce", self.connection.receive()?)?;
        for _ in 0..answer.count()? {
            answer.text()?;
            for _ in 0..answer.count()? {
                let (_, code) = (answer.i32()?, answer.i16()?);
                let (_, _, _) = (answer.i64()?, answer.i64()?, answer.i64()?);
                if let Some(code) = BrokerError::from_wire(code) {
                    return Err(DriverError::Broker {
                        what: "a transactional batch".to_owned(),
                        code,
                    });
                }
            }
        }
        self.sequence += content.records as i32;
        Ok(())
    }

    fn batch(&self, content: Content) -> Bytes {
        let mut builder = BatchBuilder::new(Codec::None)
            .producer(self.producer_id, self.epoch, self.sequence)
            .transactional();
        let value = vec![b'v'; content.record_bytes];
        for _ in 0..content.records {
            builder.push(content.unix_ms, None, Some(&value), &[]);
        }
        builder.build()
    }

    /// Commits the transaction.
    pub(crate) fn commit(&mut self) -> Result<(), DriverError> {
        let Self { connection, transactional_id, producer_id, epoch, .. } = self;
        until_accepted("committing a transaction", || {
            let mut request = Request::new(END_TXN.0, END_TXN.1, 0);
            request.text(transactional_id).i64(*producer_id).i16(*epoch).i8(1);
            let mut answer = Answer::new("EndTxn", connection.call(request)?)?;
            answer.i32()?;
            Ok((answer.i16()?, ()))
        })
        .map(drop)
    }
}

fn take(connection: &mut Connection, id: &str) -> Result<(i64, i16), DriverError> {
    let taken = until_accepted("taking a transactional id", || {
        let mut request = Request::new(INIT_PRODUCER_ID.0, INIT_PRODUCER_ID.1, 0);
        request.text(id).i32(TIMEOUT_MS);
        let mut answer = Answer::new("InitProducerId", connection.call(request)?)?;
        answer.i32()?;
        Ok((answer.i16()?, (answer.i64()?, answer.i16()?)))
    })?;
    Ok(taken.1)
}

/// Asks until the answer is no "come back"; answers how often it was one.
fn until_accepted<T>(
    what: &str,
    mut ask: impl FnMut() -> Result<(i16, T), DriverError>,
) -> Result<(u32, T), DriverError> {
    let mut came_back = 0;
    loop {
        let (code, answer) = ask()?;
        match BrokerError::from_wire(code) {
            None => return Ok((came_back, answer)),
            Some(code) if code.coordinator_is_busy() && came_back < ATTEMPTS => {
                came_back += 1;
                thread::sleep(PAUSE);
            }
            Some(code) => return Err(DriverError::Broker { what: what.to_owned(), code }),
        }
    }
}
