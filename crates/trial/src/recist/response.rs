//! The responses of RECIST 1.1 in CDISC's terms.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

macro_rules! response {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// The CDISC submission value.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text.trim().to_ascii_uppercase().as_str() {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!("{text:?} is not one of {}", [$($text),+].join(", "))),
                }
            }
        }
    };
}

response!(
    /// Response of the target lesions (Eisenhauer 2009, section 4.3.1).
    TargetResponse {
        /// Complete response.
        Complete = "CR",
        /// Partial response.
        Partial = "PR",
        /// Stable disease.
        Stable = "SD",
        /// Progressive disease.
        Progressive = "PD",
        /// Not evaluable.
        NotEvaluable = "NE",
    }
);

response!(
    /// Response of the non-target lesions (section 4.3.3).
    NonTargetResponse {
        /// All gone, every node below 10 mm.
        Complete = "CR",
        /// Some persist.
        NonCrNonPd = "NON-CR/NON-PD",
        /// Unequivocal progression.
        Progressive = "PD",
        /// Not evaluable.
        NotEvaluable = "NE",
    }
);

response!(
    /// Overall response at a time point (tables 1 and 2).
    OverallResponse {
        /// Complete response.
        Complete = "CR",
        /// Partial response.
        Partial = "PR",
        /// Stable disease.
        Stable = "SD",
        /// Neither complete response nor progression, without targets.
        NonCrNonPd = "NON-CR/NON-PD",
        /// Progressive disease.
        Progressive = "PD",
        /// Not evaluable.
        NotEvaluable = "NE",
    }
);

response!(
    /// A new lesion at a time point.
    NewLesion {
        /// None.
        None = "N",
        /// Perhaps one.
        Equivocal = "EQUIVOCAL",
        /// Certainly one.
        Unequivocal = "UNEQUIVOCAL",
    }
);

/// Overall response at a time point: the published table (Eisenhauer 2009, tables 1 and 2), first fitting row first.
pub fn overall(
    target: Option<TargetResponse>,
    non_target: Option<NonTargetResponse>,
    new_lesion: NewLesion,
) -> OverallResponse {
    use NonTargetResponse as N;
    use OverallResponse as O;
    use TargetResponse as T;
    if new_lesion == NewLesion::Unequivocal {
        return O::Progressive;
    }
    match (target, non_target) {
        (Some(T::Progressive), _) | (_, Some(N::Progressive)) => O::Progressive,
        (Some(T::Complete), None | Some(N::Complete)) | (None, Some(N::Complete)) => O::Complete,
        (Some(T::Complete), Some(N::NonCrNonPd | N::NotEvaluable)) | (Some(T::Partial), _) => O::Partial,
        (Some(T::Stable), _) => O::Stable,
        (None, Some(N::NonCrNonPd)) => O::NonCrNonPd,
        // Neither targets nor non-targets at baseline: nothing that could respond.
        (Some(T::NotEvaluable), _) | (None, Some(N::NotEvaluable) | None) => O::NotEvaluable,
    }
}

#[cfg(test)]
mod tests {
    use super::NewLesion::{Equivocal, None as Not, Unequivocal};
    use super::*;
    use rstest::rstest;

    const T: [TargetResponse; 5] = [
        TargetResponse::Complete,
        TargetResponse::Partial,
        TargetResponse::Stable,
        TargetResponse::Progressive,
        TargetResponse::NotEvaluable,
    ];

    // Eisenhauer 2009, table 1 (targets with or without non-targets) and table 2 (non-targets only). '-' is none at
    // baseline, '*' any, 'notPD' every other than PD and also none.
    #[rstest]
    #[case("*", "*", Unequivocal, "PD")]
    #[case("PD", "*", Not, "PD")]
    #[case("*", "PD", Not, "PD")]
    #[case("CR", "CR", Not, "CR")]
    #[case("CR", "-", Not, "CR")]
    #[case("CR", "NON-CR/NON-PD", Not, "PR")]
    #[case("CR", "NE", Not, "PR")]
    #[case("PR", "notPD", Not, "PR")]
    #[case("SD", "notPD", Not, "SD")]
    #[case("NE", "notPD", Not, "NE")]
    #[case("-", "CR", Not, "CR")]
    #[case("-", "NON-CR/NON-PD", Not, "NON-CR/NON-PD")]
    #[case("-", "NE", Not, "NE")]
    #[case("CR", "CR", Equivocal, "CR")]
    fn overall_is_the_published_table(
        #[case] target: &str,
        #[case] non_target: &str,
        #[case] new: NewLesion,
        #[case] want: &str,
    ) {
        let targets: Vec<Option<TargetResponse>> = match target {
            "*" => T.iter().copied().map(Some).chain([None]).collect(),
            "-" => vec![None],
            one => vec![Some(one.parse().unwrap())],
        };
        let mut others: Vec<Option<NonTargetResponse>> = vec![
            None,
            Some(NonTargetResponse::Complete),
            Some(NonTargetResponse::NonCrNonPd),
            Some(NonTargetResponse::NotEvaluable),
            Some(NonTargetResponse::Progressive),
        ];
        match non_target {
            "*" => {}
            "-" => others.truncate(1),
            "notPD" => others.truncate(4),
            one => others = vec![Some(one.parse().unwrap())],
        }
        for target in &targets {
            for non_target in &others {
                assert_eq!(overall(*target, *non_target, new).as_str(), want, "{target:?} {non_target:?}");
            }
        }
    }
}
