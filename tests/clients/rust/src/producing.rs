//! Records are written, alone and in transactions.

use crate::{Arguments, Outcome, lines};
use rdkafka::{
    ClientContext,
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer},
};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Counts what could not be delivered.
#[derive(Default)]
struct Failures(AtomicUsize);

impl ClientContext for Failures {}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub fn produce(arguments: &Arguments) -> Outcome {
    let settings = [
        ("enable.idempotence", "true"),
        ("compression.type", &arguments.compression),
        ("linger.ms", "50"),
    ];
    let producer: ThreadedProducer<Failures> =
        arguments.config(&settings).create_with_context(Failures::default())?;
    for line in lines::read(&arguments.file)? {
        let mut record = BaseRecord::<[u8], [u8]>::to(&arguments.topic).headers(line.headers);
        record.partition = arguments.partition;
        record.key = line.key.as_deref();
        record.payload = line.value.as_deref();
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.flush(PATIENCE)?;
    match producer.context().0.load(Ordering::Relaxed) {
        0 => Ok(()),
        failures => Err(format!("{failures} records were not delivered").into()),
    }
}

/// Writes three records in each transaction, and aborts every second one.
pub fn write(arguments: &Arguments) -> Outcome {
    let settings = [("transactional.id", arguments.id.as_str())];
    let producer: ThreadedProducer<Failures> =
        arguments.config(&settings).create_with_context(Failures::default())?;
    producer.init_transactions(PATIENCE)?;
    for number in 0..arguments.count {
        transaction(arguments, &producer, number)?;
    }
    Ok(())
}

fn transaction(
    arguments: &Arguments,
    producer: &ThreadedProducer<Failures>,
    number: usize,
) -> Result<(), KafkaError> {
    producer.begin_transaction()?;
    for record in 0..3 {
        let value = format!("{}-{number}-{record}", arguments.id);
        let record = BaseRecord::<(), _>::to(&arguments.topic)
            .payload(&value)
            .partition(record % arguments.partitions);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    if number.is_multiple_of(2) {
        producer.commit_transaction(PATIENCE)
    } else {
        producer.flush(PATIENCE)?;
        producer.abort_transaction(PATIENCE)
    }
}
