//! Schemas: records of topics that ask for one (`confluent.*.schema.validation`) begin with the id of one that is registered.
//!
//! Only ids are compared, as Confluent's brokers do: whether the bytes behind one are what its schema says is not looked at. An id that
//! is not known here may have been registered at another broker a moment ago, so the registry is read to its end before it is refused.

use super::{Rejected, permission::Authorized, topic_ref};
use crate::{
    broker::{Broker, find_topic},
    context::Context,
    error::Refusal,
    schemas::Schemas,
};
use bytes::Bytes;
use cluster::Image;
use formats::record_batch::{BatchHeader, Record, records, verify_crc};
use kafka_protocol::{ResponseError, messages::ProduceRequest};
use model::config::{SchemaRules, SubjectNaming, TopicSettings};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// A read that was under way when an id was not found may miss it; the next one doesn't.
const LOOKS: usize = 2;

/// How long the request waits for them together.
const PATIENCE: Duration = Duration::from_secs(3);

/// The first byte of what a serializer of Confluent's writes; the id follows in four bytes.
const MAGIC: u8 = 0;

/// What was found out: the batches that must not be appended, by topic and partition.
#[derive(Default)]
pub(super) struct Checked(HashMap<(usize, usize), Rejected>);

impl Checked {
    /// Whether the batch at that place (topic, then partition) may be appended.
    pub(super) fn at(&self, place: (usize, usize)) -> Result<(), Rejected> {
        self.0.get(&place).map_or(Ok(()), |rejected| Err(rejected.clone()))
    }
}

/// An id that a batch's records name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    part: Part,
    id: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Key,
    Value,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }
}

/// A batch with the ids that its records name, and the first record that names each.
struct Question<'a> {
    place: (usize, usize),
    topic: &'a str,
    rules: SchemaRules,
    wanted: BTreeMap<Wanted, u32>,
}

/// Looks for the schemas of every record of the request that must have one.
pub(super) async fn check(
    context: &Context,
    image: &Image,
    request: &ProduceRequest,
    authorized: &Authorized,
) -> Checked {
    let broker = context.broker();
    let Some(schemas) = broker.schemas.as_deref() else { return Checked::default() };
    let mut checked = Checked::default();
    let mut questions =
        questions(broker, image, (request, context.version()), authorized, &mut checked);
    if questions.is_empty() {
        return checked;
    }
    let looking = async {
        for _ in 0..LOOKS {
            for question in &mut questions {
                question.strike_known(schemas);
            }
            if questions.iter().all(|question| question.wanted.is_empty()) {
                return;
            }
            schemas.look_again().await;
        }
    };
    // What is not found in time is told from what is not there by a last look.
    let _ = tokio::time::timeout(PATIENCE, looking).await;
    for mut question in questions {
        question.strike_known(schemas);
        if let Some(rejected) = question.verdict(schemas) {
            checked.0.insert(question.place, rejected);
        }
    }
    checked
}

fn questions<'a>(
    broker: &Broker,
    image: &'a Image,
    (request, version): (&'a ProduceRequest, i16),
    authorized: &Authorized,
    checked: &mut Checked,
) -> Vec<Question<'a>> {
    let mut questions = Vec::new();
    for (topic_at, topic) in request.topic_data.iter().enumerate() {
        let wanted = topic_ref(version >= 13, &topic.name, topic.topic_id);
        let Ok(info) = find_topic(image, wanted) else { continue };
        if !info.settings.schemas.any() || authorized.topic(topic_at).is_err() {
            continue;
        }
        for (partition_at, partition) in topic.partition_data.iter().enumerate() {
            let place = (topic_at, partition_at);
            // What can't be appended anyway is refused for that.
            let here = Broker::writable_id(image, wanted, partition.index);
            let Some(batch) =
                partition.records.as_ref().filter(|_| here.is_ok_and(|id| broker.open(id).is_ok()))
            else {
                continue;
            };
            match ids(batch, &info.settings) {
                Ok(wanted) => questions.push(Question {
                    place,
                    topic: info.name.as_str(),
                    rules: info.settings.schemas,
                    wanted,
                }),
                Err(rejected) => drop(checked.0.insert(place, rejected)),
            }
        }
    }
    questions
}

/// The ids that a batch's records name. A batch that is damaged names none: appending it says what is wrong.
fn ids(batch: &Bytes, settings: &TopicSettings) -> Result<BTreeMap<Wanted, u32>, Rejected> {
    let mut wanted = BTreeMap::new();
    let header = BatchHeader::parse(batch);
    if header.is_err() || verify_crc(batch).is_err() {
        return Ok(wanted);
    }
    let unread =
        |error: formats::record_batch::BatchError| Rejected::from(invalid(&error.to_string()));
    let found = records(batch, settings.records_limit_bytes()).map_err(unread)?;
    for (position, record) in (0_u32..).zip(found) {
        let record = record.map_err(unread)?;
        for (part, bytes) in asked(&record, settings.schemas) {
            let id = id_of(bytes).ok_or_else(|| without(part, position))?;
            wanted.entry(Wanted { part, id }).or_insert(position);
        }
    }
    Ok(wanted)
}

/// The parts of a record that must have a schema. What is null, as the value of a tombstone, needs none.
fn asked(record: &Record, rules: SchemaRules) -> impl Iterator<Item = (Part, &Bytes)> {
    let key = record.key.as_ref().filter(|_| rules.key.is_some()).map(|key| (Part::Key, key));
    let value =
        record.value.as_ref().filter(|_| rules.value.is_some()).map(|value| (Part::Value, value));
    key.into_iter().chain(value)
}

/// The id that serialized bytes begin with.
fn id_of(bytes: &Bytes) -> Option<u32> {
    match bytes.first_chunk::<5>()? {
        [MAGIC, id @ ..] => Some(u32::from_be_bytes(*id)),
        _ => None,
    }
}

impl Question<'_> {
    fn naming(&self, part: Part) -> SubjectNaming {
        let naming = match part {
            Part::Key => self.rules.key,
            Part::Value => self.rules.value,
        };
        naming.unwrap_or(SubjectNaming::Topic)
    }

    fn has(&self, schemas: &dyn Schemas, wanted: Wanted) -> Option<bool> {
        schemas.has(wanted.id, self.topic, wanted.part.name(), self.naming(wanted.part))
    }

    fn strike_known(&mut self, schemas: &dyn Schemas) {
        let unknown = std::mem::take(&mut self.wanted);
        let unknown = unknown.into_iter().filter(|(it, _)| self.has(schemas, *it) != Some(true));
        self.wanted = unknown.collect();
    }

    /// What is wrong with the first record whose schema was not found.
    fn verdict(&self, schemas: &dyn Schemas) -> Option<Rejected> {
        let (wanted, position) = self.wanted.iter().min_by_key(|(_, position)| **position)?;
        let (part, id, topic) = (wanted.part.name(), wanted.id, self.topic);
        Some(match self.has(schemas, *wanted) {
            // The producer tries again.
            None => {
                let reason = "the schema registry still reads _schemas";
                Refusal::new(ResponseError::RequestTimedOut, reason).into()
            }
            Some(_) => Rejected {
                record: Some(*position),
                ..invalid(&format!(
                    "the {part} has schema id {id}, which is not registered for topic {topic} (confluent.{part}.schema.validation)"
                ))
                .into()
            },
        })
    }
}

fn without(part: Part, position: u32) -> Rejected {
    let part = part.name();
    let reason = format!(
        "the {part} has no schema id, and the topic's confluent.{part}.schema.validation asks for one: use a serializer of the schema registry"
    );
    Rejected { record: Some(position), ..invalid(&reason).into() }
}

fn invalid(reason: &str) -> Refusal {
    Refusal::new(ResponseError::InvalidRecord, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::{compression::Codec, record_batch::BatchBuilder};
    use std::collections::BTreeMap as Map;

    fn settings() -> TopicSettings {
        let own = [("confluent.value.schema.validation", "true")];
        let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
        TopicSettings::resolve(&Map::from(own), &Map::new())
    }

    fn batch(values: &[Option<&[u8]>]) -> Bytes {
        let mut batch = BatchBuilder::new(Codec::Zstd);
        for value in values {
            batch.push(0, Some(b"k"), *value, &[]);
        }
        batch.build()
    }

    #[test]
    fn ids_are_found_with_the_first_record_that_names_them() {
        let batch = batch(&[
            Some(&[0, 0, 0, 1, 2, 9]),
            None,
            Some(&[0, 0, 0, 0, 7]),
            Some(&[0, 0, 0, 1, 2]),
        ]);
        let found = ids(&batch, &settings()).expect("ids");
        let found: Vec<_> = found.into_iter().map(|(wanted, at)| (wanted.id, at)).collect();
        assert_eq!(found, [(7, 2), (258, 0)]);
    }

    #[test]
    fn a_value_without_an_id_is_to_blame() {
        for value in [&b"{}"[..], b"", &[0, 0, 0, 0], &[1, 0, 0, 0, 1, 2]] {
            let rejected = ids(&batch(&[None, Some(value)]), &settings()).err().expect("refused");
            assert_eq!(rejected.record, Some(1), "{value:?}");
            assert_eq!(rejected.refusal.error, ResponseError::InvalidRecord);
        }
    }

    #[test]
    fn a_damaged_batch_is_left_to_append() {
        let mut damaged = batch(&[Some(b"x")]).to_vec();
        *damaged.last_mut().expect("bytes") ^= 1;
        assert!(ids(&Bytes::from(damaged), &settings()).is_ok_and(|ids| ids.is_empty()));
    }
}
