//! [`Identity`]: what a WAL directory says of itself, in a small file that is replaced whole.

use super::sealed::{open, take_cluster};
use super::{VERSION, WalFrameError};
use crate::layout::{Fields, Layout};
use model::{ClusterId, WalId};

const MAGIC: [u8; 8] = *b"ALLUVWID";

/// The whole content of a WAL directory's identity file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The cluster.
    pub cluster: ClusterId,
    /// The WAL.
    pub wal: WalId,
    /// Raised at every start of a broker on it.
    pub generation: u64,
    /// Files of a lower file generation belong to an earlier WAL in the same directory: they are in quarantine.
    pub first_file_generation: u64,
}

impl Identity {
    /// Length of the layout.
    pub const BYTES: usize = 128;

    /// Lays the file out.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let cluster = self.cluster.as_str().as_bytes();
        let mut layout = Layout::new();
        layout
            .put(&MAGIC)
            .put(&VERSION.to_le_bytes())
            .skip(6)
            .put(self.wal.as_bytes())
            .put(&self.generation.to_le_bytes())
            .put(&self.first_file_generation.to_le_bytes())
            .put(&[cluster.len() as u8])
            .put(cluster);
        layout.seal()
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`WalFrameError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WalFrameError> {
        if bytes.len() != Self::BYTES {
            return Err(WalFrameError::Truncated);
        }
        let mut fields = open(bytes, MAGIC)?;
        Self::decode_fields(&mut fields).ok_or(WalFrameError::Field("cluster id"))
    }

    fn decode_fields(fields: &mut Fields<'_>) -> Option<Self> {
        fields.take(6)?;
        let wal = WalId::from_bytes(fields.array()?);
        let generation = fields.u64()?;
        let first_file_generation = fields.u64()?;
        let cluster = take_cluster(fields)?;
        Some(Self { cluster, wal, generation, first_file_generation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            cluster: ClusterId::new("test").unwrap(),
            wal: WalId::from_bytes([5; 16]),
            generation: 3,
            first_file_generation: 8,
        }
    }

    #[test]
    fn an_identity_reads_back() {
        assert_eq!(Identity::decode(&identity().encode()), Ok(identity()));
    }

    #[test]
    fn any_flipped_bit_of_an_identity_is_noticed() {
        for bit in 0..Identity::BYTES * 8 {
            let mut bytes = identity().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Identity::decode(&bytes).is_err(), "bit {bit}");
        }
    }
}
