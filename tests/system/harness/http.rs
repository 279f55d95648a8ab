//! One HTTP request on a loopback port.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// The body of a 2xx answer to a GET.
pub fn http_get(port: u16, path: &str) -> Option<String> {
    http_request(port, "GET", path, "").ok()
}

/// The body of a 2xx answer; else what went wrong.
pub fn http_request(port: u16, method: &str, path: &str, body: &str) -> Result<String, String> {
    let answer = exchange(port, method, path, body).map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no end of the head")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status.starts_with('2') { Ok(body.to_owned()) } else { Err(format!("{status}: {body}")) }
}

fn exchange(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
