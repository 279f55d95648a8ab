//! Avro schemas: `apache-avro` says whether one is valid; the model here keeps what writing it out and comparing need.

mod compatibility;
mod render;

pub(crate) use compatibility::differences;

use crate::json::Json;
use std::{collections::HashMap, sync::Arc};

/// Named types by full name.
pub(crate) type Names = HashMap<String, Arc<Named>>;

/// A schema with every named type that it mentions.
#[derive(Clone, Debug)]
pub struct AvroSchema {
    root: Type,
    names: Names,
}

/// A type, where it is used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Type {
    kind: Kind,
    /// Attributes that Avro gives no meaning to, such as `logicalType`.
    properties: Vec<(String, Json)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Primitive(Primitive),
    Array(Box<Type>),
    Map(Box<Type>),
    Union(Vec<Type>),
    /// Where it is defined.
    Definition(String),
    /// Where it is mentioned again, or was defined by a referenced schema.
    Mention(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Primitive {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
}

/// A type with a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    /// With its namespace.
    full_name: String,
    /// Full names.
    aliases: Vec<String>,
    doc: Option<Json>,
    properties: Vec<(String, Json)>,
    shape: Shape,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Record { error: bool, fields: Vec<Field> },
    Enum { symbols: Vec<String>, default: Option<Json> },
    Fixed { size: u64 },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    name: String,
    schema: Type,
    default: Option<Json>,
    doc: Option<Json>,
    order: Option<Json>,
    aliases: Vec<String>,
    properties: Vec<(String, Json)>,
}

impl Primitive {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "bytes" => Self::Bytes,
            "string" => Self::String,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
        }
    }
}

impl Named {
    /// The part after the last dot.
    fn short_name(&self) -> &str {
        split(&self.full_name).1
    }
}

/// Namespace and name.
fn split(full_name: &str) -> (&str, &str) {
    full_name.rsplit_once('.').unwrap_or(("", full_name))
}

impl AvroSchema {
    /// Parses `text`, which may mention what `references` (in the order in which they depend on each other) define.
    ///
    /// # Errors
    /// A sentence for whoever wrote the schema.
    pub(crate) fn parse(text: &str, references: &[&str]) -> Result<Self, String> {
        let mut names = Names::new();
        for reference in references {
            let json = read(reference)?;
            Reader { names: &mut names }.schema(&json, "")?;
        }
        let json = read(text)?;
        let root = Reader { names: &mut names }.schema(&json, "")?;
        let schema = Self { root, names };
        schema.validate(text, references)?;
        Ok(schema)
    }

    /// Has Avro's own library judge names, symbols and defaults.
    fn validate(&self, text: &str, references: &[&str]) -> Result<(), String> {
        // A primitive's bare name is a schema in a registry, though it is no JSON.
        let text = if Primitive::from_name(text.trim()).is_some() {
            format!("\"{}\"", text.trim())
        } else {
            text.to_owned()
        };
        let parse = || {
            if references.is_empty() {
                apache_avro::Schema::parse_str(&text).map(drop)
            } else {
                apache_avro::Schema::parse_str_with_list(&text, references).map(drop)
            }
        };
        // It panics at some schemas instead of refusing them (0.21 at a name that is none).
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(parse));
        let judged = judged.map_err(|_| "the schema can't be read".to_owned())?;
        judged.map_err(|error| error.to_string())?;
        self.check_defaults()
    }

    fn check_defaults(&self) -> Result<(), String> {
        for named in self.names.values() {
            if let Shape::Record { fields, .. } = &named.shape {
                for field in fields {
                    let Some(default) = &field.default else { continue };
                    if !self.accepts(&field.schema, default) {
                        let (record, name) = (&named.full_name, &field.name);
                        return Err(format!(
                            "the default of field {record}.{name} does not have its type"
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether `value` may be the default of `schema`. Of a union any branch may give it, as in Avro 1.12.
    fn accepts(&self, schema: &Type, value: &Json) -> bool {
        match &schema.kind {
            Kind::Union(branches) => branches.iter().any(|branch| self.accepts(branch, value)),
            Kind::Array(items) => {
                matches!(value, Json::Array(_))
                    && value.elements().iter().all(|v| self.accepts(items, v))
            }
            Kind::Map(values) => {
                value.is_object() && value.members().iter().all(|(_, v)| self.accepts(values, v))
            }
            Kind::Primitive(primitive) => match primitive {
                Primitive::Null => *value == Json::Null,
                Primitive::Boolean => matches!(value, Json::Bool(_)),
                Primitive::Int => integer(value).is_some_and(|n| i32::try_from(n).is_ok()),
                Primitive::Long => integer(value).is_some(),
                Primitive::Float | Primitive::Double => value.number().is_some(),
                Primitive::Bytes | Primitive::String => value.text().is_some(),
            },
            Kind::Definition(name) | Kind::Mention(name) => match self.names.get(name) {
                None => false,
                Some(named) => match &named.shape {
                    Shape::Enum { symbols, .. } => {
                        value.text().is_some_and(|text| symbols.iter().any(|s| s == text))
                    }
                    Shape::Fixed { .. } => value.text().is_some(),
                    Shape::Record { fields, .. } => {
                        value.is_object()
                            && fields.iter().all(|field| match value.get(&field.name) {
                                Some(value) => self.accepts(&field.schema, value),
                                None => field.default.is_some(),
                            })
                    }
                },
            },
        }
    }

    /// As it is stored: attributes in Avro's order, without white space.
    pub(crate) fn canonical(&self) -> String {
        render::render(self, render::Form::Stored)
    }

    /// The same for schemas that differ in nothing but how they are written.
    pub(crate) fn normalized(&self) -> String {
        render::render(self, render::Form::Normalized)
    }

    /// The full name of a root that has one.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.root.kind {
            Kind::Definition(name) | Kind::Mention(name) => Some(name),
            _ => None,
        }
    }
}

fn integer(value: &Json) -> Option<i64> {
    match value {
        Json::Number(number) => number.as_i64(),
        _ => None,
    }
}

fn read(text: &str) -> Result<Json, String> {
    match Json::parse(text) {
        Ok(json) => Ok(json),
        Err(_) if Primitive::from_name(text.trim()).is_some() => {
            Ok(Json::String(text.trim().to_owned()))
        }
        Err(error) => Err(error.to_string()),
    }
}

struct Reader<'a> {
    names: &'a mut Names,
}

impl Reader<'_> {
    fn schema(&mut self, json: &Json, namespace: &str) -> Result<Type, String> {
        match json {
            Json::String(name) => {
                Ok(Type { kind: self.mentioned(name, namespace)?, properties: Vec::new() })
            }
            Json::Array(branches) => {
                let branches: Result<Vec<_>, _> =
                    branches.iter().map(|branch| self.schema(branch, namespace)).collect();
                Ok(Type { kind: Kind::Union(branches?), properties: Vec::new() })
            }
            Json::Object(_) => self.object(json, namespace),
            other => Err(format!("{other} is no Avro type")),
        }
    }

    fn mentioned(&self, name: &str, namespace: &str) -> Result<Kind, String> {
        if let Some(primitive) = Primitive::from_name(name) {
            return Ok(Kind::Primitive(primitive));
        }
        let full_name = qualified(name, namespace);
        if self.names.contains_key(&full_name) {
            return Ok(Kind::Mention(full_name));
        }
        if self.names.contains_key(name) {
            return Ok(Kind::Mention(name.to_owned()));
        }
        Err(format!("no type is named {full_name}"))
    }

    fn object(&mut self, json: &Json, namespace: &str) -> Result<Type, String> {
        let kind = json.get("type").ok_or("a type lacks its \"type\"")?;
        let Json::String(kind) = kind else {
            // {"type": {"type": …}} says what the inner one says.
            return self.schema(kind, namespace);
        };
        match kind.as_str() {
            "array" => {
                let items = json.get("items").ok_or("an array lacks its items")?;
                let items = self.schema(items, namespace)?;
                let properties = properties(json, &["type", "items"]);
                Ok(Type { kind: Kind::Array(Box::new(items)), properties })
            }
            "map" => {
                let values = json.get("values").ok_or("a map lacks its values")?;
                let values = self.schema(values, namespace)?;
                let properties = properties(json, &["type", "values"]);
                Ok(Type { kind: Kind::Map(Box::new(values)), properties })
            }
            "record" | "error" | "enum" | "fixed" => self.named(kind, json, namespace),
            name => {
                let kind = self.mentioned(name, namespace)?;
                Ok(Type { kind, properties: properties(json, &["type"]) })
            }
        }
    }

    fn named(&mut self, kind: &str, json: &Json, namespace: &str) -> Result<Type, String> {
        let name =
            json.get("name").and_then(Json::text).ok_or(format!("a {kind} lacks its name"))?;
        let own = json.get("namespace").and_then(Json::text);
        let full_name = qualified(name, own.unwrap_or(namespace));
        check_name(&full_name)?;
        if self.names.contains_key(&full_name) {
            return Err(format!("{full_name} is defined twice"));
        }
        let namespace = split(&full_name).0.to_owned();
        let aliases = texts(json.get("aliases"));
        let aliases: Vec<_> = aliases.iter().map(|alias| qualified(alias, &namespace)).collect();
        aliases.iter().try_for_each(|alias| check_name(alias))?;
        let mut named = Named {
            full_name: full_name.clone(),
            aliases,
            doc: json.get("doc").cloned(),
            properties: Vec::new(),
            shape: Shape::Fixed { size: 0 },
        };
        let known = ["type", "name", "namespace", "aliases", "doc"];
        let (shape, more): (_, &[&str]) = match kind {
            "enum" => {
                let symbols = json.get("symbols").ok_or("an enum lacks its symbols")?;
                let default = json.get("default").cloned();
                (Shape::Enum { symbols: texts(Some(symbols)), default }, &["symbols", "default"])
            }
            "fixed" => {
                let size =
                    json.get("size").and_then(Json::number).ok_or("a fixed lacks its size")?;
                (Shape::Fixed { size: size as u64 }, &["size"])
            }
            _ => {
                // It may mention itself; the shape follows once its fields are read.
                self.names.insert(full_name.clone(), Arc::new(named.clone()));
                let fields = json.get("fields").ok_or("a record lacks its fields")?.elements();
                let fields: Result<Vec<_>, _> =
                    fields.iter().map(|field| self.field(field, &namespace)).collect();
                (Shape::Record { error: kind == "error", fields: fields? }, &["fields"])
            }
        };
        named.shape = shape;
        named.properties = properties(json, &[&known, more].concat());
        self.names.insert(full_name.clone(), Arc::new(named));
        Ok(Type { kind: Kind::Definition(full_name), properties: Vec::new() })
    }

    fn field(&mut self, json: &Json, namespace: &str) -> Result<Field, String> {
        let name = json.get("name").and_then(Json::text).ok_or("a field lacks its name")?;
        let schema = json.get("type").ok_or(format!("field {name} lacks its type"))?;
        Ok(Field {
            name: name.to_owned(),
            schema: self.schema(schema, namespace)?,
            default: json.get("default").cloned(),
            doc: json.get("doc").cloned(),
            order: json.get("order").filter(|order| order.text() != Some("ascending")).cloned(),
            aliases: texts(json.get("aliases")),
            properties: properties(json, &["name", "type", "default", "doc", "order", "aliases"]),
        })
    }
}

/// Letters, digits and underscores, between dots.
fn check_name(full_name: &str) -> Result<(), String> {
    let is_name = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    if full_name.split('.').all(is_name) {
        Ok(())
    } else {
        Err(format!("{full_name:?} is no name"))
    }
}

fn qualified(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.trim_start_matches('.').to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn texts(list: Option<&Json>) -> Vec<String> {
    let elements = list.map(Json::elements).unwrap_or_default();
    elements.iter().filter_map(Json::text).map(str::to_owned).collect()
}

fn properties(json: &Json, known: &[&str]) -> Vec<(String, Json)> {
    let members = json.members().iter();
    members.filter(|(name, _)| !known.contains(&name.as_str())).cloned().collect()
}
