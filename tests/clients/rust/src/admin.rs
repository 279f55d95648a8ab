//! Topics are made and deleted.

use crate::{Arguments, Outcome};
use futures_executor::block_on;
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    metadata::Metadata,
};
use std::time::Duration;

pub fn create(arguments: &Arguments) -> Outcome {
    let topic = NewTopic::new(&arguments.topic, arguments.partitions, TopicReplication::Fixed(1));
    let created = block_on(admin(arguments)?.create_topics([&topic], &AdminOptions::new()))?;
    for result in created {
        result.map_err(|(topic, code)| format!("{topic}: {code}"))?;
    }
    let described = metadata(arguments, Some(&arguments.topic))?;
    println!("{}", described.topics().iter().map(|it| it.partitions().len()).sum::<usize>());
    Ok(())
}

pub fn delete(arguments: &Arguments) -> Outcome {
    let deleted =
        block_on(admin(arguments)?.delete_topics(&[&arguments.topic], &AdminOptions::new()))?;
    for result in deleted {
        result.map_err(|(topic, code)| format!("{topic}: {code}"))?;
    }
    let listed = metadata(arguments, None)?;
    println!("{}", listed.topics().iter().any(|it| it.name() == arguments.topic));
    Ok(())
}

fn admin(arguments: &Arguments) -> rdkafka::error::KafkaResult<AdminClient<DefaultClientContext>> {
    arguments.config(&[]).create()
}

fn metadata(arguments: &Arguments, topic: Option<&str>) -> rdkafka::error::KafkaResult<Metadata> {
    let consumer: BaseConsumer = arguments.config(&[]).create()?;
    consumer.fetch_metadata(topic, Duration::from_secs(10))
}
