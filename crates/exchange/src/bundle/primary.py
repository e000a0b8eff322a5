"""{{TRIAL}}: the primary analysis again, in Python with pandas and lifelines, from the analysis data set alone.

    pip install pandas lifelines
    python primary.py

Prints each number as Python computes it beside the one Trialwright printed (results/primary.csv), and their relative difference;
ends with status 1 where two differ by more than the tolerance. Reads csv/adam/adtte.csv.
{{REMARKS}}
"""

import math
import sys
from pathlib import Path

import lifelines
import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from scipy.stats import chi2, norm

HERE = Path(__file__).resolve().parent

# What the protocol says.
PARAMETER = {{PARAMCD}}  # PARAMCD of ADTTE
ARMS = {{ARMS_PY}}  # in the protocol's order: TRTPN of ADTTE is the place
CONTROL = {{CONTROL}}
STRATIFIED = {{STRATIFIED_PY}}  # by STRATAR: the levels the subject was randomised in
TIES = {{TIES_LOWER}}  # of the Cox model
CONFIDENCE = {{CONFIDENCE}}
MONTH = {{DAYS_PER_MONTH}}  # days
TOLERANCE = 1e-6  # relative
# lifelines stops Newton's method when half the score's square over the information falls below `precision`, whose default of 1e-7
# leaves the logarithm of the hazard ratio off by up to sqrt(2e-7) of its standard error, or when the log likelihood changes by less
# than `r_precision` relative: either may come before the tolerance is reached.
UNTIL = {"precision": 1e-20, "r_precision": 0.0}

z = norm.ppf(1 - (1 - CONFIDENCE) / 2)
found = {}


def keep(number, arm, versus, value):
    found[number, arm, versus] = float(value)


def quantile(curve, p=0.5):
    """The first time a curve lies below p; where it rests on p itself, the middle of that rest, as R's quantile() has it.

    lifelines' own median is the first time at or below p."""
    near = 1e-9
    at_or_below, below = curve.index[curve.values <= p + near], curve.index[curve.values < p - near]
    if len(at_or_below) == 0:
        return math.nan
    end = below[0] if len(below) else at_or_below[-1]
    return (at_or_below[0] + end) / 2


def restricted_mean(curve, tau):
    """The mean time up to tau, and its standard error by Greenwood's formula (lifelines' own variance is that of the times)."""
    steps = curve.event_table.loc[lambda t: (t.index > 0) & (t.index <= tau)]
    grid = np.append(steps.index.to_numpy(float), tau)
    survival = curve.survival_function_.iloc[:, 0]
    heights = np.array([survival.loc[:t].iloc[-1] for t in grid[:-1]])
    areas = heights * np.diff(grid)
    to_come = np.cumsum(areas[::-1])[::-1]
    d, n = steps["observed"].to_numpy(float), steps["at_risk"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where((d > 0) & (n > d), to_come**2 * d / (n * (n - d)), 0.0)
    return restricted_mean_survival_time(curve, t=tau), math.sqrt(parts.sum())


def log_rank(data, arms):
    """The log-rank test, stratified where the analysis is: observed less expected and the hypergeometric variance, added over the
    strata. lifelines has the test without strata only (lifelines.statistics.multivariate_logrank_test)."""
    k = len(arms) - 1
    difference, variance = np.zeros(k), np.zeros((k, k))
    for _, stratum in data.groupby("stratum"):
        for time in stratum.loc[stratum.event == 1, "AVAL"].unique():
            at_risk = stratum[stratum.AVAL >= time]
            dead = at_risk[(at_risk.AVAL == time) & (at_risk.event == 1)]
            n, d = len(at_risk), len(dead)
            share = np.array([(at_risk.arm == arm).sum() for arm in arms[:k]]) / n
            difference += np.array([(dead.arm == arm).sum() for arm in arms[:k]]) - d * share
            if n > 1:
                variance += d * (n - d) / (n - 1) * (np.diag(share) - np.outer(share, share))
    if np.linalg.matrix_rank(variance) < k:
        return math.nan, math.nan  # no event fell while the arms were at risk together
    statistic = float(difference @ np.linalg.solve(variance, difference))
    return statistic, chi2.sf(statistic, k)


adtte = pd.read_csv(HERE / "csv/adam/adtte.csv", dtype={"STRATAR": str})
d = adtte[adtte.PARAMCD == PARAMETER].copy()
d["arm"] = [ARMS[int(place) - 1] for place in d.TRTPN]
d["event"] = 1 - d.CNSR
d["stratum"] = d.STRATAR if STRATIFIED else "all"
there = [arm for arm in ARMS if (d.arm == arm).any()]

# Each arm: median with log(-log) limits, and the mean time up to tau, the last time of the arm whose data end first.
tau = d.groupby("arm").AVAL.max().min()
means = {}
for arm in there:
    of = d[d.arm == arm]
    curve = KaplanMeierFitter(alpha=1 - CONFIDENCE).fit(of.AVAL, of.event)
    limits = curve.confidence_interval_survival_function_
    keep("n", arm, "", len(of))
    keep("events", arm, "", of.event.sum())
    keep("median_months", arm, "", quantile(curve.survival_function_.iloc[:, 0]) / MONTH)
    keep("median_months_lower", arm, "", quantile(limits.iloc[:, 0]) / MONTH)
    keep("median_months_upper", arm, "", quantile(limits.iloc[:, 1]) / MONTH)
    mean, error = restricted_mean(curve, tau)
    means[arm] = mean / MONTH, error / MONTH
    keep("rmst_months", arm, "", means[arm][0])
    keep("rmst_months_lower", arm, "", means[arm][0] - z * means[arm][1])
    keep("rmst_months_upper", arm, "", means[arm][0] + z * means[arm][1])

# Each arm against control: hazard ratio, log-rank test, difference of the means.
not_lifelines = set()
for arm in [arm for arm in there if arm != CONTROL]:
    pair = d[d.arm.isin([arm, CONTROL])].copy()
    pair["x"] = (pair.arm == arm).astype(int)
    if TIES == "efron":
        try:
            model = CoxPHFitter(alpha=1 - CONFIDENCE).fit(
                pair[["AVAL", "event", "x", "stratum"]], "AVAL", "event", strata=["stratum"], fit_options=UNTIL)
        except lifelines.exceptions.ConvergenceError as why:
            print("Cox model:", why, file=sys.stderr)
        else:
            row = model.summary.loc["x"]
            keep("hazard_ratio", arm, CONTROL, row["exp(coef)"])
            keep("hazard_ratio_lower", arm, CONTROL, np.exp(row["coef"] - z * row["se(coef)"]))
            keep("hazard_ratio_upper", arm, CONTROL, np.exp(row["coef"] + z * row["se(coef)"]))
            keep("wald_p", arm, CONTROL, 2 * norm.sf(abs(row["coef"] / row["se(coef)"])))
    else:
        not_lifelines |= {"hazard_ratio", "hazard_ratio_lower", "hazard_ratio_upper", "wald_p"}
    statistic, p = log_rank(pair, [arm, CONTROL])
    keep("logrank_chisq", arm, CONTROL, statistic)
    keep("logrank_p", arm, CONTROL, p)
    keep("tau_months", arm, CONTROL, tau / MONTH)
    difference = means[arm][0] - means[CONTROL][0]
    error = math.hypot(means[arm][1], means[CONTROL][1])
    keep("rmst_difference_months", arm, CONTROL, difference)
    keep("rmst_difference_months_lower", arm, CONTROL, difference - z * error)
    keep("rmst_difference_months_upper", arm, CONTROL, difference + z * error)
if len(there) > 2:
    statistic, p = log_rank(d, there)
    keep("logrank_chisq", "ALL", "", statistic)
    keep("logrank_p", "ALL", "", p)

# The two side by side.
said = pd.read_csv(HERE / "results/primary.csv", dtype={"ARMCD": str, "CONTROL": str}, keep_default_na=False)
said["VALUE"] = pd.to_numeric(said.VALUE.replace("", None))


def shown(x):
    return "none" if math.isnan(x) else f"{x:.12g}"


print(f"{'NUMBER':<30} {'ARM':<14} {'TRIALWRIGHT':>20} {'LIFELINES ' + lifelines.__version__:>20} {'DIFFERENCE':>12}")
wrong = 0
for s in said.itertuples():
    value, other = s.VALUE, found.get((s.NUMBER, s.ARMCD, s.CONTROL), math.nan)
    named = s.ARMCD + (f" : {s.CONTROL}" if s.CONTROL else "")
    if s.NUMBER in not_lifelines:
        print(f"{s.NUMBER:<30} {named:<14} {shown(value):>20} {'':>20}  not compared: lifelines knows Efron's ties only")
        continue
    # A limit of a median that is not reached exists in neither; of what Trialwright gives no number, the remarks say why.
    off = 0.0 if value == other else abs(value - other) / max(abs(value), 1e-300)
    bad = s.NUMBER.startswith("median") and not math.isnan(other) if math.isnan(value) else not off <= TOLERANCE
    wrong += bad
    print(f"{s.NUMBER:<30} {named:<14} {shown(value):>20} {shown(other):>20} "
          f"{'' if math.isnan(off) else format(off, '.2g'):>12}{'  DIFFERS' if bad else ''}")
print(f"\n{len(said)} numbers, {wrong} of them differ by more than {TOLERANCE:g} relative")
sys.exit(1 if wrong or said.empty else 0)
