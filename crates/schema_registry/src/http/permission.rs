//! What a request needs a permission for.

use super::request::Request;
use crate::{Deed, RegistryError, Subject};
use axum::http::Method;

/// Refuses what whoever asks may not do. Lists, and what is asked for by id, are sorted out where they are answered.
///
/// # Errors
/// 40301, and those of names that are none.
pub(super) fn check(request: &Request) -> Result<(), RegistryError> {
    let Some((deed, subject)) = needed(request)? else { return Ok(()) };
    let name = subject.as_ref().map(Subject::name);
    if request.visitor.may(deed, name, true) {
        return Ok(());
    }
    let of = name.map_or_else(String::new, |name| format!(" of subject {name}"));
    Err(RegistryError::new(40301, format!("User is denied operation {}{of}", name_of(deed, name))))
}

/// As Confluent's registry calls it.
fn name_of(deed: Deed, subject: Option<&str>) -> &'static str {
    match (deed, subject.is_some()) {
        (Deed::Read, _) => "SUBJECT_READ",
        (Deed::Write, _) => "SUBJECT_WRITE",
        (Deed::Delete, _) => "SUBJECT_DELETE",
        (Deed::ReadConfig, true) => "SUBJECT_COMPATIBILITY_READ",
        (Deed::WriteConfig, true) => "SUBJECT_COMPATIBILITY_WRITE",
        (Deed::ReadConfig, false) => "GLOBAL_COMPATIBILITY_READ",
        (Deed::WriteConfig, false) => "GLOBAL_COMPATIBILITY_WRITE",
    }
}

fn needed(request: &Request) -> Result<Option<(Deed, Option<Subject>)>, RegistryError> {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let method = &request.method;
    let (deed, subject) = match path.as_slice() {
        ["subjects", subject, rest @ ..] => {
            let registers = *method == Method::POST && *rest == ["versions"];
            let deed = match *method {
                Method::DELETE => Deed::Delete,
                _ if registers => Deed::Write,
                _ => Deed::Read,
            };
            (deed, Some(*subject))
        }
        ["compatibility", "subjects", subject, ..] => (Deed::Read, Some(*subject)),
        ["config" | "mode", rest @ ..] => {
            let reads = *method == Method::GET;
            (if reads { Deed::ReadConfig } else { Deed::WriteConfig }, rest.first().copied())
        }
        _ => return Ok(None),
    };
    let subject = subject.map(|subject| request.subject(subject)).transpose()?;
    Ok(Some((deed, subject)))
}
