//! `features`: the finalised feature level. A broker that does not know it refuses to start.

use super::{Keys, value::value};
use bytes::Bytes;
use formats::metadata::Features;

value!(Features);

impl Keys {
    /// The finalised level.
    pub fn features(&self) -> Bytes {
        self.at("features")
    }
}
