//! Sizes as whole micrometres.
//!
//! RECIST's borders are exact: a sum of 60 mm over a nadir of 50 mm is progression. In binary floating point 1.2 x 50 need
//! not be 60, and 0.1 + 0.2 depends on the order of adding. Readings are given to a tenth of a millimetre at most, so a
//! micrometre loses nothing, sums do not depend on their order, and every comparison is one of whole numbers.

/// A size in micrometres.
pub(super) type Micrometres = i64;

/// No lesion is larger; it keeps sums and products within their types whatever is typed in.
const LARGEST: f64 = 1e9;
const MILLION: i128 = 1_000_000;

/// `mm` in micrometres; what is negative or no number counts as 0.
#[allow(clippy::cast_possible_truncation)] // clamped to what fits; the cast makes 0 of no number
pub(super) fn micrometres(mm: f64) -> Micrometres {
    (mm.clamp(0.0, LARGEST) * 1000.0).round() as Micrometres
}

/// `size` in mm.
pub(super) fn millimetres(size: Micrometres) -> f64 {
    size as f64 / 1000.0
}

/// A share such as 0.2 in millionths.
#[allow(clippy::cast_possible_truncation)] // a share of a protocol is far below 2^63 millionths
fn millionths(share: f64) -> i128 {
    i128::from((share * 1e6).round() as i64)
}

/// True where `size` is at least `relative` and at least `absolute_mm` over `nadir`.
pub(super) fn grown(size: Micrometres, nadir: Micrometres, relative: f64, absolute_mm: f64) -> bool {
    i128::from(size) * MILLION >= i128::from(nadir) * (MILLION + millionths(relative))
        && size - nadir >= micrometres(absolute_mm)
}

/// True where `size` is at least `relative` below `baseline`.
pub(super) fn shrunk(size: Micrometres, baseline: Micrometres, relative: f64) -> bool {
    i128::from(size) * MILLION <= i128::from(baseline) * (MILLION - millionths(relative))
}

/// `of - from` relative to `from`, in percent to one decimal, for words.
pub(super) fn percent(of: Micrometres, from: Micrometres) -> f64 {
    ((of - from) as f64 / from as f64 * 1000.0).round() / 10.0
}

/// How far `size` lies over `nadir`, in words: `25 % and 9 mm over the nadir of 36 mm`.
pub(super) fn over(size: Micrometres, nadir: Micrometres) -> String {
    let mm = millimetres(size - nadir);
    if nadir == 0 {
        format!("{mm} mm over the nadir of 0 mm")
    } else {
        format!("{} % and {mm} mm over the nadir of {} mm", percent(size, nadir), millimetres(nadir))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(60.0, 50.0, true)]
    #[case(59.9, 50.0, false)]
    #[case(24.0, 20.0, false)] // 20 %, but 4 mm
    #[case(25.0, 20.0, true)]
    #[case(0.1 + 0.2 + 29.7, 25.0, true)] // 30.000000000000004 or 30: both are 30
    #[case(30.0, 0.1 + 0.2 + 24.7, true)]
    #[case(5.0, 0.0, true)]
    #[case(4.9, 0.0, false)]
    fn grows_at_the_border(#[case] sum: f64, #[case] nadir: f64, #[case] progression: bool) {
        assert_eq!(grown(micrometres(sum), micrometres(nadir), 0.2, 5.0), progression);
    }

    #[rstest]
    #[case(70.0, 100.0, true)]
    #[case(70.1, 100.0, false)]
    #[case(14.7, 21.0, true)] // 0.7 x 21 is 14.699999999999999
    fn shrinks_at_the_border(#[case] sum: f64, #[case] baseline: f64, #[case] response: bool) {
        assert_eq!(shrunk(micrometres(sum), micrometres(baseline), 0.3), response);
    }

    #[test]
    fn takes_any_number() {
        for mm in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300] {
            let size = micrometres(mm);
            assert!(size >= 0);
            let _ = (grown(size, size, 0.2, 5.0), shrunk(size, 0, 0.3));
        }
    }
}
