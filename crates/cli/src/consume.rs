//! `alluvium consume`: records out, one a line.

use crate::{Bootstrap, CliError, Client, client::pause, offsets::TimeOrEnd, text::topic_name};
use bytes::Bytes;
use formats::record_batch;
use kafka_protocol::messages::{
    FetchRequest,
    fetch_request::{FetchPartition, FetchTopic},
};
use std::{collections::BTreeMap, io::Write};

const FETCH_VERSION: i16 = 11;
const WAIT_MS: i32 = 500;
const FETCH_BYTES: i32 = 16 << 20;
/// A batch that decompresses to more than this is refused.
const BATCH_LIMIT_BYTES: usize = 256 << 20;
const OFFSET_OUT_OF_RANGE: i16 = 1;

/// Writes a topic's records to standard output, one a line.
#[derive(Clone, Debug, clap::Args)]
pub struct ConsumeCommand {
    /// The topic
    pub topic: String,
    /// Where to begin: beginning, end, or an offset
    #[arg(long, default_value = "beginning", value_parser = parse_start)]
    pub from: Start,
    /// Stops at the end instead of waiting for more
    #[arg(short, long)]
    pub exit: bool,
    /// Stops after so many records
    #[arg(short = 'n', long)]
    pub max_records: Option<u64>,
    /// Reads this partition only
    #[arg(short, long)]
    pub partition: Option<i32>,
    /// Prints the key before the value, separated by this text
    #[arg(short, long)]
    pub key_separator: Option<String>,
}

/// Where to begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// At the first record there is.
    Beginning,
    /// After the last one.
    End,
    /// At this offset of every partition that is read.
    Offset(i64),
}

fn parse_start(text: &str) -> Result<Start, String> {
    match text {
        "beginning" => Ok(Start::Beginning),
        "end" => Ok(Start::End),
        _ => match text.parse() {
            Ok(offset) if offset >= 0 => Ok(Start::Offset(offset)),
            _ => Err("must be beginning, end or an offset".to_owned()),
        },
    }
}

/// A partition being read.
#[derive(Clone, Copy, Debug)]
struct Position {
    leader: i32,
    next: i64,
    /// Where to stop with `--exit`.
    end: i64,
}

impl ConsumeCommand {
    /// Runs until stopped, printing to `out`.
    ///
    /// # Errors
    /// As [`CliError`] says.
    pub async fn run(self, bootstrap: &Bootstrap, out: &mut dyn Write) -> Result<(), CliError> {
        let mut client = Client::connect(bootstrap).await?;
        let mut positions = self.positions(&mut client).await?;
        let mut left = self.max_records.unwrap_or(u64::MAX);
        while left > 0 && !positions.is_empty() {
            if self.exit {
                positions.retain(|_, position| position.next < position.end);
            }
            let leaders: Vec<i32> = positions.values().map(|position| position.leader).collect();
            for leader in leaders.into_iter().collect::<std::collections::BTreeSet<_>>() {
                let fetched = self.fetch(&mut client, leader, &positions).await;
                match fetched {
                    Ok(batches) => self.print(batches, &mut positions, &mut left, out)?,
                    Err(error) if error.retryable() => {
                        self.find_leaders(&mut client, &mut positions).await?;
                    }
                    Err(error) => return Err(error),
                }
            }
            out.flush()?;
        }
        Ok(())
    }

    async fn positions(&self, client: &mut Client) -> Result<BTreeMap<i32, Position>, CliError> {
        let mut leaders = client.leaders(&self.topic, false).await?;
        leaders.retain(|partition, _| self.partition.is_none_or(|wanted| wanted == *partition));
        let partitions = leaders.keys().copied();
        let ends = client.offsets_of(&self.topic, partitions.clone(), TimeOrEnd::End).await?;
        let next: Vec<i64> = match self.from {
            Start::Beginning => {
                let starts = client.offsets_of(&self.topic, partitions, TimeOrEnd::Start).await?;
                starts.into_values().collect()
            }
            Start::End => ends.values().copied().collect(),
            Start::Offset(offset) => vec![offset; ends.len()],
        };
        let ranges = next.into_iter().zip(ends.into_values());
        let leaders = leaders.into_iter().zip(ranges);
        let positions: BTreeMap<i32, Position> = leaders
            .map(|((partition, leader), (next, end))| (partition, Position { leader, next, end }))
            .collect();
        match self.partition {
            Some(partition) if positions.is_empty() => {
                Err(CliError::Usage(format!("{} has no partition {partition}", self.topic)))
            }
            _ => Ok(positions),
        }
    }

    async fn find_leaders(
        &self,
        client: &mut Client,
        positions: &mut BTreeMap<i32, Position>,
    ) -> Result<(), CliError> {
        pause().await;
        let leaders = client.leaders(&self.topic, false).await?;
        for (partition, position) in positions {
            position.leader = leaders.get(partition).copied().unwrap_or(position.leader);
        }
        Ok(())
    }

    async fn fetch(
        &self,
        client: &mut Client,
        leader: i32,
        positions: &BTreeMap<i32, Position>,
    ) -> Result<Vec<(i32, Bytes)>, CliError> {
        let here = positions.iter().filter(|(_, position)| position.leader == leader);
        let partitions = here.map(|(partition, position)| {
            FetchPartition::default()
                .with_partition(*partition)
                .with_current_leader_epoch(-1)
                .with_fetch_offset(position.next)
                .with_log_start_offset(-1)
                .with_partition_max_bytes(FETCH_BYTES)
        });
        let topic = FetchTopic::default()
            .with_topic(topic_name(&self.topic))
            .with_partitions(partitions.collect());
        let request = FetchRequest::default()
            .with_max_wait_ms(WAIT_MS)
            .with_min_bytes(1)
            .with_max_bytes(FETCH_BYTES)
            .with_session_epoch(-1)
            .with_topics(vec![topic]);
        let answer = client.call(leader, &request, FETCH_VERSION).await?;
        CliError::check(answer.error_code, format!("topic {}", self.topic), None)?;
        let mut batches = Vec::new();
        for data in answer.responses.into_iter().flat_map(|topic| topic.partitions) {
            let subject = format!("{}-{}", self.topic, data.partition_index);
            let hint = (data.error_code == OFFSET_OUT_OF_RANGE)
                .then(|| "see `alluvium topic describe` for the offsets there are".to_owned());
            CliError::check(data.error_code, subject, hint)?;
            batches.push((data.partition_index, data.records.unwrap_or_default()));
        }
        Ok(batches)
    }

    fn print(
        &self,
        fetched: Vec<(i32, Bytes)>,
        positions: &mut BTreeMap<i32, Position>,
        left: &mut u64,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        let malformed = |error: record_batch::BatchError| CliError::Malformed {
            address: self.topic.clone(),
            reason: error.to_string(),
        };
        for (partition, batches) in fetched {
            let Some(position) = positions.get_mut(&partition) else { continue };
            for batch in record_batch::batches(batches) {
                let (header, batch) = batch.map_err(malformed)?;
                let control = header.attributes.is_control();
                for record in record_batch::records(&batch, BATCH_LIMIT_BYTES).map_err(malformed)? {
                    let record = record.map_err(malformed)?;
                    if !control && record.offset >= position.next && *left > 0 {
                        self.print_record(&record, out)?;
                        *left -= 1;
                    }
                }
                position.next = position.next.max(header.next_offset());
            }
        }
        Ok(())
    }

    fn print_record(
        &self,
        record: &record_batch::Record,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        if let Some(separator) = &self.key_separator {
            out.write_all(record.key.as_deref().unwrap_or_default())?;
            out.write_all(separator.as_bytes())?;
        }
        out.write_all(record.value.as_deref().unwrap_or_default())?;
        out.write_all(b"\n")?;
        Ok(())
    }
}
