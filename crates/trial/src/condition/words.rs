//! A condition in words, for whoever reads a form on paper.
//!
//! Never words what would only be read back as code: an expression that goes to the CEL interpreter has none.

use super::compile::{Comparison, Operand, Truth};

/// How names and codes are called: a name as a reader knows it, and a code of the item of that name.
pub struct Names<'n> {
    /// What a name is called.
    pub name: &'n dyn Fn(&str) -> String,
    /// Whether a name is that of a date.
    pub is_date: &'n dyn Fn(&str) -> bool,
    /// What a text that is compared with the name is called.
    pub code: &'n dyn Fn(&str, &str) -> String,
}

/// The words; none where a part of it has none.
pub fn words(truth: &Truth, names: &Names<'_>) -> Option<String> {
    Some(match truth {
        Truth::Constant(true) => "always".into(),
        Truth::Constant(false) => "never".into(),
        Truth::Name(name) => format!("{} is yes", (names.name)(name)),
        Truth::Given(name) => format!("{} is given", (names.name)(name)),
        Truth::Not(of) => negated(of, names)?,
        Truth::And(a, b) => format!("{} and {}", within(a, names, true)?, within(b, names, true)?),
        Truth::Or(a, b) => format!("{} or {}", within(a, names, false)?, within(b, names, false)?),
        Truth::If(of, yes, no) => {
            format!("{} where {}, else {}", words(yes, names)?, words(of, names)?, words(no, names)?)
        }
        Truth::Same(a, b) => {
            format!("({}) is as true as ({})", words(a, names)?, words(b, names)?)
        }
        Truth::Compare(how, a, b) => compared(*how, a, b, names, false)?,
        Truth::Member(value, among) => member(value, among, names, false)?,
        Truth::Call(_) => return None,
    })
}

/// A part of `and` (of `or` where `and` is false): in brackets where it is of the other kind.
fn within(truth: &Truth, names: &Names<'_>, and: bool) -> Option<String> {
    let said = words(truth, names)?;
    let other = if and { matches!(truth, Truth::Or(..)) } else { matches!(truth, Truth::And(..)) };
    Some(if other || matches!(truth, Truth::If(..)) { format!("({said})") } else { said })
}

fn negated(of: &Truth, names: &Names<'_>) -> Option<String> {
    Some(match of {
        Truth::Name(name) => format!("{} is no", (names.name)(name)),
        Truth::Given(name) => format!("{} is not given", (names.name)(name)),
        Truth::Compare(how, a, b) => compared(*how, a, b, names, true)?,
        Truth::Member(value, among) => member(value, among, names, true)?,
        other => format!("not ({})", words(other, names)?),
    })
}

fn compared(how: Comparison, a: &Operand, b: &Operand, names: &Names<'_>, not: bool) -> Option<String> {
    // A fixed value stands to the right of what it is compared with.
    let turned = is_fixed(a) && !is_fixed(b);
    let (left, right) = if turned { (b, a) } else { (a, b) };
    let dates = [left, right].iter().any(|one| matches!(one, Operand::Name(name) if (names.is_date)(name)));
    let relation = match (how, not, turned) {
        (Comparison::Equal, false, _) => "is",
        (Comparison::Equal, true, _) => "is not",
        (Comparison::Less, false, false) | (Comparison::LessOrEqual, true, true) if dates => "is before",
        (Comparison::LessOrEqual, false, false) | (Comparison::Less, true, true) if dates => {
            "is on or before"
        }
        (Comparison::Less, false, true) | (Comparison::LessOrEqual, true, false) if dates => "is after",
        (Comparison::LessOrEqual, false, true) | (Comparison::Less, true, false) if dates => "is on or after",
        (Comparison::Less, false, false) | (Comparison::LessOrEqual, true, true) => "is less than",
        (Comparison::LessOrEqual, false, false) | (Comparison::Less, true, true) => "is at most",
        (Comparison::Less, false, true) | (Comparison::LessOrEqual, true, false) => "is more than",
        (Comparison::LessOrEqual, false, true) | (Comparison::Less, true, false) => "is at least",
    };
    Some(format!("{} {relation} {}", operand(left, None, names)?, operand(right, Some(left), names)?))
}

fn member(value: &Operand, among: &[Operand], names: &Names<'_>, not: bool) -> Option<String> {
    let values: Vec<String> =
        among.iter().map(|one| operand(one, Some(value), names)).collect::<Option<_>>()?;
    let listed = match values.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".into(),
    };
    Some(format!("{} is {}{listed}", operand(value, None, names)?, if not { "not " } else { "" }))
}

fn is_fixed(operand: &Operand) -> bool {
    matches!(operand, Operand::Number(_) | Operand::Text(_))
}

/// `beside` is what it is compared with.
fn operand(of: &Operand, beside: Option<&Operand>, names: &Names<'_>) -> Option<String> {
    Some(match of {
        Operand::Name(name) => (names.name)(name),
        Operand::Number(number) => number.to_string(),
        Operand::Text(text) => match beside {
            Some(Operand::Name(name)) => (names.code)(name, text),
            _ => text.clone(),
        },
        Operand::Days(from, to) => {
            format!(
                "the number of days from {} to {}",
                operand(from, None, names)?,
                operand(to, None, names)?
            )
        }
        Operand::Cel(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::Condition;

    #[rstest]
    #[case("ecog.ECOG <= 2", Some("<ecog.ECOG> is at most 2"))]
    #[case("derived.age >= 18", Some("<derived.age> is at least 18"))]
    #[case("2 < AGE", Some("<AGE> is more than 2"))]
    #[case("!(AGE < 2)", Some("<AGE> is at least 2"))]
    #[case("!(AGE >= 2)", Some("<AGE> is less than 2"))]
    #[case("SEX == \"F\"", Some("<SEX> is [F]"))]
    #[case("\"F\" != SEX", Some("<SEX> is not [F]"))]
    #[case("A in [\"X\", \"Y\", \"Z\"]", Some("<A> is [X], [Y] or [Z]"))]
    #[case("!(A in [\"X\"])", Some("<A> is not [X]"))]
    #[case("given(A) && !given(B)", Some("<A> is given and <B> is not given"))]
    #[case("a && (b || c)", Some("<a> is yes and (<b> is yes or <c> is yes)"))]
    #[case("a && b || !c", Some("(<a> is yes and <b> is yes) or <c> is no"))]
    #[case("days(A, B) >= 183", Some("the number of days from <A> to <B> is at least 183"))]
    #[case("FROMDAT <= TODAT", Some("<FROMDAT> is on or before <TODAT>"))]
    #[case("FROMDAT > \"2026-01-31\"", Some("<FROMDAT> is after [2026-01-31]"))]
    #[case("DOSE * N <= 70", None)]
    #[case("A.startsWith(\"B\")", None)]
    fn says_what_is_asked(#[case] text: &str, #[case] want: Option<&str>) {
        let condition = Condition::parse(text).expect(text);
        let said = condition.in_words(&|name| format!("<{name}>"), &|_, code| format!("[{code}]"), &|name| {
            name.ends_with("DAT")
        });
        assert_eq!(said.as_deref(), want);
    }
}
