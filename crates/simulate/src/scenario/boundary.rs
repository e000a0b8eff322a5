//! Stopping boundaries by the names the command line gives them: `obrien-fleming`, `hsd:-4`, `haybittle-peto`.
//!
//! Never computes one: that is `survival::design::sequential`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use survival::design::sequential;

/// How an error is spent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Spending {
    /// Of O'Brien-Fleming type.
    OBrienFleming,
    /// Of Pocock type.
    Pocock,
    /// Hwang, Shih and `DeCani`'s, with gamma.
    HwangShihDeCani(f64),
    /// t^rho.
    Power(f64),
}

/// An efficacy boundary.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Boundary {
    /// By an error-spending function.
    Spending(Spending),
    /// z = C t^(delta - 1/2).
    WangTsiatis(f64),
    /// This z at every interim look.
    HaybittlePeto(f64),
}

const SPENDING: &str = "obrien-fleming, pocock, hsd:GAMMA (as hsd:-4) or power:RHO (as power:3)";

impl Spending {
    /// As `survival` has it.
    pub fn of_survival(self) -> sequential::Spending {
        match self {
            Self::OBrienFleming => sequential::Spending::OBrienFleming,
            Self::Pocock => sequential::Spending::Pocock,
            Self::HwangShihDeCani(gamma) => sequential::Spending::HwangShihDeCani(gamma),
            Self::Power(rho) => sequential::Spending::Power(rho),
        }
    }
}

impl Boundary {
    /// As `survival` has it.
    pub fn of_survival(self) -> sequential::Efficacy {
        match self {
            Self::Spending(spending) => sequential::Efficacy::Spending(spending.of_survival()),
            Self::WangTsiatis(delta) => sequential::Efficacy::WangTsiatis(delta),
            Self::HaybittlePeto(z) => sequential::Efficacy::HaybittlePeto(z),
        }
    }
}

/// A name and its parameter.
fn parts(text: &str) -> Result<(&str, Option<f64>), String> {
    let Some((name, parameter)) = text.split_once(':') else { return Ok((text, None)) };
    let number = parameter.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    number.map(|number| (name, Some(number))).ok_or_else(|| format!("{parameter:?} is no number"))
}

impl FromStr for Spending {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parts(text)? {
            ("obrien-fleming", None) => Ok(Self::OBrienFleming),
            ("pocock", None) => Ok(Self::Pocock),
            ("hsd", Some(gamma)) => Ok(Self::HwangShihDeCani(gamma)),
            ("power", Some(rho)) => Ok(Self::Power(rho)),
            _ => Err(format!("use {SPENDING}")),
        }
    }
}

impl FromStr for Boundary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parts(text)? {
            ("haybittle-peto", z) => Ok(Self::HaybittlePeto(z.unwrap_or(3.0))),
            ("wang-tsiatis", Some(delta)) => Ok(Self::WangTsiatis(delta)),
            _ => text.parse().map(Self::Spending).map_err(|_: String| {
                format!("use {SPENDING}, haybittle-peto, haybittle-peto:Z or wang-tsiatis:DELTA")
            }),
        }
    }
}

impl fmt::Display for Spending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OBrienFleming => f.write_str("obrien-fleming"),
            Self::Pocock => f.write_str("pocock"),
            Self::HwangShihDeCani(gamma) => write!(f, "hsd:{gamma}"),
            Self::Power(rho) => write!(f, "power:{rho}"),
        }
    }
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spending(spending) => spending.fmt(f),
            Self::WangTsiatis(delta) => write!(f, "wang-tsiatis:{delta}"),
            Self::HaybittlePeto(z) => write!(f, "haybittle-peto:{z}"),
        }
    }
}

macro_rules! as_text {
    ($kind:ty) => {
        impl TryFrom<String> for $kind {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$kind> for String {
            fn from(value: $kind) -> Self {
                value.to_string()
            }
        }
    };
}

as_text!(Spending);
as_text!(Boundary);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_its_value_are_one() {
        for name in ["obrien-fleming", "pocock", "hsd:-4", "power:3", "wang-tsiatis:0.25", "haybittle-peto:3"]
        {
            assert_eq!(name.parse::<Boundary>().unwrap().to_string(), name);
        }
        assert_eq!("haybittle-peto".parse(), Ok(Boundary::HaybittlePeto(3.0)));
        for wrong in ["hsd", "hsd:x", "pocock:1", "", "hsd:NaN", "wang-tsiatis"] {
            assert!(wrong.parse::<Boundary>().is_err(), "{wrong}");
        }
        assert!("haybittle-peto".parse::<Spending>().is_err());
    }
}
