"""Bands of ratios from shared resamples against one resampling per curve and column."""

import numpy as np
import pytest

from uq._base.resampling import acceleration, resample_sums
from uq._evaluation._bca import bca_law
from uq.exceptions import SmallSampleWarning
from uq.sampling import _bands as module
from uq.sampling import verified_sampling_from_counts
from uq.sampling._bands import ratio_bands


def naive(top, bottom, codes, support, level, n_resamples, seed):
    """One column of one curve: its own resamples of both sums, and every unit left out in turn."""
    seed = np.random.default_rng(np.random.default_rng(seed).integers(0, 2**63)).integers(0, 2**63)
    pair = np.column_stack([top, bottom])
    sums = resample_sums(pair, n_resamples=n_resamples, rng=np.random.default_rng(seed), groups=codes)
    if not bottom.sum() > 0:
        return support
    units = np.arange(len(top)) if codes is None else codes
    left_out = []
    for unit in range(units.max() + 1):
        kept = units != unit
        if bottom[kept].sum() > 0:
            left_out.append(top[kept].sum() / bottom[kept].sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = sums[:, 0] / sums[:, 1]
    law = bca_law(draws, top.sum() / bottom.sum(), acceleration(np.array(left_out)))
    low, high = law.interval(level, "two-sided")
    return min(max(low, support[0]), support[1]), max(min(high, support[1]), support[0])


@pytest.mark.parametrize("cells", [1, 5000, 1 << 23])
@pytest.mark.parametrize("clusters", [None, 7])
def test_shared_resamples_give_the_bands_of_each_curve_alone(monkeypatch, cells, clusters):
    monkeypatch.setattr(module, "_CELLS", cells)
    monkeypatch.setattr(module, "_BLOCK", 3 * min(cells, 100))
    rng = np.random.default_rng(3)
    n, k = 25, 6
    codes = None if clusters is None else rng.permutation(np.arange(n) % clusters)
    below = rng.random((n, k))
    below[:, 1] = 0  # nothing to divide by
    below[1:, 2] = 0  # defined with the first row alone
    above = below * rng.random((n, k))
    above[:, 4] = 0.25  # a mean that does not vary
    ratios = [(0, None, (np.arange(-3.0, 3), 3.0)), (0, 1, (0.0, 1.0)), (1, None, (0.0, 1.0))]
    options = {"level": 0.9, "n_resamples": 199}
    found = ratio_bands([above, below], ratios, codes, rng=np.random.default_rng(5), n_jobs=None, **options)
    for (lower, upper), (top, bottom, support) in zip(found, ratios, strict=True):
        for j in range(k):
            columns = (above, below)[top][:, j], np.ones(n) if bottom is None else below[:, j]
            ends = tuple(np.broadcast_to(end, k)[j] for end in support)
            expected = naive(*columns, codes, ends, **options, seed=5)
            assert (lower[j], upper[j]) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_many_rows_have_weights_whose_sum_varies():
    """From `MANY_ROWS` on a resample is no longer of n rows: the mean divides by what was drawn."""
    rng = np.random.default_rng(0)
    column = 10 + rng.random((9000, 1))
    lower, upper = ratio_bands(
        [column], [(0, None, (0.0, 20.0))], None, level=0.95, n_resamples=199, rng=np.random.default_rng(0), n_jobs=None
    )[0]
    half = 1.96 * column.std() / np.sqrt(9000)
    assert lower[0] == pytest.approx(column.mean() - half, abs=0.3 * half)
    assert upper[0] == pytest.approx(column.mean() + half, abs=0.3 * half)


@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_a_free_attempt_is_worth_its_accuracy():
    """The bands of one serve the other only where mistakes cost nothing; a price of almost nothing changes little."""
    rng = np.random.default_rng(1)
    correct = rng.binomial(12, rng.random(40))
    counts = {"n_accepted_correct": correct, "n_accepted": correct + rng.binomial(12 - correct, 0.3), "n_trials": 12}
    free = verified_sampling_from_counts(**counts, n_resamples=199, rng=0)
    assert free.value.lower[1:].tolist() == free.accuracy.lower.tolist()
    assert free.value.upper[1:].tolist() == free.accuracy.upper.tolist()
    cheap = verified_sampling_from_counts(**counts, n_resamples=199, rng=0, cost=1e-12, penalty=1e-12)
    for name in ("value", "accuracy", "conditional_accuracy"):
        for end in ("lower", "upper"):
            assert getattr(getattr(free, name), end) == pytest.approx(getattr(getattr(cheap, name), end), abs=1e-9)
    dear = verified_sampling_from_counts(**counts, n_resamples=199, rng=0, penalty=1)
    assert (dear.value.lower[1:] < free.value.lower[1:]).all()


def test_the_warning_points_here():
    with pytest.warns(SmallSampleWarning, match="few") as caught:
        verified_sampling_from_counts(n_accepted_correct=[1, 2], n_accepted=[2, 3], n_trials=5, n_resamples=19, rng=0)
    assert caught[0].filename == __file__
