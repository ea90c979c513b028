"""Which column belongs to which label: by `classes`, by the names of a frame, by numbers from 0; never by a guess."""

import functools
import warnings

import numpy as np
import pytest
from contracts import require

from calibration import (
    BinnedCalibrationError,
    PlattScaling,
    TemperatureScaling,
    calibration_test,
    cross_val_calibrate,
    expected_calibration_error,
    multicalibration_error,
    reliability_curve,
    score_decomposition,
    smooth_calibration_error,
)
from uq import estimate_metric
from uq.exceptions import InputError

P = np.tile([0.95, 0.03, 0.02], (40, 1))
Z = np.r_[np.zeros(28), np.ones(11), 2].astype(int)
NAMES = {"from 0": np.arange(3), "from 1": np.arange(1, 4), "words": np.array(["a", "b", "c"])}


def miscalibration(y, p):
    return score_decomposition(y, p).miscalibration


METRICS = {
    "ece": expected_calibration_error,
    "square": functools.partial(expected_calibration_error, debias=True, norm=2, squared=True),
    "smooth": smooth_calibration_error,
    "corp": miscalibration,
    "many": lambda y, p: multicalibration_error(y, p, np.ones((len(p), 1), bool)),
    "curve": lambda y, p: np.abs(np.subtract(*(lambda c: (c.x, c.y))(reliability_curve(y, p)))).max(),
}


@pytest.mark.parametrize("metric", METRICS)
def test_the_names_of_labels_do_not_change_a_test(metric):
    tests = [calibration_test(names[Z], P, metric=METRICS[metric], n_resamples=99, rng=0) for names in NAMES.values()]
    assert tests[0].pvalue == 0.01
    assert tests[1] == tests[0]
    assert tests[2] == tests[0]


def test_a_draw_without_class_0_is_a_draw():
    """Calibrated for a rare class 0: a metric that could not score such draws would count them as exceeding."""
    p = np.tile([0.01, 0.49, 0.5], (40, 1))
    y = np.r_[0, np.ones(35), np.full(4, 2)].astype(int)
    assert calibration_test(y, p, metric=miscalibration, n_resamples=99, rng=0).pvalue == 0.01


def test_the_metric_may_carry_the_classes():
    words = NAMES["words"]
    expected = calibration_test(Z, P, metric=smooth_calibration_error, n_resamples=99, rng=0)
    metric = functools.partial(smooth_calibration_error, classes=words)
    assert calibration_test(words[Z], P, metric=metric, n_resamples=99, rng=0) == expected
    found = calibration_test(words[Z], P, metric=smooth_calibration_error, n_resamples=99, rng=0, classes=words)
    assert found == expected


@pytest.mark.parametrize(
    "metric",
    [
        expected_calibration_error,
        smooth_calibration_error,
        score_decomposition,
        reliability_curve,
        functools.partial(multicalibration_error, subgroups=np.ones((3, 1), bool)),
    ],
)
def test_integers_that_could_count_from_0_or_1_need_classes(metric):
    p = np.array([[0.9, 0.05, 0.05], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    with pytest.raises(InputError, match=r"y_true must hold 0, or all of the 3 labels.*classes=range\(3\)"):
        metric([1, 1, 2], p)
    with pytest.raises(InputError, match=r"Pass classes="):
        metric(["a", "a", "b"], p)
    metric([1, 1, 2], p, classes=[1, 2, 3])
    metric(["a", "a", "b"], p, classes=["a", "b", "c"])
    metric([0, 1, 0], p)
    metric([1, 3, 2], p)
    if metric is expected_calibration_error:
        assert metric([1, 1, 2], p, classes=[1, 2, 3]) == pytest.approx(1 / 6)
        assert metric([1, 1, 2], p, classes=range(3)) == pytest.approx(5 / 6)


def test_intervals_of_words():
    rng = np.random.default_rng(0)
    p = np.tile([0.9, 0.07, 0.03], (60, 1)) + rng.uniform(-0.02, 0.02, (60, 1)) * [1, -1, 0]
    y = np.r_[np.zeros(40), np.ones(19), 2].astype(int)
    parts = []
    for names in NAMES.values():
        metric = functools.partial(expected_calibration_error, classes=names)
        parts.append(estimate_metric(metric, names[y], p, n_resamples=199, rng=0))
    assert np.isfinite(parts[0].std_error)
    assert parts[0].std_error > 0
    assert parts[1].std_error == parts[0].std_error
    assert parts[2].std_error == parts[0].std_error


# ---- the names of a frame


@pytest.fixture(params=["pandas", "polars"])
def frame(request):
    module = require(request.param)
    return lambda table: module.DataFrame({str(k): v for k, v in table.items()})


YES = {"yes": [0.9, 0.8, 0.1], "no": [0.1, 0.2, 0.9]}


def test_the_names_of_the_columns_are_the_classes(frame):
    y = ["yes", "yes", "no"]
    assert expected_calibration_error(y, frame(YES)) == pytest.approx(2 / 15)
    assert BinnedCalibrationError().fit(frame(YES), y).error() == pytest.approx(2 / 15)
    # given classes win, other names leave the sorted labels
    assert expected_calibration_error(y, frame(YES), classes=["no", "yes"]) == pytest.approx(13 / 15)
    other = {"p0": YES["no"], "p1": YES["yes"]}
    assert expected_calibration_error(y, frame(other)) == pytest.approx(2 / 15)
    numbers = {"1": YES["yes"], "0": YES["no"]}
    assert expected_calibration_error([1, 1, 0], frame(numbers)) == pytest.approx(2 / 15)


@pytest.mark.parametrize("kind", [PlattScaling, TemperatureScaling])
def test_recalibrators_heed_names(frame, kind):
    rng = np.random.default_rng(0)
    p = rng.random(200)
    y = np.where(rng.random(200) < p**2, "yes", "no")
    table = {"yes": p, "no": 1 - p}
    fitted = kind().fit(frame(table), y)
    assert fitted.classes_.tolist() == ["yes", "no"]
    expected = kind().fit(np.column_stack([1 - p, p]), y).predict_proba(np.column_stack([1 - p, p]))
    np.testing.assert_allclose(fitted.predict_proba(frame(table))[:, ::-1], expected, rtol=0, atol=1e-6)
    with pytest.raises(InputError, match="y_prob must have the columns of fit, in their order"):
        fitted.predict_proba(frame({"no": 1 - p, "yes": p}))
    fitted.predict_proba(np.column_stack([p, 1 - p]))
    found = cross_val_calibrate(kind(), frame(table), y)
    np.testing.assert_allclose(
        found, cross_val_calibrate(kind(), np.column_stack([p, 1 - p]), y, classes=["yes", "no"])
    )


# ---- what is mistaken for what


def test_messages_say_what_to_pass():
    with pytest.raises(InputError, match=r"Use y_true == 'yes', or one column of y_prob per class"):
        expected_calibration_error(["yes", "no"], [0.2, 0.8])
    with pytest.raises(InputError, match=r"y_true\.argmax\(axis=1\)"):
        expected_calibration_error(np.eye(3), np.full((3, 3), 1 / 3))
    with pytest.raises(InputError, match=r"lambda y, p: score_decomposition\(y, p\)\.miscalibration"):
        calibration_test([0, 1, 1], [0.2, 0.7, 0.9], metric=score_decomposition)


def test_swapped_arguments_are_suspected():
    with pytest.warns(UserWarning, match="Are y_true and y_prob swapped"):
        expected_calibration_error([0.2, 0.7, 0.9], [0, 1, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected_calibration_error([0, 1, 1], [0, 1, 1])
        expected_calibration_error([0.2, 0.7, 0.9], [0, 0.5, 1])
