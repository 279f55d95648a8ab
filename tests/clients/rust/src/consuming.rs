//! Records are read, alone and as a member of a group.

use crate::{Arguments, Outcome, lines};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
};
use serde_json::json;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

pub fn consume(arguments: &Arguments) -> Outcome {
    let settings = [("group.id", "unused"), ("enable.auto.commit", "false")];
    let consumer: BaseConsumer = arguments.config(&settings).create()?;
    let mut assignment = TopicPartitionList::new();
    let partition = arguments.partition.unwrap_or_default();
    assignment.add_partition_offset(&arguments.topic, partition, Offset::Beginning)?;
    consumer.assign(&assignment)?;
    for _ in 0..arguments.count {
        let message = consumer.poll(Duration::from_secs(60)).ok_or("nothing for 60 s")??;
        println!("{}", lines::show(&message));
    }
    Ok(())
}

/// Prints and commits what it reads until standard input closes.
pub fn group(arguments: &Arguments) -> Outcome {
    let settings = [
        ("group.id", arguments.group.as_str()),
        ("enable.auto.commit", "false"),
        ("auto.offset.reset", "earliest"),
        ("session.timeout.ms", "10000"),
        ("heartbeat.interval.ms", "500"),
    ];
    let consumer: BaseConsumer = arguments.config(&settings).create()?;
    consumer.subscribe(&[&arguments.topic])?;
    let closed = until_input_closes();
    while !closed.load(Ordering::Relaxed) {
        let Some(message) = consumer.poll(Duration::from_millis(200)) else { continue };
        let message = message?;
        let value = String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned();
        println!("{}", json!([message.partition(), message.offset(), value]));
        consumer.commit_message(&message, CommitMode::Sync)?;
    }
    Ok(())
}

fn until_input_closes() -> Arc<AtomicBool> {
    let closed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&closed);
    thread::spawn(move || {
        // An error is an end too.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        seen.store(true, Ordering::Relaxed);
    });
    closed
}
