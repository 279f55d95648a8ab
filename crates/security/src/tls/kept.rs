//! [`Kept`]: what was made of key files, as long as they stay as they are.

use super::{TlsError, TlsSettings, pem::PemTexts};
use parking_lot::RwLock;
use std::{fmt, sync::Arc};

/// A configuration of rustls, made of what its files held when they were last read.
pub(super) struct Kept<C> {
    settings: TlsSettings,
    make: fn(&TlsSettings, &PemTexts) -> Result<C, TlsError>,
    current: RwLock<Current<C>>,
}

struct Current<C> {
    texts: PemTexts,
    config: Arc<C>,
}

impl<C> Kept<C> {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(super) fn new(
        settings: TlsSettings,
        make: fn(&TlsSettings, &PemTexts) -> Result<C, TlsError>,
    ) -> Result<Self, TlsError> {
        let texts = PemTexts::read(&settings)?;
        let config = Arc::new(make(&settings, &texts)?);
        Ok(Self { settings, make, current: RwLock::new(Current { texts, config }) })
    }

    /// Reads the files again, and answers whether they hold something new.
    ///
    /// # Errors
    /// [`TlsError`]: what was read before stays in force.
    pub(super) fn reload(&self) -> Result<bool, TlsError> {
        let texts = PemTexts::read(&self.settings)?;
        if texts == self.current.read().texts {
            return Ok(false);
        }
        let config = Arc::new((self.make)(&self.settings, &texts)?);
        *self.current.write() = Current { texts, config };
        Ok(true)
    }

    pub(super) fn settings(&self) -> &TlsSettings {
        &self.settings
    }

    /// The configuration in force.
    pub(super) fn config(&self) -> Arc<C> {
        Arc::clone(&self.current.read().config)
    }
}

impl<C> fmt::Debug for Kept<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("settings", &self.settings).finish_non_exhaustive()
    }
}
