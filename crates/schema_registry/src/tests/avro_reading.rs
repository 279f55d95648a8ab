//! What a verdict admits, Avro's own library reads.

use super::parsed;
use crate::{compatibility::reads, schema::SchemaType};
use apache_avro::{Schema, from_avro_datum, to_avro_datum, types::Value};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Shape {
    Primitive(&'static str),
    Array(Box<Shape>),
    Map(Box<Shape>),
    Union(Vec<&'static str>),
    Enum(Vec<&'static str>),
    Record(Vec<(&'static str, Shape, bool)>),
}

fn shapes() -> impl Strategy<Value = Shape> {
    let primitives = ["boolean", "int", "long", "float", "double", "bytes", "string"];
    let leaf = prop_oneof![
        4 => prop::sample::select(primitives.to_vec()).prop_map(Shape::Primitive),
        2 => prop::sample::subsequence(vec!["null", "int", "string", "boolean"], 1..=4)
            .prop_map(Shape::Union),
        1 => prop::sample::subsequence(vec!["A", "B", "C"], 1..=3).prop_map(Shape::Enum),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let names = prop::sample::subsequence(vec!["a", "b", "c"], 0..=3);
        let fields = (names, prop::collection::vec((inner.clone(), prop::bool::weighted(0.7)), 3));
        prop_oneof![
            inner.clone().prop_map(|items| Shape::Array(Box::new(items))),
            inner.prop_map(|values| Shape::Map(Box::new(values))),
            fields.prop_map(|(names, fields)| {
                let fields = names.into_iter().zip(fields);
                Shape::Record(
                    fields.map(|(name, (shape, default))| (name, shape, default)).collect(),
                )
            }),
        ]
    })
}

/// A shape that may or may not read what another wrote: some of it stays, some changes.
fn changed(old: Shape) -> BoxedStrategy<Shape> {
    let same = Just(old.clone());
    match old {
        Shape::Primitive(_) => prop_oneof![2 => same, 1 => shapes()].boxed(),
        Shape::Array(items) => changed(*items).prop_map(|it| Shape::Array(Box::new(it))).boxed(),
        Shape::Map(values) => changed(*values).prop_map(|it| Shape::Map(Box::new(it))).boxed(),
        Shape::Record(fields) => {
            let kept: Vec<_> = fields
                .into_iter()
                .map(|(name, shape, default)| {
                    (any::<bool>(), changed(shape))
                        .prop_map(move |(kept, shape)| kept.then_some((name, shape, default)))
                })
                .collect();
            let added = (shapes(), any::<bool>());
            (kept, added)
                .prop_map(|(kept, (shape, default))| {
                    let mut fields: Vec<_> = kept.into_iter().flatten().collect();
                    fields.push(("d", shape, default));
                    Shape::Record(fields)
                })
                .boxed()
        }
        Shape::Union(_) | Shape::Enum(_) => prop_oneof![1 => same, 2 => shapes()].boxed(),
    }
}

fn text(shape: &Shape, path: &str) -> String {
    let quoted =
        |list: &[&str]| list.iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(",");
    match shape {
        Shape::Primitive(name) => format!("\"{name}\""),
        Shape::Array(items) => format!(r#"{{"type":"array","items":{}}}"#, text(items, path)),
        Shape::Map(values) => format!(r#"{{"type":"map","values":{}}}"#, text(values, path)),
        Shape::Union(branches) => format!("[{}]", quoted(branches)),
        Shape::Enum(symbols) => {
            format!(r#"{{"type":"enum","name":"E{path}","symbols":[{}]}}"#, quoted(symbols))
        }
        Shape::Record(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, shape, default)| {
                    let kind = text(shape, &format!("{path}_{name}"));
                    let default = default.then(|| format!(r#","default":{}"#, fallback(shape)));
                    format!(r#"{{"name":"{name}","type":{kind}{}}}"#, default.unwrap_or_default())
                })
                .collect();
            format!(r#"{{"type":"record","name":"R{path}","fields":[{}]}}"#, fields.join(","))
        }
    }
}

fn fallback(shape: &Shape) -> String {
    match shape {
        Shape::Primitive("null") => "null".to_owned(),
        Shape::Primitive("boolean") => "true".to_owned(),
        Shape::Primitive("bytes" | "string") => "\"x\"".to_owned(),
        Shape::Primitive("float" | "double") => "1.5".to_owned(),
        Shape::Primitive(_) => "1".to_owned(),
        Shape::Array(_) => "[]".to_owned(),
        Shape::Map(_) => "{}".to_owned(),
        Shape::Union(branches) => fallback(&Shape::Primitive(branches[0])),
        Shape::Enum(symbols) => format!("\"{}\"", symbols[0]),
        Shape::Record(fields) => {
            let fields =
                fields.iter().map(|(name, shape, _)| format!("\"{name}\":{}", fallback(shape)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
    }
}

/// A value of a shape; `seed` chooses branches and symbols.
fn value(shape: &Shape, seed: usize) -> Value {
    match shape {
        Shape::Primitive("null") => Value::Null,
        Shape::Primitive("boolean") => Value::Boolean(seed.is_multiple_of(2)),
        Shape::Primitive("int") => Value::Int(seed as i32),
        Shape::Primitive("long") => Value::Long(seed as i64),
        Shape::Primitive("float") => Value::Float(1.5),
        Shape::Primitive("double") => Value::Double(2.5),
        Shape::Primitive("bytes") => Value::Bytes(b"bytes".to_vec()),
        Shape::Primitive(_) => Value::String("text".to_owned()),
        Shape::Array(items) => Value::Array(vec![value(items, seed), value(items, seed / 2)]),
        Shape::Map(values) => Value::Map([("k".to_owned(), value(values, seed))].into()),
        Shape::Union(branches) => {
            let index = seed % branches.len();
            Value::Union(index as u32, Box::new(value(&Shape::Primitive(branches[index]), seed)))
        }
        Shape::Enum(symbols) => {
            let index = seed % symbols.len();
            Value::Enum(index as u32, symbols[index].to_owned())
        }
        Shape::Record(fields) => Value::Record(
            fields
                .iter()
                .map(|(name, shape, _)| ((*name).to_owned(), value(shape, seed / 3)))
                .collect(),
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_backward_verdict_admits_an_avro_reader_reads(
        (old, new) in shapes().prop_flat_map(|old| (Just(old.clone()), changed(old))),
        seed in 0_usize..1000,
    ) {
        let (old_text, new_text) = (text(&old, ""), text(&new, ""));
        let admitted = reads(&parsed(SchemaType::Avro, &new_text), &parsed(SchemaType::Avro, &old_text));
        if admitted.is_empty() {
            let (writer, reader) =
                (Schema::parse_str(&old_text).unwrap(), Schema::parse_str(&new_text).unwrap());
            let datum = to_avro_datum(&writer, value(&old, seed)).unwrap();
            let read = from_avro_datum(&writer, &mut datum.as_slice(), Some(&reader));
            prop_assert!(read.is_ok(), "{old_text} → {new_text}: {read:?}");
        }
    }
}
