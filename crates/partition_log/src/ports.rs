//! What the log needs from its surroundings, declared here and joined by the wiring.

/// The broker's right to acknowledge and serve: its session's lease. Implemented over `cluster`.
pub trait Authority: Send + Sync + std::fmt::Debug {
    /// The lease rule of DESIGN section 3, at this instant: (boot-time clock now) < (send time of the last successful keep-alive +
    /// TTL − margin), for the session of this id.
    fn lease_holds(&self, session: model::SessionId) -> bool;
}
