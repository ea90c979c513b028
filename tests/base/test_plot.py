"""Pictures: drawn on the axes given, also with infinite ends, and without touching the user's style."""

import numpy as np
import pytest
from contracts import require

from uq import Curve, Interval, RankSummary, estimate_difference, estimate_mean, mean_sequence
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


def test_intervals_without_width_are_drawn(axes):
    Interval(lower=[0.0, 1.0], upper=[1.0, 1.0], confidence_level=0.9).plot(axes)
    points = [line for line in axes.lines if line.get_marker() == "|"]
    assert [line.get_xydata().tolist() for line in points] == [[[1.0, 1.0]]]


def test_many_intervals_are_thin_lines_without_marks_and_names(axes):
    n = 500
    lower = np.zeros(n)
    lower[3] = -np.inf
    interval = Interval(lower=lower, upper=np.ones(n), confidence_level=0.9, index=tuple(map(str, range(n))))
    interval.plot(axes)
    (lines,) = axes.collections
    height = axes.get_window_extent().height * 72 / axes.figure.dpi
    assert n * lines.get_linewidth()[0] < 0.6 * height, "a wall"
    assert sum(len(line.get_xdata()) for line in axes.lines) == 0
    assert len(axes.get_yticks()) == 0
    assert axes.get_ylabel() == "500 rows"


def visible_ticks(axes):
    axes.figure.canvas.draw()
    low, high = sorted(axes.get_xlim())
    return [t for t in axes.get_xticks() if low <= t <= high]


@pytest.mark.parametrize("k", [2, 3, 7, 40])
def test_ranks_are_whole_numbers(axes, k):
    ranking = RankSummary(np.random.default_rng(0).normal(np.arange(k) / 2, size=(200, k)))
    for draw in (ranking.plot, ranking.rank_interval().plot):
        axes.clear()
        draw(axes)
        ticks = visible_ticks(axes)
        assert ticks
        assert ticks == [int(t) for t in ticks]
    axes.clear()
    Interval(lower=np.array([1, 1]), upper=np.array([1, 1]), confidence_level=0.9).plot(axes)
    assert visible_ticks(axes) == [1]


def zero_lines(axes):
    return [line for line in axes.lines if list(line.get_xdata()) == [0.0, 0.0]]


@pytest.mark.parametrize(
    ("estimate", "drawn"),
    [
        (lambda: estimate_difference([1] * 30 + [0] * 30, [0] * 5 + [1] * 30 + [0] * 25), True),
        (lambda: estimate_difference([1] * 40 + [0] * 20, [1] * 30 + [0] * 30), True),  # near, and of known sign
        (lambda: estimate_mean(np.linspace(-1, 1.2, 50)), True),
        (lambda: estimate_mean(np.linspace(0, 0.2, 50)), False),  # may be any mean
        (lambda: estimate_mean([1] * 45 + [0] * 5), False),
        (lambda: estimate_mean([0] * 45 + [1] * 5), False),
        (lambda: estimate_difference([1] * 99 + [0], [0] * 99 + [1]), False),  # far away
    ],
)
def test_a_line_marks_zero_where_the_sign_is_the_question(axes, estimate, drawn):
    estimate().plot(axes)
    assert bool(zero_lines(axes)) is drawn
    low, high = axes.get_xlim()
    assert not drawn or low < 0 < high


def test_a_single_estimate_labels_its_axis_and_explains_infinite_ends(axes):
    estimate_mean([1] * 45 + [0] * 5).plot(axes)
    assert axes.get_xlabel() == "estimate (clopper_pearson, n = 50)"
    axes.clear()
    flat = estimate_mean([0.5] * 50)
    flat.plot(axes)
    assert flat.law.remedy in axes.get_xlabel().replace("\n", " ")


def test_a_curve_has_its_title_and_limits_that_show_what_came_of_it(axes):
    scores = np.random.default_rng(0).beta(8, 2, size=500)
    curve = mean_sequence(scores, (0, 1))
    curve.plot(axes)
    assert axes.get_title() == "running mean against rows seen, 95 % band"
    low, high = axes.get_ylim()
    assert low < curve.lower[50:].min()
    assert high > curve.upper[50:].max()
    assert high - low < 0.4
    axes.clear()
    # a band that is wide for another reason than its beginning is shown whole
    x = np.arange(30.0)
    Curve(x=x, y=np.zeros(30), lower=-(x + 1), upper=x + 1).plot(axes)
    assert axes.get_ylim()[1] > 30
    axes.clear()
    Curve(x=x, y=np.zeros(30), lower=np.full(30, -np.inf), upper=np.full(30, np.inf)).plot(axes)
    axes.figure.canvas.draw()


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
