"""Pictures: drawn on the axes given, also with infinite ends, and without touching the user's style."""

import numpy as np
import pytest
from contracts import require

from uq import Curve, Interval
from uq._base import plot
from uq.exceptions import MissingExtraError


def test_a_new_figure_is_made_only_when_none_is_given(axes):
    plt = require("matplotlib.pyplot")
    before = plt.get_fignums()
    Interval(lower=0.0, upper=1.0, confidence_level=0.9).plot(ax=axes)
    assert plt.get_fignums() == before
    own = Interval(lower=0.0, upper=1.0, confidence_level=0.9).plot()
    assert own is not axes
    plt.close(own.figure)


def test_the_users_style_is_left_alone(axes):
    plt = require("matplotlib.pyplot")
    before = dict(plt.rcParams)
    Interval(lower=[0.0], upper=[1.0], confidence_level=0.9).plot(ax=axes)
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize("ends", [(-np.inf, 1.0), (0.0, np.inf), (-np.inf, np.inf), (2.0, 2.0), (-1e300, 1e300)])
def test_every_interval_has_a_picture(axes, ends):
    plot.intervals(axes, [0.5], [ends[0]], [ends[1]], names=["a"], title="t")
    axes.figure.canvas.draw()
    assert np.isfinite(axes.get_xlim()).all()
    n_arrows = sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() in "<>")
    assert n_arrows == np.isinf(ends).sum()


def test_the_first_interval_is_on_top(axes):
    plot.intervals(axes, None, [0.0, 1.0], [1.0, 2.0], names=["first", "second"], reference=0.5)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["first", "second"]


def test_many_names_are_not_written_over_each_other(axes):
    n = 200
    plot.intervals(axes, None, np.zeros(n), np.ones(n), names=[str(i) for i in range(n)])
    assert len([t for t in axes.get_yticklabels() if t.get_text() in ("0", "199")]) <= 2


@pytest.mark.parametrize(
    "band", [{}, {"lower": [0.0, -np.inf, 0.2], "upper": [1.0, np.inf, 0.9]}, {"count": [1, 0, 4]}]
)
def test_curves(axes, band):
    curve = Curve(x=[1, 2, 4], y=[0.5, 0.6, 0.7], x_label="k", y_label="coverage", **band)
    assert curve.plot(ax=axes) is axes
    axes.figure.canvas.draw()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("k", "coverage")


def test_one_point_and_unsorted_points(axes):
    Curve(x=[1], y=[0.5], lower=[0.4], upper=[0.6], count=[3]).plot(ax=axes)
    Curve(x=[2, 1, 1], y=[0.5, 0.4, 0.3], count=[3, 2, 1]).plot(ax=axes)
    axes.figure.canvas.draw()


def test_heatmap_and_text(axes):
    assert plot.heatmap(axes, np.array([[0.0, 0.7], [0.3, 1.0]]), ["a", "b"], ["c", "d"], title="wins") is axes
    assert [t.get_text() for t in axes.texts] == ["0.70", "0.30", "1.00"]
    assert plot.text(axes, "hello") is axes
    axes.figure.canvas.draw()


def test_png_is_one_and_closes_its_figure():
    plt = require("matplotlib.pyplot")
    ax = plot.axes()
    number = ax.figure.number
    assert plot.figure_png(ax)[:8] == b"\x89PNG\r\n\x1a\n"
    assert number not in plt.get_fignums()


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'errorbars\[plot\]'"):
        Interval(lower=0.0, upper=1.0, confidence_level=0.9).plot()
