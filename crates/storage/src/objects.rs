//! [`Objects`]: the store as the rest of the broker sees it. Cheap to clone.

use crate::{
    Check, FaultPlan, ObjectError, ObjectName, ObjectsOptions, Operation, ProbeReport,
    RequestCounts,
    counts::{Counters, count_bytes},
    faults::FaultyStore,
    local::LocalStore,
    location::Location,
    memory::MemoryStore,
    probe,
    retry::{Request, Retry},
    s3::{S3Store, Settings},
    store::{Failure, Mode, Page, Store},
};
use bytes::Bytes;
use object_store::PutPayload;
use runtime::{Clock, Randomness};
use std::{ops::Range, sync::Arc};

/// No store keeps larger objects (S3: 50 TB); some ignore a range header with larger numbers and answer the whole object.
const LARGEST_OBJECT: u64 = 1 << 50;

/// An object met in a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its name below the prefix.
    pub name: ObjectName,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in milliseconds since 1970.
    pub modified_unix_ms: i64,
}

/// An object store below one prefix.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn Store>,
    counters: Arc<Counters>,
    retry: Retry,
}

impl Objects {
    /// Opens the store. A directory is made and checked for writing; a bucket is not touched: see `probe` for the
    /// start-up check.
    ///
    /// # Errors
    /// `Invalid` for a URL that can't be understood, `Denied` when no credentials are found or the directory can't be
    /// written.
    pub fn open(
        options: &ObjectsOptions,
        clock: Clock,
        randomness: Randomness,
    ) -> Result<Self, ObjectError> {
        let counters = Arc::<Counters>::default();
        let store = open_store(options, clock, &counters).map_err(|failure| ObjectError {
            operation: "open",
            name: options.url.clone(),
            kind: failure.kind,
            reason: failure.reason,
        })?;
        Ok(Self::new(store, counters, options, randomness))
    }

    /// An empty store in memory, for tests.
    pub fn memory() -> Self {
        Self::in_memory(Clock::system(), Randomness::seeded(0))
    }

    /// An empty store in memory whose times are the clock's.
    pub fn in_memory(clock: Clock, randomness: Randomness) -> Self {
        let store = Arc::new(MemoryStore::new(clock));
        Self::new(store, Arc::default(), &ObjectsOptions::new("memory://"), randomness)
    }

    /// The same store with faults, for tests and the simulation; this handle keeps working without them.
    pub fn with_faults(&self, plan: FaultPlan) -> Self {
        let store = Arc::new(FaultyStore::new(Arc::clone(&self.store), plan));
        Self { store, ..self.clone() }
    }

    fn new(
        store: Arc<dyn Store>,
        counters: Arc<Counters>,
        options: &ObjectsOptions,
        randomness: Randomness,
    ) -> Self {
        let retry = Retry {
            attempt_timeout: options.attempt_timeout,
            call_timeout: options.call_timeout,
            randomness,
            counters: (!store.counts_on_the_wire()).then(|| Arc::clone(&counters)),
        };
        Self { store, counters, retry }
    }

    /// Writes an object, replacing one of that name; durable on return. `parts` are concatenated without copying.
    /// Retried within the call's time limit.
    ///
    /// # Errors
    /// `Unavailable` (it may have been written all the same, or may be later), `Denied`, `Invalid`.
    pub async fn put(&self, name: &ObjectName, parts: Vec<Bytes>) -> Result<(), ObjectError> {
        self.write(Operation::Put, name, parts.into_iter().collect(), Mode::Replace).await
    }

    /// Writes an object unless one of that name exists (If-None-Match). On `AlreadyExists` that follows a retried attempt the
    /// object may be ours: the caller reads and compares.
    ///
    /// # Errors
    /// `AlreadyExists`, and as [`Objects::put`].
    pub async fn put_if_absent(
        &self,
        name: &ObjectName,
        content: Bytes,
    ) -> Result<(), ObjectError> {
        self.write(Operation::PutIfAbsent, name, content.into(), Mode::Create).await
    }

    /// Reads a whole object.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`, `Denied`.
    pub async fn get(&self, name: &ObjectName) -> Result<Bytes, ObjectError> {
        self.read(name, None).await
    }

    /// Reads a byte range; one beyond the object's end is an `Invalid` error, never a short answer. An empty range is
    /// answered without asking the store.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Unavailable`, `Denied`.
    pub async fn get_range(
        &self,
        name: &ObjectName,
        range: Range<u64>,
    ) -> Result<Bytes, ObjectError> {
        if range.start == range.end {
            return Ok(Bytes::new());
        }
        if range.start > range.end || range.end > LARGEST_OBJECT {
            let Failure { kind, reason } = Failure::outside(&range, None);
            return Err(ObjectError::new("get", name, kind, reason));
        }
        self.read(name, Some(range)).await
    }

    /// An object's size in bytes.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`, `Denied`.
    pub async fn size(&self, name: &ObjectName) -> Result<u64, ObjectError> {
        let request = Request { operation: Operation::Head, name: name.as_str(), bytes: 0 };
        self.retry.call(request, || self.store.size(name)).await
    }

    /// Deletes objects; absent ones are no error.
    ///
    /// # Errors
    /// `Unavailable`, `Denied`: some may be deleted.
    pub async fn delete(&self, names: &[ObjectName]) -> Result<(), ObjectError> {
        let Some(first) = names.first() else { return Ok(()) };
        let request = Request { operation: Operation::Delete, name: first.as_str(), bytes: 0 };
        self.retry.call(request, || self.store.delete(names)).await
    }

    /// Lists a part of the objects whose names start with `prefix`, in any order; `page` is an earlier answer's `next`. How much one
    /// answer has is the store's to say.
    ///
    /// # Errors
    /// `Unavailable`, `Denied`.
    pub async fn list_page(&self, prefix: &str, page: Option<String>) -> Result<Page, ObjectError> {
        let request = Request { operation: Operation::List, name: prefix, bytes: 0 };
        self.retry.call(request, || self.store.list(prefix, page.clone())).await
    }

    /// Lists every object whose name starts with `prefix` (empty lists all), in name order.
    ///
    /// # Errors
    /// `Unavailable`, `Denied`.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>, ObjectError> {
        let mut objects: Vec<Listed> = Vec::new();
        let mut next = None;
        loop {
            let page = self.list_page(prefix, next).await?;
            objects.extend(page.objects);
            next = page.next;
            if next.is_none() {
                objects.sort_unstable_by(|left, right| left.name.cmp(&right.name));
                return Ok(objects);
            }
        }
    }

    /// The start-up check: whether the store can be reached and keeps what it promises, and whether the bucket's settings
    /// would lose data. Writes and removes one object below `probe/`.
    ///
    /// # Errors
    /// None of the store's: those are findings.
    pub async fn probe(&self) -> Result<ProbeReport, ObjectError> {
        let unique = u128::from_be_bytes(self.retry.randomness.bytes16());
        probe::probe(self, &format!("{unique:032x}")).await
    }

    /// Removes what is left of uploads that were begun before that time (milliseconds since 1970) and never ended; says
    /// how many. Such uploads cost space and are in no listing.
    ///
    /// # Errors
    /// `Unavailable`, `Denied`: some may be removed.
    pub async fn abort_uploads(&self, begun_before_unix_ms: i64) -> Result<usize, ObjectError> {
        let request =
            Request { operation: Operation::Delete, name: "unfinished uploads", bytes: 0 };
        self.retry.call(request, || self.store.abort_uploads(begun_before_unix_ms)).await
    }

    pub(crate) async fn inspect(&self) -> Vec<Check> {
        self.store.inspect().await
    }

    /// Requests sent since the store was opened.
    pub fn request_counts(&self) -> RequestCounts {
        self.counters.read()
    }

    /// What this store is, for messages.
    pub fn describe(&self) -> String {
        self.store.describe()
    }

    async fn write(
        &self,
        operation: Operation,
        name: &ObjectName,
        payload: PutPayload,
        mode: Mode,
    ) -> Result<(), ObjectError> {
        let bytes = payload.content_length() as u64;
        let request = Request { operation, name: name.as_str(), bytes };
        self.retry.call(request, || self.store.put(name, payload.clone(), mode)).await?;
        count_bytes("sent", bytes);
        Ok(())
    }

    async fn read(
        &self,
        name: &ObjectName,
        range: Option<Range<u64>>,
    ) -> Result<Bytes, ObjectError> {
        let bytes = range.as_ref().map_or(0, |range| range.end - range.start);
        let request = Request { operation: Operation::Get, name: name.as_str(), bytes };
        let content = self.retry.call(request, || self.store.get(name, range.clone())).await?;
        count_bytes("received", content.len() as u64);
        Ok(content)
    }
}

fn open_store(
    options: &ObjectsOptions,
    clock: Clock,
    counters: &Arc<Counters>,
) -> Result<Arc<dyn Store>, Failure> {
    Ok(match Location::parse(&options.url)? {
        Location::Memory => Arc::new(MemoryStore::new(clock)),
        Location::Directory(root) if options.read_only => {
            Arc::new(LocalStore::open_to_read(&root)?)
        }
        Location::Directory(root) => Arc::new(LocalStore::open(&root)?),
        Location::Bucket(url) => Arc::new(S3Store::open(Settings::new(&url, options)?, counters)?),
    })
}
