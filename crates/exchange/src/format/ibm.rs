//! The floating point of IBM's mainframes, in which XPORT writes every number.
//!
//! Never rounds on the way in: 56 bits of fraction hold the 53 of a double whatever its exponent, and what lies outside the
//! range of powers of 16 from -64 to 63 is refused. SAS technical note TS-140, "Numeric data".

/// The byte SAS writes for the missing number `.`; seven zeros follow.
const MISSING: u8 = b'.';

/// The missing number.
pub(super) const fn missing() -> [u8; 8] {
    [MISSING, 0, 0, 0, 0, 0, 0, 0]
}

/// A finite number; none where it is too large or too small.
pub(super) fn encode(number: f64) -> Option<[u8; 8]> {
    if number == 0.0 {
        return Some([0; 8]);
    }
    let bits = number.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or_default();
    if exponent == 0 || exponent == 0x7ff {
        return None;
    }
    // number = fraction * 2^power, 2^52 <= fraction < 2^53.
    let (fraction, power) = ((bits & ((1 << 52) - 1)) | (1 << 52), exponent - 1075);
    let shift = (power + 56).rem_euclid(4);
    let characteristic = u64::try_from(64 + (power + 56 - shift) / 4).ok().filter(|it| *it < 128)?;
    Some(((bits & (1 << 63)) | (characteristic << 56) | (fraction << shift)).to_be_bytes())
}

/// A number of two to eight bytes; none where it is missing, for whatever reason (`.`, `._`, `.A` to `.Z`).
pub(super) fn decode(bytes: &[u8]) -> Option<f64> {
    let mut whole = [0; 8];
    let length = bytes.len().min(8);
    whole[..length].copy_from_slice(&bytes[..length]);
    let bits = u64::from_be_bytes(whole);
    let fraction = bits & ((1 << 56) - 1);
    if fraction == 0 {
        return (!matches!(whole[0], MISSING | b'_' | b'A'..=b'Z')).then_some(0.0);
    }
    let power = 4 * (i32::from(whole[0] & 0x7f) - 64) - 56;
    // Rounded to 53 bits once, here; the power of two is exact.
    let size = fraction as f64 * f64::powi(2.0, power);
    Some(if whole[0] & 0x80 == 0 { size } else { -size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    // The examples of TS-140's appendix and of the IBM System/370 Principles of Operation.
    #[rstest]
    #[case(1.0, 0x4110_0000_0000_0000)]
    #[case(-1.0, 0xc110_0000_0000_0000)]
    #[case(100.0, 0x4264_0000_0000_0000)]
    #[case(-118.625, 0xc276_a000_0000_0000)]
    #[case(0.5, 0x4080_0000_0000_0000)]
    #[case(0.1, 0x4019_9999_9999_999a)]
    #[case(0.0, 0)]
    fn is_ibms(#[case] number: f64, #[case] bits: u64) {
        assert_eq!(encode(number), Some(bits.to_be_bytes()));
        assert_eq!(decode(&bits.to_be_bytes()), Some(number));
    }

    #[rstest]
    #[case(f64::MAX)]
    #[case(7.3e75)]
    #[case(5.3e-79)]
    #[case(f64::MIN_POSITIVE)]
    #[case(5e-324)]
    #[case(f64::INFINITY)]
    #[case(f64::NAN)]
    fn does_not_hold(#[case] number: f64) {
        assert_eq!(encode(number), None);
    }

    #[rstest]
    #[case(b".\0\0\0\0\0\0\0")]
    #[case(b"_\0\0\0\0\0\0\0")]
    #[case(b"Q\0\0\0\0\0\0\0")]
    #[case(b"A\0\0")]
    fn is_missing(#[case] bytes: &[u8]) {
        assert_eq!(decode(bytes), None);
    }

    proptest! {
        #[test]
        fn loses_nothing(number in any::<f64>().prop_filter("in range", |n| encode(*n).is_some())) {
            let bytes = encode(number).unwrap();
            prop_assert_eq!(decode(&bytes).unwrap().to_bits(), (number + 0.0).to_bits());
        }

        #[test]
        fn holds_its_range(number in 1e-78..7e75) {
            prop_assert!(encode(number).is_some() && encode(-number).is_some());
        }
    }
}
