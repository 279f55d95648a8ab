//! Avro schemas as text: attributes in the order in which Avro's own library writes them, so that other registries that
//! compare texts find the same.

use super::{AvroSchema, Field, Kind, Named, Shape, Type, split};
use crate::json::Json;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Attributes without a meaning keep their order.
    Stored,
    /// They are sorted.
    Normalized,
}

pub(super) fn render(schema: &AvroSchema, form: Form) -> String {
    Writer { schema, form }.schema(&schema.root, "").to_string()
}

struct Writer<'a> {
    schema: &'a AvroSchema,
    form: Form,
}

impl Writer<'_> {
    fn schema(&self, schema: &Type, namespace: &str) -> Json {
        let properties = self.properties(&schema.properties);
        match &schema.kind {
            Kind::Primitive(primitive) => {
                let name = Json::String(primitive.name().to_owned());
                if properties.is_empty() { name } else { object([("type", name)], properties) }
            }
            Kind::Array(items) => object(
                [("type", text("array")), ("items", self.schema(items, namespace))],
                properties,
            ),
            Kind::Map(values) => object(
                [("type", text("map")), ("values", self.schema(values, namespace))],
                properties,
            ),
            Kind::Union(branches) => {
                Json::Array(branches.iter().map(|branch| self.schema(branch, namespace)).collect())
            }
            Kind::Mention(name) => text(relative(name, namespace)),
            Kind::Definition(name) => match self.schema.names.get(name) {
                Some(named) => self.named(named, namespace),
                None => text(name),
            },
        }
    }

    fn named(&self, named: &Named, enclosing: &str) -> Json {
        let (namespace, name) = split(&named.full_name);
        let kind = match &named.shape {
            Shape::Record { error: false, .. } => "record",
            Shape::Record { error: true, .. } => "error",
            Shape::Enum { .. } => "enum",
            Shape::Fixed { .. } => "fixed",
        };
        let mut members = vec![("type", text(kind)), ("name", text(name))];
        if namespace != enclosing {
            members.push(("namespace", text(namespace)));
        }
        members.extend(named.doc.clone().map(|doc| ("doc", doc)));
        match &named.shape {
            Shape::Record { fields, .. } => {
                let fields = fields.iter().map(|field| self.field(field, namespace));
                members.push(("fields", Json::Array(fields.collect())));
            }
            Shape::Enum { symbols, default } => {
                members.push(("symbols", texts(symbols.iter())));
                members.extend(default.clone().map(|default| ("default", default)));
            }
            Shape::Fixed { size } => members.push(("size", Json::Number((*size).into()))),
        }
        let mut properties = self.properties(&named.properties);
        if !named.aliases.is_empty() {
            let aliases = named.aliases.iter().map(|alias| relative(alias, namespace));
            properties.push(("aliases".to_owned(), texts(aliases)));
        }
        object(members, properties)
    }

    fn field(&self, field: &Field, namespace: &str) -> Json {
        let mut members =
            vec![("name", text(&field.name)), ("type", self.schema(&field.schema, namespace))];
        members.extend(field.doc.clone().map(|doc| ("doc", doc)));
        members.extend(field.default.clone().map(|default| ("default", default)));
        members.extend(field.order.clone().map(|order| ("order", order)));
        if !field.aliases.is_empty() {
            members.push(("aliases", texts(field.aliases.iter())));
        }
        object(members, self.properties(&field.properties))
    }

    fn properties(&self, properties: &[(String, Json)]) -> Vec<(String, Json)> {
        match self.form {
            Form::Stored => properties.to_vec(),
            Form::Normalized => match Json::Object(properties.to_vec()).sorted() {
                Json::Object(sorted) => sorted,
                _ => Vec::new(),
            },
        }
    }
}

fn relative<'a>(full_name: &'a str, namespace: &str) -> &'a str {
    let (own, name) = split(full_name);
    if own == namespace { name } else { full_name }
}

fn text(text: &str) -> Json {
    Json::String(text.to_owned())
}

fn texts(list: impl Iterator<Item = impl AsRef<str>>) -> Json {
    Json::Array(list.map(|item| text(item.as_ref())).collect())
}

fn object<'a>(
    members: impl IntoIterator<Item = (&'a str, Json)>,
    properties: Vec<(String, Json)>,
) -> Json {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
    Json::Object(members.chain(properties).collect())
}
