//! What stands against a change of plain keywords: limits, patterns, enumerations, dependencies.

use super::{
    Node,
    compatibility::{Found, found},
    content::keys,
};
use crate::json::Json;
use std::collections::BTreeSet;

/// Dependencies on properties: lists of names.
pub(super) fn dependencies(old: &Json, new: &Json, path: &str) -> Found {
    let mut all = Vec::new();
    for keyword in ["dependencies", "dependentRequired"] {
        let names = |json: &Json, name: &str| -> Option<BTreeSet<String>> {
            match json.get(keyword)?.get(name)? {
                Json::Array(names) => {
                    Some(names.iter().filter_map(Json::text).map(str::to_owned).collect())
                }
                _ => None,
            }
        };
        for name in keys(old.get(keyword), new.get(keyword)) {
            let path = format!("{path}/dependencies/{name}");
            match (names(old, name), names(new, name)) {
                (None, Some(_)) => all.extend(found("DEPENDENCY_ARRAY_ADDED", &path)),
                (Some(old), Some(new)) if new.is_subset(&old) => {}
                (Some(old), Some(new)) if old.is_subset(&new) => {
                    all.extend(found("DEPENDENCY_ARRAY_EXTENDED", &path));
                }
                (Some(_), Some(_)) => all.extend(found("DEPENDENCY_ARRAY_CHANGED", &path)),
                (_, None) => {}
            }
        }
    }
    all
}

/// A limit from above: what adds or lowers it breaks.
pub(super) fn upper(
    old: &Json,
    new: &Json,
    keyword: &str,
    path: &str,
    kinds: [&'static str; 2],
) -> Found {
    limit(old, new, keyword, path, kinds, |old, new| new < old)
}

/// A limit from below: what adds or raises it breaks.
pub(super) fn lower(
    old: &Json,
    new: &Json,
    keyword: &str,
    path: &str,
    kinds: [&'static str; 2],
) -> Found {
    limit(old, new, keyword, path, kinds, |old, new| new > old)
}

fn limit(
    old: &Json,
    new: &Json,
    keyword: &str,
    path: &str,
    [added, tightened]: [&'static str; 2],
    is_tighter: fn(f64, f64) -> bool,
) -> Found {
    let path = format!("{path}/{keyword}");
    match (old.get(keyword).and_then(Json::number), new.get(keyword).and_then(Json::number)) {
        (None, Some(_)) => found(added, &path),
        (Some(old), Some(new)) if is_tighter(old, new) => found(tightened, &path),
        _ => Vec::new(),
    }
}

pub(super) fn texts(old: &Json, new: &Json, path: &str) -> Found {
    let mut all = upper(old, new, "maxLength", path, ["MAX_LENGTH_ADDED", "MAX_LENGTH_DECREASED"]);
    all.extend(lower(old, new, "minLength", path, ["MIN_LENGTH_ADDED", "MIN_LENGTH_INCREASED"]));
    match (old.get("pattern"), new.get("pattern")) {
        (None, Some(_)) => all.extend(found("PATTERN_ADDED", path)),
        (Some(old), Some(new)) if old != new => all.extend(found("PATTERN_CHANGED", path)),
        _ => {}
    }
    all
}

pub(super) fn numbers(old: &Json, new: &Json, path: &str) -> Found {
    let mut all = upper(old, new, "maximum", path, ["MAXIMUM_ADDED", "MAXIMUM_DECREASED"]);
    all.extend(lower(old, new, "minimum", path, ["MINIMUM_ADDED", "MINIMUM_INCREASED"]));
    let kinds = ["EXCLUSIVE_MAXIMUM_ADDED", "EXCLUSIVE_MAXIMUM_DECREASED"];
    all.extend(upper(old, new, "exclusiveMaximum", path, kinds));
    let kinds = ["EXCLUSIVE_MINIMUM_ADDED", "EXCLUSIVE_MINIMUM_INCREASED"];
    all.extend(lower(old, new, "exclusiveMinimum", path, kinds));
    match (old.get("multipleOf"), new.get("multipleOf")) {
        (None, Some(_)) => all.extend(found("MULTIPLE_OF_ADDED", path)),
        (Some(old), Some(new)) if !is_multiple(old, new) => {
            let kind =
                if is_multiple(new, old) { "MULTIPLE_OF_EXPANDED" } else { "MULTIPLE_OF_CHANGED" };
            all.extend(found(kind, path));
        }
        _ => {}
    }
    let integer = |json: &Json| match json.get("type") {
        Some(Json::String(name)) => name == "integer",
        // Of several types the one that is no plain number.
        Some(names) => !names.elements().iter().any(|name| name.text() == Some("number")),
        None => false,
    };
    if integer(new) && !integer(old) {
        all.extend(found("TYPE_NARROWED", path));
    }
    all
}

/// Whether one number is a whole multiple of another, in decimal digits.
pub(super) fn is_multiple(number: &Json, of: &Json) -> bool {
    let decimal = |json: &Json| -> Option<(i128, usize)> {
        let text = json.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        if text.len() > 24 || text.contains(['e', 'E']) {
            return None;
        }
        Some((format!("{whole}{fraction}").parse().ok()?, fraction.len()))
    };
    let (Some((number, digits)), Some((of, of_digits))) = (decimal(number), decimal(of)) else {
        return number == of;
    };
    let scale = digits.max(of_digits);
    let scaled = |value: i128, digits: usize| {
        let power = u32::try_from(scale - digits).ok()?;
        value.checked_mul(10_i128.checked_pow(power)?)
    };
    match (scaled(number, digits), scaled(of, of_digits)) {
        (Some(number), Some(of)) if of != 0 => number % of == 0,
        _ => false,
    }
}

pub(super) fn enums(old: &[Json], new: &[Json], path: &str) -> Found {
    if old.iter().all(|value| new.contains(value)) {
        return Vec::new();
    }
    let narrowed = new.iter().all(|value| old.contains(value));
    found(if narrowed { "ENUM_ARRAY_NARROWED" } else { "ENUM_ARRAY_CHANGED" }, path)
}

/// Kafka Connect writes bytes in two ways that mean the same.
pub(super) fn connect_bytes(node: Node<'_>) -> bool {
    node.json.get("connect.type").and_then(Json::text) == Some("bytes")
}
