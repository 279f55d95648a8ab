//! What is stored of a schema, and what makes two the same.

use super::parsed;
use crate::schema::{
    Parsed, Referenced,
    SchemaType::{self, Avro, Json, Protobuf},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

#[test]
fn an_avro_schema_is_stored_as_avros_own_library_writes_it() {
    let schema = parsed(
        Avro,
        r#" { "namespace": "a.b", "fields": [ {"type": {"type":"string","avro.java.string":"String"}, "name":"x", "default": "", "doc":"why"},
             {"name":"again","type":["null","a.b.R"],"default":null}, {"name":"n","type":{"type":"int","logicalType":"date"}} ],
             "aliases": ["Old"], "type": "record", "name": "R", "doc": "what" } "#,
    );
    assert_eq!(
        schema.canonical(),
        r#"{"type":"record","name":"R","namespace":"a.b","doc":"what","fields":[{"name":"x","type":{"type":"string","avro.java.string":"String"},"doc":"why","default":""},{"name":"again","type":["null","R"],"default":null},{"name":"n","type":{"type":"int","logicalType":"date"}}],"aliases":["Old"]}"#
    );
    assert_eq!(parsed(Avro, "string").canonical(), "\"string\"");
}

#[test]
fn what_is_stored_says_the_same_when_it_is_read_again() {
    for (kind, text) in [
        (
            Avro,
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","R"],"default":null}]}"#,
        ),
        (Json, r#"{"type":"object","properties":{"b":{"type":"string"},"a":{"maximum":1.5}}}"#),
        (Protobuf, FILE),
    ] {
        let once = parsed(kind, text).canonical();
        assert_eq!(parsed(kind, &once).canonical(), once);
        let normalized = parsed(kind, text).normalized();
        assert_eq!(parsed(kind, &normalized).normalized(), normalized);
    }
}

const FILE: &str = r#"
    syntax = "proto3"; // a comment
    package shop.v1;
    import "google/protobuf/timestamp.proto";
    option java_package = "com.shop";
    message Order {
      reserved 8, 10 to 12;
      reserved "gone";
      string id = 1 [deprecated = true];
      repeated Line lines = 2;
      map<string, int64> totals = 3;
      optional int32 priority = 4;
      oneof payment { string card = 5; Cash cash = 6; }
      google.protobuf.Timestamp at = 7 [json_name = "when"];
      message Line { string sku = 1; Kind kind = 2; }
      enum Kind { UNKNOWN = 0; BOOK = 1; }
      message Cash {}
    }
    service Orders { rpc Watch (Order) returns (stream Order); }
"#;

#[test]
fn a_protobuf_descriptor_is_stored_as_the_file_it_comes_from() {
    let file = parsed(Protobuf, FILE);
    let serialized = file.serialized().unwrap();
    let again = parsed(Protobuf, &serialized);
    assert_eq!(again.canonical(), file.canonical());
    assert!(
        again.canonical().contains("google.protobuf.Timestamp at = 7"),
        "{}",
        again.canonical()
    );
    assert!(!again.canonical().contains("comment"));
    assert_eq!(again.name().as_deref(), Some("shop.v1.Order"));
    assert!(STANDARD.decode(serialized).is_ok());
}

#[test]
fn an_option_that_the_file_declares_itself_is_kept() {
    let text = r#"syntax = "proto3";
        import "google/protobuf/descriptor.proto";
        extend google.protobuf.FieldOptions { string owner = 50001; }
        message M { string a = 1 [(owner) = "us"]; }"#;
    assert!(parsed(Protobuf, text).canonical().contains("(owner) = \"us\""));
}

#[test]
fn references_are_read_with_what_refers_to_them() {
    let with = |kind: SchemaType, text: &str, name: &str, referenced: &str| {
        let reference = Referenced { name: name.to_owned(), text: referenced.to_owned() };
        Parsed::read(kind, text, &[reference]).map(|schema| schema.canonical())
    };
    let avro = r#"{"type":"record","name":"R","fields":[{"name":"i","type":"x.I"}]}"#;
    let referenced = r#"{"type":"record","name":"I","namespace":"x","fields":[]}"#;
    assert_eq!(with(Avro, avro, "x.I", referenced).unwrap(), avro);
    assert!(Parsed::read(Avro, avro, &[]).is_err());
    let file = r#"syntax = "proto3"; import "i.proto"; message M { I i = 1; }"#;
    assert!(with(Protobuf, file, "i.proto", "syntax = \"proto3\"; message I {}").is_ok());
    assert!(Parsed::read(Protobuf, file, &[]).is_err());
    let json = r#"{"properties":{"i":{"$ref":"i.json#/definitions/x"}}}"#;
    assert!(with(Json, json, "i.json", r#"{"definitions":{"x":{"type":"string"}}}"#).is_ok());
    assert!(with(Json, json, "i.json", "{}").is_err());
}

#[test]
fn what_is_no_schema_is_refused() {
    for (kind, text) in [
        (Avro, r#"{"type":"record","name":"R"}"#),
        (
            Avro,
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}"#,
        ),
        (Avro, r#"{"type":"record","name":"1R","fields":[]}"#),
        (Avro, r#"{"type":"unheard"}"#),
        (Avro, "{"),
        (Protobuf, "message {"),
        (Protobuf, "syntax = \"proto3\"; message M { Unheard u = 1; }"),
        (Json, r#"{"type":"unheard"}"#),
        (Json, r##"{"$ref":"#/definitions/none"}"##),
        (Json, r##"{"$ref":"#"}"##),
        (Json, r#"{"properties":{"a":1}}"#),
        (Json, "[]"),
    ] {
        assert!(Parsed::read(kind, text, &[]).is_err(), "{text}");
    }
}

#[test]
fn deep_schemas_are_refused_or_read_but_break_nothing() {
    for depth in [60, 120, 1000, 100_000] {
        let nested = |open: &str, inner: &str, close: &str| {
            format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
        };
        let texts = [
            (Avro, nested(r#"{"type":"array","items":"#, "\"int\"", "}")),
            (Json, nested(r#"{"items":"#, "true", "}")),
            (Json, nested(r#"{"not":"#, "{}", "}")),
            (Protobuf, format!("syntax = \"proto3\"; {}", nested("message M {", "", "}"))),
        ];
        for (kind, text) in texts {
            if let Ok(schema) = Parsed::read(kind, &text, &[]) {
                let _ = crate::compatibility::reads(&schema, &schema);
            }
        }
    }
}

#[test]
fn entangled_schemas_are_compared_in_bounded_time() {
    let branches: Vec<_> = (0..24).map(|_| r##"{"$ref":"#"}"##.to_owned()).collect();
    let text = format!(
        r#"{{"oneOf":[{},{{"type":"object","properties":{{"a":{{"anyOf":[{}]}}}}}}]}}"#,
        branches.join(","),
        (0..24).map(|n| format!(r##"{{"$ref":"#","title":"{n}"}}"##)).collect::<Vec<_>>().join(",")
    );
    let schema = parsed(Json, &text);
    let _ = crate::compatibility::reads(&schema, &schema);
}
