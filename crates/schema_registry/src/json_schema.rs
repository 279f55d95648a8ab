//! JSON Schema: what a text says, with its `$ref`s, as the kinds of schema that are compared.

mod compatibility;
mod content;
mod kinds;
mod limits;

pub(crate) use compatibility::differences;

use crate::json::Json;
use std::collections::HashMap;

/// A schema with what it refers to.
#[derive(Clone, Debug)]
pub struct JsonSchema {
    /// The first is the schema itself.
    documents: Vec<Json>,
    /// Documents by the names they are referred to by, and by their own `$id`.
    names: HashMap<String, usize>,
}

/// A schema within a document.
#[derive(Clone, Copy, Debug)]
struct Node<'a> {
    document: usize,
    json: &'a Json,
}

const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "null", "array", "object"];
/// Keywords whose value is a schema.
const ONE: [&str; 12] = [
    "not",
    "additionalProperties",
    "additionalItems",
    "unevaluatedProperties",
    "unevaluatedItems",
    "propertyNames",
    "contains",
    "if",
    "then",
    "else",
    "contentSchema",
    "items",
];
/// Keywords whose value is an array of schemas.
const LISTS: [&str; 5] = ["allOf", "anyOf", "oneOf", "items", "prefixItems"];
/// Keywords whose value is an object of schemas.
const MAPS: [&str; 6] =
    ["properties", "patternProperties", "definitions", "$defs", "dependentSchemas", "dependencies"];
const NUMBERS: [&str; 3] = ["maximum", "minimum", "multipleOf"];
const COUNTS: [&str; 8] = [
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "maxProperties",
    "minProperties",
    "maxContains",
    "minContains",
];
/// `$ref`s that lead to `$ref`s.
const MAX_HOPS: usize = 32;

impl JsonSchema {
    /// Parses `text`. What its `$ref`s name is in `references`.
    ///
    /// # Errors
    /// A sentence for whoever wrote the schema.
    pub(crate) fn parse(text: &str, references: &[(&str, &str)]) -> Result<Self, String> {
        let read = |text: &str| Json::parse(text).map_err(|error| error.to_string());
        let mut documents = vec![read(text)?];
        let mut names = HashMap::new();
        for (name, text) in references {
            names.insert((*name).to_owned(), documents.len());
            documents.push(read(text)?);
        }
        for (index, document) in documents.iter().enumerate() {
            if let Some(id) = id(document) {
                names.entry(id.trim_end_matches('#').to_owned()).or_insert(index);
            }
        }
        let schema = Self { documents, names };
        for document in 0..schema.documents.len() {
            schema.check(schema.root_of(document).ok_or("there is no schema")?, 0)?;
        }
        Ok(schema)
    }

    /// As it is stored: as it was written, without white space.
    pub(crate) fn canonical(&self) -> String {
        self.documents.first().map(Json::to_string).unwrap_or_default()
    }

    /// With members in the order of their names.
    pub(crate) fn normalized(&self) -> String {
        self.documents.first().map(|document| document.sorted().to_string()).unwrap_or_default()
    }

    fn root_of(&self, document: usize) -> Option<Node<'_>> {
        self.documents.get(document).map(|json| Node { document, json })
    }

    /// That keywords have values of their kind, and that every `$ref` leads somewhere.
    fn check<'a>(&'a self, node: Node<'a>, depth: usize) -> Result<(), String> {
        match node.json {
            Json::Bool(_) => return Ok(()),
            Json::Object(_) if depth < 128 => {}
            other => return Err(format!("{other} is no schema")),
        }
        for (name, value) in node.json.members() {
            self.check_keyword(node, name, value, depth).map_err(|why| format!("{name}: {why}"))?;
        }
        Ok(())
    }

    fn check_keyword<'a>(
        &'a self,
        node: Node<'a>,
        name: &str,
        value: &'a Json,
        depth: usize,
    ) -> Result<(), String> {
        let below = |json| self.check(Node { json, ..node }, depth + 1);
        match name {
            "$ref" => {
                let target = value.text().ok_or("is no string")?;
                self.follow(node, target, 0).map(drop)
            }
            "type" => {
                let types = match value {
                    Json::String(_) => std::slice::from_ref(value),
                    other => other.elements(),
                };
                let known = |json: &Json| json.text().is_some_and(|text| TYPES.contains(&text));
                check(!types.is_empty() && types.iter().all(known), "is no type")
            }
            "required" => match value {
                // Draft 3 and some tools write it at the property.
                Json::Bool(_) => Ok(()),
                other => check(
                    other.elements().iter().all(|e| e.text().is_some()),
                    "is no list of names",
                ),
            },
            "enum" => check(matches!(value, Json::Array(_)), "is no array"),
            "pattern" | "title" | "description" | "$schema" | "$id" | "format" => {
                check(value.text().is_some(), "is no string")
            }
            _ if COUNTS.contains(&name) => {
                check(value.number().is_some_and(|n| n >= 0.0), "is no count")
            }
            _ if NUMBERS.contains(&name) => check(value.number().is_some(), "is no number"),
            _ if MAPS.contains(&name) => {
                check(value.is_object(), "is no object")?;
                let schemas = value.members().iter().map(|(_, value)| value);
                // A dependency may be a list of names.
                schemas.filter(|value| !matches!(value, Json::Array(_))).try_for_each(below)
            }
            _ if LISTS.contains(&name) && matches!(value, Json::Array(_)) => {
                check(!value.elements().is_empty() || name.ends_with("tems"), "is empty")?;
                value.elements().iter().try_for_each(below)
            }
            _ if ONE.contains(&name) => below(value),
            "allOf" | "anyOf" | "oneOf" => Err("is no array".to_owned()),
            _ => Ok(()),
        }
    }

    /// Where a `$ref` leads, through others.
    fn follow<'a>(&'a self, from: Node<'a>, target: &str, hops: usize) -> Result<Node<'a>, String> {
        if hops > MAX_HOPS {
            return Err(format!("{target} leads in a circle"));
        }
        let unknown = || format!("{target} is not found");
        let (document, fragment) = target.split_once('#').unwrap_or((target, ""));
        let document = match document {
            "" => from.document,
            name => self.document(from.document, name).ok_or_else(unknown)?,
        };
        let root = self.root_of(document).ok_or_else(unknown)?;
        let json = match fragment {
            "" => root.json,
            pointer if pointer.starts_with('/') => point(root.json, pointer).ok_or_else(unknown)?,
            anchor => anchored(root.json, anchor).ok_or_else(unknown)?,
        };
        let node = Node { document, json };
        match json.get("$ref").and_then(Json::text) {
            Some(next) => self.follow(node, next, hops + 1),
            None => Ok(node),
        }
    }

    fn document(&self, from: usize, name: &str) -> Option<usize> {
        if let Some(document) = self.names.get(name) {
            return Some(*document);
        }
        // A name relative to the document's own, or an absolute one of a document that is known by its last part.
        let base = self.documents.get(from).and_then(id).unwrap_or_default();
        let relative = base.rsplit_once('/').map(|(directory, _)| format!("{directory}/{name}"));
        let by_base = relative.and_then(|name| self.names.get(&name));
        let last = name.rsplit('/').next().unwrap_or(name);
        by_base.or_else(|| self.names.get(last)).copied()
    }
}

fn check(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn id(document: &Json) -> Option<&str> {
    document.get("$id").or_else(|| document.get("id")).and_then(Json::text)
}

/// What a JSON pointer (RFC 6901, percent-encoded) points to.
fn point<'a>(mut json: &'a Json, pointer: &str) -> Option<&'a Json> {
    for part in pointer.split('/').skip(1) {
        let part = decoded(part).replace("~1", "/").replace("~0", "~");
        json = match json {
            Json::Array(elements) => elements.get(part.parse::<usize>().ok()?)?,
            other => other.get(&part)?,
        };
    }
    Some(json)
}

fn decoded(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.first_chunk::<2>().filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = tail.split_at(2).1;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The schema with `$anchor` (or, in older drafts, an `$id` of `#` and) this name.
fn anchored<'a>(json: &'a Json, anchor: &str) -> Option<&'a Json> {
    let named = json.get("$anchor").and_then(Json::text) == Some(anchor)
        || id(json).and_then(|id| id.strip_prefix('#')) == Some(anchor);
    if named {
        return Some(json);
    }
    let below = json.members().iter().map(|(_, value)| value).chain(json.elements());
    below.into_iter().find_map(|value| anchored(value, anchor))
}
