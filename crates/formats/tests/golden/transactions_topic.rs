//! Records of `__transaction_state`: what tools decode.

use super::assert_golden;
use formats::transactions_topic::{TransactionKey, TransactionValue};

#[test]
fn a_transactional_id() {
    assert_golden("transactions-topic-key-v0", &TransactionKey("pay").encode().unwrap());
    let value = TransactionValue {
        producer: 4_711,
        epoch: 3,
        timeout_ms: 60_000,
        status: 1,
        partitions: Some(vec![("orders", vec![0, 7])]),
        updated_unix_ms: 1_700,
        started_unix_ms: 1_600,
    };
    assert_golden("transactions-topic-value-v0", &value.encode().unwrap());
    let empty = TransactionValue { status: 0, partitions: None, started_unix_ms: -1, ..value };
    assert_golden("transactions-topic-empty-value-v0", &empty.encode().unwrap());
}
