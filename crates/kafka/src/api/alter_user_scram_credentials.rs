//! `AlterUserScramCredentials` (API key 51): makes, changes and removes users that log in with SCRAM. Source: KIP-554.
//!
//! A user of whom one change can't be made is not changed at all. The password itself never comes: clients salt it.

use super::{Api, Outcome, Versions, describe_user_scram_credentials::hash_of};
use crate::{broker::Broker, context::Context, error::Refusal};
use cluster::ScramChange;
use kafka_protocol::{
    ResponseError,
    messages::{
        AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
        alter_user_scram_credentials_request::{ScramCredentialDeletion, ScramCredentialUpsertion},
        alter_user_scram_credentials_response::AlterUserScramCredentialsResult,
    },
    protocol::StrBytes,
};
use security::acl::Operation;
use security::sasl::{MAX_ITERATIONS, MIN_ITERATIONS, SaltedPassword, ScramCredential, ScramHash};
use std::collections::{BTreeMap, BTreeSet};

/// Handles version 0.
pub(super) struct AlterUserScramCredentials;

type Changes = BTreeMap<String, Result<Vec<ScramChange>, Refusal>>;

impl Api for AlterUserScramCredentials {
    type Request = AlterUserScramCredentialsRequest;
    type Response = AlterUserScramCredentialsResponse;
    const VERSIONS: Versions = Versions::new(0, 0);

    async fn begin(
        context: Context,
        request: AlterUserScramCredentialsRequest,
    ) -> Outcome<AlterUserScramCredentialsResponse> {
        let changes = changes(&context, &request);
        Outcome::later(async move {
            let mut results = Vec::new();
            for (user, changes) in changes {
                let made = match changes {
                    Ok(changes) => make(context.broker(), changes).await,
                    Err(refusal) => Err(refusal),
                };
                results.push(result(user, made));
            }
            AlterUserScramCredentialsResponse::default().with_results(results)
        })
    }
}

/// What to do for each user.
fn changes(context: &Context, request: &AlterUserScramCredentialsRequest) -> Changes {
    let mut changes = Changes::new();
    let mut seen = BTreeSet::new();
    let denied = context.authorize_users(Operation::Alter).err();
    let mut add = |name: &StrBytes, mechanism: i8, change: Result<ScramChange, Refusal>| {
        let user = changes.entry(name.to_string()).or_insert_with(|| Ok(Vec::new()));
        let change = match (&denied, change) {
            (Some(refusal), _) => Err(refusal.clone()),
            (None, _) if !seen.insert((name.to_string(), mechanism)) => {
                Err(Refusal::new(ResponseError::DuplicateResource, "changed twice"))
            }
            (None, change) => change,
        };
        match (user.as_mut(), change) {
            (Ok(user), Ok(change)) => user.push(change),
            (Ok(_), Err(refusal)) => *user = Err(refusal),
            (Err(_), _) => {}
        }
    };
    for it in &request.deletions {
        add(&it.name, it.mechanism, deletion(context.broker(), it));
    }
    for it in &request.upsertions {
        add(&it.name, it.mechanism, upsertion(it));
    }
    changes
}

fn deletion(broker: &Broker, asked: &ScramCredentialDeletion) -> Result<ScramChange, Refusal> {
    let hash = known(&asked.name, asked.mechanism)?;
    if broker.cluster.scram_credential(hash, &asked.name).is_none() {
        let message = "Attempt to delete a user credential that does not exist";
        return Err(Refusal::new(ResponseError::ResourceNotFound, message));
    }
    Ok(ScramChange::Delete(hash, asked.name.to_string()))
}

fn upsertion(asked: &ScramCredentialUpsertion) -> Result<ScramChange, Refusal> {
    let hash = known(&asked.name, asked.mechanism)?;
    let unacceptable = |text: &str| Refusal::new(ResponseError::UnacceptableCredential, text);
    let iterations = u32::try_from(asked.iterations).unwrap_or_default();
    if iterations < MIN_ITERATIONS {
        return Err(unacceptable("Too few iterations"));
    }
    if iterations > MAX_ITERATIONS {
        return Err(unacceptable("Too many iterations"));
    }
    if asked.salt.is_empty() || asked.salt.len() > 1024 {
        return Err(unacceptable("a salt has 1 to 1024 bytes"));
    }
    let salted = SaltedPassword::from_bytes(hash, &asked.salted_password);
    let salted = salted.ok_or_else(|| unacceptable("a salted password of another length"))?;
    let credential = ScramCredential::new(&salted, asked.salt.to_vec(), iterations);
    Ok(ScramChange::Put(hash, asked.name.to_string(), credential))
}

fn known(name: &str, mechanism: i8) -> Result<ScramHash, Refusal> {
    if name.is_empty() {
        let message = "Username must not be empty";
        return Err(Refusal::new(ResponseError::UnacceptableCredential, message));
    }
    hash_of(mechanism).ok_or_else(|| {
        Refusal::new(ResponseError::UnsupportedSaslMechanism, "Unknown SCRAM mechanism")
    })
}

async fn make(broker: &Broker, changes: Vec<ScramChange>) -> Result<(), Refusal> {
    for change in changes {
        broker.cluster.change_scram(change).await?;
    }
    Ok(())
}

fn result(user: String, made: Result<(), Refusal>) -> AlterUserScramCredentialsResult {
    let result = AlterUserScramCredentialsResult::default()
        .with_user(StrBytes::from_string(user))
        .with_error_message(None);
    match made {
        Ok(()) => result,
        Err(refusal) => {
            result.with_error_code(refusal.code()).with_error_message(refusal.wire_message())
        }
    }
}
