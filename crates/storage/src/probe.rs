//! The start-up check: does this store do what the log rests on? Used by `serve` and `alluvium doctor`.

use crate::{ObjectError, ObjectErrorKind, ObjectName, Objects};
use bytes::Bytes;
use std::fmt;

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// The broker can run; somebody should look.
    Warn,
    /// The broker must not run on this store.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// What was looked at: `access`, `read after write`, `lifecycle`, …
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found.
    pub finding: String,
    /// What to do about it; empty when all is well.
    pub remedy: String,
}

impl Check {
    pub(crate) fn ok(name: &'static str, finding: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, finding: finding.into(), remedy: String::new() }
    }

    pub(crate) fn warn(name: &'static str, finding: impl Into<String>, remedy: &str) -> Self {
        Self { name, verdict: Verdict::Warn, finding: finding.into(), remedy: remedy.to_owned() }
    }

    fn fail(name: &'static str, finding: impl Into<String>, remedy: &str) -> Self {
        Self { name, verdict: Verdict::Fail, finding: finding.into(), remedy: remedy.to_owned() }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.finding)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "; {}", self.remedy) }
    }
}

/// What the probe found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbeReport {
    /// The store, for messages.
    pub store: String,
    /// In the order they were made; those after a failed `access` are left out.
    pub checks: Vec<Check>,
}

impl ProbeReport {
    /// The worst of the verdicts.
    pub fn verdict(&self) -> Verdict {
        self.checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
    }

    /// The checks that are not as they should be.
    pub fn findings(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.verdict != Verdict::Ok)
    }
}

/// Looks at the store: reads, writes and removes one small object below `probe/`, and reads the bucket's settings.
pub(crate) async fn probe(objects: &Objects, unique: &str) -> Result<ProbeReport, ObjectError> {
    let name = ObjectName::new(&format!("probe/{unique}")).map_err(|error| ObjectError {
        operation: "put",
        name: unique.to_owned(),
        kind: ObjectErrorKind::Invalid,
        reason: error.to_string(),
    })?;
    let access = access(objects).await;
    let mut checks = vec![access];
    if checks.iter().all(|check| check.verdict != Verdict::Fail) {
        checks.push(read_after_write(objects, &name).await);
        checks.push(list_after_write(objects, &name).await);
        checks.push(conditional_write(objects, &name).await);
        checks.push(delete(objects, &name).await);
        checks.extend(objects.inspect().await);
    }
    Ok(ProbeReport { store: objects.describe(), checks })
}

async fn access(objects: &Objects) -> Check {
    match objects.list("probe/").await {
        Ok(_) => Check::ok("access", "the store can be listed"),
        Err(error) => Check::fail("access", error.reason.clone(), access_remedy(&error)),
    }
}

fn access_remedy(error: &ObjectError) -> &'static str {
    if error.reason.contains("NoSuchBucket") {
        return "create the bucket, or correct --object-store";
    }
    match error.kind {
        ObjectErrorKind::Denied => {
            "check the credentials, the region, and that the policy allows s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject"
        }
        ObjectErrorKind::Unavailable => {
            "check that the store runs and that --object-store-endpoint is right"
        }
        _ => "correct --object-store",
    }
}

async fn read_after_write(objects: &Objects, name: &ObjectName) -> Check {
    const NAME: &str = "read after write";
    let content = Bytes::from(name.as_str().to_owned());
    if let Err(error) = objects.put(name, vec![content.clone()]).await {
        return Check::fail(NAME, error.to_string(), "allow writing (s3:PutObject)");
    }
    match objects.get(name).await {
        Ok(read) if read == content => Check::ok(NAME, "what is written is read back"),
        Ok(_) => Check::fail(NAME, "something else was read back", "use a consistent store"),
        Err(error) => Check::fail(NAME, error.to_string(), "allow reading (s3:GetObject)"),
    }
}

async fn list_after_write(objects: &Objects, name: &ObjectName) -> Check {
    const NAME: &str = "list after write";
    match objects.list(name.as_str()).await {
        Ok(listed) if listed.iter().any(|object| object.name == *name) => {
            Check::ok(NAME, "what is written is listed")
        }
        Ok(_) => Check::fail(NAME, "a new object is not listed", "use a consistent store"),
        Err(error) => Check::fail(NAME, error.to_string(), "allow listing (s3:ListBucket)"),
    }
}

/// Some stores ignore the condition and answer 200.
async fn conditional_write(objects: &Objects, name: &ObjectName) -> Check {
    const NAME: &str = "conditional write";
    let remedy = "use a store that honours If-None-Match on PUT, or a newer version of this one";
    match objects.put_if_absent(name, Bytes::from_static(b"replaced")).await {
        Err(error) if error.kind == ObjectErrorKind::AlreadyExists => {
            Check::ok(NAME, "If-None-Match refuses to replace")
        }
        Ok(()) => Check::fail(NAME, "If-None-Match is ignored: an object was replaced", remedy),
        Err(error) => Check::fail(NAME, error.to_string(), remedy),
    }
}

async fn delete(objects: &Objects, name: &ObjectName) -> Check {
    const NAME: &str = "delete";
    if let Err(error) = objects.delete(std::slice::from_ref(name)).await {
        return Check::fail(NAME, error.to_string(), "allow deletion (s3:DeleteObject)");
    }
    match objects.get(name).await {
        Err(error) if error.kind == ObjectErrorKind::NotFound => {
            Check::ok(NAME, "what is deleted is gone")
        }
        Ok(_) => Check::fail(NAME, "a deleted object was read", "use a consistent store"),
        Err(error) => Check::fail(NAME, error.to_string(), "allow s3:ListBucket"),
    }
}
