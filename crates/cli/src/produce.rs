//! `alluvium produce`: lines in, one record each.

use crate::{
    Bootstrap, CliError, Client,
    client::{Leaders, pause},
    partitioner::partition_of_key,
    text::topic_name,
};
use bytes::Bytes;
use formats::{compression::Codec, record_batch::BatchBuilder};
use kafka_protocol::messages::{
    ProduceRequest,
    produce_request::{PartitionProduceData, TopicProduceData},
};
use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
};

const PRODUCE_VERSION: i16 = 9;
const TIMEOUT_MS: i32 = 30_000;
/// Lines sent together at most; input that comes slower is sent as it comes.
const BATCH_LINES: usize = 1_000;
/// Attempts at a write, 100 ms apart: longer than a lease, so that a dead leader has a successor by then.
const ATTEMPTS: u32 = 300;

/// Reads lines from standard input and writes each as a record.
#[derive(Clone, Debug, clap::Args)]
pub struct ProduceCommand {
    /// The topic; created when the broker allows it
    pub topic: String,
    /// Splits each line into key and value at this text
    #[arg(short, long)]
    pub key_separator: Option<String>,
    /// When a record counts as written: all, 1 (the broker's disk) or 0 (not waited for)
    #[arg(long, default_value = "all", value_parser = parse_acks)]
    pub acks: i16,
    /// Writes to this partition only
    #[arg(short, long)]
    pub partition: Option<i32>,
}

fn parse_acks(text: &str) -> Result<i16, String> {
    match text {
        "all" | "-1" => Ok(-1),
        "1" => Ok(1),
        "0" => Ok(0),
        _ => Err("must be all, 1 or 0".to_owned()),
    }
}

type Line = (Option<Bytes>, Bytes);

impl ProduceCommand {
    /// Runs until `input` ends; says on `log` how many records were written.
    ///
    /// # Errors
    /// As [`CliError`] says.
    pub async fn run(
        self,
        bootstrap: &Bootstrap,
        input: &mut dyn BufRead,
        log: &mut dyn Write,
    ) -> Result<(), CliError> {
        let mut client = Client::connect(bootstrap).await?;
        let mut leaders = client.leaders(&self.topic, true).await?;
        let mut written: u64 = 0;
        loop {
            let lines = self.read_lines(input)?;
            if lines.is_empty() {
                break;
            }
            let start = written;
            written += lines.len() as u64;
            for (partition, lines) in self.by_partition(lines, &leaders, start)? {
                self.write(&mut client, &mut leaders, partition, &lines).await?;
            }
        }
        writeln!(log, "{written} records written to {}", self.topic)?;
        Ok(())
    }

    /// The lines that are there, at least one unless the input ended.
    fn read_lines(&self, input: &mut dyn BufRead) -> Result<Vec<Line>, CliError> {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            if input.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            lines.push(self.key_and_value(line));
            let more_at_hand = input.fill_buf().is_ok_and(|buffer| buffer.contains(&b'\n'));
            if lines.len() >= BATCH_LINES || !more_at_hand {
                break;
            }
        }
        Ok(lines)
    }

    fn key_and_value(&self, line: Vec<u8>) -> Line {
        let line = Bytes::from(line);
        let separator = self.key_separator.as_deref().unwrap_or_default().as_bytes();
        let at = (!separator.is_empty())
            .then(|| line.windows(separator.len()).position(|window| window == separator))
            .flatten();
        match at {
            Some(at) => (Some(line.slice(..at)), line.slice(at + separator.len()..)),
            None => (None, line),
        }
    }

    fn by_partition(
        &self,
        lines: Vec<Line>,
        leaders: &Leaders,
        start: u64,
    ) -> Result<BTreeMap<i32, Vec<Line>>, CliError> {
        if let Some(partition) = self.partition {
            if !leaders.contains_key(&partition) {
                return Err(CliError::Usage(format!(
                    "{} has no partition {partition}",
                    self.topic
                )));
            }
            return Ok(BTreeMap::from([(partition, lines)]));
        }
        let count = leaders.len().max(1) as u32;
        // Lines without a key of one batch go together, batch after batch to the next partition.
        let keyless = (start / BATCH_LINES as u64 % u64::from(count)) as u32;
        let mut grouped: BTreeMap<i32, Vec<Line>> = BTreeMap::new();
        for line in lines {
            let partition = line.0.as_ref().map_or(keyless, |key| partition_of_key(key, count));
            grouped.entry(partition as i32).or_default().push(line);
        }
        Ok(grouped)
    }

    async fn write(
        &self,
        client: &mut Client,
        leaders: &mut Leaders,
        partition: i32,
        lines: &[Line],
    ) -> Result<(), CliError> {
        let now = runtime::Clock::system().unix_ms();
        let mut batch = BatchBuilder::new(Codec::None);
        for (key, value) in lines {
            batch.push(now, key.as_deref(), Some(value), &[]);
        }
        let data =
            PartitionProduceData::default().with_index(partition).with_records(Some(batch.build()));
        let topic = TopicProduceData::default()
            .with_name(topic_name(&self.topic))
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(self.acks)
            .with_timeout_ms(TIMEOUT_MS)
            .with_topic_data(vec![topic]);
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.send(client, leaders, partition, &request).await {
                Err(error) if error.retryable() && attempt < ATTEMPTS => {
                    pause().await;
                    match client.leaders(&self.topic, false).await {
                        Ok(found) => *leaders = found,
                        Err(error) if error.retryable() => {}
                        Err(error) => return Err(error),
                    }
                }
                result => return result,
            }
        }
    }

    async fn send(
        &self,
        client: &mut Client,
        leaders: &Leaders,
        partition: i32,
        request: &ProduceRequest,
    ) -> Result<(), CliError> {
        let leader = leaders.get(&partition).copied().unwrap_or(-1);
        if self.acks == 0 {
            return client.send(leader, request, PRODUCE_VERSION).await;
        }
        let answer = client.call(leader, request, PRODUCE_VERSION).await?;
        for answer in answer.responses.into_iter().flat_map(|topic| topic.partition_responses) {
            let message = answer.error_message.map(|text| text.to_string());
            CliError::check(answer.error_code, format!("{}-{partition}", self.topic), message)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(key_separator: Option<&str>) -> ProduceCommand {
        ProduceCommand {
            topic: "t".to_owned(),
            key_separator: key_separator.map(str::to_owned),
            acks: -1,
            partition: None,
        }
    }

    #[test]
    fn a_line_splits_at_the_first_separator() {
        let (key, value) = command(Some("::")).key_and_value(b"a::b::c".to_vec());
        assert_eq!((key.unwrap().as_ref(), value.as_ref()), (&b"a"[..], &b"b::c"[..]));
        assert_eq!(command(None).key_and_value(b"a::b".to_vec()).0, None);
    }

    #[test]
    fn empty_lines_are_empty_records_and_the_last_line_needs_no_end() {
        let mut input: &[u8] = b"\nx\ny";
        let command = command(None);
        let mut values = Vec::new();
        loop {
            let lines = command.read_lines(&mut input).unwrap();
            if lines.is_empty() {
                break;
            }
            values.extend(lines.into_iter().map(|line| line.1));
        }
        assert_eq!(values, ["", "x", "y"].map(Bytes::from));
    }
}
