//! S3 and what is compatible with it, below one prefix of a bucket.

mod admin;
mod http;
mod lifecycle;
mod profile;
mod settings;

pub(crate) use http::{CountingConnector, StatusError};
pub(crate) use settings::Settings;

use crate::{
    Listed, ObjectErrorKind, ObjectName,
    counts::Counters,
    failure::from_object_store,
    probe::Check,
    store::{Failure, Mode, Page, Store},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    aws::AmazonS3,
    list::{PaginatedListOptions, PaginatedListStore},
    path::Path,
};
use std::{ops::Range, sync::Arc};

/// Keys of one `DeleteObjects` request; S3's limit.
const KEYS_PER_DELETE: usize = 1_000;

#[derive(Debug)]
pub(crate) struct S3Store {
    s3: AmazonS3,
    settings: Settings,
}

impl S3Store {
    /// Makes the client; nothing is sent.
    pub fn open(settings: Settings, counters: &Arc<Counters>) -> Result<Self, Failure> {
        let builder =
            settings.builder().with_http_connector(CountingConnector(Arc::clone(counters)));
        let s3 = builder.build().map_err(|error| {
            Failure::new(ObjectErrorKind::Invalid, from_object_store(error).reason)
        })?;
        Ok(Self { s3, settings })
    }

    fn path(&self, name: &ObjectName) -> Path {
        Path::from(self.settings.key(name.as_str()))
    }

    /// What stands at `meta` as an object of ours; anything else below the prefix is somebody else's.
    fn listed(&self, meta: &ObjectMeta) -> Option<Listed> {
        let name = ObjectName::new(self.settings.name(meta.location.as_ref())?).ok()?;
        let modified_unix_ms = meta.last_modified.timestamp_millis();
        Some(Listed { name, size: meta.size, modified_unix_ms })
    }

    async fn delete_some(&self, names: &[ObjectName]) -> Result<(), Failure> {
        let paths: Vec<_> = names.iter().map(|name| Ok(self.path(name))).collect();
        let mut deleted = self.s3.delete_stream(stream::iter(paths).boxed());
        while let Some(outcome) = deleted.next().await {
            outcome.map(drop).or_else(|error| forgive_absence(from_object_store(error)))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Store for S3Store {
    async fn put(&self, name: &ObjectName, payload: PutPayload, mode: Mode) -> Result<(), Failure> {
        let mode = match mode {
            Mode::Replace => PutMode::Overwrite,
            Mode::Create => PutMode::Create,
        };
        let options = PutOptions { mode, ..PutOptions::default() };
        self.s3.put_opts(&self.path(name), payload, options).await.map_err(from_object_store)?;
        Ok(())
    }

    async fn get(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Bytes, Failure> {
        let options =
            GetOptions { range: range.clone().map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.s3.get_opts(&self.path(name), options).await.map_err(|error| {
            let failure = from_object_store(error);
            match &range {
                Some(range) if failure.kind == ObjectErrorKind::Invalid => {
                    Failure::outside(range, None)
                }
                _ => failure,
            }
        })?;
        let (size, expected) = (found.meta.size, range.unwrap_or(0..found.meta.size));
        if expected.end > size {
            return Err(Failure::outside(&expected, Some(size)));
        }
        let content = found.bytes().await.map_err(from_object_store)?;
        if content.len() as u64 == expected.end - expected.start {
            return Ok(content);
        }
        let reason = format!("{} bytes came instead of {expected:?}", content.len());
        Err(Failure::new(ObjectErrorKind::Unavailable, reason))
    }

    /// A HEAD's 404 has no body and does not tell a missing object from a missing bucket; a GET's does.
    async fn size(&self, name: &ObjectName) -> Result<u64, Failure> {
        let path = self.path(name);
        match self.s3.head(&path).await.map_err(from_object_store) {
            Ok(meta) => Ok(meta.size),
            Err(failure) if failure.kind == ObjectErrorKind::NotFound => {
                Ok(self.s3.get(&path).await.map_err(from_object_store)?.meta.size)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn delete(&self, names: &[ObjectName]) -> Result<(), Failure> {
        for some in names.chunks(KEYS_PER_DELETE) {
            self.delete_some(some).await?;
        }
        Ok(())
    }

    async fn list(&self, prefix: &str, page: Option<String>) -> Result<Page, Failure> {
        let prefix = self.settings.key(prefix);
        let options = PaginatedListOptions { page_token: page, ..Default::default() };
        let answer = self.s3.list_paginated(Some(&prefix), options).await;
        let answer = answer.map_err(from_object_store)?;
        let objects = answer.result.objects.iter().filter_map(|meta| self.listed(meta)).collect();
        Ok(Page { objects, next: answer.page_token })
    }

    async fn inspect(&self) -> Vec<Check> {
        admin::inspect(self).await
    }

    async fn abort_uploads(&self, begun_before_unix_ms: i64) -> Result<usize, Failure> {
        admin::abort_uploads(self, begun_before_unix_ms).await
    }

    fn counts_on_the_wire(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        self.settings.describe()
    }
}

/// `DeleteObjects` answers 200 with an error per key, of which `object_store` keeps only the text.
fn forgive_absence(failure: Failure) -> Result<(), Failure> {
    if failure.reason.contains("code: NoSuchKey") {
        return Ok(());
    }
    if failure.reason.contains("code: AccessDenied") {
        return Err(Failure { kind: ObjectErrorKind::Denied, ..failure });
    }
    Err(failure)
}
