//! A client that sends what it is told, valid or not.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{RequestHeader, ResponseHeader},
    protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes},
};
use runtime::net::BoxedStream;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One connection.
pub struct Client {
    stream: BoxedStream,
    correlation_id: i32,
}

impl Client {
    pub fn new(stream: BoxedStream) -> Self {
        Self { stream, correlation_id: 0 }
    }

    /// Sends a request and waits for its answer.
    pub async fn call<R: Request>(&mut self, version: i16, request: R) -> R::Response {
        let correlation_id = self.send(version, &request).await;
        self.receive::<R>(version, correlation_id).await
    }

    /// Sends a request; answers its correlation id.
    pub async fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        self.correlation_id += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(StrBytes::from_static_str("test")));
        let mut frame = BytesMut::new();
        header.encode(&mut frame, R::header_version(version)).unwrap();
        request.encode(&mut frame, version).unwrap();
        self.send_frame(&frame).await;
        self.correlation_id
    }

    /// Receives the next answer, which must be that of `correlation_id`.
    pub async fn receive<R: Request>(&mut self, version: i16, correlation_id: i32) -> R::Response {
        let mut frame = self.receive_frame().await.expect("an answer");
        let header_version = <R::Response as HeaderVersion>::header_version(version);
        let header = ResponseHeader::decode(&mut frame, header_version).unwrap();
        assert_eq!(header.correlation_id, correlation_id, "answers come in order");
        let response = R::Response::decode(&mut frame, version).unwrap();
        assert!(!frame.has_remaining(), "{} bytes too many", frame.remaining());
        response
    }

    /// Sends bytes with their length before them.
    pub async fn send_frame(&mut self, bytes: &[u8]) {
        let mut frame = BytesMut::with_capacity(4 + bytes.len());
        frame.put_i32(bytes.len() as i32);
        frame.put_slice(bytes);
        self.send_bytes(&frame).await;
    }

    /// Sends bytes as they are.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends bytes as they are; whether the server still took them.
    pub async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Receives a frame.
    pub async fn receive_frame(&mut self) -> io::Result<Bytes> {
        let length = self.stream.read_i32().await?;
        let mut frame = vec![0; length as usize];
        self.stream.read_exact(&mut frame).await?;
        Ok(frame.into())
    }

    /// Waits until the server closes the connection; it must not say anything before.
    pub async fn expect_closed(&mut self) {
        let mut byte = [0];
        match self.stream.read(&mut byte).await {
            Ok(0) | Err(_) => {}
            Ok(_) => panic!("the server answered"),
        }
    }
}
