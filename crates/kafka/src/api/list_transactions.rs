//! `ListTransactions` (API key 66): the transactional ids that this broker coordinates. Sources: KIP-664, KIP-994, KIP-1152.

use super::{Api, Outcome, Versions};
use crate::{context::Context, error::Refusal};
use coordinator::transaction::TransactionalProducer;
use kafka_protocol::{
    ResponseError,
    messages::{
        ListTransactionsRequest, ListTransactionsResponse, TransactionalId,
        list_transactions_response::TransactionState,
    },
    protocol::StrBytes,
};
use model::TimestampMs;
use regex::Regex;
use security::acl::{Operation, ResourceType};

/// Kafka's names of states. `Dead` and `PrepareEpochFence` are passed through there, and known here by name only.
const STATES: [&str; 8] = [
    "Empty",
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "Dead",
    "PrepareEpochFence",
];

/// Handles versions 0 to 2.
pub(super) struct ListTransactions;

impl Api for ListTransactions {
    type Request = ListTransactionsRequest;
    type Response = ListTransactionsResponse;
    const VERSIONS: Versions = Versions::new(0, 2);

    async fn begin(
        context: Context,
        request: ListTransactionsRequest,
    ) -> Outcome<ListTransactionsResponse> {
        let transactions = context.broker().coordinator.transactions();
        let response = ListTransactionsResponse::default();
        let filter = match Filter::of(&request, transactions.now()) {
            Ok(filter) => filter,
            Err(refusal) => return Outcome::Ready(response.with_error_code(refusal.code())),
        };
        let (listed, loading) = transactions.collect(|id, known| {
            let is_seen =
                context.may_quietly(Operation::Describe, ResourceType::TransactionalId, id);
            if is_seen { filter.take(id, known) } else { None }
        });
        if loading {
            let code = ResponseError::CoordinatorLoadInProgress.code();
            return Outcome::Ready(response.with_error_code(code));
        }
        let is_unknown = |state: &StrBytes| !STATES.contains(&state.as_str());
        let unknown = request.state_filters.into_iter().filter(is_unknown).collect();
        Outcome::Ready(response.with_unknown_state_filters(unknown).with_transaction_states(listed))
    }
}

/// What is asked for.
struct Filter<'a> {
    states: &'a [StrBytes],
    producers: Vec<i64>,
    /// Ongoing since then or earlier.
    began_by: Option<TimestampMs>,
    pattern: Option<Regex>,
}

impl<'a> Filter<'a> {
    fn of(request: &'a ListTransactionsRequest, now: TimestampMs) -> Result<Self, Refusal> {
        let long = Some(request.duration_filter).filter(|duration| *duration >= 0);
        let pattern = request.transactional_id_pattern.as_ref().filter(|text| !text.is_empty());
        // A pattern names an id whole.
        let pattern = pattern.map(|text| Regex::new(&format!("^(?:{})$", text.as_str())));
        let invalid = |_| Refusal::from(ResponseError::InvalidRegularExpression);
        Ok(Self {
            states: &request.state_filters,
            producers: request.producer_id_filters.iter().map(|id| id.0).collect(),
            began_by: long.map(|duration| TimestampMs(now.0.saturating_sub(duration))),
            pattern: pattern.transpose().map_err(invalid)?,
        })
    }

    fn take(&self, id: &str, known: &TransactionalProducer) -> Option<TransactionState> {
        let state = known.state.name();
        let producer = known.producer.to_wire();
        let wanted = (self.states.is_empty() || self.states.iter().any(|it| it.as_str() == state))
            && (self.producers.is_empty() || self.producers.contains(&producer))
            && self.began_by.is_none_or(|time| known.started.is_some_and(|began| began < time))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(id));
        wanted.then(|| {
            TransactionState::default()
                .with_transactional_id(TransactionalId::from(StrBytes::from_string(id.to_owned())))
                .with_producer_id(producer.into())
                .with_transaction_state(StrBytes::from_static_str(state))
        })
    }
}
