//! [`IdentityProvider`]: issues tokens and publishes the keys that check them, over HTTPS on loopback.

use super::Authority;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use runtime::Clock;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

pub const ISSUER: &str = "https://identity.example/realms/test";
pub const AUDIENCE: &str = "kafka";

/// What signs, and under which name.
struct Signer {
    id: String,
    key: KeyPair,
}

/// It answers `/keys` and `/token`, which is a token for `user` for some seconds, for as long as the test runs.
pub struct IdentityProvider {
    signer: Arc<Mutex<Signer>>,
    port: u16,
}

impl Signer {
    fn new(id: &str) -> Self {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        Self { id: id.to_owned(), key }
    }

    fn keys(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.der_bytes());
        json!({"keys": [{"kty": "OKP", "kid": self.id, "use": "sig", "crv": "Ed25519", "x": x}]})
    }

    fn token(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": "EdDSA", "kid": self.id, "typ": "JWT"});
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.key.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn claims(user: &str, seconds: i64) -> Value {
    let now = Clock::system().unix_ms() / 1_000;
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now - 60, "exp": now + seconds})
}

impl IdentityProvider {
    /// Starts one on that port, with a certificate of the authority; `/token` lasts `token_seconds`.
    pub fn start(authority: &Authority, port: u16, token_seconds: i64) -> Self {
        let pem = std::fs::read(authority.issue("identity-provider")).unwrap();
        let chain = CertificateDer::pem_slice_iter(&pem).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(&pem).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let signer = Arc::new(Mutex::new(Signer::new("first")));
        let serving = Arc::clone(&signer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that breaks off is none of our business.
                let _ = answer(stream, &config, &serving, token_seconds);
            }
        });
        Self { signer, port }
    }

    /// Where it publishes its keys.
    pub fn keys_url(&self) -> String {
        format!("https://localhost:{}/keys", self.port)
    }

    /// Where it hands out tokens.
    pub fn token_url(&self) -> String {
        format!("https://localhost:{}/token", self.port)
    }

    /// Signs with another key from now on, and publishes that alone.
    pub fn rotate(&self, id: &str) {
        *self.signer.lock().unwrap() = Signer::new(id);
    }

    /// A token for so many seconds.
    pub fn token(&self, user: &str, seconds: i64) -> String {
        self.signer.lock().unwrap().token(&claims(user, seconds))
    }

    /// A token that says otherwise of itself.
    pub fn token_with(&self, user: &str, claim: &str, value: &Value) -> String {
        let mut claims = claims(user, 300);
        claims[claim] = value.clone();
        self.signer.lock().unwrap().token(&claims)
    }

    /// A token by another who claims to be this provider.
    pub fn forged_token(&self, user: &str) -> String {
        let id = self.signer.lock().unwrap().id.clone();
        Signer::new(&id).token(&claims(user, 300))
    }

    /// Its keys, in a file.
    pub fn write_keys(&self, file: &Path) {
        std::fs::write(file, self.signer.lock().unwrap().keys().to_string()).unwrap();
    }
}

fn answer(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    signer: &Mutex<Signer>,
    token_seconds: i64,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut request = [0; 8192];
    let length = stream.read(&mut request)?;
    let request = String::from_utf8_lossy(&request[..length]);
    let body = {
        let signer = signer.lock().unwrap();
        if request.starts_with("GET /keys ") {
            signer.keys()
        } else {
            let token = signer.token(&claims("alice", token_seconds));
            json!({"access_token": token, "expires_in": token_seconds, "token_type": "Bearer"})
        }
    };
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.conn.send_close_notify();
    stream.flush()
}
