//! Producer state as manifests keep it.
