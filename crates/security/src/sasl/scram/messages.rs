//! The four messages of an exchange, taken apart.

use base64::{Engine, prelude::BASE64_STANDARD};

/// Longest nonce that is taken from the other side, in bytes.
const NONCE_MAX: usize = 1024;

/// `n,,n=user,r=nonce`.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct ClientFirst<'a> {
    /// `n,,`, or with an authorization id.
    pub(super) gs2_header: &'a str,
    /// What follows it.
    pub(super) bare: &'a str,
    pub(super) user: String,
    pub(super) nonce: &'a str,
}

impl<'a> ClientFirst<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, &'static str> {
        let (binding, rest) = text.split_once(',').ok_or("a first message without header")?;
        // `y`: the client could bind to a channel and thinks that this broker can't, which is so.
        if binding != "n" && binding != "y" {
            return Err("channel binding is not supported");
        }
        let (authorization, bare) = rest.split_once(',').ok_or("a first message without header")?;
        let gs2_header =
            text.get(..text.len() - bare.len()).ok_or("a first message without header")?;
        let mut fields = bare.split(',');
        let user = fields.next().and_then(|field| field.strip_prefix("n="));
        let user = user.and_then(unescaped).filter(|user| !user.is_empty());
        let user = user.ok_or("a first message without user")?;
        let nonce = fields.next().and_then(|field| field.strip_prefix("r="));
        let nonce = nonce.filter(|nonce| is_nonce(nonce)).ok_or("a first message without nonce")?;
        // Extensions, such as Kafka's delegation tokens, mean another log-in than this.
        if fields.next().is_some() {
            return Err("SCRAM extensions are not supported");
        }
        let authorization = match authorization {
            "" => None,
            given => Some(given.strip_prefix("a=").and_then(unescaped)),
        };
        if authorization.is_some_and(|id| id.as_deref() != Some(&user)) {
            return Err("an authorization id that is not the user");
        }
        Ok(Self { gs2_header, bare, user, nonce })
    }
}

/// `r=nonce,s=salt,i=iterations`.
pub(super) struct ServerFirst<'a> {
    pub(super) nonce: &'a str,
    pub(super) salt: Vec<u8>,
    pub(super) iterations: u32,
}

impl<'a> ServerFirst<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, &'static str> {
        let mut fields = text.split(',');
        let mut field = |name: &str| fields.next().and_then(|field| field.strip_prefix(name));
        let nonce = field("r=").filter(|nonce| is_nonce(nonce)).ok_or("no nonce")?;
        let salt = field("s=").and_then(|salt| BASE64_STANDARD.decode(salt).ok());
        let salt = salt.filter(|salt| !salt.is_empty()).ok_or("no salt")?;
        let iterations = field("i=").and_then(|number| number.parse().ok());
        let iterations = iterations.ok_or("no number of iterations")?;
        Ok(Self { nonce, salt, iterations })
    }
}

/// `c=biws,r=nonce,p=proof`.
pub(super) struct ClientFinal<'a> {
    pub(super) gs2_header: Vec<u8>,
    pub(super) nonce: &'a str,
    pub(super) proof: Vec<u8>,
    /// All before the proof.
    pub(super) without_proof: &'a str,
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, &'static str> {
        let (without_proof, proof) =
            text.rsplit_once(",p=").ok_or("a last message without proof")?;
        let proof = BASE64_STANDARD.decode(proof).map_err(|_| "a proof that is not base64")?;
        let (header, nonce) =
            without_proof.split_once(',').ok_or("a last message without nonce")?;
        let header = header.strip_prefix("c=").and_then(|it| BASE64_STANDARD.decode(it).ok());
        let gs2_header = header.ok_or("a last message without header")?;
        let nonce = nonce.strip_prefix("r=").ok_or("a last message without nonce")?;
        Ok(Self { gs2_header, nonce, proof, without_proof })
    }
}

/// A user name as a message carries it.
pub(super) fn escaped(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// Reads what [`escaped`] wrote.
fn unescaped(name: &str) -> Option<String> {
    let mut parts = name.split('=');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        if let Some(rest) = part.strip_prefix("2C") {
            text.push(',');
            text.push_str(rest);
        } else {
            text.push('=');
            text.push_str(part.strip_prefix("3D")?);
        }
    }
    Some(text)
}

/// Printable, without a comma, and not without end.
fn is_nonce(text: &str) -> bool {
    let printable = |byte: u8| (0x21..=0x7e).contains(&byte) && byte != b',';
    !text.is_empty() && text.len() <= NONCE_MAX && text.bytes().all(printable)
}
