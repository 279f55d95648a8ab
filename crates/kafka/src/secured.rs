//! [`ListenerSecurity`]: how connections of a listener come to be served.

use crate::{
    SecurityProtocol,
    authentication::{AUTHENTICATION_PATIENCE, Authentication, SaslSettings},
};
use runtime::net::BoxedStream;
use security::{Principal, tls::TlsServer};
use std::{io, sync::Arc};
use tokio::time::{Instant, timeout_at};

/// What a listener needs beyond its socket; the default is nothing.
#[derive(Clone, Debug, Default)]
pub struct ListenerSecurity {
    /// Of listeners with TLS.
    pub tls: Option<Arc<TlsServer>>,
    /// Of listeners with SASL.
    pub sasl: Option<SaslSettings>,
}

impl ListenerSecurity {
    /// Whether it has just what the protocol needs: a listener is never less secure than its protocol says.
    pub fn fits(&self, protocol: SecurityProtocol) -> bool {
        self.tls.is_some() == protocol.has_tls() && self.sasl.is_some() == protocol.has_sasl()
    }

    /// Shakes hands where there is TLS. Whoever has to log in besides has until the answered moment.
    ///
    /// # Errors
    /// Why the client is refused.
    pub(crate) async fn welcome(
        &self,
        stream: BoxedStream,
    ) -> io::Result<(BoxedStream, Authentication, Instant)> {
        let deadline = Instant::now() + AUTHENTICATION_PATIENCE;
        let (stream, principal) = match &self.tls {
            None => (stream, Principal::anonymous()),
            // On the heap: its state is kilobytes, and every connection's task would have room for it as long as it lives.
            Some(tls) => Box::pin(timeout_at(deadline, tls.accept(stream)))
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??,
        };
        let authentication = match &self.sasl {
            None => Authentication::by_transport(principal),
            Some(settings) => Authentication::by_sasl(settings.clone()),
        };
        Ok((stream, authentication, deadline))
    }
}
