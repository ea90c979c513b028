"""The accumulator: partitions, their order and their number change nothing; its interval is that of resampled rows."""

import itertools
import math
import pickle
import warnings
from functools import reduce

import numpy as np
import pytest
from contracts import IntervalContract, require
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from calibration import BinnedCalibrationError, expected_calibration_error
from calibration._grid_interval import _resampled
from calibration._reliability import ReliabilityCurve
from uq import Curve
from uq._base import plot
from uq.exceptions import InputError, SmallSampleWarning


def draw(n, seed=0, tied=False):
    rng = np.random.default_rng(seed)
    p = rng.integers(0, 21, n) / 20 if tied else rng.random(n)
    return p, (rng.random(n) < p**1.3).astype(int)


def merged(a, b):
    return a.merge(b)


def same(a, b):
    assert np.array_equal(a.counts_, b.counts_)
    assert a.counts_.dtype == np.int64
    assert (a.n_samples_, a.n_classes_) == (b.n_samples_, b.n_classes_)
    for name in ("prob_sums_", "prob_squares_"):
        assert np.allclose(getattr(a, name), getattr(b, name), rtol=1e-13, atol=0)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 6), st.booleans())
def test_any_partitions_in_any_order_are_one_fit(seed, n_bins, n_parts, tied):
    p, y = draw(1 + seed % 50, seed, tied)
    whole = BinnedCalibrationError(n_bins).fit(p, y)
    part_of = np.random.default_rng(seed).integers(0, n_parts, len(p))
    parts = [BinnedCalibrationError(n_bins)] * n_parts
    parts = [clone(a).fit(p[part_of == k], y[part_of == k]) if (part_of == k).any() else a for k, a in enumerate(parts)]
    same(reduce(merged, parts), whole)
    same(reduce(merged, parts[::-1]), whole)
    step = BinnedCalibrationError(n_bins)
    for k in range(n_parts):
        if (part_of == k).any():
            assert step.partial_fit(p[part_of == k], y[part_of == k]) is step
    same(step, whole)


def test_merge_is_associative_and_commutative_and_changes_neither():
    parts = [BinnedCalibrationError().fit(*draw(100, seed, tied=True)) for seed in range(3)]
    before = [pickle.dumps(part) for part in parts]
    a, b, c = parts
    same(a.merge(b).merge(c), a.merge(b.merge(c)))
    same(a.merge(b), b.merge(a))
    assert [pickle.dumps(part) for part in parts] == before
    total = a.merge(b)
    total.partial_fit(*draw(10))
    assert [pickle.dumps(part) for part in parts] == before
    same(BinnedCalibrationError().merge(a), a)
    same(a.merge(BinnedCalibrationError()), a)
    assert not hasattr(BinnedCalibrationError().merge(BinnedCalibrationError()), "counts_")


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("n_bins", [1, 10, 15])
def test_errors_are_those_of_the_rows(n_bins, tied):
    p, y = draw(2000, 3, tied)
    parts = [BinnedCalibrationError(n_bins).fit(p[r], y[r]) for r in np.split(np.arange(2000), 4)]
    total = reduce(merged, parts)
    for norm, debias in [(1, False), (2, False), (math.inf, False), *itertools.product((1, 2), (True, "outcome"))]:
        options = {"norm": norm, "debias": debias, "squared": norm == 2}
        wanted = expected_calibration_error(y, p, n_bins=n_bins, **options)
        assert total.error(**options) == pytest.approx(wanted, abs=1e-13)


def test_single_precision_partitions_beside_double_ones():
    """The bin of a row never depends on the rows beside it."""
    p = np.arange(21) / 20
    y = np.arange(21) % 2
    whole = BinnedCalibrationError(10).fit(np.r_[p, p], np.r_[y, y])
    parts = [BinnedCalibrationError(10).fit(p, y), BinnedCalibrationError(10).fit(p.astype(np.float32), y)]
    assert np.array_equal(parts[0].merge(parts[1]).counts_, whole.counts_)
    both = BinnedCalibrationError(10).fit(np.r_[p, p.astype(np.float32)], np.r_[y, y])
    assert np.array_equal(both.counts_, whole.counts_)


def test_classes():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 400)
    y = rng.integers(0, 3, 400)
    assert y[:5].min() == 1  # numbers from 0, or 1 and 2 of 1 to 3?
    with pytest.raises(InputError, match=r"classes=range\(3\)"):
        BinnedCalibrationError().partial_fit(p[:5], y[:5])
    first = BinnedCalibrationError().fit(p[:5], y[:5], classes=range(3))
    total = first.merge(BinnedCalibrationError().fit(p[5:], y[5:]))
    assert total.error() == pytest.approx(expected_calibration_error(y, p), abs=1e-14)
    assert total.n_classes_ == 3
    words = np.array(["a", "b", "c"])
    named = BinnedCalibrationError().partial_fit(p[:2], words[y[:2]], classes=words)
    named.partial_fit(p[2:], words[y[2:]], classes=words)
    same(named, total)
    assert named.curve().y_label == "accuracy"
    with pytest.raises(InputError, match=r"classes=model\.classes_"):
        BinnedCalibrationError().fit(p[:1], words[y[:1]])


def test_curve():
    p, y = draw(500, tied=True)
    curve = BinnedCalibrationError(10).fit(p, y).curve()
    assert isinstance(curve, Curve)
    assert curve.count.sum() == 500
    gap = np.abs(curve.x - curve.y)
    assert curve.count @ gap / 500 == pytest.approx(expected_calibration_error(y, p, n_bins=10))
    assert isinstance(curve, ReliabilityCurve)
    assert curve.histogram.tolist() == curve.count.tolist()
    assert len(BinnedCalibrationError(10).fit([0.5], [1]).curve().x) == 1, "empty bins are no points"
    require("matplotlib").use("Agg")
    ax = curve.plot()
    assert ax.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]], "the diagonal"
    plot.figure_png(ax)
    plot.figure_png(BinnedCalibrationError(1000).fit(p, y).curve().plot())


def test_fit_forgets_and_a_refusal_changes_nothing():
    p, y = draw(50)
    step = BinnedCalibrationError().fit(p, y)
    before = pickle.dumps(step)
    for bad in ([(p, y[:-1])], [([1.5], [1])], [([0.5], [0.5])], [(np.full((2, 2), 0.5), [0, 1])]):
        with pytest.raises(InputError, match=r"BinnedCalibrationError\.partial_fit"):
            step.partial_fit(*bad[0])
    step.n_bins = 3
    with pytest.raises(InputError, match="n_bins must be the same"):
        step.partial_fit(p, y)
    step.n_bins = 15
    assert pickle.dumps(step) == before
    same(step.fit(p[:5], y[:5]), BinnedCalibrationError().fit(p[:5], y[:5]))


def test_misuse():
    step = BinnedCalibrationError().fit(*draw(50))
    for verb in ("error", "interval", "curve"):
        with pytest.raises(NotFittedError):
            getattr(BinnedCalibrationError(), verb)()
    for n_bins in (0, -1, 1.5, "15", None, 10**9):
        with pytest.raises(InputError, match="n_bins"):
            BinnedCalibrationError(n_bins).fit(*draw(5))
    with pytest.raises(InputError, match="merge: other must be a BinnedCalibrationError"):
        step.merge(3)
    with pytest.raises(InputError, match="n_bins must be the same"):
        step.merge(BinnedCalibrationError(3).fit(*draw(5)))
    with pytest.raises(InputError, match="forecasts of one kind"):
        step.merge(BinnedCalibrationError().fit(np.full((2, 2), 0.5), [0, 1]))
    for options in ({"norm": 3}, {"norm": math.inf, "debias": True}, {"squared": True}, {"debias": "no"}):
        with pytest.raises(InputError, match=r"BinnedCalibrationError.error: (norm|debias|squared)"):
            step.error(**options)
    for options in ({"norm": math.inf}, {"squared": True}, {"n_resamples": 0}, {"rng": "a"}):
        with pytest.raises(InputError, match=r"BinnedCalibrationError.interval: "):
            step.interval(**options)
    with pytest.warns(SmallSampleWarning, match="fewer than 5 rows") as caught:
        step.error(debias=True)
    assert caught[0].filename == __file__
    with pytest.warns(SmallSampleWarning, match="from 20 rows") as caught:
        BinnedCalibrationError().fit(*draw(20)).interval(rng=0)
    assert caught[0].filename == __file__


# ---- the interval

CASES = {
    "clear": (lambda: draw(400), {}),
    "tied": (lambda: draw(400, tied=True), {}),
    "root mean square": (lambda: draw(400), {"norm": 2}),
    "signed square": (lambda: draw(400), {"norm": 2, "squared": True}),
    "certain and right": (lambda: (np.tile([0.0, 1.0], 20), np.tile([0, 1], 20)), {}),
    "one bin": (lambda: (np.full(40, 0.3), np.arange(40) % 2), {}),
}


class TestInterval(IntervalContract):
    @pytest.fixture(params=CASES)
    def result(self, request):
        rows, self.options = CASES[request.param]
        return BinnedCalibrationError(10).fit(*rows())

    def ask(self, result, confidence_level, alternative="two-sided"):
        return result.interval(confidence_level, alternative, n_resamples=999, rng=5, **self.options)

    def supported(self, result):
        return (-1.0, 1.0) if self.options.get("squared") else (0.0, 1.0)


def test_resampled_cells_have_the_law_of_resampled_rows():
    """Counts and mean residuals of each bin, from the grid and from rows drawn again, are not told apart."""
    p, y = draw(300, 7)
    total = BinnedCalibrationError(4).fit(p, y)
    rows, gaps = _resampled(*total._sums(), 4000, np.random.default_rng(1))
    assert (rows.sum(axis=1) == 300).all()
    rng = np.random.default_rng(2)
    drawn = rng.integers(0, 300, (4000, 300))
    bins = np.minimum((4 * p).astype(int), 3)
    for b in range(4):
        inside = bins[drawn] == b
        count = inside.sum(axis=1)
        gap = (inside * (p - y)[drawn]).sum(axis=1) / count
        assert stats.ks_2samp(gaps[:, b], gap).pvalue > 1e-4
        assert abs(rows[:, b].mean() - count.mean()) < 6 * count.std() / math.sqrt(2000)
        assert rows[:, b].std() == pytest.approx(count.std(), rel=0.08)


def test_the_interval_answers_without_rows_and_repeats_itself():
    p, y = draw(5000)
    total = BinnedCalibrationError().fit(p, y)
    assert total.interval(rng=3) == total.interval(rng=3)
    again = pickle.loads(pickle.dumps(total))
    assert again.interval(rng=3) == total.interval(rng=3)
    # the chunks of many bins are one stream
    wide = BinnedCalibrationError(2000).fit(p, y)
    assert wide.interval(n_resamples=499, rng=1, norm=2, squared=True).width < 0.1


def test_thin_bins_hide_the_error_and_the_lower_end_says_so():
    rng = np.random.default_rng(0)
    for _ in range(20):  # calibrated: the error is nearly 0, and what 2 rows a bin show is noise
        p = rng.random(100)
        total = BinnedCalibrationError(50).fit(p, rng.random(100) < p)
        with pytest.warns(SmallSampleWarning, match="noise hides"):
            interval = total.interval(n_resamples=199, rng=1)
        assert interval.lower == 0
        assert interval.upper > 0.01


def test_too_few_resamples_promise_nothing():
    total = BinnedCalibrationError().fit(*draw(500))
    interval = total.interval(n_resamples=9, rng=0)
    assert (interval.lower, interval.upper) == (0.0, 1.0)


def test_on_partitions_of_a_plain_list():
    p, y = draw(999)
    parts = [BinnedCalibrationError().partial_fit(p[i::3], y[i::3]) for i in range(3)]
    same(reduce(merged, parts), BinnedCalibrationError().fit(p, y))


@pytest.mark.slow
def test_on_a_dask_cluster():
    distributed = require("dask.distributed")
    p, y = draw(20000, tied=True)

    def of_partition(rows):
        return BinnedCalibrationError().fit(p[rows], y[rows])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a cluster says of ports and event loops is not ours to judge
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            parts = client.map(of_partition, np.array_split(np.arange(20000), 7), pure=False)
            while len(parts) > 1:  # a tree, reduced where the parts lie
                pairs = [parts[i : i + 2] for i in range(0, len(parts), 2)]
                parts = [client.submit(merged, *pair, pure=False) if len(pair) == 2 else pair[0] for pair in pairs]
            total = parts[0].result()
    same(total, BinnedCalibrationError().fit(p, y))
    assert total.error() == pytest.approx(expected_calibration_error(y, p), abs=1e-14)


@pytest.mark.parametrize(("rate", "n"), [(0.01, 100), (0.002, 500), (0.02, 100)])
@pytest.mark.parametrize("norm", [1, 2])
def test_the_interval_of_rare_events_covers(rate, n, norm):
    """No event among n is no sign of a gap: intervals that saw no variation covered 58, 60 and 85 %."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        p = rng.uniform(0.8 * rate, 1.2 * rate, n)
        total = BinnedCalibrationError().fit(p, rng.random(n) < p)
        held += total.interval(norm=norm, n_resamples=999, rng=rng).lower == 0
    assert held >= 90


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("rate", [0.3, 0.001])
def test_outcomes_that_all_agree_have_the_binomial_limit(rate, turned):
    p, y = np.full(100, 1 - rate if turned else rate), np.full(100, int(turned))
    interval = BinnedCalibrationError().fit(p, y).interval(n_resamples=19999, rng=0)
    limit = 1 - 0.025**0.01
    assert interval.lower == pytest.approx(max(rate - limit, 0), abs=2e-3)
    assert interval.upper == pytest.approx(max(rate, limit - rate), abs=2e-3)
