//! What a change of a JSON Schema breaks: whether everything that was valid still is.
//!
//! Source: the verdicts of Confluent's registry (`json-schema-provider`, its strict policy). They go by the content model: an
//! object that allows unknown properties (open) may lose a property but gain none, one that forbids them the other way round.

use super::{
    JsonSchema, Node,
    content::{Items, Rest, additional, is_any, is_open, keys, partial, property},
    kinds::{Criterion, Kind, Part, kind},
    limits::{connect_bytes, dependencies, enums, lower, numbers, texts, upper},
};
use crate::{compatibility::Difference, json::Json};
use std::collections::HashSet;

/// Why what `original` admits is not admitted by `update`; empty if it is.
pub(crate) fn differences(update: &JsonSchema, original: &JsonSchema) -> Vec<Difference> {
    let (Some(old), Some(new)) = (original.root_of(0), update.root_of(0)) else {
        return Vec::new();
    };
    let mut diff =
        Diff { original, update, open: HashSet::new(), steps: 0, depth: 0, swapped: false };
    let found = diff.schemas(old, new, "#");
    if diff.steps > MAX_STEPS {
        return vec![Difference::new(
            "TOO_COMPLEX",
            "#",
            "the schemas are too entangled to be compared",
        )];
    }
    found
}

/// Combinations are compared each with each, on every level.
const MAX_STEPS: u32 = 100_000;
const MAX_DEPTH: usize = 200;

/// What was found.
pub(super) type Found = Vec<Difference>;

struct Diff<'a> {
    original: &'a JsonSchema,
    update: &'a JsonSchema,
    /// Pairs that are being compared: met again, they say nothing new.
    open: HashSet<(*const Json, *const Json)>,
    steps: u32,
    depth: usize,
    /// Within a `not` sides are exchanged.
    swapped: bool,
}

pub(super) fn found(kind: &'static str, path: &str) -> Found {
    let what = kind.to_lowercase().replace('_', " ");
    vec![Difference::new(kind, path, &what)]
}

impl<'a> Diff<'a> {
    fn schemas(&mut self, original: Node<'a>, update: Node<'a>, path: &str) -> Found {
        let (left, right) = self.sides();
        let (original, update) = (left.resolved(original), right.resolved(update));
        let pair = (std::ptr::from_ref(original.json), std::ptr::from_ref(update.json));
        if self.steps > MAX_STEPS || !self.open.insert(pair) {
            return Vec::new();
        }
        let (old, new) = (kind(original), kind(update));
        let found = self.kinds((&old, original), (&new, update), path);
        self.open.remove(&pair);
        found
    }

    fn sides(&self) -> (&'a JsonSchema, &'a JsonSchema) {
        if self.swapped { (self.update, self.original) } else { (self.original, self.update) }
    }

    fn kinds(
        &mut self,
        (old, old_node): (&Kind<'a>, Node<'a>),
        (new, new_node): (&Kind<'a>, Node<'a>),
        path: &str,
    ) -> Found {
        self.steps += 1;
        if self.depth > MAX_DEPTH {
            self.steps = MAX_STEPS + 1;
        }
        if self.steps > MAX_STEPS {
            return Vec::new();
        }
        self.depth += 1;
        let found = if self.within((old, old_node), (new, new_node), path) {
            Vec::new()
        } else {
            self.alike((old, old_node), (new, new_node), path)
        };
        self.depth -= 1;
        found
    }

    /// Whether one side is a combination that has room for the other.
    fn within(
        &mut self,
        (old, old_node): (&Kind<'a>, Node<'a>),
        (new, new_node): (&Kind<'a>, Node<'a>),
        path: &str,
    ) -> bool {
        match (old, new) {
            (Kind::Combined(..), Kind::Combined(..)) => false,
            (_, Kind::Combined(criterion, parts)) => {
                let sum = *criterion != Criterion::All || parts.len() == 1;
                let old = Part::Side(old_node, old.clone());
                sum && parts.iter().any(|part| self.parts(&old, part, path).is_empty())
            }
            (Kind::Combined(criterion, parts), _) => {
                let product = *criterion == Criterion::All || parts.len() == 1;
                let new = Part::Side(new_node, new.clone());
                product && parts.iter().any(|part| self.parts(part, &new, path).is_empty())
            }
            _ => false,
        }
    }

    fn parts(&mut self, old: &Part<'a>, new: &Part<'a>, path: &str) -> Found {
        let (left, right) = self.sides();
        match (old, new) {
            (Part::Schema(old), Part::Schema(new)) => self.schemas(*old, *new, path),
            (Part::Side(old_node, old), Part::Side(new_node, new)) => {
                self.kinds((old, *old_node), (new, *new_node), path)
            }
            (Part::Side(old_node, old), Part::Schema(new)) => {
                let new = right.resolved(*new);
                self.kinds((old, *old_node), (&kind(new), new), path)
            }
            (Part::Schema(old), Part::Side(new_node, new)) => {
                let old = left.resolved(*old);
                self.kinds((&kind(old), old), (new, *new_node), path)
            }
        }
    }

    fn alike(
        &mut self,
        (old, old_node): (&Kind<'a>, Node<'a>),
        (new, new_node): (&Kind<'a>, Node<'a>),
        path: &str,
    ) -> Found {
        match (old, new) {
            // What a condition says is not compared, as in Confluent's registry.
            (Kind::Boolean, Kind::Boolean)
            | (Kind::Null, Kind::Null)
            | (Kind::Condition, Kind::Condition)
            | (Kind::Nothing, _)
            | (_, Kind::Any) => Vec::new(),
            (Kind::Text(old), Kind::Text(new)) => texts(old.json, new.json, path),
            (Kind::Number(old), Kind::Number(new)) => numbers(old.json, new.json, path),
            (Kind::Enum(old), Kind::Enum(new)) => enums(old, new, path),
            (Kind::Const(old), Kind::Const(new)) if old == new => Vec::new(),
            (Kind::Const(_), Kind::Const(_)) => found("ENUM_ARRAY_CHANGED", path),
            (Kind::Not(old), Kind::Not(new)) => {
                self.swapped = !self.swapped;
                let within = self.schemas(*new, *old, path);
                self.swapped = !self.swapped;
                if within.is_empty() { within } else { found("NOT_TYPE_EXTENDED", path) }
            }
            (Kind::Combined(old, old_parts), Kind::Combined(new, new_parts)) => {
                self.combined((*old, old_parts), (*new, new_parts), path)
            }
            (Kind::Array(old), Kind::Array(new)) => self.arrays(*old, *new, path),
            (Kind::Object(old), Kind::Object(new)) => self.objects(*old, *new, path),
            _ if connect_bytes(old_node) && connect_bytes(new_node) => Vec::new(),
            _ => found("TYPE_CHANGED", path),
        }
    }

    fn combined(
        &mut self,
        (old_criterion, old): (Criterion, &[Part<'a>]),
        (new_criterion, new): (Criterion, &[Part<'a>]),
        path: &str,
    ) -> Found {
        let extended = old_criterion == new_criterion
            || new_criterion == Criterion::Any
            || (old.len() == 1 && (new.len() == 1 || new_criterion == Criterion::One))
            || (new.len() == 1 && old_criterion == Criterion::All);
        if !extended {
            return found("COMBINED_TYPE_CHANGED", path);
        }
        if old.len() < new.len() && new_criterion == Criterion::All {
            return found("PRODUCT_TYPE_EXTENDED", path);
        }
        if old.len() > new.len() && old_criterion != Criterion::All {
            return found("SUM_TYPE_NARROWED", path);
        }
        let mut edges: Vec<Vec<usize>> = Vec::new();
        for left in old {
            let mut fits = Vec::new();
            for (index, right) in new.iter().enumerate() {
                if self.parts(left, right, path).is_empty() {
                    fits.push(index);
                }
            }
            edges.push(fits);
        }
        if matched(&edges, new.len()) < old.len().min(new.len()) {
            return found("COMBINED_TYPE_SUBSCHEMAS_CHANGED", path);
        }
        Vec::new()
    }

    fn arrays(&mut self, old: Node<'a>, new: Node<'a>, path: &str) -> Found {
        let mut all = Vec::new();
        let (old_items, new_items) = (Items::of(old), Items::of(new));
        let below = format!("{path}/items");
        all.extend(self.optional(old_items.every, new_items.every, &below));
        all.extend(self.tuple(&old_items, &new_items, &below));
        let below = format!("{path}/additionalItems");
        all.extend(self.rest("ADDITIONAL_ITEMS", &old_items.rest, &new_items.rest, &below));
        all.extend(self.unevaluated("unevaluatedItems", old, new, path));
        all.extend(upper(
            old.json,
            new.json,
            "maxItems",
            path,
            ["MAX_ITEMS_ADDED", "MAX_ITEMS_DECREASED"],
        ));
        all.extend(lower(
            old.json,
            new.json,
            "minItems",
            path,
            ["MIN_ITEMS_ADDED", "MIN_ITEMS_INCREASED"],
        ));
        all.extend(upper(
            old.json,
            new.json,
            "maxContains",
            path,
            ["MAX_CONTAINS_ADDED", "MAX_CONTAINS_DECREASED"],
        ));
        all.extend(lower(
            old.json,
            new.json,
            "minContains",
            path,
            ["MIN_CONTAINS_ADDED", "MIN_CONTAINS_INCREASED"],
        ));
        let unique = |node: Node<'_>| node.json.get("uniqueItems") == Some(&Json::Bool(true));
        if unique(new) && !unique(old) {
            all.extend(found("UNIQUE_ITEMS_ADDED", path));
        }
        all
    }

    fn tuple(&mut self, old: &Items<'a>, new: &Items<'a>, path: &str) -> Found {
        let mut all = Vec::new();
        for index in 0..old.tuple.len().max(new.tuple.len()) {
            let path = format!("{path}/{index}");
            match (old.tuple.get(index), new.tuple.get(index)) {
                (Some(old), Some(new)) => all.extend(self.schemas(*old, *new, &path)),
                (Some(_), None) if new.is_open() => {}
                (Some(item), None) => match new.partial() {
                    Some(rest) if self.schemas(*item, rest, &path).is_empty() => {}
                    Some(_) => all.extend(found(
                        "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
                        &path,
                    )),
                    None if matches!(item.json, Json::Bool(false)) => {}
                    None => all.extend(found("ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL", &path)),
                },
                (None, Some(item)) if old.is_open() => {
                    if !is_any(item.json) {
                        all.extend(found("ITEM_ADDED_TO_OPEN_CONTENT_MODEL", &path));
                    }
                }
                (None, Some(item)) => {
                    if let Some(rest) = old.partial()
                        && !self.schemas(rest, *item, &path).is_empty()
                    {
                        all.extend(found(
                            "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
                            &path,
                        ));
                    }
                }
                (None, None) => {}
            }
        }
        all
    }

    fn optional(&mut self, old: Option<Node<'a>>, new: Option<Node<'a>>, path: &str) -> Found {
        match (old, new) {
            (Some(old), Some(new)) => self.schemas(old, new, path),
            (None, Some(_)) => found("SCHEMA_ADDED", path),
            (_, None) => Vec::new(),
        }
    }

    /// `additionalProperties`, `additionalItems`.
    fn rest(&mut self, what: &str, old: &Rest<'a>, new: &Rest<'a>, path: &str) -> Found {
        let properties = what == "ADDITIONAL_PROPERTIES";
        match (old, new) {
            (Rest::Forbidden, _) | (_, Rest::Open) => Vec::new(),
            (_, Rest::Forbidden) if properties => found("ADDITIONAL_PROPERTIES_REMOVED", path),
            (_, Rest::Forbidden) => found("ADDITIONAL_ITEMS_REMOVED", path),
            (Rest::Open, Rest::Schema(_)) if properties => {
                found("ADDITIONAL_PROPERTIES_NARROWED", path)
            }
            (Rest::Open, Rest::Schema(_)) => found("ADDITIONAL_ITEMS_NARROWED", path),
            (Rest::Schema(old), Rest::Schema(new)) => self.schemas(*old, *new, path),
        }
    }

    fn unevaluated(&mut self, keyword: &str, old: Node<'a>, new: Node<'a>, path: &str) -> Found {
        let path = format!("{path}/{keyword}");
        let side = |node: Node<'a>| node.json.get(keyword).map(|json| Node { json, ..node });
        let properties = keyword == "unevaluatedProperties";
        match (side(old), side(new)) {
            (_, None) => Vec::new(),
            (Some(old), Some(_)) if old.json == &Json::Bool(false) => Vec::new(),
            (_, Some(new)) if new.json == &Json::Bool(false) => found(
                if properties {
                    "UNEVALUATED_PROPERTIES_REMOVED"
                } else {
                    "UNEVALUATED_ITEMS_REMOVED"
                },
                &path,
            ),
            (Some(_), Some(new)) if is_any(new.json) => Vec::new(),
            (Some(old), Some(new)) if !is_any(old.json) => self.schemas(old, new, &path),
            (_, Some(_)) => found(
                if properties {
                    "UNEVALUATED_PROPERTIES_NARROWED"
                } else {
                    "UNEVALUATED_ITEMS_NARROWED"
                },
                &path,
            ),
        }
    }

    fn objects(&mut self, old: Node<'a>, new: Node<'a>, path: &str) -> Found {
        let mut all = Vec::new();
        for name in keys(old.json.get("properties"), new.json.get("properties")) {
            all.extend(self.property(name, old, new, &format!("{path}/properties/{name}")));
        }
        all.extend(dependencies(old.json, new.json, path));
        all.extend(self.schema_dependencies(old, new, path));
        let below = format!("{path}/additionalProperties");
        let (old_rest, new_rest) = (additional(old), additional(new));
        all.extend(self.rest("ADDITIONAL_PROPERTIES", &old_rest, &new_rest, &below));
        all.extend(self.unevaluated("unevaluatedProperties", old, new, path));
        all.extend(upper(
            old.json,
            new.json,
            "maxProperties",
            path,
            ["MAX_PROPERTIES_ADDED", "MAX_PROPERTIES_DECREASED"],
        ));
        all.extend(lower(
            old.json,
            new.json,
            "minProperties",
            path,
            ["MIN_PROPERTIES_ADDED", "MIN_PROPERTIES_INCREASED"],
        ));
        all
    }

    fn property(&mut self, name: &str, old: Node<'a>, new: Node<'a>, path: &str) -> Found {
        let required = |node: Node<'_>| {
            let names = node.json.get("required").map(Json::elements).unwrap_or_default();
            names.iter().any(|required| required.text() == Some(name))
        };
        match (property(old, name), property(new, name)) {
            (Some(before), Some(after)) => {
                let mut all = self.schemas(before, after, path);
                if required(new) && !required(old) && after.json.get("default").is_none() {
                    all.extend(found("REQUIRED_ATTRIBUTE_ADDED", path));
                }
                all
            }
            (Some(_), None) if is_open(new) => Vec::new(),
            (Some(before), None) => match partial(new, name) {
                Some(rest) if self.schemas(before, rest, path).is_empty() => Vec::new(),
                Some(_) => {
                    found("PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", path)
                }
                None if matches!(before.json, Json::Bool(false)) => Vec::new(),
                None => found("PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", path),
            },
            (None, Some(after)) if is_open(old) => match () {
                () if is_any(after.json) => Vec::new(),
                () if !required(new) => {
                    found("OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", path)
                }
                () if after.json.get("default").is_some() => {
                    found("REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL", path)
                }
                () => found("REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", path),
            },
            (None, Some(after)) => {
                let mut all = Vec::new();
                if let Some(rest) = partial(old, name)
                    && !self.schemas(rest, after, path).is_empty()
                {
                    all.extend(found(
                        "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
                        path,
                    ));
                }
                if required(new) && after.json.get("default").is_none() {
                    all.extend(found("REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", path));
                }
                all
            }
            (None, None) => Vec::new(),
        }
    }

    fn schema_dependencies(&mut self, old: Node<'a>, new: Node<'a>, path: &str) -> Found {
        let mut all = Vec::new();
        for keyword in ["dependencies", "dependentSchemas"] {
            let schema = |node: Node<'a>, name: &str| {
                let json = node.json.get(keyword)?.get(name)?;
                (!matches!(json, Json::Array(_))).then_some(Node { json, ..node })
            };
            for name in keys(old.json.get(keyword), new.json.get(keyword)) {
                let path = format!("{path}/dependencies/{name}");
                match (schema(old, name), schema(new, name)) {
                    (Some(old), Some(new)) => all.extend(self.schemas(old, new, &path)),
                    (None, Some(_)) => all.extend(found("DEPENDENCY_SCHEMA_ADDED", &path)),
                    (_, None) => {}
                }
            }
        }
        all
    }
}

/// How many of the left side find a partner of their own, at best (Kuhn's algorithm).
fn matched(edges: &[Vec<usize>], right: usize) -> usize {
    let mut partner: Vec<Option<usize>> = vec![None; right];
    let mut matched = 0;
    for left in 0..edges.len() {
        let mut seen = vec![false; right];
        if try_match(left, edges, &mut partner, &mut seen) {
            matched += 1;
        }
    }
    matched
}

fn try_match(
    left: usize,
    edges: &[Vec<usize>],
    partner: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for right in edges.get(left).into_iter().flatten() {
        let Some(seen_already) = seen.get_mut(*right) else { continue };
        if std::mem::replace(seen_already, true) {
            continue;
        }
        let free = match partner.get(*right).copied().flatten() {
            None => true,
            Some(other) => try_match(other, edges, partner, seen),
        };
        if free && let Some(place) = partner.get_mut(*right) {
            *place = Some(left);
            return true;
        }
    }
    false
}
