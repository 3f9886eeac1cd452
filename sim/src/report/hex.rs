//! 64-bit values that are printed as hexadecimal text, because JSON readers round large numbers.
//!
//! Guarantees: a digest always has 16 digits, an address always starts with `0x`. Refuses: to
//! compute either. Called by the report's fields.

use std::fmt;

use serde::{Serialize, Serializer};

/// A 64-bit digest; 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest(pub u64);

/// A simulated address; `0x` and hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Address(pub u64);

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:#x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_keeps_its_leading_zeros() {
        assert_eq!(Digest(0xab).to_string(), "00000000000000ab");
        assert_eq!(
            serde_json::to_string(&Digest(u64::MAX)).unwrap(),
            "\"ffffffffffffffff\""
        );
    }

    #[test]
    fn an_address_is_text_with_a_prefix() {
        assert_eq!(
            serde_json::to_string(&Address(0x1000)).unwrap(),
            "\"0x1000\""
        );
        assert_eq!(Address(0).to_string(), "0x0");
    }
}
