//! Who somebody is: TLS, SASL and the principals that come of them.
//!
//! Nothing here knows the wire's frames, the metadata store or the clock. Secrets are compared in constant time by aws-lc-rs, which
//! does all of the cryptography, and no error or `Debug` shows one. Sources: KIP-12, KIP-43, KIP-84, KIP-255, KIP-371,
//! KIP-651, KIP-768, RFC 4616, RFC 5802, RFC 7628.

mod access_token;
pub mod acl;
mod login;
mod principal;
pub mod quota;
pub mod sasl;
mod secret;
pub mod tls;

pub use access_token::{AccessToken, WeakToken, names_loopback};
pub use login::{ClientSecurity, Credentials};
pub use principal::Principal;
pub use secret::{SecretDigest, is_same_secret};
