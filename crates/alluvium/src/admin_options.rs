//! Who may call `/admin/…` at the HTTP port.

use crate::Failure;
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{AUTHORIZATION, HOST, ORIGIN},
};
use model::config::{deployment, parse_boolean};
use observability::{AdminRefused, AdmitAdmin};
use security::{AccessToken, names_loopback};
use settings::Settings;
use std::net::IpAddr;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The check that the settings come to.
///
/// # Errors
/// A token that is none: one line that says what one is.
pub(crate) fn admit_admin(settings: &Settings) -> Result<AdmitAdmin, Failure> {
    let token = settings.text(&deployment::HTTP_ADMIN_TOKEN).map(AccessToken::new).transpose();
    let token = token.map_err(|weak| Failure(format!("http.admin.token {weak}")))?;
    let open = settings.text(&deployment::HTTP_ADMIN_OPEN_ON_LOOPBACK).and_then(parse_boolean);
    let door = Door { token, open_on_loopback: open == Some(true) };
    Ok(Box::new(move |headers, peer| door.admit(headers, peer)))
}

struct Door {
    token: Option<AccessToken>,
    open_on_loopback: bool,
}

impl Door {
    fn admit(&self, headers: &HeaderMap, peer: IpAddr) -> Result<(), AdminRefused> {
        let brought = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        if self.token.as_ref().is_some_and(|token| token.is_brought(brought)) {
            return Ok(());
        }
        // Browsers say where a page's request comes from; programs say nothing.
        let of_a_page = headers.contains_key(ORIGIN) || headers.contains_key(FETCH_SITE);
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let is_local = peer.is_loopback() && host.is_some_and(names_loopback) && !of_a_page;
        if self.open_on_loopback && is_local {
            return Ok(());
        }
        let (status, reason) = match &self.token {
            Some(_) => (
                StatusCode::UNAUTHORIZED,
                "bring the broker's http.admin.token as Authorization: Bearer",
            ),
            None if self.open_on_loopback => (
                StatusCode::FORBIDDEN,
                "only programs on this machine are let in; set http.admin.token for others",
            ),
            None => (
                StatusCode::FORBIDDEN,
                "set http.admin.token, or http.admin.open.on.loopback=true for whoever is on this machine; SIGTERM drains, too",
            ),
        };
        Err(AdminRefused { status, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::Sources;
    use std::net::Ipv4Addr;

    const TOKEN: (&str, &str) = ("http.admin.token", "0123456789abcdef");
    const OPEN: (&str, &str) = ("http.admin.open.on.loopback", "true");
    const LOCAL: &[(&str, &str)] = &[("host", "127.0.0.1:9640")];
    const BEARER: (&str, &str) = ("authorization", "Bearer 0123456789abcdef");

    fn status(flags: &[(&str, &str)], headers: &[(&str, &str)], peer: Ipv4Addr) -> Option<u16> {
        let flags = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let sources = Sources { flags: flags.collect(), ..Sources::default() };
        let admit = admit_admin(&Settings::resolve(sources).unwrap()).unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        admit(&headers.collect(), peer.into()).err().map(|refused| refused.status.as_u16())
    }

    #[test]
    fn nobody_comes_in_unless_that_was_set() {
        assert_eq!(status(&[], LOCAL, Ipv4Addr::LOCALHOST), Some(403));
        assert_eq!(status(&[], &[BEARER], Ipv4Addr::LOCALHOST), Some(403));
    }

    #[test]
    fn a_token_lets_in_from_everywhere() {
        let far = Ipv4Addr::new(10, 0, 0, 9);
        assert_eq!(status(&[TOKEN], &[BEARER], far), None);
        assert_eq!(status(&[TOKEN], LOCAL, Ipv4Addr::LOCALHOST), Some(401));
        let wrong = ("authorization", "Bearer 0123456789abcdeg");
        assert_eq!(status(&[TOKEN], &[wrong], far), Some(401));
        assert_eq!(status(&[TOKEN, OPEN], LOCAL, far), Some(401));
        assert_eq!(status(&[TOKEN, OPEN], LOCAL, Ipv4Addr::LOCALHOST), None);
    }

    #[test]
    fn a_page_in_a_browser_is_no_program_of_this_machine() {
        assert_eq!(status(&[OPEN], LOCAL, Ipv4Addr::LOCALHOST), None);
        assert_eq!(status(&[OPEN], LOCAL, Ipv4Addr::new(10, 0, 0, 9)), Some(403));
        for page in [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")] {
            assert_eq!(status(&[OPEN], &[LOCAL[0], page], Ipv4Addr::LOCALHOST), Some(403));
        }
        let rebound = [("host", "evil.example:9640")];
        assert_eq!(status(&[OPEN], &rebound, Ipv4Addr::LOCALHOST), Some(403));
    }

    #[test]
    fn a_token_that_can_be_guessed_stops_the_start() {
        let flags = [("http.admin.token".to_owned(), "hush".to_owned())];
        let sources = Sources { flags: flags.into_iter().collect(), ..Sources::default() };
        let refused = admit_admin(&Settings::resolve(sources).unwrap()).err().unwrap();
        assert!(refused.0.contains("16 characters") && !refused.0.contains("hush"));
    }
}
