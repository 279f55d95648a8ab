use super::{Case, case, hold, parsed};
use crate::{compatibility::reads, schema::SchemaType::Avro};

const PRIMITIVES: [&str; 8] =
    ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// Source: "Schema Resolution" of the Avro specification, the list of what is promotable.
const PROMOTIONS: [(&str, &str); 8] = [
    ("int", "long"),
    ("int", "float"),
    ("int", "double"),
    ("long", "float"),
    ("long", "double"),
    ("float", "double"),
    ("string", "bytes"),
    ("bytes", "string"),
];

const SPECIFICATION: &str = "Avro specification, Schema Resolution";
const JAVA: &str = "Avro's Java library, SchemaCompatibility";
const EXAMPLES: &str = "Confluent, AvroCompatibilityTest";

const CASES: [Case; 49] = [
    // records
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        "",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int","default":1}]}"#,
        "",
        EXAMPLES,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}"#,
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        EXAMPLES,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        "",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"b","type":"int"}]}"#,
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"b","type":"int","aliases":["a"]}]}"#,
        "",
        EXAMPLES,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}"#,
        "",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#,
        "TYPE_MISMATCH",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"]}]}"#,
        "",
        EXAMPLES,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"]}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}"#,
        "TYPE_MISMATCH",
        EXAMPLES,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"]}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","string","int"]}]}"#,
        "",
        EXAMPLES,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","string","int"]}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"]}]}"#,
        "MISSING_UNION_BRANCH",
        EXAMPLES,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[]}"#,
        r#"{"type":"record","name":"S","fields":[]}"#,
        "NAME_MISMATCH",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[]}"#,
        r#"{"type":"record","name":"S","aliases":["R"],"fields":[]}"#,
        "",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"record","name":"R","namespace":"one","fields":[]}"#,
        r#"{"type":"record","name":"R","namespace":"two","fields":[]}"#,
        "",
        JAVA,
    ),
    case(
        r#"{"type":"record","name":"R","namespace":"one","fields":[]}"#,
        r#"{"type":"record","name":"S","namespace":"two","aliases":["one.R"],"fields":[]}"#,
        "",
        JAVA,
    ),
    case(
        r#"{"type":"record","name":"R","namespace":"one","fields":[]}"#,
        r#"{"type":"record","name":"S","namespace":"two","aliases":["R"],"fields":[]}"#,
        "NAME_MISMATCH",
        JAVA,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[]}"#,
        r#""string""#,
        "TYPE_MISMATCH",
        SPECIFICATION,
    ),
    case(
        r#""string""#,
        r#"{"type":"record","name":"R","fields":[]}"#,
        "TYPE_MISMATCH",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"i","type":{"type":"record","name":"I","fields":[]}}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"i","type":{"type":"record","name":"I","fields":[{"name":"x","type":"int"}]}}]}"#,
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        JAVA,
    ),
    case(
        r#"{"type":"record","name":"R","fields":[{"name":"i","type":{"type":"record","name":"I","fields":[]}}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"i","type":{"type":"record","name":"I","fields":[{"name":"x","type":"int","default":0}]}}]}"#,
        "",
        JAVA,
    ),
    case(
        r#"{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}"#,
        r#"{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]},{"name":"v","type":"int","default":0}]}"#,
        "",
        JAVA,
    ),
    case(
        r#"{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}"#,
        r#"{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]},{"name":"v","type":"int"}]}"#,
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        JAVA,
    ),
    // enums
    case(
        r#"{"type":"enum","name":"E","symbols":["A"]}"#,
        r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
        "",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
        r#"{"type":"enum","name":"E","symbols":["A"]}"#,
        "MISSING_ENUM_SYMBOLS",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
        r#"{"type":"enum","name":"E","symbols":["A"],"default":"A"}"#,
        "",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
        r#"{"type":"enum","name":"E","symbols":["B","A"]}"#,
        "",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"enum","name":"E","symbols":["A"]}"#,
        r#"{"type":"enum","name":"F","symbols":["A"]}"#,
        "NAME_MISMATCH",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"enum","name":"E","symbols":["A"]}"#,
        r#""string""#,
        "TYPE_MISMATCH",
        SPECIFICATION,
    ),
    // fixed
    case(
        r#"{"type":"fixed","name":"F","size":4}"#,
        r#"{"type":"fixed","name":"F","size":4}"#,
        "",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"fixed","name":"F","size":4}"#,
        r#"{"type":"fixed","name":"F","size":8}"#,
        "FIXED_SIZE_MISMATCH",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"fixed","name":"F","size":4}"#,
        r#"{"type":"fixed","name":"G","size":4}"#,
        "NAME_MISMATCH",
        SPECIFICATION,
    ),
    case(r#"{"type":"fixed","name":"F","size":4}"#, r#""bytes""#, "TYPE_MISMATCH", SPECIFICATION),
    // collections
    case(
        r#"{"type":"array","items":"int"}"#,
        r#"{"type":"array","items":"long"}"#,
        "",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"array","items":"long"}"#,
        r#"{"type":"array","items":"int"}"#,
        "TYPE_MISMATCH",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"map","values":"int"}"#,
        r#"{"type":"map","values":"double"}"#,
        "",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"map","values":"string"}"#,
        r#"{"type":"map","values":"int"}"#,
        "TYPE_MISMATCH",
        SPECIFICATION,
    ),
    case(
        r#"{"type":"map","values":"int"}"#,
        r#"{"type":"array","items":"int"}"#,
        "TYPE_MISMATCH",
        SPECIFICATION,
    ),
    // unions
    case(r#"["int"]"#, r#"["int","string"]"#, "", SPECIFICATION),
    case(r#"["int","string"]"#, r#"["int"]"#, "MISSING_UNION_BRANCH", SPECIFICATION),
    case(r#"["int"]"#, r#""long""#, "", SPECIFICATION),
    case(r#""int""#, r#"["null","long"]"#, "", SPECIFICATION),
    case(r#""boolean""#, r#"["null","long"]"#, "MISSING_UNION_BRANCH", SPECIFICATION),
    case(r#"["int","long"]"#, r#""float""#, "", SPECIFICATION),
    case(r#"["null","int"]"#, r#"["int","null"]"#, "", SPECIFICATION),
    case(
        r#"[{"type":"record","name":"A","fields":[]}]"#,
        r#"[{"type":"record","name":"B","fields":[]}]"#,
        "MISSING_UNION_BRANCH",
        SPECIFICATION,
    ),
    // what is written otherwise and means the same
    case(r#"{"type":"int"}"#, r#""int""#, "", SPECIFICATION),
    case(r#"{"type":"int","logicalType":"date"}"#, r#""int""#, "", JAVA),
    case(
        r#"{"type":"record","name":"R","doc":"old","fields":[]}"#,
        r#"{"type":"record","name":"R","doc":"new","fields":[]}"#,
        "",
        SPECIFICATION,
    ),
];

pub(super) fn count() -> usize {
    CASES.len() + PRIMITIVES.len() * PRIMITIVES.len()
}

#[test]
fn avro_schemas_are_judged_as_the_specification_says() {
    hold(Avro, &CASES);
}

#[test]
fn of_primitives_those_that_promote_are_read() {
    for written in PRIMITIVES {
        for read in PRIMITIVES {
            let quoted = |name: &str| parsed(Avro, &format!("\"{name}\""));
            let admitted = reads(&quoted(read), &quoted(written)).is_empty();
            let expected = written == read || PROMOTIONS.contains(&(written, read));
            assert_eq!(admitted, expected, "{written} read as {read}: {SPECIFICATION}");
        }
    }
}

#[test]
fn records_that_mention_each_other_end_somewhere() {
    let chain: Vec<String> = (0..2000)
        .map(|index| {
            let field = match index {
                0 => "\"int\"".to_owned(),
                _ => format!("\"R{}\"", index - 1),
            };
            format!(
                r#"{{"type":"record","name":"R{index}","fields":[{{"name":"f","type":{field}}}]}}"#
            )
        })
        .collect();
    let schema = parsed(Avro, &format!("[{}]", chain.join(",")));
    let _ = reads(&schema, &schema);
}
