//! What kind of schema a JSON text is: keywords that belong together are one kind; several kinds in one object are all meant.

use super::{JsonSchema, Node};
use crate::json::Json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Criterion {
    All,
    Any,
    One,
}

#[derive(Clone, Debug)]
pub(super) enum Kind<'a> {
    /// `true`, or an object without keywords that restrict.
    Any,
    /// `false`.
    Nothing,
    Text(Node<'a>),
    Number(Node<'a>),
    Boolean,
    Null,
    Array(Node<'a>),
    Object(Node<'a>),
    Enum(&'a [Json]),
    Const(&'a Json),
    Not(Node<'a>),
    /// `if`, `then`, `else`.
    Condition,
    Combined(Criterion, Vec<Part<'a>>),
}

/// A part of a combination.
#[derive(Clone, Debug)]
pub(super) enum Part<'a> {
    /// A schema of its own.
    Schema(Node<'a>),
    /// One side of an object that says several things.
    Side(Node<'a>, Kind<'a>),
}

const TEXT: [&str; 3] = ["minLength", "maxLength", "pattern"];
const NUMBER: [&str; 5] =
    ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const ARRAY: [&str; 9] = [
    "items",
    "additionalItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "prefixItems",
    "unevaluatedItems",
    "minContains",
];
const OBJECT: [&str; 11] = [
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "additionalProperties",
    "unevaluatedProperties",
];

impl JsonSchema {
    /// The node that is meant, where it is a `$ref`.
    pub(super) fn resolved<'a>(&'a self, node: Node<'a>) -> Node<'a> {
        match node.json.get("$ref").and_then(Json::text) {
            Some(target) => self.follow(node, target, 0).unwrap_or(node),
            None => node,
        }
    }
}

/// What kind of schema a node is, which is no `$ref`.
pub(super) fn kind(node: Node<'_>) -> Kind<'_> {
    let json = match node.json {
        Json::Bool(true) => return Kind::Any,
        Json::Bool(false) => return Kind::Nothing,
        json => json,
    };
    let mut kinds = Vec::new();
    let combinations =
        [("allOf", Criterion::All), ("anyOf", Criterion::Any), ("oneOf", Criterion::One)];
    for (keyword, criterion) in combinations {
        if let Some(schemas) = json.get(keyword) {
            kinds.push(Kind::Combined(criterion, parts(node, schemas.elements())));
        }
    }
    kinds.extend(json.get("enum").map(|values| Kind::Enum(values.elements())));
    kinds.extend(json.get("const").map(Kind::Const));
    kinds.extend(json.get("not").map(|not| Kind::Not(Node { json: not, ..node })));
    if json.get("if").is_some() {
        kinds.push(Kind::Condition);
    }
    match json.get("type") {
        Some(Json::String(name)) => kinds.push(by_type(name, node)),
        Some(Json::Array(names)) => {
            let names = names.iter().filter_map(Json::text);
            let parts = names.map(|name| Part::Side(node, by_type(name, node))).collect();
            kinds.push(Kind::Combined(Criterion::Any, parts));
        }
        _ => kinds.extend(by_keywords(node)),
    }
    if kinds.len() > 1 {
        let parts = kinds.into_iter().map(|kind| Part::Side(node, kind)).collect();
        return Kind::Combined(Criterion::All, parts);
    }
    kinds.pop().unwrap_or(Kind::Any)
}

fn parts<'a>(node: Node<'a>, schemas: &'a [Json]) -> Vec<Part<'a>> {
    let mut distinct: Vec<&Json> = Vec::new();
    for json in schemas {
        // What is said twice counts once.
        if !distinct.contains(&json) {
            distinct.push(json);
        }
    }
    distinct.into_iter().map(|json| Part::Schema(Node { json, ..node })).collect()
}

fn by_type<'a>(name: &str, node: Node<'a>) -> Kind<'a> {
    match name {
        "string" => Kind::Text(node),
        "number" | "integer" => Kind::Number(node),
        "boolean" => Kind::Boolean,
        "null" => Kind::Null,
        "array" => Kind::Array(node),
        _ => Kind::Object(node),
    }
}

fn by_keywords(node: Node<'_>) -> Option<Kind<'_>> {
    let has = |keywords: &[&str]| keywords.iter().any(|keyword| node.json.get(keyword).is_some());
    match () {
        () if has(&OBJECT) => Some(Kind::Object(node)),
        () if has(&ARRAY) => Some(Kind::Array(node)),
        () if has(&NUMBER) => Some(Kind::Number(node)),
        () if has(&TEXT) => Some(Kind::Text(node)),
        () => None,
    }
}
