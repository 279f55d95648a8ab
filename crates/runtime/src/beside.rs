//! Work that would hold a thread up: blocking calls, long computations.

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{self, JoinError},
};

/// Does `work` beside the tasks of a runtime of several threads. A runtime of one thread, as a simulation has, does it in its place: when
/// it is done is then no matter of chance.
///
/// # Errors
/// When it panicked beside the tasks, or the runtime ends.
pub async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => Ok(work()),
        _ => task::spawn_blocking(work).await,
    }
}
