//! Tests of the crate as a whole: verdicts by table, each with where it comes from; the state; the REST API.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test that fails says where"
)]

mod api;
mod avro_cases;
mod avro_reading;
mod json_cases;
mod protobuf_cases;
mod records;
mod texts;

use crate::{
    compatibility::reads,
    schema::{Parsed, SchemaType},
};

/// Whether the new schema reads what the old one wrote: `""`, or the kind of the first difference. And who says so.
struct Case {
    old: &'static str,
    new: &'static str,
    verdict: &'static str,
    source: &'static str,
}

const fn case(
    old: &'static str,
    new: &'static str,
    verdict: &'static str,
    source: &'static str,
) -> Case {
    Case { old, new, verdict, source }
}

fn parsed(kind: SchemaType, text: &str) -> Parsed {
    Parsed::read(kind, text, &[]).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn hold(kind: SchemaType, cases: &[Case]) {
    let mut wrong = Vec::new();
    for Case { old, new, verdict, source } in cases {
        let found = reads(&parsed(kind, new), &parsed(kind, old));
        let kinds: Vec<_> = found.iter().map(crate::Difference::kind).collect();
        let holds = if verdict.is_empty() { kinds.is_empty() } else { kinds.contains(verdict) };
        if !holds {
            wrong.push(format!("{old} → {new}: {kinds:?}, not {verdict:?} ({source})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_at_least_two_hundred_cases() {
    let tables = avro_cases::count() + json_cases::CASES.len() + protobuf_cases::CASES.len();
    assert!(tables >= 200, "{tables}");
}
