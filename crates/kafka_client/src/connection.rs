//! One connection to one broker: a request, its answer.

use crate::{ConnectionError, login::login};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{RequestHeader, ResponseHeader},
    protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes},
};
use runtime::net::{BoxedStream, Network, Tcp};
use security::{ClientSecurity, tls::TlsClient};
use std::{fmt, io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u32 = 256 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For TLS and SASL each.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection with one request in flight at a time.
pub struct Connection {
    address: String,
    stream: BoxedStream,
    correlation_id: i32,
}

impl Connection {
    /// Connects to `host:port` over TCP.
    ///
    /// # Errors
    /// [`ConnectionError::Unreachable`], after 5 seconds at most.
    pub async fn open(address: &str) -> Result<Self, ConnectionError> {
        Self::open_through(&Tcp, address).await
    }

    /// Connects to `host:port` over a network.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn open_through(
        network: &dyn Network,
        address: &str,
    ) -> Result<Self, ConnectionError> {
        let unreachable =
            |reason: String| ConnectionError::Unreachable { address: address.to_owned(), reason };
        let stream = timeout(CONNECT_TIMEOUT, connect(network, address))
            .await
            .map_err(|_| unreachable("no answer within 5 s".to_owned()))?
            .map_err(|error| unreachable(error.to_string()))?;
        Ok(Self { address: address.to_owned(), stream, correlation_id: 0 })
    }

    /// Connects to `host:port` over a network, encrypts, and logs in.
    ///
    /// # Errors
    /// As [`Connection::open`], and [`ConnectionError::Refused`].
    pub async fn open_secured(
        network: &dyn Network,
        address: &str,
        security: &ClientSecurity,
    ) -> Result<Self, ConnectionError> {
        let mut connection = Self::open_through(network, address).await?;
        if let Some(tls) = &security.tls {
            connection = connection.encrypted(tls).await?;
        }
        if let Some(credentials) = &security.login {
            timeout(LOGIN_TIMEOUT, login(&mut connection, credentials)).await.map_err(|_| {
                ConnectionError::Refused {
                    address: address.to_owned(),
                    reason: "no log-in within 10 s".to_owned(),
                }
            })??;
        }
        Ok(connection)
    }

    async fn encrypted(self, tls: &TlsClient) -> Result<Self, ConnectionError> {
        let Self { address, stream, correlation_id } = self;
        let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
        let refused =
            |reason: String| ConnectionError::Refused { address: address.clone(), reason };
        let stream = timeout(LOGIN_TIMEOUT, tls.connect(host, stream))
            .await
            .map_err(|_| refused("no TLS handshake within 10 s".to_owned()))?
            .map_err(|error| refused(error.to_string()))?;
        Ok(Self { address, stream, correlation_id })
    }

    /// `host:port` of the broker.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request of `version` and reads its answer. After an error the connection is of no use any more.
    ///
    /// # Errors
    /// As [`ConnectionError`] says; no answer within 60 seconds counts as broken.
    ///
    /// # Cancel safety
    /// None: drop the connection with the call.
    pub async fn call<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, ConnectionError> {
        self.send(request, version).await?;
        let mut answer = timeout(ANSWER_TIMEOUT, self.read_frame())
            .await
            .map_err(|_| self.broken("no answer within 60 s"))??;
        let header_version = R::Response::header_version(version);
        let header =
            ResponseHeader::decode(&mut answer, header_version).map_err(|e| self.malformed(&e))?;
        if header.correlation_id != self.correlation_id {
            return Err(self.broken("answers came out of order"));
        }
        R::Response::decode(&mut answer, version).map_err(|error| self.malformed(&error))
    }

    /// Sends a request that has no answer (acks=0).
    ///
    /// # Errors
    /// As [`ConnectionError`] says.
    pub async fn send<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<(), ConnectionError> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(StrBytes::from_static_str("alluvium")));
        let mut frame = BytesMut::new();
        frame.put_u32(0);
        header.encode(&mut frame, R::header_version(version)).map_err(|e| self.malformed(&e))?;
        request.encode(&mut frame, version).map_err(|e| self.malformed(&e))?;
        let length = u32::try_from(frame.len() - 4).map_err(|e| self.malformed(&e))?;
        if let Some(head) = frame.first_chunk_mut::<4>() {
            *head = length.to_be_bytes();
        }
        self.stream.write_all(&frame).await.map_err(|error| self.broken(&error.to_string()))?;
        self.stream.flush().await.map_err(|error| self.broken(&error.to_string()))
    }

    async fn read_frame(&mut self) -> Result<Bytes, ConnectionError> {
        let mut head = [0; 4];
        let read = self.stream.read_exact(&mut head).await;
        read.map_err(|error| self.broken(&error.to_string()))?;
        let length = (&head[..]).get_u32();
        if length > MAX_ANSWER_BYTES {
            return Err(self.malformed(&format!("an answer of {length} bytes")));
        }
        let mut frame = vec![0; length as usize];
        let read = self.stream.read_exact(&mut frame).await;
        read.map_err(|error| self.broken(&error.to_string()))?;
        Ok(frame.into())
    }

    fn broken(&self, reason: &str) -> ConnectionError {
        ConnectionError::Broken { address: self.address.clone(), reason: reason.to_owned() }
    }

    fn malformed(&self, reason: &impl ToString) -> ConnectionError {
        ConnectionError::Malformed { address: self.address.clone(), reason: reason.to_string() }
    }
}

/// Connects to the first of the address's addresses that answers.
async fn connect(network: &dyn Network, address: &str) -> io::Result<BoxedStream> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in tokio::net::lookup_host(address).await? {
        match network.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}
