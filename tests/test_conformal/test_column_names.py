"""Columns of frames have names: another order is another question, and the names can be the classes themselves."""

import numpy as np
import pytest
from contracts import require
from test_conformal.row_data import probabilities

from conformal import SimultaneousConformal, SplitConformal
from uq.exceptions import InputError

ORDER = ["dog", "cat", "bird"]


@pytest.fixture(params=["pandas", "polars"])
def frame(request):
    module = require(request.param)

    def make(array, names):
        if request.param == "pandas":
            return module.DataFrame(array, columns=names)
        return module.DataFrame(np.asarray(array), schema=names)

    return make


@pytest.mark.parametrize("kind", [SplitConformal, SimultaneousConformal])
@pytest.mark.parametrize("score", ["lac", "aps"])
def test_the_names_of_the_columns_are_the_classes(frame, kind, score):
    y_prob, y = probabilities()
    expected = kind(score).fit(y_prob, y).predict_set(y_prob[:20])
    fitted = kind(score).fit(frame(y_prob[:, ::-1], ORDER), y)
    assert fitted.classes_.tolist() == ORDER
    found = fitted.predict_set(frame(y_prob[:20, ::-1], ORDER))
    np.testing.assert_array_equal(found.mask[:, ::-1], expected.mask)
    with pytest.raises(InputError, match="y_prob must have the columns of fit, in their order"):
        fitted.predict_set(frame(y_prob[:20], ORDER[::-1]))
    assert fitted.predict_set(y_prob[:20, ::-1]) == found.__class__(**found.to_dict() | {"index": None})


def test_numbers_name_columns_too(frame):
    y_prob, y = probabilities()
    codes = np.searchsorted(ORDER[::-1], y) + 9  # 9, 10, 11 do not sort like texts
    fitted = SplitConformal("lac").fit(frame(y_prob[:, ::-1], ["11", "10", "9"]), codes)
    assert fitted.classes_.tolist() == [11, 10, 9]
    expected = SplitConformal("lac").fit(y_prob, codes)
    np.testing.assert_array_equal(fitted.scores_, expected.scores_)


def test_given_classes_win(frame):
    y_prob, y = probabilities()
    fitted = SplitConformal("lac").fit(frame(y_prob, ORDER), y, classes=["bird", "cat", "dog"])
    assert fitted.classes_.tolist() == ["bird", "cat", "dog"]
    np.testing.assert_array_equal(fitted.scores_, SplitConformal("lac").fit(y_prob, y).scores_)


def test_other_names_leave_the_sorted_labels(frame):
    y_prob, y = probabilities()
    fitted = SplitConformal("lac").fit(frame(y_prob, ["p0", "p1", "p2"]), y)
    assert fitted.classes_.tolist() == ["bird", "cat", "dog"]
    with pytest.raises(InputError, match="columns of fit"):
        fitted.predict_set(frame(y_prob, ["q0", "q1", "q2"]))


def test_low_and_high_cannot_be_swapped(frame):
    rng = np.random.default_rng(0)
    y = rng.normal(size=100)
    quantiles = np.column_stack([np.full(100, -1.0), np.full(100, 1.0)])
    fitted = SplitConformal("quantile").fit(frame(quantiles, ["low", "high"]), y)
    fitted.predict_interval(frame(quantiles, ["low", "high"]))
    with pytest.raises(InputError, match="y_pred must have the columns of fit, in their order"):
        fitted.predict_interval(frame(quantiles[:, ::-1], ["high", "low"]))


def test_a_frame_that_only_counts_its_columns_has_no_names():
    pd = require("pandas")
    y_prob, y = probabilities()
    named, counted = pd.DataFrame(y_prob, columns=["bird", "cat", "dog"]), pd.DataFrame(y_prob)
    SplitConformal("lac").fit(named, y).predict_set(counted)
    SplitConformal("lac").fit(counted, y).predict_set(named)
    with pytest.raises(InputError, match="columns of fit"):
        SplitConformal("lac").fit(counted, y).predict_set(counted[[2, 1, 0]])


def test_one_column_can_be_called_anything(frame):
    rng = np.random.default_rng(0)
    y = rng.normal(size=100)
    SplitConformal().fit(frame(np.zeros((100, 1)), ["a"]), y).predict_interval(frame(np.zeros((9, 1)), ["b"]))


def test_sets_of_an_array_refuse_their_classes_in_another_order():
    pd = require("pandas")
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 300)
    y = np.array(["a", "b", "c"])[(p.cumsum(axis=1) < rng.random((300, 1))).sum(axis=1)]
    fitted = SplitConformal("lac").fit(p, y)
    assert fitted.predict_set(pd.DataFrame(p, columns=["a", "b", "c"])) is not None
    with pytest.raises(InputError, match="in their order"):
        fitted.predict_set(pd.DataFrame(p, columns=["c", "b", "a"]))
