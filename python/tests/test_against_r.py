"""The package says what R says: the reference values of `survival`, read from where the Rust tests have them."""

from typing import Any

import numpy as np
import pytest
from conftest import columns, reference
from numpy.testing import assert_allclose

import trialwright as tw

SETS = ["lung", "ovarian", "veteran", "gbsg", "colon_death"]
CLOSED = 1e-9
FITTED = 1e-7


def numbers(values: Any) -> Any:
    """R's NA and NaN are null or a text in JSON."""
    return np.array([np.nan if v is None or isinstance(v, str) else v for v in np.atleast_1d(values)], dtype=float)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("conf_type", ["plain", "log", "log-log"])
def test_kaplan_meier(name: str, conf_type: Any) -> None:
    d, r = columns(f"golden/{name}.csv"), reference(f"golden/{name}.json")["km_all"][conf_type]
    km = tw.kaplan_meier(d["time"], d["status"], conf_type=conf_type)
    assert_allclose(km.time, r["time"])
    assert_allclose(km.n_risk, r["n_risk"])
    assert_allclose(km.surv, r["surv"], rtol=CLOSED)
    ended = km.surv == 0
    assert_allclose(km.std_err[~ended], numbers(r["std_err_greenwood_surv"])[~ended], rtol=CLOSED)
    assert_allclose(km.lower, numbers(r["lower"]), rtol=CLOSED)
    assert_allclose(km.upper, numbers(r["upper"]), rtol=CLOSED)
    for k, p in enumerate(r["quantile_probs"]):
        found = km.quantile(p)
        expected = [numbers(r[of][k])[0] for of in ("quantile", "quantile_lower", "quantile_upper")]
        assert_allclose([found.estimate, found.lower, found.upper], expected, rtol=CLOSED)


@pytest.mark.parametrize("name", SETS)
def test_logrank(name: str) -> None:
    d, all_of_r = columns(f"golden/{name}.csv"), reference(f"golden/{name}.json")
    strata = d[all_of_r["strata"]] if isinstance(all_of_r["strata"], str) else None
    for key, rho, by in [("logrank", 0, None), ("peto_peto", 1, None), ("logrank_stratified", 0, strata)]:
        r = all_of_r[key]
        test = tw.logrank(d["time"], d["status"], d["arm"], strata=by, rho=rho)
        assert_allclose(test.observed, r["observed"], rtol=CLOSED)
        assert_allclose(test.expected, r["expected"], rtol=CLOSED)
        assert_allclose(test.variance, r["var"], rtol=CLOSED)
        assert_allclose([test.statistic, test.df, test.p_value], [r["chisq"], r["df"], r["p"]], rtol=CLOSED)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("key", ["cox_arm_efron", "cox_arm_breslow", "cox_full_efron", "cox_full_breslow"])
def test_cox(name: str, key: str) -> None:
    d, all_of_r = columns(f"golden/{name}.csv"), reference(f"golden/{name}.json")
    r, ties = all_of_r[key], key.rsplit("_", 1)[1]
    names = r["names"] if isinstance(r["names"], list) else [r["names"]]
    fit = tw.cox(d["time"], d["status"], {name: d[name] for name in names}, ties=ties)  # type: ignore[arg-type]
    assert fit.names == names
    assert_allclose(fit.coefficients, np.atleast_1d(r["coef"]), rtol=FITTED)
    assert_allclose(fit.variance, np.atleast_2d(r["var"]), rtol=FITTED, atol=1e-12)
    assert_allclose(fit.robust_variance(), np.atleast_2d(r["robust_var"]), rtol=1e-6, atol=1e-12)
    assert_allclose(fit.log_likelihood, r["loglik"], rtol=CLOSED)
    assert_allclose(fit.lower, np.atleast_1d(r["lower95"]), rtol=FITTED)
    assert_allclose(fit.upper, np.atleast_1d(r["upper95"]), rtol=FITTED)
    for test, of_r in [(fit.likelihood_ratio, r["lrt"]), (fit.score, r["score"])]:
        assert_allclose([test.statistic, test.df, test.p_value], of_r, rtol=1e-6)
    zph = fit.zph()
    assert list(zph) == r["zph"]["rows"]
    assert_allclose([test.statistic for test in zph.values()], r["zph"]["chisq"], rtol=1e-6)
    assert_allclose(fit.concordance(), r["concordance"], rtol=1e-6)
    assert_allclose(fit.martingale(), r["martingale"], rtol=1e-6, atol=1e-9)
    assert_allclose(fit.baseline_hazard()["hazard"], r["basehaz"], rtol=1e-6)


@pytest.mark.parametrize("name", SETS)
def test_cox_exact_and_stratified(name: str) -> None:
    d, r = columns(f"golden/{name}.csv"), reference(f"golden/{name}.json")
    exact = tw.cox(d["time"], d["status"], {"arm": d["arm"]}, ties="exact")
    assert_allclose(exact.coefficients, np.atleast_1d(r["cox_arm_exact"]["coef"]), rtol=FITTED)
    stratified = r["cox_stratified_efron"]
    names = stratified["names"] if isinstance(stratified["names"], list) else [stratified["names"]]
    fit = tw.cox(d["time"], d["status"], {name: d[name] for name in names}, strata=d[r["strata"]])
    assert_allclose(fit.coefficients, np.atleast_1d(stratified["coef"]), rtol=FITTED)


@pytest.mark.parametrize("name", SETS)
def test_rmst(name: str) -> None:
    d, r = columns(f"golden/{name}.csv"), reference(f"golden/{name}.json")["rmst"]
    for arm, of_r in r.items():
        mine = d["arm"] == float(arm)
        mean = tw.rmst(d["time"][mine], d["status"][mine], of_r["tau"])
        assert_allclose([mean.estimate, mean.std_err], [of_r["rmst"], of_r["se"]], rtol=CLOSED)
    (_, first), (_, second) = sorted(r.items(), key=lambda item: float(item[0]))
    both = tw.rmst_difference(d["time"], d["status"], d["arm"], first["tau"])
    assert_allclose(both.difference.estimate, second["rmst"] - first["rmst"], rtol=1e-7)
    assert_allclose(both.difference.std_err, np.hypot(first["se"], second["se"]), rtol=CLOSED)


def test_competing_risks() -> None:
    d, r = columns("golden/competing_ties.csv"), reference("golden/competing_ties.json")
    of_r = np.array(r["strata"])
    for arm in (0, 1):
        mine, rows = d["arm"] == arm, of_r == f"arm={arm}"
        found = tw.aalen_johansen(d["time"][mine], d["event"][mine])
        assert_allclose(found.time, np.array(r["time"])[rows])
        assert_allclose(np.vstack([found.event_free, found.incidence]).T, np.array(r["pstate"])[rows], rtol=CLOSED)
        assert_allclose(found.std_err.T, np.array(r["std_err"])[rows][:, 1:], rtol=CLOSED)
    for cause, (statistic, p_value, df) in enumerate(r["gray"], start=1):
        test = tw.gray(d["time"], d["event"], d["arm"], cause_of_interest=cause)
        assert_allclose([test.statistic, test.p_value, test.df], [statistic, p_value, df], rtol=1e-6)
    fit = tw.fine_gray(d["time"], d["event"], {"arm": d["arm"]})
    assert_allclose(fit.coefficients, np.atleast_1d(r["fine_gray"]["coef"]), rtol=1e-6)
    assert_allclose(fit.variance, r["fine_gray"]["var"], rtol=1e-6)


@pytest.mark.parametrize(("name", "by"), [("lung", None), ("lung_strata", "inst"), ("gbsg", None)])
def test_maxcombo(name: str, by: str | None) -> None:
    d, r = columns(f"golden/{name.split('_')[0]}.csv"), reference("further/tests.json")[name]
    strata = d[by] if by else None
    test = tw.maxcombo(d["time"], d["status"], d["arm"], strata=strata)
    assert_allclose(test.z, r["z"], rtol=1e-7)
    assert_allclose(test.correlation, r["correlation"], rtol=1e-7)
    assert_allclose(test.p_value, r["p"], rtol=1e-3)
    sided = tw.maxcombo(d["time"], d["status"], d["arm"], strata=strata, side="second-better")
    assert_allclose(sided.p_value, r["p_less"], rtol=1e-3)


@pytest.mark.parametrize("name", ["quality", "complete"])
def test_mmrm(name: str) -> None:
    d, r = columns(f"mmrm/{name}.csv"), reference("mmrm/mmrm.json")[name]
    subject, visit, arm = (d[of].astype(int) for of in ("subject", "visit", "arm"))
    fit = tw.mmrm(subject, visit, arm, d["y"], baseline=d["baseline"])
    assert [":".join(sorted(n.split(":"))) for n in fit.names] == [":".join(sorted(n.split(":"))) for n in r["names"]]
    assert_allclose(fit.coefficients, r["coefficients"], rtol=1e-5)
    assert_allclose(fit.covariance, r["covariance"], rtol=1e-5)
    assert_allclose(2 * fit.log_likelihood, -r["deviance"], rtol=1e-9)
    means = [[fit.mean(a, v).estimate for a in fit.arms] for v in fit.visits]
    assert_allclose(np.ravel(means), r["gls"]["means"], rtol=1e-4)
    # Labels of another kind: the same fit, with their names.
    worded = tw.mmrm(subject.astype(str), visit, np.where(arm == 1, "sabr", "control"), d["y"], baseline=d["baseline"])
    last = fit.visits[-1]
    assert worded.names[1] == "armsabr"
    assert_allclose(
        worded.difference("sabr", "control", last).estimate, fit.difference(1, 0, last).estimate, rtol=1e-12
    )


def test_design() -> None:
    # R: 4 * (qnorm(0.975) + qnorm(0.8))^2 / log(0.5)^2, and Freedman's
    assert_allclose(tw.design.events(0.5), 65.3456592588709, rtol=1e-12)
    assert_allclose(tw.design.events(0.5, formula="freedman"), 70.6399176091418, rtol=1e-12)
    assert_allclose(tw.design.power(0.5, 66), 0.803894109, rtol=1e-8)
    assert_allclose(tw.design.detectable(65.3456592588709), 0.5, rtol=1e-10)
    # R: rpact::getSampleSizeSurvival(hazardRatio = 0.5, lambda2 = log(2) / 12, accrualTime = c(0, 12), followUpTime = 12)
    trial = tw.design.Trial(subjects=100, accrual=12, control_hazard=np.log(2) / 12, hazard_ratio=0.5)
    assert_allclose(trial.sample_size(24).subjects, 125.454546238391, rtol=1e-9)
    assert_allclose(sum(trial.events_by(24)), 52.0871193736572, rtol=1e-9)
    # SAS's sums, in design/make.R
    late = tw.design.Trial(
        subjects=1, accrual=24, control_hazard=0.06, experimental_hazard=[(0, 0.06), (3, 0.03)], dropout=0.01
    )
    assert abs(late.sample_size(36, method="lakatos").subjects - 216.95) < 3


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("obrien-fleming-spending", {}),
        ("obrien-fleming-spending-5", {"efficacy": "obrien-fleming"}),
        ("pocock-spending", {"efficacy": "pocock"}),
        ("obrien-fleming", {"efficacy": ("wang-tsiatis", 0)}),
        ("pocock", {"efficacy": ("wang-tsiatis", 0.5)}),
        ("haybittle-peto", {"efficacy": ("haybittle-peto", 3)}),
        ("two-sided-obrien-fleming-spending", {"two_sided": True}),
        ("nonbinding-of", {"futility": "obrien-fleming"}),
        ("fixed-futility", {"futility": [-0.5, 0.5]}),
    ],
)
def test_group_sequential(name: str, options: dict[str, Any]) -> None:
    (r,) = [design for design in reference("design/rpact.json")["designs"] if design["name"] == name]
    design = tw.design.group_sequential(r["informationRates"], alpha=r["alpha"], power=1 - r["beta"], **options)
    # rpact stops where it has 1e-8 of the level.
    assert_allclose(design.upper, r["criticalValues"], rtol=1e-5)
    assert_allclose(design.inflation, r["inflation"], rtol=1e-5)
    if "futility" in options:
        assert_allclose(design.lower[:-1], r["futilityBounds"], rtol=1e-5)


def test_group_sequential_with_futility() -> None:
    # R: gsDesign::gsDesign() with its defaults
    design = tw.design.group_sequential(
        [1 / 3, 2 / 3, 1], power=0.9, efficacy=("hwang-shih-decani", -4), futility=("hwang-shih-decani", -2)
    )
    assert_allclose(design.upper, [3.0107, 2.5465, 1.9992], atol=5e-5)
    assert_allclose(design.lower, [-0.2387, 0.9411, 1.9992], atol=5e-5)
    assert_allclose(design.power_at(design.drift), 0.9, rtol=1e-9)
    plan = design.events(0.5)
    assert plan.events[-1] == pytest.approx(tw.design.events(0.5, power=0.9) * design.inflation)
