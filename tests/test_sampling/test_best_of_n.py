"""The best of n: all subsets by enumeration, laws with atoms by simulation, errors by the naive jackknife."""

import itertools
import time

import numpy as np
import pytest
from scipy import stats

from uq.exceptions import InfiniteBoundWarning, InputError
from uq.sampling import best_of_n
from uq.sampling._best_of_n_core import subset_weights


def over_subsets(rewards, truth, n):
    """Mean reward and mean truth of the best over all subsets of n; ties share."""
    found = []
    for rows in itertools.combinations(range(len(rewards)), n):
        rows = list(rows)
        best = rewards[rows].max()
        found.append((best, truth[rows][rewards[rows] == best].mean()))
    return np.mean(found, axis=0)


def over_rivals(rewards, n):
    """Mean win, ties one half, over all rivals and all subsets of n of the others."""
    found = []
    for i, rival in enumerate(rewards):
        for rows in itertools.combinations(np.delete(rewards, i), n):
            found.append((max(rows) > rival) + (max(rows) == rival) / 2)
    return np.mean(found)


@pytest.mark.parametrize("seed", range(25))
def test_one_prompt_against_all_subsets(seed):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(2, 8))
    rewards, truth = rng.integers(0, 4, m).astype(float), rng.normal(size=m)
    for n in range(1, m + 1):
        result = best_of_n(rewards, n, y=truth)
        assert (result.expected_max, result.expected_y) == pytest.approx(over_subsets(rewards, truth, n), abs=1e-12)
        if n == m:
            assert result.std_error == np.inf
            continue
        assert result.win_rate == pytest.approx(over_rivals(rewards, n), abs=1e-12)
        left_out = [over_subsets(np.delete(rewards, i), np.delete(truth, i), n) for i in range(m)]
        error = np.sqrt((m - 1) / m * ((left_out - np.mean(left_out, axis=0)) ** 2).sum(axis=0))
        assert (result.std_error, result.std_error_y) == pytest.approx(tuple(error), abs=1e-12)


@pytest.mark.parametrize("m", [2, 3, 6, 9])
def test_the_error_without_ties_is_the_naive_jackknife(m):
    rng = np.random.default_rng(m)
    rewards, truth = rng.normal(size=(2, m))
    for n in range(1, m):
        result = best_of_n(rewards, n, y=truth)
        left_out = [over_subsets(np.delete(rewards, i), np.delete(truth, i), n) for i in range(m)]
        error = np.sqrt((m - 1) / m * ((left_out - np.mean(left_out, axis=0)) ** 2).sum(axis=0))
        assert (result.std_error, result.std_error_y) == pytest.approx(tuple(error), abs=1e-12)


def test_a_million_draws_of_one_prompt_end():
    rewards = np.random.default_rng(0).random(10**6)
    start = time.process_time()
    result = best_of_n(rewards, [1, 4, 16, 64, 256])
    assert time.process_time() - start < 4  # half a second on a machine that does nothing else
    n = result.n
    assert (np.abs(result.expected_max - n / (n + 1)) < 5 * result.std_error).all()
    assert result.std_error[0] == pytest.approx(rewards.std(ddof=1) / 1000)


def test_the_order_of_rows_does_not_matter_and_ties_share():
    rewards, truth = np.array([0.0, 1, 1, 1]), np.array([0.0, 0, 0, 3])
    for order in itertools.permutations(range(4)):
        result = best_of_n(rewards[list(order)], 2, y=truth[list(order)])
        assert result.expected_y == pytest.approx(1.0, abs=1e-15)


def test_weights_of_many_draws():
    for m, n in ((1, 1), (5, 5), (40, 7), (2000, 1999), (10_000, 100)):
        weights = subset_weights(m, n)
        assert len(weights) == m
        assert weights.sum() == pytest.approx(1, abs=1e-12)
        assert weights[-1] == pytest.approx(n / m)
    exact = [stats.hypergeom.pmf(0, 50, 50 - i, 6) - stats.hypergeom.pmf(0, 50, 51 - i, 6) for i in range(1, 51)]
    assert subset_weights(50, 6) == pytest.approx(exact, abs=1e-14)


def test_the_known_law_with_atoms():
    result = best_of_n([0, 1, 2], 4, sample_weight=[0.2, 0.5, 0.3])
    assert (round(result.kl, 3), round(result.kl_bound, 3), round(result.win_rate, 3)) == (0.522, 0.636, 0.753)
    assert result.guarantee == "exact"
    draws = np.random.default_rng(0).choice(3, (200_000, 5), p=[0.2, 0.5, 0.3])
    best, rival = draws[:, :4].max(axis=1), draws[:, 4]
    assert result.expected_max == pytest.approx(best.mean(), abs=0.01)
    assert result.win_rate == pytest.approx(((best > rival) + (best == rival) / 2).mean(), abs=0.005)
    lower, upper = result.conf_int()
    assert lower == upper == result.expected_max


def test_a_law_is_a_law_however_it_is_written():
    one = best_of_n([0, 1, 2], [1, 3, 50], y=[0, 1, 0], sample_weight=[1, 2, 1])
    two = best_of_n([1, 2, 0, 1, 7], [1, 3, 50], y=[1, 0, 0, 1, 9], sample_weight=[0.5, 0.5, 0.5, 0.5, 0])
    for name in ("expected_max", "expected_y", "win_rate", "kl"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), abs=1e-14)
    assert one.kl[0] == 0
    assert one.win_rate[0] == 0.5


def test_many_levels_come_near_the_formulas_without_ties():
    result = best_of_n(np.arange(200_000), [2, 16, 1000], sample_weight=np.ones(200_000))
    assert result.kl == pytest.approx(result.kl_bound, abs=1e-2)
    assert (result.kl <= result.kl_bound).all()
    assert result.win_rate == pytest.approx([2 / 3, 16 / 17, 1000 / 1001], abs=1e-5)
    far = best_of_n([0.0, 1.0], 10**12, sample_weight=[1 - 1e-9, 1e-9])
    assert far.kl == pytest.approx(np.log(1e9), rel=1e-6)


def test_draws_without_ties_win_n_of_n_plus_one():
    rewards = np.random.default_rng(0).normal(size=(3, 30))
    result = best_of_n(rewards, [1, 5, 30])
    assert result.win_rate == pytest.approx([1 / 2, 5 / 6, 30 / 31], abs=1e-12)


def test_the_best_of_all_draws_wins_no_more_than_ties_allow():
    assert best_of_n([0, 0, 0, 0], [3, 4]).win_rate.tolist() == [0.5, 0.5]
    rewards = (np.random.default_rng(0).random((400, 20)) < 0.5).astype(float)  # wins 3/4 but for 2 ** -20
    assert best_of_n(rewards, 20).win_rate == pytest.approx(0.75, abs=0.01)
    assert best_of_n([1, 2, 3, 4], 4).win_rate == pytest.approx(4 / 5, abs=1e-12)


def test_several_prompts_are_averaged():
    rng = np.random.default_rng(1)
    rewards, truth = rng.normal(size=(6, 10)), rng.random((6, 10))
    result = best_of_n(rewards, [2, 4], y=truth)
    each = [best_of_n(r, [2, 4], y=t) for r, t in zip(rewards, truth, strict=True)]
    assert result.expected_max == pytest.approx(np.mean([e.expected_max for e in each], axis=0))
    assert result.std_error == pytest.approx(np.std([e.expected_max for e in each], axis=0, ddof=1) / np.sqrt(6))
    assert result.df == 5
    ends = result.conf_int(0.9, of="expected_y")
    half = stats.t.isf(0.05, 5) * result.std_error_y
    assert ends.lower == pytest.approx(result.expected_y - half)
    assert result.conf_int(0.9, "less").lower.tolist() == [-np.inf, -np.inf]


def test_an_unknown_error_is_infinite_and_warns():
    with pytest.warns(InfiniteBoundWarning, match="more draws or more prompts"):
        interval = best_of_n([1.0, 2.0], 2).conf_int()
    assert (interval.lower, interval.upper) == (-np.inf, np.inf)
    with pytest.raises(InputError, match="got no y"):
        best_of_n([1.0, 2.0], 1).conf_int(of="expected_y")


def test_huge_and_tiny_rewards():
    for scale in (1e150, 1e-300):
        result = best_of_n(scale * np.arange(1.0, 6.0) / 5, 2)
        assert np.isfinite(result.std_error)
        assert result.std_error > 0


def test_the_result_prints_and_plots(axes):
    result = best_of_n(np.arange(6.0), [1, 2, 6], y=np.ones(6))
    assert "expected_y" in str(result)
    assert result.plot(axes) is axes
    assert "U-statistic" in repr(result)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (([1.0, 2.0], 3), {}),
        (([1.0, 2.0], 0), {}),
        (([1.0, 2.0], 1.5), {}),
        (([1.0, 2.0], [[1.0], [1.0, 2.0]]), {}),
        (([1.0, np.nan], 1), {}),
        (([], 1), {}),
        (([1.0, 2.0], 1), {"y": [1.0]}),
        (([1.0, 2.0], 1), {"sample_weight": [-1, 2]}),
        (([[1.0, 2.0]] * 2, 1), {"sample_weight": [1, 2]}),
    ],
    ids=str,
)
def test_bad_input_is_refused(arguments, options):
    with pytest.raises(InputError, match="best_of_n: "):
        best_of_n(*arguments, **options)
