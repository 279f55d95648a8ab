//! What a broker can do, and what it does when it is asked for something else.

use crate::{
    exam::Exam,
    requests::text,
    scenario::{Scenario, alike, deviating},
};
use kafka_protocol::messages::ApiVersionsRequest;

/// Keys whose versions are Kafka's.
const SAME: [i16; 15] = [0, 1, 3, 10, 18, 19, 20, 21, 22, 23, 32, 33, 37, 44, 75];
/// Keys of which the protocol crate has fewer versions.
const FEWER: [i16; 2] = [2, 35];

fn versions_of(it: &mut Exam, keys: &[i16]) {
    let answer = it.quietly(3, request("conformance", "1.0"));
    for api in answer.api_keys.iter().filter(|api| keys.contains(&api.api_key)) {
        it.note(format!("{}: {} to {}", api.api_key, api.min_version, api.max_version));
    }
}

fn request(name: &str, version: &str) -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(text(name))
        .with_client_software_version(text(version))
}

/// Key, version, correlation id 9, no client id, an empty body.
fn head(key: i16, version: i16) -> Vec<u8> {
    [&key.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 9], &[0xff, 0xff]].concat()
}

pub const SCENARIOS: &[Scenario] = &[
    alike("versions of the APIs that are served", |it| versions_of(it, &SAME)),
    deviating(
        "versions of ListOffsets and DescribeLogDirs",
        "kafka-protocol 0.18 has the messages of Kafka 4.1",
        |it| versions_of(it, &FEWER),
    ),
    alike("versions are the same in every version of the question", |it| {
        for version in 0..=4 {
            let answer = it.quietly(version, request("conformance", "1.0"));
            let produce = answer.api_keys.iter().find(|api| api.api_key == 0);
            it.note(format!("{version}: {} {produce:?}", answer.error_code));
        }
    }),
    alike("ApiVersions of a version of the future is answered in version 0", |it| {
        it.frame(&[&head(18, 127)[..], &[0]].concat());
    }),
    alike("ApiVersions with a client name that is none", |it| {
        let answer = it.quietly(3, request("with space", "1.0"));
        it.note(format!("{} {}", answer.error_code, answer.api_keys.len()));
        let answer = it.quietly(3, request("", ""));
        it.note(format!("{} {}", answer.error_code, answer.api_keys.len()));
    }),
    alike("an unknown API key hangs up", |it| it.frame(&head(999, 0))),
    alike("an API that only brokers use hangs up", |it| it.frame(&head(4, 7))),
    alike("a version of Metadata that is too high hangs up", |it| it.frame(&head(3, 99))),
    alike("a negative version hangs up", |it| it.frame(&head(3, -1))),
    alike("Produce below version 3 hangs up although it is advertised", |it| {
        it.frame(&head(0, 2));
    }),
    alike("a frame without a header hangs up", |it| it.frame(&[0, 3])),
    alike("a body that ends early hangs up", |it| {
        it.frame(&[&head(3, 9)[..], &[0, 9]].concat());
    }),
];
