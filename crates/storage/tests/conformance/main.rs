//! One specification, every store.

mod suite;

use runtime::{Clock, Randomness};
use storage::{Objects, ObjectsOptions};

fn open(options: &ObjectsOptions) -> Objects {
    Objects::open(options, Clock::system(), Randomness::system()).expect("open")
}

#[tokio::test]
async fn a_directory_conforms() {
    let directory = tempfile::tempdir().expect("directory");
    let root = directory.path().join("objects");
    suite::all(&open(&ObjectsOptions::new(format!("file://{}", root.display())))).await;
}

#[tokio::test]
async fn memory_conforms() {
    suite::all(&open(&ObjectsOptions::new("memory://"))).await;
    suite::all(&Objects::memory()).await;
}
