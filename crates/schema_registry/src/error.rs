//! [`RegistryError`]: why a request is refused, with the codes that Confluent's clients know.

/// A refusal: what HTTP status, code and sentence the client gets.
///
/// Source: the error codes in Confluent's API reference of Schema Registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RegistryError {
    /// Five digits, of which the first three are the HTTP status; or the status alone.
    pub code: u32,
    /// For people.
    pub message: String,
}

impl RegistryError {
    /// A refusal with `code`.
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        let status = if self.code >= 1000 { self.code / 100 } else { self.code };
        u16::try_from(status).unwrap_or(500)
    }

    /// 40401.
    pub fn subject_not_found(subject: &str) -> Self {
        Self::new(40401, format!("Subject '{subject}' not found."))
    }

    /// 40402.
    pub fn version_not_found(version: impl std::fmt::Display) -> Self {
        Self::new(40402, format!("Version {version} not found."))
    }

    /// 40403.
    pub fn schema_not_found() -> Self {
        Self::new(40403, "Schema not found")
    }

    /// 42201.
    pub fn invalid_schema(why: impl std::fmt::Display) -> Self {
        Self::new(42201, format!("Invalid schema: {why}"))
    }

    /// 50001.
    pub fn store(why: impl std::fmt::Display) -> Self {
        Self::new(50001, format!("Error in the backend data store: {why}"))
    }
}
