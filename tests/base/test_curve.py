"""Curves: points, a band, counts."""

import pickle

import numpy as np
import pytest
from contracts import require

from uq import Curve
from uq.exceptions import InputError


def test_curve_takes_lists_and_keeps_copies():
    x = np.arange(3.0)
    curve = Curve(x=x, y=[0.5, 0.6, 0.7])
    x[:] = 9
    assert curve.x.tolist() == [0.0, 1.0, 2.0]
    assert repr(curve) == "<Curve of 3 points: y against x>"
    assert pickle.loads(pickle.dumps(curve)) == curve


def test_a_single_point_is_a_curve():
    curve = Curve(x=1.0, y=2.0, lower=1.0, upper=3.0, count=4)
    assert curve.x.shape == curve.count.shape == (1,)
    assert "1" in str(curve)


@pytest.mark.parametrize(
    "fields",
    [{"y": [1.0]}, {"y": [1.0, 2.0], "lower": [0.0, 0.0]}, {"y": [1.0, 2.0], "upper": [0.0, 0.0]},
     {"y": [1.0, 2.0], "count": [1]}],
)  # fmt: skip
def test_lengths_must_agree(fields):
    with pytest.raises(InputError, match="Curve"):
        Curve(x=[1.0, 2.0], **fields)


@pytest.mark.parametrize(
    "fields",
    [{"lower": [0.0, 3.0], "upper": [1.0, 1.0]}, {"lower": [0.0, np.nan], "upper": [1.0, 1.0]},
     {"y": [0.5, np.nan]}, {"x": [np.nan, 2.0]}],
)  # fmt: skip
def test_a_band_is_ordered_and_nothing_is_nan(fields):
    with pytest.raises(InputError, match="Curve"):
        Curve(**{"x": [1.0, 2.0], "y": [0.5, 0.5], **fields})


def test_table_has_the_columns_that_were_given():
    require("pandas")
    assert list(Curve(x=[1], y=[2]).to_frame()) == ["x", "y"]
    band = Curve(x=[1], y=[2], lower=[0], upper=[3], count=[9], confidence_level=0.9, x_label="k", y_label="coverage")
    assert list(band.to_frame()) == ["x", "y", "lower", "upper", "count"]
    assert "coverage against k, 90 % band" in str(band)


def test_a_band_that_is_no_vector_is_refused():
    with pytest.raises(InputError, match="vectors of one length"):
        Curve(x=[1.0, 1.0], y=[1.0, 1.0], lower=np.empty((2, 0)), upper=[1.0, 1.0])
    with pytest.raises(InputError, match="vectors of one length"):
        Curve(x=np.ones((2, 2)), y=np.ones((2, 2)))
