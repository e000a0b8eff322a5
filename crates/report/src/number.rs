//! Numbers as a journal prints them: `HR 0.52 (95 % CI 0.31 to 0.88)`, `p < 0.001`, months to one decimal.
//!
//! Never computes one: a percentage of two counts is the most that is done here. See Lang and Altman, SAMPL (2013).

use analysis::results::Estimate;

/// What a median that does not exist is called.
pub const NOT_REACHED: &str = "not reached";
/// What another estimate that does not exist is called.
pub const NOT_ESTIMABLE: &str = "not estimable";

/// `value` to so many decimals, with a true minus sign; never `-0.0`.
pub fn decimals(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return NOT_ESTIMABLE.into();
    }
    let text = format!("{value:.places$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|b| b == b'0' || b == b'.') => digits.to_owned(),
        Some(digits) => format!("\u{2212}{digits}"),
        None => text,
    }
}

/// As few decimals as `value` needs, at most `places`.
pub fn short(value: f64, places: usize) -> String {
    let text = decimals(value, places);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A count with thousands set apart: `12,345`.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 subject`, `74 subjects`.
pub fn counted(n: usize, what: &str) -> String {
    format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" })
}

/// `12 (32 %)`; a tenth of a percent from 200 on, where it means more than half a subject.
pub fn n_percent(n: usize, of: usize) -> String {
    if of == 0 {
        return count(n);
    }
    let percent = 100.0 * n as f64 / of as f64;
    format!("{} ({} %)", count(n), decimals(percent, usize::from(of >= 200)))
}

/// `0.014`, `0.23`, `< 0.001`.
pub fn p(value: f64) -> String {
    match value {
        v if !v.is_finite() => NOT_ESTIMABLE.into(),
        v if v < 0.001 => "< 0.001".into(),
        v if v > 0.99 => "> 0.99".into(),
        v if v < 0.0995 => decimals(v, 3),
        v => decimals(v, 2),
    }
}

/// `p = 0.014`, `p < 0.001`.
pub fn p_equals(value: f64) -> String {
    let text = p(value);
    if text.starts_with(['<', '>']) { format!("p {text}") } else { format!("p = {text}") }
}

/// `95` of 0.95, `97.5` of 0.975.
pub fn level(confidence: f64) -> String {
    short(confidence * 100.0, 2)
}

/// `0.31 to 0.88`; a limit that does not exist is called `missing`.
pub fn limits(estimate: &Estimate, places: usize, missing: &str) -> String {
    let one = |limit: Option<f64>| limit.map_or_else(|| missing.to_owned(), |v| decimals(v, places));
    format!("{} to {}", one(estimate.lower), one(estimate.upper))
}

/// `10.4 (8.1 to 13.0)`; one that does not exist is called `missing`, and has its limits where one exists.
pub fn with_limits(estimate: &Estimate, places: usize, missing: &str) -> String {
    let value = estimate.value.map_or_else(|| missing.to_owned(), |v| decimals(v, places));
    if estimate.lower.is_none() && estimate.upper.is_none() {
        value
    } else {
        format!("{value} ({})", limits(estimate, places, missing))
    }
}

/// A median in months: `10.4 (8.1 to not reached)`.
pub fn months(estimate: &Estimate) -> String {
    with_limits(estimate, 1, NOT_REACHED)
}

/// A proportion as percent: `62 % (45 to 75)`.
pub fn percent(estimate: &Estimate) -> String {
    let hundred = |v: Option<f64>| v.map(|v| 100.0 * v);
    let Some(value) = hundred(estimate.value) else { return NOT_ESTIMABLE.into() };
    let scaled = Estimate { value: None, lower: hundred(estimate.lower), upper: hundred(estimate.upper) };
    if scaled.lower.is_none() && scaled.upper.is_none() {
        format!("{} %", decimals(value, 0))
    } else {
        format!("{} % ({})", decimals(value, 0), limits(&scaled, 0, NOT_ESTIMABLE))
    }
}

/// `HR 0.52 (95 % CI 0.31 to 0.88)`.
pub fn hazard_ratio(estimate: &Estimate, confidence: f64) -> String {
    match estimate.value {
        None => format!("HR {NOT_ESTIMABLE}"),
        Some(value) => format!(
            "HR {} ({} % CI {})",
            decimals(value, 2),
            level(confidence),
            limits(estimate, 2, NOT_ESTIMABLE)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    // The International Committee of Medical Journal Editors' journals: three decimals below 0.1, two above, no 0.000.
    #[rstest]
    #[case(0.000_4, "p < 0.001")]
    #[case(0.001, "p = 0.001")]
    #[case(0.013_6, "p = 0.014")]
    #[case(0.099_4, "p = 0.099")]
    #[case(0.099_9, "p = 0.10")]
    #[case(0.231, "p = 0.23")]
    #[case(0.999_9, "p > 0.99")]
    #[case(f64::NAN, "p = not estimable")]
    fn prints_p(#[case] value: f64, #[case] want: &str) {
        assert_eq!(p_equals(value), want);
    }

    #[rstest]
    #[case(Some(0.517), Some(0.3061), Some(0.8790), "HR 0.52 (95 % CI 0.31 to 0.88)")]
    #[case(Some(0.517), Some(0.3061), None, "HR 0.52 (95 % CI 0.31 to not estimable)")]
    #[case(None, None, None, "HR not estimable")]
    fn prints_a_hazard_ratio(
        #[case] value: Option<f64>,
        #[case] lower: Option<f64>,
        #[case] upper: Option<f64>,
        #[case] want: &str,
    ) {
        assert_eq!(hazard_ratio(&Estimate { value, lower, upper }, 0.95), want);
    }

    #[rstest]
    #[case(Some(10.44), Some(8.06), Some(13.0), "10.4 (8.1 to 13.0)")]
    #[case(Some(10.44), Some(8.06), None, "10.4 (8.1 to not reached)")]
    #[case(None, Some(8.06), None, "not reached (8.1 to not reached)")]
    #[case(None, None, None, "not reached")]
    fn prints_months(
        #[case] value: Option<f64>,
        #[case] lower: Option<f64>,
        #[case] upper: Option<f64>,
        #[case] want: &str,
    ) {
        assert_eq!(months(&Estimate { value, lower, upper }), want);
    }

    #[rstest]
    #[case(12, 37, "12 (32 %)")]
    #[case(0, 37, "0 (0 %)")]
    #[case(0, 0, "0")]
    #[case(4_321, 10_000, "4,321 (43.2 %)")]
    fn prints_a_count_of(#[case] n: usize, #[case] of: usize, #[case] want: &str) {
        assert_eq!(n_percent(n, of), want);
    }

    #[rstest]
    #[case(-0.04, 1, "0.0")]
    #[case(-0.06, 1, "\u{2212}0.1")]
    #[case(f64::INFINITY, 1, "not estimable")]
    fn prints_decimals(#[case] value: f64, #[case] places: usize, #[case] want: &str) {
        assert_eq!(decimals(value, places), want);
    }
}
