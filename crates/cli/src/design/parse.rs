//! The little languages of the command line: rates in pieces, looks, boundaries.
//!
//! Never guesses: what is wrong is told with what would be right.

use ::survival::design::accrual::Rate;
use ::survival::design::events::Formula;
use ::survival::design::sequential::{Efficacy, Spending};

/// A rate as it was given.
#[derive(Clone, Debug)]
pub struct Pieces(pub Rate);

/// Information fractions, the last of them 1.
#[derive(Clone, Debug)]
pub struct Looks(pub Vec<f64>);

fn number(text: &str) -> Result<f64, String> {
    let found = text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    found.ok_or_else(|| format!("found {text:?}; a number is needed"))
}

pub fn formula(text: &str) -> Result<Formula, String> {
    match text {
        "schoenfeld" => Ok(Formula::Schoenfeld),
        "freedman" => Ok(Formula::Freedman),
        _ => Err("use schoenfeld or freedman".to_owned()),
    }
}

/// `0.1`, or `0:0.1,6:0.05`.
pub fn rate(text: &str) -> Result<Pieces, String> {
    let made = if text.contains(':') {
        let piece = |piece: &str| {
            let (start, rate) =
                piece.split_once(':').ok_or_else(|| format!("found {piece:?}; a piece is start:rate"))?;
            Ok((number(start)?, number(rate)?))
        };
        let pieces = text.split(',').map(piece).collect::<Result<Vec<(f64, f64)>, String>>()?;
        let (starts, rates): (Vec<f64>, Vec<f64>) = pieces.into_iter().unzip();
        Rate::piecewise(&starts, &rates)
    } else {
        Rate::constant(number(text)?)
    };
    made.map(Pieces).map_err(|error| error.to_string())
}

/// A share by a time, `0.1/12`, or a rate.
pub fn dropout(text: &str) -> Result<Pieces, String> {
    match text.split_once('/') {
        Some((share, time)) => {
            Rate::of_share(number(share)?, number(time)?).map(Pieces).map_err(|error| error.to_string())
        }
        None => rate(text),
    }
}

/// `3`, or `0.5,0.75,1`.
pub fn looks(text: &str) -> Result<Looks, String> {
    const MOST: u8 = 50;
    if let Ok(count) = text.trim().parse::<u8>() {
        if !(1..=MOST).contains(&count) {
            return Err(format!("found {count} looks; from 1 to {MOST} can be planned"));
        }
        return Ok(Looks((1..=count).map(|k| f64::from(k) / f64::from(count)).collect()));
    }
    text.split(',').map(number).collect::<Result<Vec<f64>, String>>().map(Looks)
}

pub fn spending(text: &str) -> Result<Spending, String> {
    let (name, parameter) = text.split_once(':').map_or((text, None), |(name, p)| (name, Some(p)));
    match (name, parameter) {
        ("obrien-fleming", None) => Ok(Spending::OBrienFleming),
        ("pocock", None) => Ok(Spending::Pocock),
        ("hsd", Some(gamma)) => Ok(Spending::HwangShihDeCani(number(gamma)?)),
        ("power", Some(rho)) => Ok(Spending::Power(number(rho)?)),
        _ => Err("use obrien-fleming, pocock, hsd:GAMMA (as hsd:-4) or power:RHO (as power:3)".to_owned()),
    }
}

pub fn efficacy(text: &str) -> Result<Efficacy, String> {
    let (name, parameter) = text.split_once(':').map_or((text, None), |(name, p)| (name, Some(p)));
    match (name, parameter) {
        ("haybittle-peto", z) => Ok(Efficacy::HaybittlePeto(z.map_or(Ok(3.0), number)?)),
        ("wang-tsiatis", Some(delta)) => Ok(Efficacy::WangTsiatis(number(delta)?)),
        _ => spending(text)
            .map(Efficacy::Spending)
            .map_err(|or| format!("{or}; or haybittle-peto, haybittle-peto:Z, wang-tsiatis:DELTA")),
    }
}

/// `33:0.62`.
pub fn interim(text: &str) -> Result<(f64, f64), String> {
    let (events, ratio) =
        text.split_once(':').ok_or("use events:hazard-ratio, as 33:0.62, the ratio as it was estimated")?;
    let (events, ratio) = (number(events)?, number(ratio)?);
    if events > 0.0 && ratio > 0.0 { Ok((events, ratio)) } else { Err("both must be above 0".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_in_pieces() {
        let Pieces(piecewise) = rate("0:0.1,6:0.05").unwrap();
        assert_eq!((piecewise.at(5.0), piecewise.at(7.0)), (0.1, 0.05));
        assert_eq!(rate("0.2").unwrap().0.at(9.0), 0.2);
        // R: -log(1 - 0.1) / 12
        assert!((dropout("0.1/12").unwrap().0.at(0.0) - 0.008_780_043).abs() < 1e-9);
        for wrong in ["x", "0:0.1,6", "3:0.1", "0:0.1,0:0.2", "-1", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn looks_by_number_or_fraction() {
        assert_eq!(looks("2").unwrap().0, [0.5, 1.0]);
        assert_eq!(looks("0.5,0.8,1").unwrap().0, [0.5, 0.8, 1.0]);
        assert!(looks("0").is_err() && looks("0.5,x").is_err());
    }

    #[test]
    fn boundaries_by_name() {
        assert_eq!(efficacy("hsd:-4").unwrap(), Efficacy::Spending(Spending::HwangShihDeCani(-4.0)));
        assert_eq!(efficacy("haybittle-peto").unwrap(), Efficacy::HaybittlePeto(3.0));
        assert_eq!(efficacy("wang-tsiatis:0.25").unwrap(), Efficacy::WangTsiatis(0.25));
        assert!(efficacy("hsd").is_err() && spending("haybittle-peto").is_err());
        assert_eq!(interim("33:0.62"), Ok((33.0, 0.62)));
        assert!(interim("33").is_err() && interim("0:1").is_err());
    }
}
