//! The process's entropy is a constant.
//!
//! `tokio::select!` and the standard library's hash maps take their seeds from the operating system, by `getrandom`. Here it answers the
//! same every time, so that a run depends on its own seed alone. Each seed is a process of its own, as tokio also counts its runtimes.

use std::ffi::{c_uint, c_void};

/// Stands in for the C library's function of this name.
///
/// # Safety
/// `buffer` has room for `length` bytes, as the C library's asks.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, _: c_uint) -> isize {
    if !buffer.is_null() {
        // SAFETY: the caller promises the room.
        unsafe { buffer.cast::<u8>().write_bytes(0x5A, length) };
    }
    length.cast_signed()
}
