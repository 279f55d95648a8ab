//! Waiting for what a program brings about in its own time: about three minutes, then the test fails.

use std::{thread, time::Duration};

const STEP: Duration = Duration::from_millis(100);
const STEPS: u32 = 1_800;

/// Tries until it succeeds; fails with the last reason.
pub fn eventually<T>(mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let mut last = String::new();
    for _ in 0..STEPS {
        match attempt() {
            Ok(value) => return value,
            Err(reason) => last = reason,
        }
        thread::sleep(STEP);
    }
    panic!("{last}");
}

/// Waits until it holds; fails with `otherwise`.
pub fn until(otherwise: &str, mut holds: impl FnMut() -> bool) {
    eventually(|| if holds() { Ok(()) } else { Err(otherwise.to_owned()) });
}
