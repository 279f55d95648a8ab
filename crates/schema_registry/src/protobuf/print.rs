//! A file descriptor as the text of a file: for schemas that serializers send as descriptors.

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileOptions,
    ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use std::fmt::Write as _;

/// Prints what a schema is made of. Options beyond the usual ones are left out.
pub(super) fn print(file: &FileDescriptorProto, names: Names) -> String {
    let proto3 = file.syntax() == "proto3";
    let mut printer = Printer { text: String::new(), depth: 0, proto3, names };
    printer.file(file);
    printer.text
}

/// How types are called: by full names, which an inner type of the same name may hide unless a dot stands before them.
#[derive(Clone, Copy)]
pub(super) enum Names {
    Plain,
    Dotted,
}

struct Printer {
    names: Names,
    text: String,
    depth: usize,
    proto3: bool,
}

impl Printer {
    fn named<'a>(&self, name: &'a str) -> &'a str {
        match self.names {
            Names::Plain => name.trim_start_matches('.'),
            Names::Dotted => name,
        }
    }

    fn type_name(&self, field: &FieldDescriptorProto) -> String {
        match field.r#type() {
            Type::Message | Type::Enum | Type::Group => self.named(field.type_name()).to_owned(),
            scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
        }
    }

    fn line(&mut self, line: &str) {
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn block(&mut self, head: &str, body: impl FnOnce(&mut Self)) {
        self.line(&format!("{head} {{"));
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.line("}");
    }

    fn file(&mut self, file: &FileDescriptorProto) {
        let syntax = if self.proto3 { "proto3" } else { "proto2" };
        self.line(&format!("syntax = \"{syntax}\";"));
        if !file.package().is_empty() {
            self.line(&format!("package {};", file.package()));
        }
        for (index, import) in file.dependency.iter().enumerate() {
            let index = i32::try_from(index).unwrap_or(-1);
            let kind = match () {
                () if file.public_dependency.contains(&index) => "public ",
                () if file.weak_dependency.contains(&index) => "weak ",
                () => "",
            };
            self.line(&format!("import {kind}\"{}\";", import.escape_default()));
        }
        if let Some(options) = &file.options {
            self.file_options(options);
        }
        for message in &file.message_type {
            self.message(message);
        }
        for declared in &file.enum_type {
            self.enumeration(declared);
        }
        self.extensions(&file.extension);
        for service in &file.service {
            self.service(service);
        }
    }

    fn file_options(&mut self, options: &FileOptions) {
        let texts = [
            ("java_package", &options.java_package),
            ("java_outer_classname", &options.java_outer_classname),
            ("go_package", &options.go_package),
            ("objc_class_prefix", &options.objc_class_prefix),
            ("csharp_namespace", &options.csharp_namespace),
            ("swift_prefix", &options.swift_prefix),
            ("php_class_prefix", &options.php_class_prefix),
            ("php_namespace", &options.php_namespace),
            ("php_metadata_namespace", &options.php_metadata_namespace),
            ("ruby_package", &options.ruby_package),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                self.line(&format!("option {name} = \"{}\";", text.escape_default()));
            }
        }
        let flags = [
            ("java_multiple_files", options.java_multiple_files),
            ("java_string_check_utf8", options.java_string_check_utf8),
            ("cc_generic_services", options.cc_generic_services),
            ("java_generic_services", options.java_generic_services),
            ("py_generic_services", options.py_generic_services),
            ("deprecated", options.deprecated),
            ("cc_enable_arenas", options.cc_enable_arenas),
        ];
        for (name, flag) in flags {
            if let Some(flag) = flag {
                self.line(&format!("option {name} = {flag};"));
            }
        }
        if options.optimize_for.is_some() {
            self.line(&format!("option optimize_for = {};", options.optimize_for().as_str_name()));
        }
    }

    fn message(&mut self, message: &DescriptorProto) {
        self.block(&format!("message {}", message.name()), |printer| printer.members(message));
    }

    fn members(&mut self, message: &DescriptorProto) {
        if let Some(deprecated) = message.options.as_ref().and_then(|options| options.deprecated) {
            self.line(&format!("option deprecated = {deprecated};"));
        }
        let real =
            |field: &FieldDescriptorProto| field.oneof_index.filter(|_| !field.proto3_optional());
        let mut printed = Vec::new();
        for field in &message.field {
            match real(field) {
                None => self.field(field, Some(message)),
                Some(index) if printed.contains(&index) => {}
                Some(index) => {
                    printed.push(index);
                    let oneof = usize::try_from(index).ok().and_then(|i| message.oneof_decl.get(i));
                    let name =
                        oneof.map(prost_types::OneofDescriptorProto::name).unwrap_or_default();
                    self.block(&format!("oneof {name}"), |printer| {
                        for field in message.field.iter().filter(|field| real(field) == Some(index))
                        {
                            printer.field(field, Some(message));
                        }
                    });
                }
            }
        }
        for range in &message.reserved_range {
            let (start, last) = (range.start(), range.end() - 1);
            self.line(&format!("reserved {start} to {last};"));
        }
        for name in &message.reserved_name {
            self.line(&format!("reserved \"{name}\";"));
        }
        for range in &message.extension_range {
            let (start, last) = (range.start(), range.end() - 1);
            self.line(&format!("extensions {start} to {last};"));
        }
        for nested in &message.nested_type {
            let hidden =
                nested.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry);
            let group = message.field.iter().any(|field| {
                field.r#type() == Type::Group
                    && field.type_name().ends_with(&format!(".{}", nested.name()))
            });
            if !hidden && !group {
                self.message(nested);
            }
        }
        for declared in &message.enum_type {
            self.enumeration(declared);
        }
        self.extensions(&message.extension);
    }

    fn field(&mut self, field: &FieldDescriptorProto, message: Option<&DescriptorProto>) {
        let entry = message.and_then(|message| map_entry(message, field));
        if let Some([key, value]) = entry.and_then(|entry| entry.field.get(..2)) {
            let (key, value) = (self.type_name(key), self.type_name(value));
            let options = options(field);
            self.line(&format!(
                "map<{key}, {value}> {} = {}{options};",
                field.name(),
                field.number()
            ));
            return;
        }
        let in_oneof = field.oneof_index.is_some() && !field.proto3_optional();
        let label = match field.label() {
            Label::Repeated => "repeated ",
            Label::Required => "required ",
            Label::Optional if in_oneof => "",
            Label::Optional if self.proto3 && !field.proto3_optional() => "",
            Label::Optional => "optional ",
        };
        if field.r#type() == Type::Group {
            let name = field.type_name().rsplit('.').next().unwrap_or_default();
            let body =
                message.and_then(|m| m.nested_type.iter().find(|nested| nested.name() == name));
            let head = format!("{label}group {name} = {}", field.number());
            self.block(&head, |printer| {
                if let Some(body) = body {
                    printer.members(body);
                }
            });
            return;
        }
        let line = format!(
            "{label}{} {} = {}{};",
            self.type_name(field),
            field.name(),
            field.number(),
            options(field)
        );
        self.line(&line);
    }

    fn enumeration(&mut self, declared: &EnumDescriptorProto) {
        self.block(&format!("enum {}", declared.name()), |printer| {
            if let Some(alias) = declared.options.as_ref().and_then(|options| options.allow_alias) {
                printer.line(&format!("option allow_alias = {alias};"));
            }
            for value in &declared.value {
                let deprecated = value.options.as_ref().and_then(|options| options.deprecated);
                let options =
                    deprecated.map(|flag| format!(" [deprecated = {flag}]")).unwrap_or_default();
                printer.line(&format!("{} = {}{options};", value.name(), value.number()));
            }
            for range in &declared.reserved_range {
                printer.line(&format!("reserved {} to {};", range.start(), range.end()));
            }
            for name in &declared.reserved_name {
                printer.line(&format!("reserved \"{name}\";"));
            }
        });
    }

    fn extensions(&mut self, extensions: &[FieldDescriptorProto]) {
        for extension in extensions {
            self.block(&format!("extend {}", self.named(extension.extendee())), |printer| {
                printer.field(extension, None);
            });
        }
    }

    fn service(&mut self, service: &ServiceDescriptorProto) {
        self.block(&format!("service {}", service.name()), |printer| {
            for method in &service.method {
                let stream = |flag| if flag { "stream " } else { "" };
                printer.line(&format!(
                    "rpc {} ({}{}) returns ({}{});",
                    method.name(),
                    stream(method.client_streaming()),
                    printer.named(method.input_type()),
                    stream(method.server_streaming()),
                    printer.named(method.output_type()),
                ));
            }
        });
    }
}

fn map_entry<'a>(
    message: &'a DescriptorProto,
    field: &FieldDescriptorProto,
) -> Option<&'a DescriptorProto> {
    let name = field.type_name().rsplit('.').next()?;
    let entry = message.nested_type.iter().find(|nested| nested.name() == name)?;
    let is_map = entry.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry);
    (is_map && field.label() == Label::Repeated).then_some(entry)
}

fn options(field: &FieldDescriptorProto) -> String {
    let mut options = Vec::new();
    if let Some(default) = &field.default_value {
        options.push(match field.r#type() {
            Type::String => format!("default = \"{}\"", default.escape_default()),
            Type::Bytes => format!("default = \"{default}\""),
            _ => format!("default = {default}"),
        });
    }
    if let Some(name) = field.json_name.as_deref().filter(|name| *name != json_name(field.name())) {
        options.push(format!("json_name = \"{}\"", name.escape_default()));
    }
    if let Some(given) = &field.options {
        options.extend(given.packed.map(|packed| format!("packed = {packed}")));
        options.extend(given.deprecated.map(|deprecated| format!("deprecated = {deprecated}")));
        options.extend(given.lazy.map(|lazy| format!("lazy = {lazy}")));
    }
    let mut text = String::new();
    if !options.is_empty() {
        let _ = write!(text, " [{}]", options.join(", "));
    }
    text
}

/// The name that Protobuf gives a field in JSON by itself.
fn json_name(name: &str) -> String {
    let mut camel = String::new();
    let mut upper = false;
    for letter in name.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                camel.push(letter.to_ascii_uppercase());
                upper = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}
