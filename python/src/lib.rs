//! The survival functions and the ledger reader for Python: the extension module `trialwright._trialwright`.
//!
//! Never computes anything itself: `survival`, `office`, `exchange` and `analysis` do. Start at `curves` and `ledger`; what
//! Python sees is written in `trialwright/_trialwright.pyi`.

mod comparisons;
mod competing;
mod cox;
mod curves;
mod design;
mod input;
mod ledger;
mod output;
mod repeated;
mod table;

/// What Python imports as `trialwright._trialwright`.
#[pyo3::pymodule]
mod _trialwright {
    #[pymodule_export]
    use crate::comparisons::{
        LandmarkDifference, LogRank, MaxCombo, RmstDifference, landmark_difference, logrank, maxcombo,
        rmst_difference,
    };
    #[pymodule_export]
    use crate::competing::{AalenJohansen, FineGray, Gray, aalen_johansen, fine_gray, gray};
    #[pymodule_export]
    use crate::cox::{Cox, cox};
    #[pymodule_export]
    use crate::curves::{KaplanMeier, NelsonAalen, Rmst, follow_up, kaplan_meier, nelson_aalen, rmst};
    #[pymodule_export]
    use crate::design::{
        EventPlan, GroupSequential, SampleSize, Trial, design_detectable, design_events, design_power,
        group_sequential,
    };
    #[pymodule_export]
    use crate::ledger::{EventIterator, Ledger, LedgerError, Verification, open};
    #[pymodule_export]
    use crate::output::{Estimate, FitWarning, Quantile, TEstimate, Test};
    #[pymodule_export]
    use crate::repeated::{Mmrm, mmrm};
}
