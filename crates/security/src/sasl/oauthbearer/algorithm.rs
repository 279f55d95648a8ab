//! The signatures that tokens may have (RFC 7518, RFC 8037), each with the kind of key that checks it.
//!
//! All are asymmetric: `none` is no algorithm here, and nothing that takes a shared secret is, so a public key is never one.

use aws_lc_rs::signature::{
    self, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use std::fmt;

/// A signature algorithm, by the name that a token's header gives it.
#[derive(Clone, Copy)]
pub(super) struct Algorithm {
    name: &'static str,
    check: Check,
}

#[derive(Clone, Copy)]
enum Check {
    Rsa(&'static RsaParameters),
    Ec(Curve, &'static EcdsaVerificationAlgorithm),
    Ed25519,
}

/// A curve, by the name that a key gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

/// A key that checks signatures.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// Modulus and exponent, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// An uncompressed point.
    Ec { curve: Curve, point: Vec<u8> },
    /// 32 bytes.
    Ed25519(Vec<u8>),
}

static ALGORITHMS: [Algorithm; 11] = [
    rsa("RS256", &signature::RSA_PKCS1_2048_8192_SHA256),
    rsa("RS384", &signature::RSA_PKCS1_2048_8192_SHA384),
    rsa("RS512", &signature::RSA_PKCS1_2048_8192_SHA512),
    rsa("PS256", &signature::RSA_PSS_2048_8192_SHA256),
    rsa("PS384", &signature::RSA_PSS_2048_8192_SHA384),
    rsa("PS512", &signature::RSA_PSS_2048_8192_SHA512),
    ec("ES256", Curve::P256, &signature::ECDSA_P256_SHA256_FIXED),
    ec("ES384", Curve::P384, &signature::ECDSA_P384_SHA384_FIXED),
    ec("ES512", Curve::P521, &signature::ECDSA_P521_SHA512_FIXED),
    Algorithm { name: "EdDSA", check: Check::Ed25519 },
    Algorithm { name: "Ed25519", check: Check::Ed25519 },
];

const fn rsa(name: &'static str, parameters: &'static RsaParameters) -> Algorithm {
    Algorithm { name, check: Check::Rsa(parameters) }
}

const fn ec(
    name: &'static str,
    curve: Curve,
    algorithm: &'static EcdsaVerificationAlgorithm,
) -> Algorithm {
    Algorithm { name, check: Check::Ec(curve, algorithm) }
}

impl Algorithm {
    /// The algorithm of that name, if it is one that is accepted.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        ALGORITHMS.iter().find(|algorithm| algorithm.name == name).copied()
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        self.name
    }

    /// Whether the key made the signature; never, when it is a key of another kind.
    pub(super) fn is_signed(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        let checked = match (self.check, key) {
            (Check::Rsa(parameters), PublicKey::Rsa { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (Check::Ec(curve, algorithm), PublicKey::Ec { curve: of_key, point })
                if curve == *of_key =>
            {
                UnparsedPublicKey::new(algorithm, point).verify(message, signature)
            }
            (Check::Ed25519, PublicKey::Ed25519(key)) => {
                UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature)
            }
            _ => return false,
        };
        checked.is_ok()
    }
}

impl Curve {
    /// The curve of that name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "P-256" => Some(Self::P256),
            "P-384" => Some(Self::P384),
            "P-521" => Some(Self::P521),
            _ => None,
        }
    }

    /// Bytes of a coordinate.
    pub(super) fn length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl fmt::Debug for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { n, .. } => write!(f, "Rsa({} bits)", n.len() * 8),
            Self::Ec { curve, .. } => write!(f, "{curve:?}"),
            Self::Ed25519(_) => f.write_str("Ed25519"),
        }
    }
}
