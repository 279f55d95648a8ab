//! The wait for a coordinator: a broker that never had a group makes its internal topic first.

use crate::{
    cluster::Cluster,
    connection::Connection,
    error::DriverError,
    wire::{Answer, Request},
};
use std::{thread, time::Duration};

const FIND_COORDINATOR: (i16, i16) = (10, 1);
/// Attempts at what a moment may mend.
const ATTEMPTS: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);

/// Asks for a coordinator until there is one.
pub(crate) fn wait_for_coordinator(cluster: &Cluster) -> Result<(), DriverError> {
    let mut connection = Connection::open(cluster.bootstrap())?;
    for _ in 0..ATTEMPTS {
        let mut request = Request::new(FIND_COORDINATOR.0, FIND_COORDINATOR.1, 0);
        request.text("group-0").i8(0);
        let mut answer = Answer::new("FindCoordinator", connection.call(request)?)?;
        answer.i32()?;
        if answer.i16()? == 0 {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    Err(DriverError::Usage("there is no coordinator"))
}
