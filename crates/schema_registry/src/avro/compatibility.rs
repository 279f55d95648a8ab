//! Whether a reader's Avro schema can read what a writer's wrote.
//!
//! Source: "Schema Resolution" of the Avro specification, with two of the Java library's readings, which Confluent's
//! registry has: named types match by their name without namespace, and an enum's default makes up for symbols it lacks.

use super::{AvroSchema, Kind, Named, Primitive, Shape, Type};
use crate::compatibility::Difference;
use std::collections::HashSet;

/// Why `reader` cannot read what `writer` wrote; empty if it can.
pub(crate) fn differences(reader: &AvroSchema, writer: &AvroSchema) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut check = Check { reader, writer, assumed: HashSet::new(), steps: 0, depth: 0 };
    check.types(&reader.root, &writer.root, "", &mut found);
    if check.steps > MAX_STEPS {
        found.push(Difference::new(
            "TOO_COMPLEX",
            "",
            "the schemas are too entangled to be compared",
        ));
    }
    found
}

/// Unions within unions are compared pair by pair; nobody's schema needs this many.
const MAX_STEPS: u32 = 200_000;
/// Records that mention records that mention records …
const MAX_DEPTH: u32 = 256;

struct Check<'a> {
    reader: &'a AvroSchema,
    writer: &'a AvroSchema,
    /// Pairs of records that are being compared, or were: a recursive type is compatible if nothing else speaks against it.
    assumed: HashSet<(String, String)>,
    steps: u32,
    depth: u32,
}

/// A type, once names are looked up.
enum Looked<'a> {
    Primitive(Primitive),
    Array(&'a Type),
    Map(&'a Type),
    Union(&'a [Type]),
    Named(&'a Named),
}

fn look<'a>(schema: &'a AvroSchema, of: &'a Type) -> Option<Looked<'a>> {
    Some(match &of.kind {
        Kind::Primitive(primitive) => Looked::Primitive(*primitive),
        Kind::Array(items) => Looked::Array(items),
        Kind::Map(values) => Looked::Map(values),
        Kind::Union(branches) => Looked::Union(branches),
        Kind::Definition(name) | Kind::Mention(name) => Looked::Named(schema.names.get(name)?),
    })
}

impl<'a> Check<'a> {
    fn types(
        &mut self,
        reader: &'a Type,
        writer: &'a Type,
        path: &str,
        found: &mut Vec<Difference>,
    ) {
        self.steps += 1;
        if self.depth > MAX_DEPTH {
            self.steps = MAX_STEPS + 1;
        }
        if self.steps > MAX_STEPS {
            return;
        }
        self.depth += 1;
        self.looked_up(reader, writer, path, found);
        self.depth -= 1;
    }

    fn looked_up(
        &mut self,
        reader: &'a Type,
        writer: &'a Type,
        path: &str,
        found: &mut Vec<Difference>,
    ) {
        let (Some(read), Some(written)) = (look(self.reader, reader), look(self.writer, writer))
        else {
            found.push(Difference::new("TYPE_MISMATCH", path, "a type is not defined"));
            return;
        };
        match (read, written) {
            (_, Looked::Union(branches)) => {
                for (index, branch) in branches.iter().enumerate() {
                    let mut within = Vec::new();
                    self.types(reader, branch, &format!("{path}/{index}"), &mut within);
                    if !within.is_empty() && matches!(reader.kind, Kind::Union(_)) {
                        let what =
                            format!("the new union has no branch that reads {}", name_of(branch));
                        found.push(Difference::new(
                            "MISSING_UNION_BRANCH",
                            &format!("{path}/{index}"),
                            &what,
                        ));
                    } else {
                        found.append(&mut within);
                    }
                }
            }
            (Looked::Union(branches), _) => self.any_branch(branches, writer, path, found),
            (Looked::Primitive(read), Looked::Primitive(written)) => {
                if !promotes(written, read) {
                    mismatch(read.name(), written.name(), path, found);
                }
            }
            (Looked::Array(read), Looked::Array(written)) => {
                self.types(read, written, &format!("{path}/items"), found);
            }
            (Looked::Map(read), Looked::Map(written)) => {
                self.types(read, written, &format!("{path}/values"), found);
            }
            (Looked::Named(read), Looked::Named(written)) => self.named(read, written, path, found),
            _ => mismatch(&name_of(reader), &name_of(writer), path, found),
        }
    }

    fn any_branch(
        &mut self,
        branches: &'a [Type],
        writer: &'a Type,
        path: &str,
        found: &mut Vec<Difference>,
    ) {
        for branch in branches {
            // What a branch that fails assumed on its way must not speak for another.
            let assumed = self.assumed.clone();
            self.steps += u32::try_from(assumed.len() / 16).unwrap_or(u32::MAX / 2);
            let mut within = Vec::new();
            self.types(branch, writer, path, &mut within);
            if within.is_empty() {
                return;
            }
            self.assumed = assumed;
        }
        let what = format!("the new union has no branch that reads {}", name_of(writer));
        found.push(Difference::new("MISSING_UNION_BRANCH", path, &what));
    }

    fn named(
        &mut self,
        read: &'a Named,
        written: &'a Named,
        path: &str,
        found: &mut Vec<Difference>,
    ) {
        match (&read.shape, &written.shape) {
            (
                Shape::Record { fields: read_fields, .. },
                Shape::Record { fields: written_fields, .. },
            ) => {
                if !self.assumed.insert((read.full_name.clone(), written.full_name.clone())) {
                    return;
                }
                check_names(read, written, path, found);
                for (index, field) in read_fields.iter().enumerate() {
                    let path = format!("{path}/fields/{index}");
                    let counterpart =
                        written_fields.iter().find(|w| w.name == field.name).or_else(|| {
                            written_fields.iter().find(|w| field.aliases.contains(&w.name))
                        });
                    match counterpart {
                        Some(counterpart) => {
                            let path = format!("{path}/type");
                            self.types(&field.schema, &counterpart.schema, &path, found);
                        }
                        None if field.default.is_none() => {
                            let what = format!(
                                "the new field {} has no default and the old schema lacks it",
                                field.name
                            );
                            found.push(Difference::new(
                                "READER_FIELD_MISSING_DEFAULT_VALUE",
                                &path,
                                &what,
                            ));
                        }
                        None => {}
                    }
                }
            }
            (Shape::Enum { symbols: read_symbols, default }, Shape::Enum { symbols, .. }) => {
                check_names(read, written, path, found);
                let missing: Vec<_> = symbols
                    .iter()
                    .filter(|s| !read_symbols.contains(s))
                    .map(String::as_str)
                    .collect();
                if !missing.is_empty() && default.is_none() {
                    let what =
                        format!("the new enum lacks {} and has no default", missing.join(", "));
                    found.push(Difference::new(
                        "MISSING_ENUM_SYMBOLS",
                        &format!("{path}/symbols"),
                        &what,
                    ));
                }
            }
            (Shape::Fixed { size: read_size }, Shape::Fixed { size }) => {
                check_names(read, written, path, found);
                if read_size != size {
                    let what = format!("the new size is {read_size}, the old one {size}");
                    found.push(Difference::new(
                        "FIXED_SIZE_MISMATCH",
                        &format!("{path}/size"),
                        &what,
                    ));
                }
            }
            _ => mismatch(&read.full_name, &written.full_name, path, found),
        }
    }
}

fn check_names(read: &Named, written: &Named, path: &str, found: &mut Vec<Difference>) {
    if read.short_name() != written.short_name() && !read.aliases.contains(&written.full_name) {
        let what = format!("the new name is {}, the old one {}", read.full_name, written.full_name);
        found.push(Difference::new("NAME_MISMATCH", &format!("{path}/name"), &what));
    }
}

fn mismatch(read: &str, written: &str, path: &str, found: &mut Vec<Difference>) {
    let what = format!("{read} cannot read what was written as {written}");
    found.push(Difference::new("TYPE_MISMATCH", path, &what));
}

fn name_of(schema: &Type) -> String {
    match &schema.kind {
        Kind::Primitive(primitive) => primitive.name().to_owned(),
        Kind::Array(_) => "array".to_owned(),
        Kind::Map(_) => "map".to_owned(),
        Kind::Union(_) => "union".to_owned(),
        Kind::Definition(name) | Kind::Mention(name) => name.clone(),
    }
}

/// Whether what was written as one primitive can be read as another.
fn promotes(written: Primitive, read: Primitive) -> bool {
    use Primitive::{Bytes, Double, Float, Int, Long, String};
    written == read
        || matches!(
            (written, read),
            (Int, Long | Float | Double)
                | (Long, Float | Double)
                | (Float, Double)
                | (String, Bytes)
                | (Bytes, String)
        )
}
