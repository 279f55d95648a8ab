//! Samples pass in every version; lengths that lie, nulls and bombs do not.

use super::*;
use crate::{
    REQUESTS, request,
    sample::{Content, Sample},
};
use proptest::prelude::*;

const LIMIT: usize = 1 << 20;
const HEAD_BYTES: usize = 8;

fn walk_whole(message: &Message, version: i16, bytes: &[u8]) -> Result<Walked, WalkError> {
    walk(message, version, bytes.get(HEAD_BYTES..).unwrap_or_default(), LIMIT)
}

/// Every message in every version.
fn all() -> impl Iterator<Item = (&'static Message, i16)> {
    REQUESTS.iter().flat_map(|message| {
        (message.versions.min..=message.versions.max).map(move |version| (message, version))
    })
}

/// The reason why a request of that key and version, body alone, does not pass.
fn refusal(api_key: i16, version: i16, body: &[u8]) -> Reason {
    let message = request(api_key).unwrap();
    let header: &[u8] =
        if message.header_version(version) == 2 { &[0xff, 0xff, 0] } else { &[0xff, 0xff] };
    walk(message, version, &[header, body].concat(), LIMIT).unwrap_err().reason
}

#[test]
fn samples_of_every_api_and_version_pass_to_the_last_byte() {
    for (message, version) in all() {
        for content in [Content::Least, Content::Typical] {
            let sample = Sample::new(message, version, 1, content);
            let walked = walk_whole(message, version, &sample.bytes);
            let walked =
                walked.unwrap_or_else(|error| panic!("{} {version}: {error}", message.name));
            assert_eq!(walked.trailing_bytes, 0, "{} {version}", message.name);
        }
    }
}

#[test]
fn a_request_cut_anywhere_is_refused() {
    for (message, version) in all() {
        let sample = Sample::new(message, version, 1, Content::Typical);
        for end in HEAD_BYTES..sample.bytes.len() {
            let cut = walk_whole(message, version, &sample.bytes[..end]);
            assert!(cut.is_err(), "{} {version} cut at {end}", message.name);
        }
    }
}

#[test]
fn a_length_that_lies_is_refused_wherever_it_is() {
    for (message, version) in all() {
        let sample = Sample::new(message, version, 1, Content::Typical);
        for length in sample.lengths.iter().filter(|length| length.field != "tag") {
            for value in [i32::MAX, -2, i32::MIN] {
                let forged = sample.with_length(length, value);
                let walked = walk_whole(message, version, &forged);
                assert!(walked.is_err(), "{} {version}: {length:?} = {value}", message.name);
            }
        }
    }
}

#[test]
fn bytes_behind_the_last_field_pass() {
    let mut bytes = Sample::new(request(3).unwrap(), 9, 1, Content::Typical).bytes;
    bytes.extend_from_slice(&[0; 7]);
    assert_eq!(walk_whole(request(3).unwrap(), 9, &bytes).unwrap().trailing_bytes, 7);
}

#[test]
fn null_is_refused_in_versions_that_do_not_have_it() {
    assert_eq!(refusal(3, 0, &[0xff; 4]), Reason::Null);
    let all_topics = walk(request(3).unwrap(), 1, &[0xff; 6], LIMIT);
    assert_eq!(all_topics.unwrap().decoded_bytes, 0);
}

#[test]
fn refusals_say_what_is_wrong() {
    assert_eq!(refusal(3, 1, &[0x7f, 0xff, 0xff, 0xff]), Reason::TooShort);
    assert_eq!(refusal(3, 1, &[0xff, 0xff, 0xff, 0xfe]), Reason::Length(-2));
    assert_eq!(refusal(3, 1, &[0, 0, 0, 1, 0, 1, 0xff]), Reason::NotUtf8);
    assert_eq!(refusal(3, 9, &[0xff; 6]), Reason::Varint);
    // DescribeTopicPartitions: no topics, a limit, and a cursor that is neither there nor null.
    assert_eq!(refusal(75, 0, &[1, 0, 0, 0, 1, 7]), Reason::Marker(7));
    let too_long = [&[2, 0x81, 0x80, 0x02][..], &vec![b'a'; 32_768]].concat();
    assert_eq!(refusal(9, 6, &too_long[1..]), Reason::StringTooLong(32_768));
    let error = walk(request(3).unwrap(), 1, &[0xff, 0xff, 0, 0, 0, 1, 0, 9], LIMIT).unwrap_err();
    assert_eq!(error.to_string(), "Name, at byte 8: longer than what is left of the request");
}

#[test]
fn a_tagged_field_of_another_length_than_it_says_is_refused() {
    let message = request(1).unwrap();
    let sample = Sample::new(message, 12, 1, Content::Typical);
    let size = sample.lengths.iter().rfind(|length| length.field == "tag size").unwrap();
    let forged = sample.with_length(size, 2);
    assert_eq!(walk_whole(message, 12, &forged).unwrap_err().reason, Reason::TagSize(2));
}

/// Found by fuzzing: the decoder refuses it, and so does Kafka.
#[test]
fn a_tag_of_a_later_version_is_refused() {
    let message = request(1).unwrap();
    let sample = Sample::new(message, 17, 1, Content::Typical);
    let tag = sample.lengths.iter().find(|length| length.field == "tag").unwrap();
    let forged = sample.with_length(tag, 1);
    assert_eq!(walk_whole(message, 17, &forged).unwrap_err().reason, Reason::Tag(1));
}

#[test]
fn many_tiny_elements_are_refused_by_what_they_decode_to() {
    let count: u32 = 100_000;
    let body = [&count.to_be_bytes()[..], &vec![0; 2 * count as usize]].concat();
    assert_eq!(refusal(3, 1, &body), Reason::DecodedTooLarge(LIMIT));
    let tags = [&[0, 0, 0, 0, 0xa0, 0x8d, 0x06][..], &[1, 0].repeat(100_000)].concat();
    assert_eq!(refusal(3, 9, &tags), Reason::DecodedTooLarge(LIMIT));
}

#[test]
fn a_produce_request_costs_no_more_than_its_few_structures() {
    let message = request(0).unwrap();
    let sample = Sample::new(message, 13, 1, Content::Typical);
    assert!(walk_whole(message, 13, &sample.bytes).unwrap().decoded_bytes < 250);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), position in 0..REQUESTS.len(), version: i16) {
        let message = &REQUESTS[position];
        for version in [version, message.versions.min, message.versions.max] {
            let _ = walk(message, version, &bytes, LIMIT);
        }
    }
}
