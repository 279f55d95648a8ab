//! The wire: connections, frames, and one handler per API key.
