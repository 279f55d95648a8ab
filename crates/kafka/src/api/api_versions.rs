//! `ApiVersions` (API key 18): which keys and versions are served, and the cluster's features.
//!
//! The answer is always under header version 0, and a version that is not served is answered in version 0 with
//! `UNSUPPORTED_VERSION`, so that every client can read it. Sources: KIP-35, KIP-511, KIP-584.

use super::{Api, Outcome, TABLE, Versions};
use crate::context::Context;
use kafka_protocol::{
    ResponseError,
    messages::{
        ApiKey, ApiVersionsRequest, ApiVersionsResponse,
        api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey},
    },
    protocol::StrBytes,
};

/// Handles versions 0 to 4.
pub(super) struct ApiVersions;

impl Api for ApiVersions {
    type Request = ApiVersionsRequest;
    type Response = ApiVersionsResponse;
    const VERSIONS: Versions = Versions::new(0, 4);

    async fn begin(context: Context, request: ApiVersionsRequest) -> Outcome<ApiVersionsResponse> {
        let names_itself = is_software_name(&request.client_software_name)
            && is_software_name(&request.client_software_version);
        if context.version() >= 3 && !names_itself {
            let refused = ApiVersionsResponse::default();
            return Outcome::Ready(refused.with_error_code(ResponseError::InvalidRequest.code()));
        }
        let epoch = i64::try_from(context.broker().cluster.features_epoch()).unwrap_or(i64::MAX);
        Outcome::Ready(with_features(served(), context.version(), epoch))
    }
}

/// Features and their levels in force. `group.version` 1: the consumer protocol (KIP-848). `transaction.version` 2: clients
/// add partitions by their first batches, and epochs are raised at each end (KIP-890).
const LEVELS: [(&str, i16); 2] = [("group.version", 1), ("transaction.version", 2)];

/// Adds the features (KIP-584). Clients before 4.0 refuse a lowest level of 0.
fn with_features(response: ApiVersionsResponse, version: i16, epoch: i64) -> ApiVersionsResponse {
    if version < 3 {
        return response;
    }
    let supported = LEVELS.iter().map(|(name, level)| {
        SupportedFeatureKey::default()
            .with_name(StrBytes::from_static_str(name))
            .with_min_version(i16::from(version < 4))
            .with_max_version(*level)
    });
    let finalized = LEVELS.iter().map(|(name, level)| {
        FinalizedFeatureKey::default()
            .with_name(StrBytes::from_static_str(name))
            .with_min_version_level(*level)
            .with_max_version_level(*level)
    });
    response
        .with_supported_features(supported.collect())
        .with_finalized_features_epoch(epoch)
        .with_finalized_features(finalized.collect())
}

/// The answer to a version that is not served: the versions that are.
pub(super) fn unsupported_version() -> ApiVersionsResponse {
    let own = ApiVersion::default()
        .with_api_key(ApiKey::ApiVersions as i16)
        .with_min_version(ApiVersions::VERSIONS.min)
        .with_max_version(ApiVersions::VERSIONS.max);
    ApiVersionsResponse::default()
        .with_error_code(ResponseError::UnsupportedVersion.code())
        .with_api_keys(vec![own])
}

fn served() -> ApiVersionsResponse {
    let keys = TABLE.iter().map(|entry| {
        ApiVersion::default()
            .with_api_key(entry.key as i16)
            .with_min_version(entry.advertised.min)
            .with_max_version(entry.advertised.max)
    });
    ApiVersionsResponse::default().with_api_keys(keys.collect())
}

/// KIP-511: letters and digits, with `-` and `.` between them.
fn is_software_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let at_ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    at_ends(bytes.first())
        && at_ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn produce_is_advertised_from_zero_for_librdkafka() {
        let produce = served().api_keys.into_iter().find(|api| api.api_key == 0).unwrap();
        assert_eq!((produce.min_version, produce.max_version), (0, 13));
    }

    #[test]
    fn software_names_follow_kip_511() {
        assert!(is_software_name("apache-kafka-java"));
        assert!(is_software_name("2.15.0"));
        assert!(!is_software_name(""));
        assert!(!is_software_name("-java"));
        assert!(!is_software_name("a b"));
    }
}
