//! The priority of threads of our own.

/// How far ahead, in steps of `nice`.
const STEPS: i32 = 10;

/// Asks the system to run the calling thread before others of the machine: for one that sleeps most of the time and that many
/// wait for. Where that is not allowed (it takes `CAP_SYS_NICE`) nothing changes.
pub fn prefer_this_thread() {
    // No process: the calling thread, on Linux.
    if let Err(error) = rustix::process::setpriority_process(None, -STEPS) {
        tracing::debug!(%error, "this thread keeps its priority");
    }
}
