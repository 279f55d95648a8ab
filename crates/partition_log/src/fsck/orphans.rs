//! Objects that nothing names: younger than the grace, or orphans.

use super::{Failure, Finding, FindingKind, context::Context};
use crate::object_names::{self, Kind};
use formats::metadata::{Garbage, Session};
use model::SessionId;
use std::collections::HashSet;
use storage::{Listed, ObjectName};

/// Tells of orphans. Everything else was named before.
pub(super) async fn find(context: &Context<'_>) -> Result<(), Failure> {
    // Read last: what left the lists since they were read is noted here.
    let on_their_way_out = name_garbage(context).await?;
    context.count(|summary| summary.on_their_way_out = on_their_way_out);
    let sessions = Sessions::read(context).await?;
    let mut next = None;
    loop {
        let page = context.stores.objects.list_page("", next).await?;
        for listed in &page.objects {
            if context.bucket.is_unnamed(&listed.name) {
                judge(context, &sessions, listed);
            }
        }
        next = page.next;
        if next.is_none() {
            return Ok(());
        }
    }
}

/// Counts as named what is noted for deletion; answers how much of it is still there.
async fn name_garbage(context: &Context<'_>) -> Result<u64, Failure> {
    let mut there = 0;
    for entry in context.range(context.stores.keys.all_garbage()).await? {
        let Some(garbage) = context.decode::<Garbage>(&entry) else { continue };
        let names = garbage.objects.iter().filter_map(|name| ObjectName::new(name).ok());
        there += names.filter(|name| context.bucket.name(name).is_some()).count() as u64;
    }
    Ok(there)
}

/// Sessions that metadata knows.
struct Sessions {
    lasting: HashSet<SessionId>,
    known: HashSet<SessionId>,
}

impl Sessions {
    async fn read(context: &Context<'_>) -> Result<Self, Failure> {
        let keys = &context.stores.keys;
        let lasting = context.range(keys.sessions()).await?;
        let lasting = lasting.iter().filter_map(|entry| {
            let session: Session = context.decode(entry)?;
            SessionId::from_slice(&session.id)
        });
        let heads = context.range(keys.commit_heads()).await?;
        let known = heads.iter().filter_map(|entry| keys.parse_commit_head(&entry.key)).collect();
        Ok(Self { lasting: lasting.collect(), known })
    }
}

/// Judges an object that nothing names.
fn judge(context: &Context<'_>, sessions: &Sessions, listed: &Listed) {
    let options = &context.options;
    let grace_ms = i64::try_from(options.grace.as_millis()).unwrap_or(i64::MAX);
    let is_young = listed.modified_unix_ms > options.now_unix_ms.saturating_sub(grace_ms);
    let reason = match object_names::kind(&listed.name) {
        Some(Kind::Marker | Kind::Snapshot) => return,
        _ if is_young => None,
        Some(Kind::OfSession(session)) if sessions.lasting.contains(&session) => None,
        Some(Kind::OfSession(session)) if context.doubtful_sessions.contains(&session) => return,
        Some(Kind::OfSession(session)) if sessions.known.contains(&session) => {
            Some("nothing refers to it, and its session has ended")
        }
        Some(Kind::OfSession(_)) => {
            Some("nothing refers to it, and metadata does not know its session")
        }
        Some(Kind::OfPartition(partition)) if context.doubtful_partitions.contains(&partition) => {
            return;
        }
        Some(Kind::OfPartition(partition)) => {
            let place = Some(context.place(partition, None));
            let finding = orphan(listed, "nothing refers to it");
            return context.report([Finding { place, ..finding }]);
        }
        Some(Kind::Probe) => Some("`alluvium doctor` or a start left it"),
        None => Some("no broker writes objects of such a name"),
    };
    match reason {
        Some(reason) => context.report([orphan(listed, reason)]),
        None => context.count(|summary| summary.in_grace += 1),
    }
}

fn orphan(listed: &Listed, reason: &str) -> Finding {
    Finding {
        kind: FindingKind::Orphan,
        place: None,
        object: Some(listed.name.to_string()),
        reason: format!("{reason} ({} bytes)", listed.size),
    }
}
