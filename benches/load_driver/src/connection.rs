//! [`Connection`]: one blocking socket, frames out and in.

use crate::{error::DriverError, wire::Request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    io::{ErrorKind, IoSlice, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// One connection to a broker. Requests may be pipelined; answers come in their order.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    start: usize,
    end: usize,
}

const READ_BYTES: usize = 64 * 1024;

impl Connection {
    /// Connects.
    pub(crate) fn open(address: &str) -> Result<Self, DriverError> {
        let stream = TcpStream::connect(address)
            .map_err(DriverError::io(format!("connecting to {address}")))?;
        stream.set_nodelay(true).map_err(DriverError::io("setting TCP_NODELAY"))?;
        Ok(Self { stream, received: vec![0; READ_BYTES], start: 0, end: 0 })
    }

    /// Sends `request` and waits for its answer, without the length field.
    pub(crate) fn call(&mut self, request: Request) -> Result<&[u8], DriverError> {
        self.send(&mut [IoSlice::new(&request.finish(0))])?;
        self.receive()
    }

    /// Writes all of `parts`, one behind the other.
    pub(crate) fn send(&mut self, mut parts: &mut [IoSlice<'_>]) -> Result<(), DriverError> {
        while !parts.is_empty() {
            match self.stream.write_vectored(parts) {
                Ok(written) => IoSlice::advance_slices(&mut parts, written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(DriverError::io("sending")(error)),
            }
        }
        Ok(())
    }

    /// Whether an answer, or a part of one, is there; waits for one up to `patience`, or without end.
    pub(crate) fn readable(&self, patience: Option<Duration>) -> Result<bool, DriverError> {
        if self.start < self.end {
            return Ok(true);
        }
        let timeout = patience.map(|patience| Timespec {
            tv_sec: patience.as_secs() as i64,
            tv_nsec: patience.subsec_nanos().into(),
        });
        let mut sockets = [PollFd::new(&self.stream, PollFlags::IN)];
        match poll(&mut sockets, timeout.as_ref()) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(DriverError::io("waiting for an answer")(error.into())),
        }
    }

    /// The next answer, without the length field; waits for it.
    pub(crate) fn receive(&mut self) -> Result<&[u8], DriverError> {
        self.fill(4)?;
        let length = self.pending().first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        let whole = 4 + length as usize;
        self.fill(whole)?;
        let frame = self.start + 4..self.start + whole;
        self.start += whole;
        self.received.get(frame).ok_or(DriverError::Malformed("any request"))
    }

    fn pending(&self) -> &[u8] {
        self.received.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until `needed` bytes are pending.
    fn fill(&mut self, needed: usize) -> Result<(), DriverError> {
        if self.end - self.start >= needed {
            return Ok(());
        }
        self.received.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.received.len() < needed {
            self.received.resize(needed.max(READ_BYTES), 0);
        }
        while self.end < needed {
            let room = self.received.get_mut(self.end..).unwrap_or_default();
            match self.stream.read(room) {
                Ok(0) => return Err(DriverError::io("reading")(ErrorKind::UnexpectedEof.into())),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(DriverError::io("reading")(error)),
            }
        }
        Ok(())
    }
}
