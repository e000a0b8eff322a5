//! The methods of a report's analyses: what each computes, number by number.
//!
//! Never computes: `analysis` does, and says there how. An operation's id is its method's and its own key, as in `M_COX.HR`.

use super::model::{Method, Operation};

/// A method: id, name, description, and its operations as key and name.
pub(super) struct Known {
    pub id: &'static str,
    name: &'static str,
    description: &'static str,
    operations: &'static [(&'static str, &'static str)],
}

pub(super) const COUNT: Known = Known {
    id: "M_COUNT",
    name: "Count of subjects",
    description: "Subjects of each group, each counted once.",
    operations: &[("N", "Subjects")],
};

pub(super) const EVENTS: Known = Known {
    id: "M_EVENTS",
    name: "Count of events",
    description: "Subjects with at least one event, and events, in each group.",
    operations: &[("N", "Subjects"), ("EVENTS", "Events")],
};

pub(super) const NUMBER: Known = Known {
    id: "M_NUMBER",
    name: "Summary of a number",
    description: "Median, quartiles (type 7 of R's quantile) and range over the subjects with a value.",
    operations: &[
        ("N", "Subjects with a value"),
        ("MEDIAN", "Median"),
        ("Q1", "Lower quartile"),
        ("Q3", "Upper quartile"),
        ("MIN", "Least"),
        ("MAX", "Greatest"),
    ],
};

pub(super) const TIME: Known = Known {
    id: "M_TIME",
    name: "Time to event in each arm",
    description: "Kaplan-Meier estimate; median with limits; probability without event at landmarks; restricted mean; median \
                  follow-up by the reverse estimate. Times in months of 30.4375 days.",
    operations: &[
        ("N", "Subjects"),
        ("EVENTS", "Subjects with an event"),
        ("OUTCOME", "Subjects by how they ended"),
        ("MEDIAN", "Median, months"),
        ("MEDIAN_LCL", "Median, lower limit"),
        ("MEDIAN_UCL", "Median, upper limit"),
        ("SURVIVAL", "Probability without event at a landmark"),
        ("SURVIVAL_LCL", "Probability without event at a landmark, lower limit"),
        ("SURVIVAL_UCL", "Probability without event at a landmark, upper limit"),
        ("RISK", "Subjects at risk"),
        ("RMST", "Restricted mean, months"),
        ("RMST_LCL", "Restricted mean, lower limit"),
        ("RMST_UCL", "Restricted mean, upper limit"),
        ("FOLLOW", "Median follow-up, months"),
        ("FOLLOW_LCL", "Median follow-up, lower limit"),
        ("FOLLOW_UCL", "Median follow-up, upper limit"),
    ],
};

pub(super) const COMPARE: Known = Known {
    id: "M_COMPARE",
    name: "Comparison of times to event",
    description: "Log-rank test, Cox regression and difference of restricted means of an arm against control, stratified where the \
                  analysis is; test of proportional hazards by scaled Schoenfeld residuals (Grambsch and Therneau).",
    operations: &[
        ("HR", "Hazard ratio"),
        ("HR_LCL", "Hazard ratio, lower limit"),
        ("HR_UCL", "Hazard ratio, upper limit"),
        ("WALD_P", "Hazard ratio, p-value of Wald's test"),
        ("LOGRANK_CHISQ", "Log-rank test, chi-square"),
        ("LOGRANK_DF", "Log-rank test, degrees of freedom"),
        ("LOGRANK_P", "Log-rank test, two-sided p-value"),
        ("PH_P", "Test of proportional hazards, p-value"),
        ("TAU", "End of the restricted means, months"),
        ("RMST_DIFF", "Difference of restricted means, months"),
        ("RMST_DIFF_LCL", "Difference of restricted means, lower limit"),
        ("RMST_DIFF_UCL", "Difference of restricted means, upper limit"),
    ],
};

pub(super) const SCORE: Known = Known {
    id: "M_SCORE",
    name: "Score at a planned week",
    description: "Mean with limits by the t distribution over the questionnaires that could be scored; how many were expected.",
    operations: &[
        ("N", "Questionnaires scored"),
        ("EXPECTED", "Subjects who should have answered"),
        ("MEAN", "Mean"),
        ("MEAN_LCL", "Mean, lower limit"),
        ("MEAN_UCL", "Mean, upper limit"),
    ],
};

pub(super) const AREA: Known = Known {
    id: "M_AREA",
    name: "Area under a score's course",
    description: "Mean area and mean time-averaged score with limits; differences from control by Welch's t test.",
    operations: &[
        ("N", "Subjects with an area"),
        ("AREA", "Mean area, score-weeks"),
        ("AREA_LCL", "Mean area, lower limit"),
        ("AREA_UCL", "Mean area, upper limit"),
        ("AVERAGE", "Mean time-averaged score"),
        ("AVERAGE_LCL", "Mean time-averaged score, lower limit"),
        ("AVERAGE_UCL", "Mean time-averaged score, upper limit"),
        ("DIFF", "Difference of time-averaged scores from control"),
        ("DIFF_LCL", "Difference, lower limit"),
        ("DIFF_UCL", "Difference, upper limit"),
        ("DIFF_P", "Difference, two-sided p-value"),
    ],
};

pub(super) const ALL: &[&Known] = &[&COUNT, &EVENTS, &NUMBER, &TIME, &COMPARE, &SCORE, &AREA];

impl Known {
    /// As the standard writes it.
    pub(super) fn method(&self) -> Method {
        let operations = self.operations.iter().zip(1..).map(|(&(key, name), order)| Operation {
            id: self.operation(key),
            name: name.to_owned(),
            order,
        });
        Method {
            id: self.id.to_owned(),
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            operations: operations.collect(),
        }
    }

    pub(super) fn operation(&self, key: &str) -> String {
        format!("{}.{key}", self.id)
    }
}
