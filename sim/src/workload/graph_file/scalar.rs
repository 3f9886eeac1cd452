//! The smallest parts of a graph file: names or numbers, and `f32` values to the bit.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What refers to something: its name, or its number from 0. As a place in a rank's data: a
/// buffer, `BUFFER+OFFSET`, or a byte offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NameOr {
    Name(Box<str>),
    Number(u64),
}

impl Serialize for NameOr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::Number(number) => serializer.serialize_u64(*number),
        }
    }
}

impl<'de> Deserialize<'de> for NameOr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = NameOr;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a name, or a whole number from 0")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<NameOr, E> {
                Ok(NameOr::Name(name.into()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<NameOr, E> {
                Ok(NameOr::Number(number))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A whole number of the range that is said; whoever asks looks at the range.
pub(super) struct Whole(pub(super) &'static str);

impl Visitor<'_> for Whole {
    type Value = u64;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }
}

/// A value to the bit: a number where that says it exactly, else its bits as `"0x…"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct F32(pub(super) f32);

#[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest")]
const fn rounded(value: f64) -> f32 {
    value as f32
}

impl Serialize for F32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_exact = self.0.is_finite()
            && serde_json::to_string(&self.0)
                .and_then(|text| serde_json::from_str::<f64>(&text))
                .is_ok_and(|value| rounded(value).to_bits() == self.0.to_bits());
        match is_exact {
            true => serializer.serialize_f32(self.0),
            false => serializer.collect_str(&format_args!("{:#010x}", self.0.to_bits())),
        }
    }
}

impl<'de> Deserialize<'de> for F32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;
        impl Visitor<'_> for Value {
            type Value = F32;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a number that an f32 can hold, or its bits as \"0x3f800000\"")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<F32, E> {
                let rounded = rounded(value);
                let is_held = rounded.is_finite();
                is_held
                    .then_some(F32(rounded))
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Float(value), &self))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<F32, E> {
                Ok(F32(value as f32))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<F32, E> {
                Ok(F32(value as f32))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<F32, E> {
                let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 8);
                let bits = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                bits.map(|bits| F32(f32::from_bits(bits)))
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Value)
    }
}

/// Bytes, as two hexadecimal digits each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hex(pub(super) Box<[u8]>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Hex;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("bytes as hexadecimal digits, two each, as \"cafe\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Hex, E> {
                let bytes = read_hex(text.as_bytes());
                bytes.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

fn read_hex(text: &[u8]) -> Option<Hex> {
    let (pairs, rest) = text.as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    let bytes: Option<Box<[u8]>> = pairs.iter().map(byte).collect();
    bytes.filter(|_| rest.is_empty()).map(Hex)
}

#[cfg(test)]
mod tests {
    use super::{F32, Hex};

    #[test]
    fn values_come_back_to_the_bit() {
        let mut bits = 1_u32;
        for _ in 0..100_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let text = serde_json::to_string(&F32(f32::from_bits(bits))).unwrap();
            let back: F32 = serde_json::from_str(&text).unwrap();
            assert_eq!(back.0.to_bits(), bits, "{text}");
        }
        for (text, bits) in [
            ("-0.0", 1 << 31),
            ("2", 0x4000_0000),
            ("\"0x7fc00000\"", 0x7FC0_0000),
        ] {
            let back: F32 = serde_json::from_str(text).unwrap();
            assert_eq!(back.0.to_bits(), bits, "{text}");
        }
    }

    #[test]
    fn bytes_come_back_and_half_ones_are_refused() {
        let all: Box<[u8]> = (0..=255).collect();
        let text = serde_json::to_string(&Hex(all.clone())).unwrap();
        assert!(text.starts_with("\"000102") && text.ends_with("feff\""));
        assert_eq!(serde_json::from_str::<Hex>(&text).unwrap().0, all);
        for text in ["\"0\"", "\"0g\"", "\"+1\"", "\"é\"", "7"] {
            assert!(serde_json::from_str::<Hex>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_no_f32_holds_is_refused() {
        for text in ["1e300", "\"0x1\"", "\"x\"", "null", "[]"] {
            assert!(serde_json::from_str::<F32>(text).is_err(), "{text}");
        }
    }
}
