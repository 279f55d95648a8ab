//! The line format of ../README.md.

use base64::{Engine, prelude::BASE64_STANDARD};
use rdkafka::{
    Message,
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
};
use serde_json::{Value, json};
use std::error::Error;

/// A record to write.
pub struct Line {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: OwnedHeaders,
}

pub fn read(path: &str) -> Result<Vec<Line>, Box<dyn Error>> {
    std::fs::read_to_string(path)?.lines().map(parse).collect()
}

fn parse(line: &str) -> Result<Line, Box<dyn Error>> {
    let line: Value = serde_json::from_str(line)?;
    let mut headers = OwnedHeaders::new();
    for header in line["headers"].as_array().ok_or("no headers")? {
        let key = header[0].as_str().ok_or("a header without a key")?;
        headers = headers.insert(Header { key, value: decode(&header[1])?.as_ref() });
    }
    Ok(Line { key: decode(&line["key"])?, value: decode(&line["value"])?, headers })
}

fn decode(text: &Value) -> Result<Option<Vec<u8>>, base64::DecodeError> {
    text.as_str().map(|text| BASE64_STANDARD.decode(text)).transpose()
}

pub fn show(message: &BorrowedMessage<'_>) -> Value {
    let headers = message.headers().map(|headers| {
        headers.iter().map(|header| json!([header.key, encode(header.value)])).collect()
    });
    let headers: Vec<Value> = headers.unwrap_or_default();
    json!({ "key": encode(message.key()), "value": encode(message.payload()), "headers": headers })
}

fn encode(data: Option<&[u8]>) -> Option<String> {
    data.map(|data| BASE64_STANDARD.encode(data))
}
