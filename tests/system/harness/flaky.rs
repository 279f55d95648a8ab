//! A proxy before an HTTP service that answers 503 to some of the requests. One request a connection.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

/// A running proxy. Its threads end with the process.
pub struct FlakyProxy {
    port: u16,
    refused: Arc<AtomicU64>,
    failing: Arc<AtomicBool>,
}

impl FlakyProxy {
    /// Starts one before `http://127.0.0.1:port`; while it is failing, `percent` of the requests get a 503.
    pub fn start(endpoint: &str, percent: u64) -> Self {
        let target = endpoint.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (refused, failing) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let proxy = Self { port, refused: Arc::clone(&refused), failing: Arc::clone(&failing) };
        thread::spawn(move || {
            let mut number: u64 = 0;
            for client in listener.incoming().flatten() {
                // A fixed scatter of the requests: neither a run nor a rhythm that a retry could dodge.
                number = number
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let refuse = failing.load(Ordering::Relaxed) && (number >> 33) % 100 < percent;
                refused.fetch_add(u64::from(refuse), Ordering::Relaxed);
                let target = target.clone();
                thread::spawn(move || serve(client, &target, refuse));
            }
        });
        proxy
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    /// Requests answered with 503 so far.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// Errors end the connection, as they would without a proxy.
fn serve(client: TcpStream, target: &str, refuse: bool) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = reader.take(length);
    let mut client = client;
    if refuse {
        io::copy(&mut body, &mut io::sink())?;
        return client.write_all(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
    let mut server = TcpStream::connect(target)?;
    server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    io::copy(&mut body, &mut server)?;
    io::copy(&mut server, &mut client)?;
    Ok(())
}
