//! Verification: before a transaction's first batch is appended, its coordinator's journal is asked whether the transaction
//! goes on there, or (from version 12 on) told that it does. Source: KIP-890.
//!
//! The connection's next request waits meanwhile: batches keep their order. Requests without a transactional id pass.

use super::{permission::Authorized, topic_ref};
use crate::{
    broker::TopicRef,
    context::Context,
    error::Refusal,
    transaction::{add_partitions, transactional_id},
};
use cluster::Image;
use coordinator::transaction::{ProducerInEpoch, TransactionError, TransactionalId};
use kafka_protocol::{ResponseError, messages::ProduceRequest};
use model::PartitionId;
use partition_log::{AppendOrigin, Partition, Verification};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// The first version whose batches add their partitions to the transaction.
const ADDS_PARTITIONS: i16 = 12;

/// The first version whose clients know `TRANSACTION_ABORTABLE`.
const KNOWS_ABORTABLE: i16 = 11;

/// Rounds of questions, and the pause between them.
const ROUNDS: usize = 6;
const PAUSE: Duration = Duration::from_millis(20);

/// A partition's place in the request: topic, then partition.
type Place = (usize, usize);

/// What was found out, where something had to be.
#[derive(Default)]
pub(super) struct Verified(HashMap<Place, Result<Verification, Refusal>>);

impl Verified {
    /// As what the batch at that place may be appended.
    pub(super) fn origin(&self, place: Place) -> Result<AppendOrigin, Refusal> {
        match self.0.get(&place) {
            None => Ok(AppendOrigin::Client),
            Some(verified) => verified.clone().map(AppendOrigin::Transaction),
        }
    }
}

/// A first batch.
struct Question {
    place: Place,
    partition: Partition,
    verification: Verification,
}

/// What one round of questions came to.
struct Round {
    verified: Verified,
    /// The producer's last transaction was not complete yet, or its marker overtook the answer: ask again.
    premature: bool,
}

/// Asks for all first batches of the request. A transaction that begins while its producer's last one is completed
/// waits a little: that saves the client a longer pause.
pub(super) async fn verify(
    context: &Context,
    image: &Image,
    request: &ProduceRequest,
    authorized: &Authorized,
) -> Verified {
    let Some(id) = &request.transactional_id else { return Verified::default() };
    for _ in 1..ROUNDS {
        let round = ask_all(context, image, id, (request, authorized)).await;
        if !round.premature {
            return round.verified;
        }
        tokio::time::sleep(PAUSE).await;
    }
    ask_all(context, image, id, (request, authorized)).await.verified
}

async fn ask_all(
    context: &Context,
    image: &Image,
    id: &str,
    asked: (&ProduceRequest, &Authorized),
) -> Round {
    let mut questions: BTreeMap<ProducerInEpoch, Vec<Question>> = BTreeMap::new();
    for question in questions_of(context, image, asked) {
        let verification = &question.verification;
        let (producer, epoch) = (verification.producer(), verification.epoch());
        questions.entry(ProducerInEpoch { producer, epoch }).or_default().push(question);
    }
    let mut round = Round { verified: Verified::default(), premature: false };
    for (producer, questions) in questions {
        let partitions: Vec<_> = questions.iter().map(|it| it.partition.id()).collect();
        let answers = match transactional_id(context, id) {
            Ok(id) => ask(context, id, producer, &partitions).await,
            Err(refusal) => partitions.iter().map(|_| Err(refusal.clone())).collect(),
        };
        for (question, answer) in questions.into_iter().zip(answers) {
            round.take(context.version(), question, answer);
        }
    }
    round
}

impl Round {
    fn take(&mut self, version: i16, question: Question, answer: Result<(), Refusal>) {
        let Question { place, partition, verification } = question;
        self.premature |= match &answer {
            Ok(()) => !partition.holds(&verification),
            Err(refusal) => refusal.error == ResponseError::ConcurrentTransactions,
        };
        let verification = match version >= ADDS_PARTITIONS {
            true => verification.beginning_at_zero(),
            false => verification,
        };
        self.verified.0.insert(place, answer.map(|()| verification));
    }
}

fn questions_of(
    context: &Context,
    image: &Image,
    (request, authorized): (&ProduceRequest, &Authorized),
) -> Vec<Question> {
    let mut questions = Vec::new();
    for (topic_at, topic) in request.topic_data.iter().enumerate() {
        if authorized.topic(topic_at).is_err() {
            continue;
        }
        let by_id = context.version() >= 13;
        let wanted: TopicRef<'_> = topic_ref(by_id, &topic.name, topic.topic_id);
        for (partition_at, data) in topic.partition_data.iter().enumerate() {
            // What can't be found or read is refused when it is appended.
            let found = context.broker().writable_partition(image, wanted, data.index);
            let (Ok(partition), Some(records)) = (found, &data.records) else { continue };
            if let Some(verification) = partition.question(records) {
                let place = (topic_at, partition_at);
                questions.push(Question { place, partition, verification });
            }
        }
    }
    questions
}

async fn ask(
    context: &Context,
    id: TransactionalId<'_>,
    producer: ProducerInEpoch,
    partitions: &[PartitionId],
) -> Vec<Result<(), Refusal>> {
    let version = context.version();
    let answers = if version >= ADDS_PARTITIONS {
        vec![add_partitions(context, id, producer, partitions).await; partitions.len()]
    } else {
        context.broker().coordinator.transactions().verify(id, producer, partitions).await
    };
    answers.into_iter().map(|answer| answer.map_err(|error| refusal(version, error))).collect()
}

/// What producers are told. Where the coordinator could not say, they try again without looking for another leader.
fn refusal(version: i16, error: TransactionError) -> Refusal {
    let code = match error {
        TransactionError::ProducerFenced => ResponseError::InvalidProducerEpoch,
        TransactionError::UnknownProducer => ResponseError::InvalidProducerIdMapping,
        TransactionError::Abortable if version >= KNOWS_ABORTABLE => {
            ResponseError::TransactionAbortable
        }
        TransactionError::ConcurrentTransactions if version >= ADDS_PARTITIONS => {
            ResponseError::ConcurrentTransactions
        }
        TransactionError::ConcurrentTransactions
        | TransactionError::Slot(_)
        | TransactionError::Journal(_)
        | TransactionError::Unavailable => ResponseError::NotEnoughReplicas,
        TransactionError::Abortable
        | TransactionError::InvalidState
        | TransactionError::InvalidRequest(_)
        | TransactionError::InvalidTimeout
        | TransactionError::TooManyPartitions => ResponseError::InvalidTxnState,
    };
    Refusal::new(code, error.to_string())
}
