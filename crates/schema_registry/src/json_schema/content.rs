//! The content model of objects and arrays: what is named, and what may be there beyond.

use super::Node;
use crate::json::Json;
use std::collections::BTreeSet;

/// What an array says of its items.
pub(super) struct Items<'a> {
    pub(super) every: Option<Node<'a>>,
    pub(super) tuple: Vec<Node<'a>>,
    pub(super) rest: Rest<'a>,
    unevaluated: Option<Node<'a>>,
}

impl<'a> Items<'a> {
    pub(super) fn of(node: Node<'a>) -> Self {
        let at = |json: &'a Json| Node { json, ..node };
        let items = node.json.get("items");
        // Since draft 2020-12 a tuple is `prefixItems`, and `items` is what follows it.
        let (tuple, every, rest) = match (node.json.get("prefixItems"), items) {
            (Some(tuple), rest) => (Some(tuple), None, rest),
            (None, Some(tuple @ Json::Array(_))) => {
                (Some(tuple), None, node.json.get("additionalItems"))
            }
            (None, every) => (None, every, node.json.get("additionalItems")),
        };
        Self {
            every: every.map(at),
            tuple: tuple.map(Json::elements).unwrap_or_default().iter().map(at).collect(),
            rest: rest.map_or(Rest::Open, |json| Rest::of(at(json))),
            unevaluated: node.json.get("unevaluatedItems").map(at),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.rest, Rest::Open) && self.unevaluated.is_none_or(|node| is_any(node.json))
    }

    /// The schema of items that no schema is given for.
    pub(super) fn partial(&self) -> Option<Node<'a>> {
        match &self.rest {
            Rest::Schema(schema) => Some(*schema),
            Rest::Open => self.unevaluated.filter(|node| partial_schema(node.json)),
            Rest::Forbidden => None,
        }
    }
}

/// What may be there beyond what is named.
pub(super) enum Rest<'a> {
    Open,
    Forbidden,
    Schema(Node<'a>),
}

impl<'a> Rest<'a> {
    pub(super) fn of(node: Node<'a>) -> Self {
        match node.json {
            Json::Bool(true) => Self::Open,
            Json::Bool(false) => Self::Forbidden,
            _ => Self::Schema(node),
        }
    }
}

pub(super) fn additional(node: Node<'_>) -> Rest<'_> {
    let json = node.json.get("additionalProperties");
    json.map_or(Rest::Open, |json| Rest::of(Node { json, ..node }))
}

pub(super) fn is_open(node: Node<'_>) -> bool {
    let patterns = node.json.get("patternProperties").map(Json::members).unwrap_or_default();
    matches!(additional(node), Rest::Open)
        && patterns.is_empty()
        && node.json.get("unevaluatedProperties").is_none_or(is_any)
}

/// The schema of properties that are not named.
pub(super) fn partial<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    let patterns = node.json.get("patternProperties").map(Json::members).unwrap_or_default();
    let matching = patterns.iter().find(|(pattern, _)| {
        let pattern = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build();
        pattern.is_ok_and(|pattern| pattern.is_match(name))
    });
    if let Some((_, json)) = matching {
        return Some(Node { json, ..node });
    }
    match additional(node) {
        Rest::Schema(schema) => Some(schema),
        Rest::Open => {
            let json =
                node.json.get("unevaluatedProperties").filter(|json| partial_schema(json))?;
            Some(Node { json, ..node })
        }
        Rest::Forbidden => None,
    }
}

pub(super) fn partial_schema(json: &Json) -> bool {
    *json != Json::Bool(false) && !is_any(json)
}

pub(super) fn is_any(json: &Json) -> bool {
    match json {
        Json::Bool(value) => *value,
        Json::Object(members) => {
            let says_nothing = ["title", "description", "$id", "$comment", "default", "examples"];
            members.iter().all(|(name, _)| says_nothing.contains(&name.as_str()))
        }
        _ => false,
    }
}

pub(super) fn property<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    let json = node.json.get("properties")?.get(name)?;
    Some(Node { json, ..node })
}

pub(super) fn keys<'a>(left: Option<&'a Json>, right: Option<&'a Json>) -> BTreeSet<&'a str> {
    let members = left.into_iter().chain(right).flat_map(Json::members);
    members.map(|(name, _)| name.as_str()).collect()
}
