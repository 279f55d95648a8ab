//! What a change of a Protobuf file breaks.
//!
//! Source: "Updating a message type" of Protobuf's language guide, in the reading of Confluent's registry (the verdicts of
//! its `protobuf-provider`): fields are known by their numbers, types by their names, and a type that is gone is a break.

use super::ProtobufSchema;
use crate::compatibility::Difference;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Why data of `original` is not data of `update`; empty if it is.
pub(crate) fn differences(update: &ProtobufSchema, original: &ProtobufSchema) -> Vec<Difference> {
    let mut diff = Diff {
        original: Types::of(original),
        update: Types::of(update),
        compared: HashSet::new(),
        found: Vec::new(),
        depth: 0,
    };
    if original.root.package() != update.root.package() {
        let what = format!("the package was {:?}", original.root.package());
        diff.add("PACKAGE_CHANGED", "/", &what);
    }
    let prefix = |schema: &ProtobufSchema| match schema.root.package() {
        "" => String::new(),
        package => format!(".{package}"),
    };
    let (old, new) = (prefix(original), prefix(update));
    diff.messages(&original.root.message_type, &update.root.message_type, (&old, &new), "");
    diff.found
}

/// Imports that import imports …
const MAX_DEPTH: u32 = 200;

/// Every type of a file and its imports, by full name with a leading dot.
struct Types<'a> {
    /// With the package.
    messages: HashMap<String, (&'a DescriptorProto, &'a str)>,
    enums: HashMap<String, &'a EnumDescriptorProto>,
    proto3: bool,
}

impl<'a> Types<'a> {
    fn of(schema: &'a ProtobufSchema) -> Self {
        let mut types = Self {
            messages: HashMap::new(),
            enums: HashMap::new(),
            proto3: schema.root.syntax() == "proto3",
        };
        for file in schema.files() {
            let package = file.package();
            let scope = if package.is_empty() { String::new() } else { format!(".{package}") };
            types.collect(&scope, package, &file.message_type, &file.enum_type);
        }
        types
    }

    fn collect(
        &mut self,
        scope: &str,
        package: &'a str,
        messages: &'a [DescriptorProto],
        enums: &'a [EnumDescriptorProto],
    ) {
        for declared in enums {
            self.enums.insert(format!("{scope}.{}", declared.name()), declared);
        }
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            self.collect(&name, package, &message.nested_type, &message.enum_type);
            self.messages.insert(name, (message, package));
        }
    }

    fn kind(&self, field: &FieldDescriptorProto) -> Kind<'a> {
        match field.r#type() {
            Type::Message | Type::Group => match self.messages.get(field.type_name()) {
                Some((message, _)) if is_map(message) => Kind::Map(message),
                Some((message, package)) => {
                    let full_name = field.type_name().trim_start_matches('.');
                    let local = full_name.strip_prefix(package).unwrap_or(full_name);
                    Kind::Message(
                        message,
                        local.trim_start_matches('.').to_owned(),
                        field.type_name().to_owned(),
                    )
                }
                None => Kind::Unknown(field.type_name().to_owned()),
            },
            other => Kind::Scalar(scalar(other)),
        }
    }

    /// A label that was written: proto3 knows fields without one, and so are those of a oneof.
    fn label(&self, field: &FieldDescriptorProto) -> Option<Label> {
        match field.label() {
            Label::Optional if field.oneof_index.is_some() && !field.proto3_optional() => None,
            Label::Optional if self.proto3 && !field.proto3_optional() => None,
            label => Some(label),
        }
    }
}

enum Kind<'a> {
    Scalar(Scalar),
    Map(&'a DescriptorProto),
    /// With the name within its package, and the full name.
    Message(&'a DescriptorProto, String, String),
    Unknown(String),
}

/// Types that are the same on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scalar {
    Varint,
    ZigZag,
    Text,
    Fixed32,
    Fixed64,
    Float,
    Double,
}

fn scalar(kind: Type) -> Scalar {
    match kind {
        Type::Sint32 | Type::Sint64 => Scalar::ZigZag,
        Type::String | Type::Bytes => Scalar::Text,
        Type::Fixed32 | Type::Sfixed32 => Scalar::Fixed32,
        Type::Fixed64 | Type::Sfixed64 => Scalar::Fixed64,
        Type::Float => Scalar::Float,
        Type::Double => Scalar::Double,
        _ => Scalar::Varint,
    }
}

fn is_map(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
}

/// A message's fields by number, each with the oneof it is in.
fn fields(message: &DescriptorProto) -> BTreeMap<i32, (&FieldDescriptorProto, Option<&str>)> {
    let oneof = |field: &FieldDescriptorProto| {
        let index = field.oneof_index.filter(|_| !field.proto3_optional())?;
        message
            .oneof_decl
            .get(usize::try_from(index).ok()?)
            .map(prost_types::OneofDescriptorProto::name)
    };
    message.field.iter().map(|field| (field.number(), (field, oneof(field)))).collect()
}

struct Diff<'a> {
    original: Types<'a>,
    update: Types<'a>,
    /// Pairs of full names that were compared, or are being compared.
    compared: HashSet<(String, String)>,
    found: Vec<Difference>,
    depth: u32,
}

impl<'a> Diff<'a> {
    fn add(&mut self, kind: &'static str, path: &str, what: &str) {
        self.found.push(Difference::new(kind, path, what));
    }

    /// Messages of one scope, by name. `scopes` are the full names of the original's and the update's.
    fn messages(
        &mut self,
        original: &'a [DescriptorProto],
        update: &'a [DescriptorProto],
        scopes: (&str, &str),
        path: &str,
    ) {
        for message in original.iter().filter(|message| !is_map(message)) {
            let name = message.name();
            let path = format!("{path}/{name}");
            match update.iter().find(|candidate| candidate.name() == name && !is_map(candidate)) {
                None => self.add("MESSAGE_REMOVED", &path, "the message is gone"),
                Some(counterpart) => {
                    let names = (format!("{}.{name}", scopes.0), format!("{}.{name}", scopes.1));
                    self.message(message, counterpart, &names, &path);
                }
            }
        }
    }

    fn message(
        &mut self,
        original: &'a DescriptorProto,
        update: &'a DescriptorProto,
        names: &(String, String),
        path: &str,
    ) {
        if !self.compared.insert(names.clone()) {
            return;
        }
        if self.depth >= MAX_DEPTH {
            self.add("TOO_COMPLEX", path, "the messages lie too deep to be compared");
            return;
        }
        self.depth += 1;
        self.oneofs(original, update, path);
        self.fields(original, update, path);
        self.messages(&original.nested_type, &update.nested_type, (&names.0, &names.1), path);
        self.depth -= 1;
    }

    /// Fields that could be set together and now exclude each other.
    fn oneofs(&mut self, original: &DescriptorProto, update: &DescriptorProto, path: &str) {
        let before = fields(original);
        let mut groups: BTreeMap<&str, (BTreeSet<String>, usize)> = BTreeMap::new();
        for (number, (_, oneof)) in fields(update) {
            let (Some(oneof), Some((_, was_in))) = (oneof, before.get(&number)) else { continue };
            let (origins, moved_in) = groups.entry(oneof).or_default();
            origins.insert(
                was_in
                    .map_or_else(|| format!("field {number}"), |was_in| format!("oneof {was_in}")),
            );
            *moved_in += usize::from(was_in.is_none());
        }
        for (oneof, (origins, moved_in)) in groups {
            let path = format!("{path}/{oneof}");
            if origins.len() > 1 && moved_in > 1 {
                self.add("MULTIPLE_FIELDS_MOVED_TO_ONEOF", &path, "fields were moved into a oneof");
            } else if origins.len() > 1 {
                self.add(
                    "FIELD_MOVED_TO_EXISTING_ONEOF",
                    &path,
                    "a field was moved into a oneof that has others",
                );
            }
        }
    }

    fn fields(&mut self, original: &'a DescriptorProto, update: &'a DescriptorProto, path: &str) {
        let (before, after) = (fields(original), fields(update));
        for (number, (field, oneof)) in &before {
            let path = format!("{path}/{number}");
            match (after.get(number), oneof) {
                (Some((counterpart, _)), _) => self.field(field, counterpart, &path),
                (None, Some(oneof)) => {
                    let still_named = update.oneof_decl.iter().any(|other| other.name() == *oneof);
                    let others_stay = before.iter().any(|(number, (_, other))| {
                        *other == Some(*oneof) && after.contains_key(number)
                    });
                    if still_named || others_stay {
                        self.add("ONEOF_FIELD_REMOVED", &path, "a field of a oneof is gone");
                    }
                }
                (None, None) if field.label() == Label::Required => {
                    self.add("REQUIRED_FIELD_REMOVED", &path, "a required field is gone");
                }
                (None, None) => {}
            }
        }
        for (number, (field, oneof)) in &after {
            let is_new = !before.contains_key(number) && oneof.is_none();
            if is_new && field.label() == Label::Required {
                self.add(
                    "REQUIRED_FIELD_ADDED",
                    &format!("{path}/{number}"),
                    "a required field is new",
                );
            }
        }
    }

    fn field(
        &mut self,
        original: &FieldDescriptorProto,
        update: &FieldDescriptorProto,
        path: &str,
    ) {
        let labels = (self.original.label(original), self.update.label(update));
        self.types(original, update, labels, path);
    }

    fn types(
        &mut self,
        original: &FieldDescriptorProto,
        update: &FieldDescriptorProto,
        labels: (Option<Label>, Option<Label>),
        path: &str,
    ) {
        match (self.original.kind(original), self.update.kind(update)) {
            (Kind::Scalar(before), Kind::Scalar(after)) => {
                if before != after {
                    let what = format!("{before:?} became {after:?}");
                    self.add("FIELD_SCALAR_KIND_CHANGED", path, &what);
                } else if matches!(labels, (Some(before), Some(after)) if before != after)
                    && before != Scalar::Text
                {
                    self.add("FIELD_NUMERIC_LABEL_CHANGED", path, "the label of a number changed");
                }
            }
            (Kind::Map(before), Kind::Map(after)) => {
                for (before, after) in before.field.iter().zip(&after.field) {
                    self.types(before, after, (None, None), path);
                }
            }
            (
                Kind::Message(before, before_name, before_full),
                Kind::Message(after, after_name, after_full),
            ) => {
                if before_name == after_name {
                    let found = self.found.len();
                    self.message(before, after, &(before_full, after_full), path);
                    if self.found.len() > found {
                        self.add("FIELD_NAMED_TYPE_CHANGED", path, "the field's type changed");
                    }
                } else {
                    let what = format!("{before_name} became {after_name}");
                    self.add("FIELD_NAMED_TYPE_CHANGED", path, &what);
                }
            }
            (Kind::Unknown(before), Kind::Unknown(after)) if before == after => {}
            _ => self.add(
                "FIELD_KIND_CHANGED",
                path,
                "scalar, message or map became another of these",
            ),
        }
    }
}
