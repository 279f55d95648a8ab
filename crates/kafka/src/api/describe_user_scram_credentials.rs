//! `DescribeUserScramCredentials` (API key 50): which users can log in with SCRAM, and by which mechanisms. Source: KIP-554.

use super::{Api, Outcome, Versions};
use crate::context::Context;
use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
        describe_user_scram_credentials_response::{
            CredentialInfo, DescribeUserScramCredentialsResult,
        },
    },
    protocol::StrBytes,
};
use security::acl::Operation;
use security::sasl::ScramHash;
use std::collections::{BTreeMap, BTreeSet};

/// Handles version 0.
pub(super) struct DescribeUserScramCredentials;

impl Api for DescribeUserScramCredentials {
    type Request = DescribeUserScramCredentialsRequest;
    type Response = DescribeUserScramCredentialsResponse;
    const VERSIONS: Versions = Versions::new(0, 0);

    async fn begin(
        context: Context,
        request: DescribeUserScramCredentialsRequest,
    ) -> Outcome<DescribeUserScramCredentialsResponse> {
        let response = DescribeUserScramCredentialsResponse::default().with_error_message(None);
        if let Err(refusal) = context.authorize_users(Operation::Describe) {
            return Outcome::Ready(response.with_error_code(refusal.code()));
        }
        let mut users: BTreeMap<String, Vec<CredentialInfo>> = BTreeMap::new();
        for (user, hash, iterations) in context.broker().cluster.scram_users() {
            let info = CredentialInfo::default()
                .with_mechanism(number_of(hash))
                .with_iterations(iterations as i32);
            users.entry(user).or_default().push(info);
        }
        let asked = request.users.unwrap_or_default();
        let asked: Vec<String> = asked.iter().map(|user| user.name.to_string()).collect();
        let results = match asked.is_empty() {
            true => users.into_iter().map(|(user, infos)| described(user, infos)).collect(),
            false => find(&asked, &users),
        };
        Outcome::Ready(response.with_results(results))
    }
}

fn find(
    asked: &[String],
    users: &BTreeMap<String, Vec<CredentialInfo>>,
) -> Vec<DescribeUserScramCredentialsResult> {
    let names: BTreeSet<&String> = asked.iter().collect();
    let results = names.into_iter().map(|name| {
        let times = asked.iter().filter(|other| *other == name).count();
        match users.get(name) {
            _ if times > 1 => refused(name, ResponseError::DuplicateResource, "named twice"),
            Some(infos) => described(name.clone(), infos.clone()),
            None => refused(name, ResponseError::ResourceNotFound, "there is no such user"),
        }
    });
    results.collect()
}

fn described(user: String, infos: Vec<CredentialInfo>) -> DescribeUserScramCredentialsResult {
    DescribeUserScramCredentialsResult::default()
        .with_user(StrBytes::from_string(user))
        .with_error_message(None)
        .with_credential_infos(infos)
}

fn refused(
    user: &str,
    error: ResponseError,
    message: &'static str,
) -> DescribeUserScramCredentialsResult {
    described(user.to_owned(), Vec::new())
        .with_error_code(error.code())
        .with_error_message(Some(StrBytes::from_static_str(message)))
}

/// A mechanism as these requests number it.
pub(super) fn number_of(hash: ScramHash) -> i8 {
    match hash {
        ScramHash::Sha256 => 1,
        ScramHash::Sha512 => 2,
    }
}

/// The mechanism of that number.
pub(super) fn hash_of(number: i8) -> Option<ScramHash> {
    [ScramHash::Sha256, ScramHash::Sha512].into_iter().find(|hash| number_of(*hash) == number)
}
