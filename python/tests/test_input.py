"""What may come in, and how what may not is refused: where, what was found, what would be right."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import trialwright as tw

TIME = [5.0, 6.0, 8.0, 9.0, 12.0, 14.0]
EVENT = [1, 1, 0, 1, 1, 0]
ARM = ["a", "b", "b", "a", "a", "b"]
NAN = float("nan")


@pytest.mark.parametrize(
    "given",
    [
        lambda v: v,
        tuple,
        np.array,
        lambda v: np.array(v, dtype=np.float32),
        lambda v: np.array(v, dtype=object),
        lambda v: np.repeat(np.array(v), 2)[::2],
        pd.Series,
        lambda v: pd.Series(v, index=range(10, 16)),
        lambda v: pd.Series(v).astype("Float64"),
    ],
)
def test_all_that_holds_numbers(given: Callable[[Any], Any]) -> None:
    expected = tw.kaplan_meier(TIME, EVENT)
    found = tw.kaplan_meier(given(TIME), given(EVENT))
    assert_array_equal(found.surv, expected.surv)
    assert_array_equal(tw.kaplan_meier(given(TIME), np.array(EVENT, dtype=bool)).surv, expected.surv)


@pytest.mark.parametrize(
    "given", [lambda v: v, np.array, pd.Series, pd.Categorical, lambda v: np.array(v, dtype=object)]
)
def test_all_that_holds_labels(given: Callable[[Any], Any]) -> None:
    test = tw.logrank(TIME, EVENT, given(ARM))
    assert list(test.groups) == ["a", "b"]
    assert list(test.n) == [3, 3]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tw.kaplan_meier([1, -2], [1, 0]), "time of row 1 is -2: a finite time, zero or later, is needed"),
        (lambda: tw.kaplan_meier([1, NAN], [1, 0]), "time of row 1 is NaN: a finite time, zero or later, is needed"),
        (lambda: tw.kaplan_meier([1, 2], [1, 2]), "`event` of row 1 is 2: 1 (event) or 0 (censored) is needed"),
        (lambda: tw.kaplan_meier([1, 2], [NAN, 1]), "`event` of row 0 is NaN: 1 (event) or 0 (censored) is needed"),
        (lambda: tw.kaplan_meier([1, 2, 3], [1, 1]), "`event` has 2 values, but there are 3 subjects"),
        (lambda: tw.kaplan_meier([1, None], [1, 1]), "`time` of row 1 is None: a number is needed"),  # type: ignore[arg-type]
        (lambda: tw.kaplan_meier(["1", "2"], [1, 1]), "`time` holds <U1: numbers are needed"),
        (lambda: tw.kaplan_meier([[1, 2]], [1, 1]), "`time` has 2 dimensions: one, with one value a subject"),
        (lambda: tw.kaplan_meier([], []), "no subjects: at least one is needed"),
        (lambda: tw.kaplan_meier([1], [1], weights=[0]), "weight of row 0 is 0: a finite weight above 0 is needed"),
        (lambda: tw.kaplan_meier([1], [1], entry=[2]), "row 0 enters at 2 and leaves at 1"),
        (lambda: tw.kaplan_meier([1], [1], level=95), "`level` is 95: a confidence between 0 and 1 is needed"),
        (lambda: tw.kaplan_meier([1], [1], conf_type="loglog"), '`conf_type` is "loglog": one of plain, log, log-log'),  # type: ignore[arg-type]
        (lambda: tw.logrank(TIME, EVENT, [None, *ARM[1:]]), "`group` of row 0 is None: a label is needed"),  # type: ignore[arg-type]
        (lambda: tw.logrank(TIME, EVENT, [1, 2, NAN, 1, 2, 1]), "`group` of row 2 is"),
        (lambda: tw.logrank(TIME, EVENT, ["a"] * 6), "every `group` is a: a comparison needs two labels or more"),
        (lambda: tw.logrank(TIME, EVENT, ARM[:5]), "`group` has 5 values, but there are 6 subjects"),
        (lambda: tw.rmst_difference(TIME, EVENT, ARM[:5], 9), "`group` has 5 values, but there are 6 subjects"),
        (lambda: tw.rmst_difference(TIME, EVENT, [1, 2, 3, 1, 2, 3], 9), "`group` has 3 labels: two are needed"),
        (lambda: tw.rmst_difference([*TIME[:5], NAN], EVENT, ARM, 9), "time of row 5 is NaN"),
        (lambda: tw.cox(TIME, EVENT, {"age": [1, 2]}), "covariate `age` has 2 values, but there are 6 rows"),
        (
            lambda: tw.cox(TIME, EVENT, {"age": [1, 2, 3, 4, NAN, 6]}),
            "`age` of row 4 is NaN: a finite number is needed",
        ),
        (lambda: tw.cox(TIME, EVENT, {"age": [1] * 6}), "covariate `age` is constant in every risk set"),
        (lambda: tw.cox(TIME, EVENT, {}), "no covariates"),
        (lambda: tw.cox(TIME, [0] * 6, {"age": TIME}), "no events: at least one is needed"),
        (lambda: tw.aalen_johansen(TIME, [0, 1, 2.5, 1, 0, 0]), "`cause` of row 2 is 2.5: 0 (censored) or the whole"),
        (lambda: tw.aalen_johansen(TIME, [0, -1, 1, 1, 0, 0]), "`cause` of row 1 is -1"),
        (lambda: tw.design.events(1), "`hazard_ratio` is 1: a hazard ratio of 1 is no effect"),
        (
            lambda: tw.design.group_sequential([0.5, 1], efficacy="foo"),
            '`efficacy` is "foo": "obrien-fleming", "pocock"',
        ),
        (
            lambda: tw.design.Trial(subjects=1, accrual=1, control_hazard="x", hazard_ratio=0.5),  # type: ignore[arg-type]
            "`control_hazard` is x: a number, or pairs (from, rate)",
        ),
    ],
)
def test_refused(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=".*") as refused:
        call()
    assert words in str(refused.value)


def test_results_do_not_change() -> None:
    km = tw.kaplan_meier(TIME, EVENT)
    with pytest.raises(ValueError, match="read-only"):
        km.surv[0] = 0.5
    with pytest.raises(AttributeError):
        km.surv = km.time  # type: ignore[misc]


def test_a_time_or_many() -> None:
    km = tw.kaplan_meier(TIME, EVENT)
    assert isinstance(km.at(6), float)
    assert_array_equal(km.at([0, 6, 99]), [1, km.at(6), km.surv[-1]])
    assert np.isnan(km.median.upper)


def test_separation_is_told() -> None:
    x = [1, 1, 0, 1, 0, 0]
    with pytest.warns(tw.FitWarning) as told:
        fit = tw.cox([1, 2, 9, 3, 8, 7], [1, 1, 0, 1, 0, 0], {"x": x})
    assert [str(warning.message) for warning in told] == fit.warnings
    assert "the coefficient of `x`: it may be infinite (separation)" in fit.warnings[-1]
    firth = tw.cox([1, 2, 9, 3, 8, 7], [1, 1, 0, 1, 0, 0], {"x": x}, firth=True)
    lower, upper = firth.profile_limits("x")
    assert lower < firth.hazard_ratios[0] < upper


def test_columns_by_name_and_place() -> None:
    fit = tw.cox(TIME, EVENT, {"arm": ARM, "age": [60, 71, 65, 58, 62, 70]})
    assert fit.names == ["armb", "age"]
    assert fit.profile_limits("age") == fit.profile_limits(1) == fit.profile_limits(-1)
    for wrong in ("arm", 2, -3):
        with pytest.raises(ValueError, match="one of armb, age or its place is needed"):
            fit.profile_limits(wrong)
    assert tw.cox(TIME, EVENT, np.ones((6, 2)) * [[1], [2], [3], [5], [4], [6]] ** np.array([1, 2])).names == [
        "x1",
        "x2",
    ]


def test_threads_agree() -> None:
    rng = np.random.default_rng(1)
    time, event, x = rng.exponential(10, 2000), rng.integers(0, 2, 2000), rng.normal(size=2000)
    alone = tw.cox(time, event, x).coefficients[0]
    found: list[float] = []
    workers = [
        threading.Thread(target=lambda: found.append(float(tw.cox(time, event, x).coefficients[0]))) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [alone] * 4
