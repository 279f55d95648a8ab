//! [`Following`]: the connection by which a broker hears what an owner committed.

use super::Peers;
use crate::notices::{self, TAG};
use cluster::BrokerInfo;
use kafka_client::Connection;
use kafka_protocol::{
    ResponseError,
    messages::{FetchRequest, FetchResponse, fetch_request::ReplicaState},
};
use model::BrokerId;
use partition_log::{NoticesFound, NoticesWanted};
use std::time::Duration;
use tokio::time::timeout;

/// Version of the requests; every broker that knows notices knows it.
const VERSION: i16 = 17;

/// How long the owner may wait for something to tell.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// An owner that does not answer for so long is asked on another connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Follows one owner; reconnects by itself.
#[derive(Debug)]
pub struct Following {
    peers: Peers,
    reader: BrokerId,
    connection: Option<(String, Connection)>,
}

impl Following {
    pub(super) fn new(peers: Peers, reader: BrokerId) -> Self {
        Self { peers, reader, connection: None }
    }

    /// Asks for notices; waits a second at most for there to be some. `None` when the owner has no session now.
    ///
    /// # Errors
    /// A sentence: it could not be asked, or did not answer.
    ///
    /// # Cancel safety
    /// None: the next call reconnects.
    pub async fn notices(
        &mut self,
        owner: &BrokerInfo,
        wanted: &NoticesWanted,
    ) -> Result<Option<NoticesFound>, String> {
        let no_listener = || format!("broker {} has no listener for brokers", owner.id);
        let address = self.peers.address(owner).ok_or_else(no_listener)?;
        let connection = match self.connection.take().filter(|(known, _)| *known == address) {
            Some((_, connection)) => connection,
            None => connect(&self.peers, &address).await?,
        };
        let (connection, response) = call(connection, self.request(wanted)).await?;
        self.connection = Some((address, connection));
        answer_of(response)
    }

    fn request(&self, wanted: &NoticesWanted) -> FetchRequest {
        FetchRequest::default()
            .with_replica_state(
                ReplicaState::default().with_replica_id(self.reader.to_wire().into()),
            )
            .with_max_wait_ms(MAX_WAIT.as_millis() as i32)
            .with_unknown_tagged_field(TAG, notices::encode_wanted(wanted))
    }
}

pub(super) async fn connect(peers: &Peers, address: &str) -> Result<Connection, String> {
    let opened = peers.door.open(address).await;
    opened.map_err(|error| error.to_string())
}

async fn call(
    mut connection: Connection,
    request: FetchRequest,
) -> Result<(Connection, FetchResponse), String> {
    let answered = timeout(PATIENCE, connection.call(&request, VERSION)).await;
    let response = answered.map_err(|_| "no answer within 5 s".to_owned())?;
    Ok((connection, response.map_err(|error| error.to_string())?))
}

fn answer_of(mut response: FetchResponse) -> Result<Option<NoticesFound>, String> {
    if let Some(error) = ResponseError::try_from_code(response.error_code) {
        return Err(error.to_string());
    }
    let found = response.unknown_tagged_fields.remove(&TAG);
    notices::decode_found(found.ok_or("the owner knows no notices")?)
}
