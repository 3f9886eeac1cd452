//! Bytes that can be told from all others: what messages without content carry.

/// Names the pattern of the `nth` message with this source, destination and tag.
pub fn pattern_seed(source: u32, destination: u32, tag: i64, nth: u32) -> u64 {
    let ends = u64::from(source) << 32 | u64::from(destination);
    let message = mix(ends) ^ tag.cast_unsigned();
    mix(mix(message) ^ u64::from(nth))
}

/// The first `bytes` bytes of pattern `seed`.
pub fn pattern(seed: u64, bytes: u64) -> Box<[u8]> {
    let words = bytes.div_ceil(8);
    let all = (0..words).flat_map(|word| mix(seed.wrapping_add(mix(word))).to_le_bytes());
    let count = usize::try_from(bytes).expect("a pattern fits into memory");
    all.take(count).collect()
}

/// A bijection of words without visible structure (the finaliser of SplitMix64).
pub const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

#[cfg(test)]
mod tests {
    use super::{pattern, pattern_seed};

    #[test]
    fn messages_that_differ_in_anything_carry_different_bytes() {
        let seeds = [
            pattern_seed(0, 1, 0, 0),
            pattern_seed(1, 0, 0, 0),
            pattern_seed(0, 1, -1, 0),
            pattern_seed(0, 1, 0, 1),
        ];
        for (index, &seed) in seeds.iter().enumerate() {
            assert!(
                seeds[..index]
                    .iter()
                    .all(|&other| pattern(other, 8) != pattern(seed, 8))
            );
        }
    }

    #[test]
    fn a_shorter_pattern_is_the_start_of_a_longer_one() {
        assert_eq!(pattern(7, 21)[..13], pattern(7, 13)[..]);
        assert!(pattern(7, 0).is_empty());
    }
}
