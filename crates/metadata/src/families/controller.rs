//! `controller`: who decides, bound to the lease of that broker's session.

use super::{
    Keys,
    value::{check_id, value},
};
use bytes::Bytes;
use formats::metadata::Controller;

value!(Controller, |controller| check_id(
    &controller.session,
    "the controller's session is not 16 bytes"
));

impl Keys {
    /// The controller's election.
    pub fn controller(&self) -> Bytes {
        self.at("controller")
    }
}
