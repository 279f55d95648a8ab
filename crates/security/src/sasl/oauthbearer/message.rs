//! The client's first message (RFC 7628 section 3.1): `n,a=authorization,^Aauth=Bearer token^A…^A`, with `^A` the octet 1.

use std::borrow::Cow;

/// The longest message that is looked at, in bytes: tokens that list a person's groups have 10 KiB and more.
const MAX_BYTES: usize = 32 << 10;

/// What a client's first message says.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct InitialResponse<'a> {
    /// As whom it wants to act; empty: as whom the token is for.
    pub(super) authorization: Cow<'a, str>,
    /// The token.
    pub(super) token: &'a str,
}

/// What a client sends to show its token.
pub(in crate::sasl) fn client_message(token: &str) -> Vec<u8> {
    format!("n,,\x01auth=Bearer {token}\x01\x01").into_bytes()
}

impl<'a> InitialResponse<'a> {
    /// Reads a message. Extensions (KIP-342), host and port are passed over.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, &'static str> {
        if message.len() > MAX_BYTES {
            return Err("an OAUTHBEARER message of more than 32 KiB");
        }
        let text =
            std::str::from_utf8(message).map_err(|_| "an OAUTHBEARER message that is no text")?;
        let (header, pairs) =
            text.split_once('\x01').ok_or("an OAUTHBEARER message without an end")?;
        let authorization = authorization(header)?;
        // The last pair ends with ^A, and so does the message.
        let pairs =
            pairs.strip_suffix("\x01\x01").ok_or("an OAUTHBEARER message without an end")?;
        let mut token = None;
        for pair in pairs.split('\x01') {
            let (name, value) =
                pair.split_once('=').ok_or("an OAUTHBEARER pair without a value")?;
            if name == "auth" && token.replace(bearer(value)?).is_some() {
                return Err("an OAUTHBEARER message with two tokens");
            }
        }
        let token = token.ok_or("an OAUTHBEARER message without a token")?;
        Ok(Self { authorization, token })
    }
}

/// The authorization id of a GS2 header (RFC 5801) without channel binding.
fn authorization(header: &str) -> Result<Cow<'_, str>, &'static str> {
    let bad = "an OAUTHBEARER message that does not begin as one";
    let rest = header.strip_prefix("n,").or_else(|| header.strip_prefix("y,")).ok_or(bad)?;
    let name = rest.strip_suffix(',').ok_or(bad)?;
    if name.is_empty() {
        return Ok(Cow::Borrowed(""));
    }
    let name = name.strip_prefix("a=").filter(|name| !name.is_empty()).ok_or(bad)?;
    if name.contains(',') {
        return Err(bad);
    }
    if !name.contains('=') {
        return Ok(Cow::Borrowed(name));
    }
    // `=` is written `=3D` and `,` is written `=2C`; no other `=` may stand there.
    let plain = name.replace("=2C", ",").replace("=3D", "\x02");
    if plain.contains('=') || name.contains('\x02') {
        return Err(bad);
    }
    Ok(Cow::Owned(plain.replace('\x02', "=")))
}

/// The token of `Bearer token`.
fn bearer(value: &str) -> Result<&str, &'static str> {
    let (scheme, token) = value.split_once(' ').ok_or("an OAUTHBEARER message without a token")?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err("an OAUTHBEARER message whose token is no bearer's");
    }
    Ok(token.trim_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_writes_is_read() {
        let written = client_message("a.b.c");
        let read = InitialResponse::parse(&written).unwrap();
        assert_eq!((read.authorization.as_ref(), read.token), ("", "a.b.c"));
        let long = b"y,a=a=2Cb=3Dc,\x01host=h\x01port=1\x01auth=bearer  t \x01scope=x\x01\x01";
        let read = InitialResponse::parse(long).unwrap();
        assert_eq!((read.authorization.as_ref(), read.token), ("a,b=c", "t"));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for message in [
            "",
            "\x01",
            "n,,",
            "n,,\x01\x01",
            "n,,\x01auth=Bearer t\x01",
            "n,,\x01auth=Bearer t",
            "n,\x01auth=Bearer t\x01\x01",
            "p=tls-unique,,\x01auth=Bearer t\x01\x01",
            "n,a=,\x01auth=Bearer t\x01\x01",
            "n,b=x,\x01auth=Bearer t\x01\x01",
            "n,a=x=y,\x01auth=Bearer t\x01\x01",
            "n,a=x,y,\x01auth=Bearer t\x01\x01",
            "n,,\x01auth=Basic t\x01\x01",
            "n,,\x01auth=Bearer\x01\x01",
            "n,,\x01user=a\x01\x01",
            "n,,\x01auth=Bearer t\x01auth=Bearer u\x01\x01",
            "n,,\x01\x01auth=Bearer t\x01\x01",
        ] {
            assert!(InitialResponse::parse(message.as_bytes()).is_err(), "{message:?}");
        }
        assert!(InitialResponse::parse(b"n,,\x01auth=Bearer \xff\x01\x01").is_err());
    }

    #[test]
    fn an_oversized_token_is_not_looked_at() {
        let fits = client_message(&"a".repeat(MAX_BYTES - 19));
        assert_eq!(fits.len(), MAX_BYTES - 1);
        assert!(InitialResponse::parse(&fits).is_ok());
        let too_long = client_message(&"a".repeat(MAX_BYTES));
        assert!(InitialResponse::parse(&too_long).unwrap_err().contains("32 KiB"));
    }
}
