//! A store in memory: for tests and the simulation. Its times are the clock's.

use crate::{
    Listed, ObjectName,
    store::{Failure, Mode, Page, Store},
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use object_store::PutPayload;
use parking_lot::Mutex;
use std::{collections::BTreeMap, ops::Range};

#[derive(Debug)]
pub(crate) struct MemoryStore {
    clock: runtime::Clock,
    objects: Mutex<BTreeMap<ObjectName, Stored>>,
}

#[derive(Clone, Debug)]
struct Stored {
    content: Bytes,
    modified_unix_ms: i64,
}

impl MemoryStore {
    pub fn new(clock: runtime::Clock) -> Self {
        Self { clock, objects: Mutex::default() }
    }

    fn content(&self, name: &ObjectName) -> Result<Bytes, Failure> {
        let objects = self.objects.lock();
        objects.get(name).map(|stored| stored.content.clone()).ok_or_else(Failure::not_found)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn put(&self, name: &ObjectName, payload: PutPayload, mode: Mode) -> Result<(), Failure> {
        let mut objects = self.objects.lock();
        if mode == Mode::Create && objects.contains_key(name) {
            return Err(Failure::already_exists());
        }
        let stored = Stored { content: joined(&payload), modified_unix_ms: self.clock.unix_ms() };
        objects.insert(name.clone(), stored);
        Ok(())
    }

    async fn get(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Bytes, Failure> {
        let content = self.content(name)?;
        match range {
            None => Ok(content),
            Some(range) if range.start <= range.end && range.end <= content.len() as u64 => {
                Ok(content.slice(range.start as usize..range.end as usize))
            }
            Some(range) => Err(Failure::outside(&range, Some(content.len() as u64))),
        }
    }

    async fn size(&self, name: &ObjectName) -> Result<u64, Failure> {
        Ok(self.content(name)?.len() as u64)
    }

    async fn delete(&self, names: &[ObjectName]) -> Result<(), Failure> {
        let mut objects = self.objects.lock();
        for name in names {
            objects.remove(name);
        }
        Ok(())
    }

    async fn list(&self, prefix: &str, _page: Option<String>) -> Result<Page, Failure> {
        let objects = self.objects.lock();
        let listed = objects.iter().filter(|(name, _)| name.as_str().starts_with(prefix));
        let objects = listed
            .map(|(name, stored)| Listed {
                name: name.clone(),
                size: stored.content.len() as u64,
                modified_unix_ms: stored.modified_unix_ms,
            })
            .collect();
        Ok(Page { objects, next: None })
    }

    async fn abort_uploads(&self, _begun_before_unix_ms: i64) -> Result<usize, Failure> {
        Ok(0)
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }
}

/// The content in one piece: without a copy when it is one.
fn joined(payload: &PutPayload) -> Bytes {
    match payload.as_ref() {
        [whole] => whole.clone(),
        parts => {
            let mut content = BytesMut::with_capacity(payload.content_length());
            for part in parts {
                content.extend_from_slice(part);
            }
            content.freeze()
        }
    }
}
