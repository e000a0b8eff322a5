//! Puts what was fitted into the text of a scenario file, and leaves everything else in it as it was written.
//!
//! Never trusts itself: the text is read again, and must say what was fitted and nothing else new.

use std::fmt::Write as _;

use toml::de::{DeTable, DeValue};

use super::{Error, Fitted};
use crate::scenario::{Parameter, Protocols, read};

/// How the lines begin that tell of a fit: the next fit replaces them.
const MARK: &str = "#~ ";

/// The text of a scenario with what was fitted, and, before everything, lines that tell of the fit (`command`: how it was made).
///
/// Errors: the file states a rate in a way this cannot change, and how to write it instead.
pub fn write(
    source: &str,
    fitted: &[Fitted],
    command: &str,
    protocols: &Protocols<'_>,
) -> Result<String, Error> {
    let kept: String = source.split_inclusive('\n').filter(|line| !line.starts_with(MARK)).collect();
    let mut text = kept;
    for one in fitted {
        text = with(&text, one)?;
    }
    let text = format!("{}{text}", head(fitted, command));
    let faults = |_| Error::Write("the scenario with what was fitted cannot be read any more".to_owned());
    let (before, after) = (read(source, protocols).map_err(faults)?, read(&text, protocols).map_err(faults)?);
    let values: Vec<(Parameter, f64)> = fitted.iter().map(|one| (one.which, one.found)).collect();
    let wanted = before.with(&values).map_err(Error::Fixed)?;
    if after.scenario == wanted {
        return Ok(text);
    }
    let keys: Vec<String> = fitted.iter().map(|one| format!("{} = {}", one.parameter, one.found)).collect();
    Err(Error::Write(format!(
        "what was fitted cannot be put into this file as it is written; write it by hand: {}",
        keys.join(", ")
    )))
}

fn head(fitted: &[Fitted], command: &str) -> String {
    let mut head = format!("{MARK}Calibrated by `{command}`.\n");
    for one in fitted {
        let Fitted { target, parameter, found, std_err, confirmed, .. } = one;
        let places = decimals(*std_err);
        let _ = writeln!(
            head,
            "{MARK}{parameter} = {found} (+- {std_err:.places$}): the {} arm's medians are {:.3} +- {:.3} on average, \
             {} published ({}).",
            target.arm,
            confirmed.mean,
            confirmed.std_err,
            target.median,
            target.source.replace(['\n', '\r'], " ")
        );
    }
    head
}

/// Decimals that show a small number by two digits.
fn decimals(value: f64) -> usize {
    if value <= 0.0 || !value.is_finite() {
        return 3;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 8
    let places = (1.0 - libm::floor(libm::log10(value))).clamp(0.0, 8.0) as usize;
    places
}

/// The text with one value.
fn with(text: &str, one: &Fitted) -> Result<String, Error> {
    let wrong = |_| Error::Write("the scenario is no TOML any more".to_owned());
    let document = DeTable::parse(text).map_err(wrong)?;
    let (table, key) = one.parameter.split_once('.').unwrap_or(("", one.parameter));
    let value = number(one.found);
    let Some(at) = document.get_ref().get(table) else {
        // Before everything else at the top: no table has begun there.
        let first = document.get_ref().keys().map(|key| key.span().start).min().unwrap_or(0);
        let line = text[..first].rfind('\n').map_or(0, |end| end + 1);
        return Ok(format!("{}{table} = {{ {key} = {value} }}\n{}", &text[..line], &text[line..]));
    };
    let DeValue::Table(inner) = at.get_ref() else { return Ok(text.to_owned()) };
    if let Some(known) = inner.get(key) {
        let span = known.span();
        return Ok(format!("{}{value}{}", &text[..span.start], &text[span.end..]));
    }
    // Beside what the table says already.
    let Some(beside) = inner.keys().map(|key| key.span().start).min() else { return Ok(text.to_owned()) };
    let line = text[..beside].rfind('\n').map_or(0, |end| end + 1);
    let before = text[line..beside].trim_start();
    let put = if before.is_empty() {
        format!("{key} = {value}\n{}", &text[line..beside])
    } else if before.ends_with('.') {
        format!("{key} = {value}\n{before}")
    } else {
        format!("{key} = {value}, ")
    };
    Ok(format!("{}{put}{}", &text[..beside], &text[beside..]))
}

/// A float as TOML writes it.
fn number(value: f64) -> String {
    let text = value.to_string();
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}
