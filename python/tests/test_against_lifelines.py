"""The package says what lifelines says, on data drawn here (seeded): ties, censoring, strata, factors."""

import lifelines
import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import logrank_test, multivariate_logrank_test
from lifelines.utils import restricted_mean_survival_time
from numpy.testing import assert_allclose

import trialwright as tw


def drawn(seed: int, n: int = 160, *, ties: bool = True) -> pd.DataFrame:
    """Draw a data set of two arms."""
    rng = np.random.default_rng(seed)
    arm = rng.choice(["control", "sabr"], n)
    age = rng.normal(60, 9, n)
    time = rng.exponential(np.where(arm == "sabr", 30, 20) * np.exp(-(age - 60) / 40))
    censored = rng.exponential(40, n)
    seen = np.minimum(time, censored)
    return pd.DataFrame(
        {
            "time": np.ceil(seen) if ties else seen,
            "event": (time <= censored).astype(int),
            "arm": arm,
            "age": age,
            "site": rng.integers(1, 5, n),
        }
    )


@pytest.mark.parametrize("seed", range(4))
def test_curves(seed: int) -> None:
    d = drawn(seed)
    km = tw.kaplan_meier(d["time"], d["event"], conf_type="log-log")
    other = lifelines.KaplanMeierFitter().fit(d["time"], d["event"])
    assert_allclose(km.surv, other.survival_function_.iloc[1:, 0], rtol=1e-10)
    inside = (km.surv > 0) & (km.surv < 1)
    limits = other.confidence_interval_.iloc[1:]
    assert_allclose(km.lower[inside], limits.iloc[:, 0][inside], rtol=1e-8)
    assert_allclose(km.upper[inside], limits.iloc[:, 1][inside], rtol=1e-8)
    assert km.median.estimate == other.median_survival_time_
    assert_allclose(tw.rmst(d["time"], d["event"], 25).estimate, restricted_mean_survival_time(other, 25), rtol=1e-8)
    na = tw.nelson_aalen(d["time"], d["event"], ties="one-by-one")
    aalen = lifelines.NelsonAalenFitter().fit(d["time"], d["event"])
    assert_allclose(na.hazard, aalen.cumulative_hazard_.iloc[1:, 0], rtol=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_logrank(seed: int) -> None:
    d = drawn(seed)
    sabr = d["arm"] == "sabr"
    test = tw.logrank(d["time"], d["event"], d["arm"])
    other = logrank_test(d["time"][sabr], d["time"][~sabr], d["event"][sabr], d["event"][~sabr])
    assert_allclose([test.statistic, test.p_value], [other.test_statistic, other.p_value], rtol=1e-8)
    sites = tw.logrank(d["time"], d["event"], d["site"])
    others = multivariate_logrank_test(d["time"], d["site"], d["event"])
    assert_allclose([sites.statistic, sites.p_value], [others.test_statistic, others.p_value], rtol=1e-8)
    assert sites.df == 3


@pytest.mark.parametrize("seed", range(4))
def test_cox(seed: int) -> None:
    d = drawn(seed)
    fit = tw.cox(d["time"], d["event"], d[["arm", "age"]], strata=d["site"])
    coded = d.assign(sabr=(d["arm"] == "sabr").astype(int)).drop(columns="arm")
    options = {"precision": 1e-12}
    other = lifelines.CoxPHFitter().fit(coded, "time", "event", strata="site", fit_options=options)
    assert fit.names == ["armsabr", "age"]
    assert_allclose(fit.coefficients, other.params_[["sabr", "age"]], rtol=1e-6)
    assert_allclose(fit.std_err, other.standard_errors_[["sabr", "age"]], rtol=1e-6)
    assert_allclose(fit.log_likelihood[1], other.log_likelihood_, rtol=1e-9)
    assert_allclose(fit.p_values, other.summary.loc[["sabr", "age"], "p"], rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_competing(seed: int) -> None:
    d = drawn(seed, ties=False)
    rng = np.random.default_rng(seed)
    cause = d["event"] * rng.integers(1, 3, len(d))
    found = tw.aalen_johansen(d["time"], cause)
    for which in (1, 2):
        other = lifelines.AalenJohansenFitter(calculate_variance=False).fit(d["time"], cause, which)
        curve = other.cumulative_density_.iloc[1:, 0]
        assert_allclose(found.at(which, curve.index.to_numpy()), curve, rtol=1e-9)
