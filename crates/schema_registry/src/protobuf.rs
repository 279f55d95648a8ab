//! Protobuf schemas: `protox` reads and links them; what is compared and identified are descriptors.

mod compatibility;
mod print;

pub(crate) use compatibility::differences;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use protox::{
    Compiler,
    file::{ChainFileResolver, File, FileResolver, GoogleFileResolver},
};
use std::collections::HashMap;

/// Under this name a schema is compiled; it is no part of it.
const ROOT: &str = "schema.proto";
/// The parser recurses into braces.
const MAX_NESTING: usize = 64;

/// A file with what it imports.
#[derive(Clone, Debug)]
pub struct ProtobufSchema {
    /// Printed from the descriptor, so that the same file has the same text however it came; as it came, if printing would
    /// lose something (options that the file itself declares).
    text: String,
    root: FileDescriptorProto,
    imports: Vec<FileDescriptorProto>,
}

struct References(HashMap<String, String>);

impl FileResolver for References {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = self.0.get(name).ok_or_else(|| protox::Error::file_not_found(name))?;
        read(name, text)
    }
}

impl ProtobufSchema {
    /// Parses the text of a file, or a serialized file descriptor in Base64. What it imports is in `references`, by the
    /// path it is imported by, or is one of Google's own.
    ///
    /// # Errors
    /// A sentence for whoever wrote the schema.
    pub(crate) fn parse(text: &str, references: &[(&str, &str)]) -> Result<Self, String> {
        for (_, text) in references.iter().chain([&(ROOT, text)]) {
            check_nesting(text)?;
        }
        let (root, imports) = compile(text, references)?;
        let mut schema = Self { text: text.trim().to_owned(), root, imports };
        for dot in [print::Names::Plain, print::Names::Dotted] {
            let printed = print::print(&schema.root, dot);
            if compile(&printed, references).is_ok_and(|(root, _)| root == schema.root) {
                schema.text = printed;
                break;
            }
        }
        Ok(schema)
    }

    /// As it is stored.
    pub(crate) fn canonical(&self) -> String {
        self.text.clone()
    }

    /// The same for files that declare the same.
    pub(crate) fn normalized(&self) -> String {
        self.text.clone()
    }

    /// The file descriptor, in Base64.
    pub(crate) fn serialized(&self) -> String {
        let mut root = self.root.clone();
        root.name = Some("default".to_owned());
        STANDARD.encode(root.encode_to_vec())
    }

    /// The full name of its first message.
    pub(crate) fn name(&self) -> Option<String> {
        let message = self.root.message_type.first()?.name();
        let package = self.root.package();
        Some(if package.is_empty() { message.to_owned() } else { format!("{package}.{message}") })
    }

    fn files(&self) -> impl Iterator<Item = &FileDescriptorProto> {
        std::iter::once(&self.root).chain(&self.imports)
    }
}

fn compile(
    text: &str,
    references: &[(&str, &str)],
) -> Result<(FileDescriptorProto, Vec<FileDescriptorProto>), String> {
    let mut files = HashMap::new();
    for (name, text) in references.iter().chain([&(ROOT, text)]) {
        files.insert((*name).to_owned(), (*text).to_owned());
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(References(files));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(false);
    compiler.open_file(ROOT).map_err(|error| error.to_string())?;
    let FileDescriptorSet { file } = compiler.file_descriptor_set();
    let (mut roots, imports): (Vec<_>, Vec<_>) =
        file.into_iter().partition(|file| file.name() == ROOT);
    let mut root = roots.pop().ok_or("the file is empty")?;
    root.source_code_info = None;
    Ok((root, imports))
}

/// The text if it is a serialized file descriptor, as Python's and JavaScript's serializers send it.
fn descriptor(text: &str) -> Option<FileDescriptorProto> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    FileDescriptorProto::decode(bytes.as_slice()).ok()
}

fn read(name: &str, text: &str) -> Result<File, protox::Error> {
    match descriptor(text) {
        Some(mut file) => {
            file.name = Some(name.to_owned());
            Ok(File::from_file_descriptor_proto(file))
        }
        None => File::from_source(name, text),
    }
}

fn check_nesting(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' | b'<' => depth += 1,
            b'}' | b']' | b')' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Err(format!("more than {MAX_NESTING} levels"));
        }
    }
    Ok(())
}
