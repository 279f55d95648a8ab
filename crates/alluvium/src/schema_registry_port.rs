//! The schema registry's port.

use crate::Failure;
use model::config::deployment;
use runtime::Tasks;
use schema_registry::{Access, Registry};
use settings::Settings;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// Where it is when embedded, if nothing else is said.
const EMBEDDED: &str = "127.0.0.1:8081";

/// A bound port.
pub(crate) struct SchemaRegistryPort {
    listener: TcpListener,
    address: SocketAddr,
}

impl SchemaRegistryPort {
    /// Binds what `schema.registry.address` says. Where nothing is said and the port is taken, as by another broker of the same machine, there
    /// is no registry, which the log tells.
    ///
    /// # Errors
    /// One line that names the flag, and how to do without.
    pub(crate) async fn bind(settings: &Settings) -> Result<Option<Self>, Failure> {
        let asked_for = settings.text(&deployment::SCHEMA_REGISTRY_ADDRESS);
        let unset = if settings.is_embedded() { EMBEDDED } else { "off" };
        let text = asked_for.unwrap_or(unset);
        if text == "off" {
            return Ok(None);
        }
        match Self::bind_to(text).await {
            Ok(port) => Ok(Some(port)),
            Err(error) if asked_for.is_none() => {
                tracing::warn!(
                    "no schema registry: {text}: {error}; --schema-registry-address gives it another port"
                );
                Ok(None)
            }
            Err(error) => Err(Failure(format!(
                "schema.registry.address {text}: {error}; free the port, give --schema-registry-address another one (port 0 picks a free one), or turn the schema registry off with --schema-registry-address off"
            ))),
        }
    }

    async fn bind_to(address: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address bound.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `tasks` shut down.
    pub(crate) fn serve(self, registry: Registry, access: Option<Arc<dyn Access>>, tasks: &Tasks) {
        let shutdown = tasks.shutdown();
        tasks.spawn("schema_registry_http", async move {
            let end = async move { shutdown.requested().await };
            if let Err(error) = schema_registry::serve(self.listener, registry, access, end).await {
                tracing::error!(%error, "the schema registry stopped serving");
            }
        });
    }
}
