"""Estimators side by side: the same numbers as one by one, and errors that name who failed."""

import numpy as np
import pytest

from causal import Classical, LinearDebiaser, Naive, PredictionPowered, compare_estimators
from uq import citation
from uq._base.named import NamedEstimates
from uq.exceptions import InputError

RNG = np.random.default_rng(0)
Y = RNG.normal(size=200)
Y_PRED = 0.5 * Y + 0.5 * RNG.normal(size=200)
TREATMENT = RNG.integers(0, 2, 800)
TRIAL = 0.5 * (TREATMENT + RNG.normal(size=800)) + 0.5 * RNG.normal(size=800)
FITTED = {"naive": Naive().fit(Y_PRED, Y), "debiased": LinearDebiaser(nondifferential=True).fit(Y_PRED, Y)}
ASK = {"y_pred": TRIAL, "treatment": TREATMENT}


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("mean", {"y_pred": TRIAL}),
        ("ate", {**ASK, "groups": np.arange(800) // 10}),
        ("ols", {"y_pred": TRIAL, "X": np.column_stack([np.ones(800), TREATMENT])}),
    ],
)
def test_each_row_is_what_the_estimator_says(verb, arguments):
    table = compare_estimators(FITTED, verb, **arguments)
    assert table.names == ("naive", "debiased")
    for name, result in zip(table.names, table.results, strict=True):
        assert result == getattr(FITTED[name], verb)(**arguments)
    frame = table.to_frame()
    assert len(frame) == 2 * np.size(table.results[0].estimate)
    lower = np.concatenate([np.atleast_1d(result.conf_int().lower) for result in table.results])
    assert frame["lower"].to_numpy() == pytest.approx(lower)


def test_estimates_stand_for_themselves_and_lists_are_named_by_class():
    classical = Classical().fit(TRIAL, TREATMENT + Y[RNG.integers(0, 200, 800)], treatment=TREATMENT).ate()
    table = compare_estimators({**FITTED, "classical": classical}, "ate", **ASK)
    assert table.results[2] is classical
    assert compare_estimators(list(FITTED.values()), "ate", **ASK).names == ("Naive", "LinearDebiaser")


def test_levels_and_the_reference():
    table = compare_estimators(FITTED, "ate", confidence_level=0.8, reference=1.0, **ASK)
    assert isinstance(table, NamedEstimates)
    frame = table.to_frame()
    assert (frame["confidence_level"] == 0.8).all()
    assert frame["upper"].iloc[0] == pytest.approx(table.results[0].conf_int(0.8).upper)
    assert "80 % intervals, reference 1" in str(table)
    axes = table.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["naive", "debiased"]
    assert any(list(line.get_xdata()) == [1.0, 1.0] for line in axes.get_lines())


def test_references_are_those_of_the_rows():
    classical = Classical().fit(Y_PRED, Y)
    table = compare_estimators({"labels": classical, "both": PredictionPowered().fit(Y_PRED, Y)}, y_pred=TRIAL)
    assert citation(table) == citation(*table.results)
    assert "@article{student1908" in citation(table)
    assert "angelopoulos2023" in citation(table)


def test_representations_hold_no_rows():
    table = compare_estimators({"powered": PredictionPowered().fit(Y_PRED, Y)}, y_pred=TRIAL)
    assert len(repr(table.results[0])) < 200
    assert len(repr(table)) < 400


class Odd:
    """No estimator of ours: it knows a verb and answers with something else."""

    def mean(self, y_pred):
        return 1.0


@pytest.mark.parametrize(
    ("estimators", "verb", "arguments", "message"),
    [
        ({}, "mean", {}, "at least one"),
        (None, "mean", {}, "must be a dict"),
        (Naive(), "mean", {}, "must be a dict"),
        ([Naive(), Naive()], "mean", {}, "name of its own"),
        ({1: FITTED["naive"], "1": FITTED["naive"]}, "mean", {}, "name of its own"),
        ({"new": Naive()}, "mean", {"y_pred": TRIAL}, "new must be fitted first"),
        ({"class": Naive}, "mean", {"y_pred": TRIAL}, "fitted estimator"),
        ({"text": "naive"}, "mean", {"y_pred": TRIAL}, "verb 'mean'"),
        (FITTED, "median", {"y_pred": TRIAL}, "verb 'median'"),
        (FITTED, "_answer", {}, "name of a method"),
        (FITTED, None, {}, "name of a method"),
        (FITTED, "ate", {"y_pred": TRIAL}, "naive: ate cannot be called"),
        (FITTED, "mean", {"y_pred": TRIAL, "weights": 1}, "naive: mean cannot be called"),
        (FITTED, "mean", {"y_pred": [np.nan]}, "naive: Naive.mean: y_pred"),
        (FITTED, "mean", {"y_pred": TRIAL, "confidence_level": 95}, "confidence_level"),
        (FITTED, "mean", {"y_pred": TRIAL, "reference": np.nan}, "reference"),
        (FITTED, "get_params", {}, "must give an Estimate"),
        ({"odd": Odd()}, "mean", {"y_pred": TRIAL}, "must give an Estimate"),
    ],
)
def test_bad_input(estimators, verb, arguments, message):
    with pytest.raises(InputError, match=message):
        compare_estimators(estimators, verb, **arguments)
