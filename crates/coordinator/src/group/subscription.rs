//! The topics in a consumer's subscription: the beginning of Kafka's `ConsumerProtocolSubscription`, in any version.

/// The topics; `None` for bytes that are no subscription.
pub(super) fn topics(metadata: &[u8]) -> Option<Vec<String>> {
    let (version, rest) = metadata.split_first_chunk::<2>()?;
    if i16::from_be_bytes(*version) < 0 {
        return None;
    }
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let count = usize::try_from(i32::from_be_bytes(*count)).ok()?;
    let mut topics = Vec::new();
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let length = usize::try_from(i16::from_be_bytes(*length)).ok()?;
        let (name, after) = after.split_at_checked(length)?;
        topics.push(std::str::from_utf8(name).ok()?.to_owned());
        rest = after;
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_and_whatever_follows_is_not() {
        let bytes = [&[0, 1, 0, 0, 0, 2, 0, 1][..], b"a", &[0, 2], b"bc", &[0xff; 9]].concat();
        assert_eq!(topics(&bytes), Some(vec!["a".to_owned(), "bc".to_owned()]));
        assert_eq!(topics(&[0, 0, 0, 0, 0, 0]), Some(Vec::new()));
    }

    #[test]
    fn bytes_that_are_no_subscription_have_no_topics() {
        for bytes in [
            &[][..],
            &[0, 1, 0x7f, 0xff, 0xff, 0xff],
            &[0xff, 0xff, 0, 0, 0, 0],
            &[0, 1, 0, 0, 0, 1, 0, 9, b'a'],
            &[0, 1, 0, 0, 0, 1, 0, 1, 0xff],
        ] {
            assert_eq!(topics(bytes), None);
        }
    }
}
