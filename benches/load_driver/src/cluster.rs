//! [`Cluster`]: topics, their leaders and where their partitions begin and end.

use crate::{
    broker_error::BrokerError,
    connection::Connection,
    error::DriverError,
    wire::{Answer, Request},
};
use std::{collections::BTreeMap, thread, time::Duration};

const LIST_OFFSETS: (i16, i16) = (2, 2);
const METADATA: (i16, i16) = (3, 5);
const CREATE_TOPICS: (i16, i16) = (19, 2);
/// Attempts at what a moment may mend.
const ATTEMPTS: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(50);

/// The topic to make.
#[derive(Debug, clap::Args)]
pub(crate) struct NewTopic {
    /// Its name
    #[arg(long)]
    topic: String,
    /// How many partitions
    #[arg(long, default_value_t = 1)]
    partitions: i32,
    /// Configs, `key=value`
    #[arg(long = "config")]
    configs: Vec<String>,
}

/// Some of a topic's partitions that one broker leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Led {
    /// The broker's `host:port`.
    pub(crate) address: String,
    /// Partition indexes.
    pub(crate) partitions: Vec<i32>,
}

/// Which end of a partition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Earliest,
    Latest,
}

/// A cluster, asked anew each time.
#[derive(Debug)]
pub(crate) struct Cluster {
    bootstrap: String,
}

impl Cluster {
    pub(crate) fn at(bootstrap: &str) -> Self {
        Self { bootstrap: bootstrap.to_owned() }
    }

    /// The bootstrap broker's `host:port`.
    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Makes a topic, unless it exists, and waits until its leaders serve it.
    pub(crate) fn create_topic(&self, topic: &NewTopic) -> Result<(), DriverError> {
        let mut request = Request::new(CREATE_TOPICS.0, CREATE_TOPICS.1, 0);
        request.i32(1).text(&topic.topic).i32(topic.partitions).i16(1).i32(0);
        request.i32(topic.configs.len() as i32);
        for config in &topic.configs {
            let (key, value) =
                config.split_once('=').ok_or(DriverError::Usage("--config takes key=value"))?;
            request.text(key).text(value);
        }
        request.i32(60_000).i8(0);
        let mut connection = Connection::open(&self.bootstrap)?;
        let mut answer = Answer::new("CreateTopics", connection.call(request)?)?;
        answer.i32()?;
        for _ in 0..answer.count()? {
            answer.text()?;
            let code = BrokerError::from_wire(answer.i16()?);
            answer.text()?;
            if let Some(code) = code.filter(|code| !code.topic_exists()) {
                return Err(DriverError::Broker { what: "creating the topic".to_owned(), code });
            }
        }
        // A leader that Metadata names may refuse for another moment.
        for led in self.leaders(&topic.topic)? {
            Self::offsets(&topic.topic, &led, End::Latest)?;
        }
        Ok(())
    }

    /// Who leads which partitions of `topic`; waits until each has a leader.
    pub(crate) fn leaders(&self, topic: &str) -> Result<Vec<Led>, DriverError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.ask_leaders(topic)? {
                Ok(leaders) => return Ok(leaders),
                Err(code) if code.passes() && attempt < ATTEMPTS => thread::sleep(PAUSE),
                Err(code) => {
                    return Err(DriverError::Broker { what: format!("topic {topic}"), code });
                }
            }
        }
    }

    /// Who leads which partitions of `topic` as the bootstrap broker knows it now. Those without a leader are not in it.
    pub(crate) fn leaders_now(&self, topic: &str) -> Result<Vec<Led>, DriverError> {
        self.ask(topic).map(|(led, _)| led)
    }

    fn ask_leaders(&self, topic: &str) -> Result<Result<Vec<Led>, BrokerError>, DriverError> {
        let (led, failed) = self.ask(topic)?;
        Ok(failed.map_or(Ok(led), Err))
    }

    fn ask(&self, topic: &str) -> Result<(Vec<Led>, Option<BrokerError>), DriverError> {
        let mut request = Request::new(METADATA.0, METADATA.1, 0);
        request.i32(1).text(topic).i8(0);
        let mut connection = Connection::open(&self.bootstrap)?;
        let mut answer = Answer::new("Metadata", connection.call(request)?)?;
        answer.i32()?;
        let mut brokers = BTreeMap::new();
        for _ in 0..answer.count()? {
            let (id, host, port) = (answer.i32()?, answer.text()?, answer.i32()?);
            answer.text()?;
            brokers.insert(id, format!("{host}:{port}"));
        }
        answer.text()?;
        answer.i32()?;
        answer.count()?;
        read_topic(&mut answer, &brokers)
    }

    /// Where partitions of one leader begin or end, by partition; waits while a new leader is not ready.
    pub(crate) fn offsets(
        topic: &str,
        led: &Led,
        end: End,
    ) -> Result<BTreeMap<i32, i64>, DriverError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match ask_offsets(topic, led, end)? {
                Ok(offsets) => return Ok(offsets),
                Err(code) if code.passes() && attempt < ATTEMPTS => thread::sleep(PAUSE),
                Err(code) => {
                    return Err(DriverError::Broker { what: format!("offsets of {topic}"), code });
                }
            }
        }
    }
}

fn ask_offsets(
    topic: &str,
    led: &Led,
    end: End,
) -> Result<Result<BTreeMap<i32, i64>, BrokerError>, DriverError> {
    let timestamp = match end {
        End::Earliest => -2,
        End::Latest => -1,
    };
    let mut request = Request::new(LIST_OFFSETS.0, LIST_OFFSETS.1, 0);
    request.i32(-1).i8(0).i32(1).text(topic).i32(led.partitions.len() as i32);
    for partition in &led.partitions {
        request.i32(*partition).i64(timestamp);
    }
    let mut connection = Connection::open(&led.address)?;
    let mut answer = Answer::new("ListOffsets", connection.call(request)?)?;
    answer.i32()?;
    let mut offsets = BTreeMap::new();
    for _ in 0..answer.count()? {
        answer.text()?;
        for _ in 0..answer.count()? {
            let (partition, code) = (answer.i32()?, answer.i16()?);
            let (_, offset) = (answer.i64()?, answer.i64()?);
            if let Some(code) = BrokerError::from_wire(code) {
                return Ok(Err(code));
            }
            offsets.insert(partition, offset);
        }
    }
    Ok(Ok(offsets))
}

/// The one topic of a Metadata answer: partitions that have a leader, and an error of one that has none.
fn read_topic(
    answer: &mut Answer<'_>,
    brokers: &BTreeMap<i32, String>,
) -> Result<(Vec<Led>, Option<BrokerError>), DriverError> {
    let mut failed = BrokerError::from_wire(answer.i16()?);
    answer.text()?;
    answer.i8()?;
    let mut led: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for _ in 0..answer.count()? {
        let (code, partition, leader) = (answer.i16()?, answer.i32()?, answer.i32()?);
        for _replicas_isr_offline in 0..3 {
            for _ in 0..answer.count()? {
                answer.i32()?;
            }
        }
        match BrokerError::from_wire(code) {
            None => led.entry(leader).or_default().push(partition),
            code => failed = failed.or(code),
        }
    }
    let leaders = led.into_iter().map(|(leader, partitions)| {
        let address = brokers.get(&leader).ok_or(DriverError::Malformed("Metadata"))?;
        Ok(Led { address: address.clone(), partitions })
    });
    Ok((leaders.collect::<Result<_, DriverError>>()?, failed))
}
