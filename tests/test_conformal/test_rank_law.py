"""RankLaw against every configuration, against SciPy, and at sizes where binomials overflow."""

import copy
import math
import pickle
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from test_conformal.enumeration import configurations, order_count, quantile_of, rank_sum_counts

from conformal import RankLaw
from uq.exceptions import InputError

SMALL = [(n, m) for n in range(1, 8) for m in range(1, 6)]
LEVELS = (0.025, 0.3, 0.5, 0.6, 0.6667, 2 / 3, 0.7, 0.75, 0.8, 0.9, 0.95)


@pytest.mark.parametrize(("n", "m"), SMALL)
def test_the_law_counts_configurations(n, m):
    law, ranks = RankLaw(n, m), np.array(configurations(n, m))
    assert len(ranks) == comb(n + m, m)
    sums = ranks.sum(axis=1)
    for k in range(1, m + 1):
        values = ranks[:, k - 1]
        exact = [float(Fraction(int((values == z).sum()), len(values))) for z in range(1, n + 2)]
        np.testing.assert_allclose(law.pmf(k), exact, rtol=1e-14)
        for z in range(-1, n + 4):
            assert law.cdf(k, z) == pytest.approx(np.mean(values <= z), rel=1e-14)
        for z in range(1, n + 2):
            assert law.attained_level(k, z) == law.cdf(k, z)
            assert law.attained_level(k, z, side="lower") == pytest.approx(np.mean(values >= z), rel=1e-14)
    for q in range(m * (n + 1) + 3):
        assert law.rank_sum_cdf(q) == pytest.approx(np.mean(sums <= q), rel=1e-14)


def test_ranks_are_the_least_and_the_greatest_at_ties_too():
    ties = 0
    for n, m in SMALL:
        law, ranks = RankLaw(n, m), np.array(configurations(n, m))
        for level in LEVELS:
            exact = Fraction(str(level))
            for k in range(1, m + 1):
                values = ranks[:, k - 1].tolist()
                upper, lower = quantile_of(values, exact), -quantile_of([-v for v in values], exact)
                assert law.order_statistic_rank(k, level) == upper
                assert law.order_statistic_rank(k, level, side="lower") == lower
                assert law.attained_level(k, upper) > level - 1e-15
                ties += Fraction(sum(v <= upper for v in values), len(values)) == exact
            sums = ranks.sum(axis=1).tolist()
            q = quantile_of(sums, exact)
            assert law.rank_sum_quantile(level) == q
            ties += Fraction(sum(s <= q for s in sums), len(sums)) == exact
    assert ties > 80  # or this test would not see a float slip


@pytest.mark.parametrize(("n", "m", "k", "rank"), [(3, 3, 1, 2), (4, 1, 1, 4), (2, 4, 2, 2)])
def test_levels_are_the_decimals_that_were_written(n, m, k, rank):
    assert RankLaw(n, m).order_statistic_rank(k, 0.8) == rank
    assert Fraction(order_count(n, m, k, rank), comb(n + m, m)) == Fraction(4, 5)


@pytest.mark.parametrize("n", [1, 8, 9, 10, 19, 99, 100, 999, 10**6])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_one_test_point_is_split_conformal(n, level):
    law, rank = RankLaw(n, 1), math.ceil((n + 1) * Fraction(str(level)))
    assert law.order_statistic_rank(1, level) == law.rank_sum_quantile(level) == rank
    assert law.order_statistic_rank(1, level, side="lower") == n + 2 - rank


@given(st.integers(1, 30), st.integers(1, 20), st.data())
def test_quantiles_at_any_level(n, m, data):
    k = data.draw(st.integers(1, m))
    level = Fraction(data.draw(st.integers(1, 199)), 200)
    law, whole = RankLaw(n, m), comb(n + m, m)
    q = law.order_statistic_rank(k, float(level))
    assert order_count(n, m, k, q - 1) < level * whole <= order_count(n, m, k, q)
    if n * m <= 60:
        counts = np.cumsum(rank_sum_counts(n, m)).tolist()
        q = law.rank_sum_quantile(float(level)) - m
        assert (counts[q - 1] if q else 0) < level * whole <= counts[q]


@pytest.mark.parametrize(("n", "m", "k"), [(200, 20, 1), (200, 20, 20), (2000, 1000, 400), (50, 3000, 1500), (9, 9, 5)])
@pytest.mark.slow
def test_agrees_with_scipy(n, m, k):
    law, z = RankLaw(n, m), np.arange(1, n + 2)
    np.testing.assert_allclose(law.pmf(k), stats.nhypergeom(n + m, n, k).pmf(z - 1), rtol=1e-8, atol=1e-300)
    cdf = law.cdf(k, z)
    np.testing.assert_allclose(cdf, np.cumsum(law.pmf(k)), atol=1e-13)
    reference = [stats.hypergeom(n + m, m, i + k - 1).sf(k - 1) for i in z.tolist()]
    np.testing.assert_allclose(cdf, reference, rtol=1e-9, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(10**6, 10**5), (10**7, 10**7), (10**7, 1), (1, 10**7), (10**7, 3), (3, 10**7)])
def test_nothing_overflows(n, m):
    law = RankLaw(n, m)
    for k in {1, (m + 1) // 2, m}:
        for side in ("upper", "lower"):
            q = law.order_statistic_rank(k, 0.9, side=side)
            beyond = q - 1 if side == "upper" else q + 1
            assert law.attained_level(k, q, side=side) >= 0.9
            assert not 1 <= beyond <= n + 1 or law.attained_level(k, beyond, side=side) < 0.9
    law_of_first = law.pmf(1)
    assert np.isfinite(law_of_first).all()
    mean = law_of_first @ np.arange(1, n + 2)
    assert mean == pytest.approx(1 + n / (m + 1), rel=1e-9)
    q = law.rank_sum_quantile(0.9)
    if min(n, m) == 1:
        assert q == m - 1 + math.ceil(Fraction(9, 10) * (n * m + 1))
    else:
        assert law.rank_sum_cdf(q - 1) < 0.9 + 1e-12
        assert law.rank_sum_cdf(q) >= 0.9 - 1e-12
    assert law.rank_sum_cdf(m + n * m // 2) == pytest.approx(0.5, abs=1e-6)


def test_a_large_batch_has_nearly_normal_rank_sums():
    n, m = 10**6, 10**5
    normal = m + n * m / 2 + stats.norm.ppf(0.9) * math.sqrt(n * m * (n + m + 1) / 12)
    assert RankLaw(n, m).rank_sum_quantile(0.9) == pytest.approx(normal, rel=1e-8)


def test_cdf_takes_arrays_and_keeps_their_shape():
    law = RankLaw(5, 3)
    ranks = np.array([[-2, 1, 3], [5, 6, 9]])
    table = law.cdf(2, ranks)
    assert table.shape == (2, 3)
    assert table.tolist() == [[law.cdf(2, int(z)) for z in row] for row in ranks]
    assert law.cdf(2, [1, 2]).tolist() == [law.cdf(2, 1), law.cdf(2, np.int64(2))]
    assert isinstance(law.cdf(2, np.array(3)), float)
    assert law.cdf(2, np.array([], dtype=int)).shape == (0,)


def test_samples_are_uniform_over_the_configurations():
    n, m, size = 3, 3, 20_000
    ranks = RankLaw(n, m).sample(size, rng=0)
    assert ranks.shape == (size, m)
    found, counts = np.unique(ranks, axis=0, return_counts=True)
    assert [tuple(row) for row in found.tolist()] == configurations(n, m)
    assert stats.chisquare(counts).pvalue > 1e-3


def test_samples_follow_the_seed():
    law = RankLaw(50, 7)
    np.testing.assert_array_equal(law.sample(4, rng=3), law.sample(4, rng=np.random.default_rng(3)))
    assert (law.sample(4, rng=3) != law.sample(4, rng=4)).any()
    assert law.sample(2, rng=np.random.default_rng(0)).min() >= 1


@pytest.mark.parametrize("name", ["n_calibration", "n_test"])
@pytest.mark.parametrize("bad", [0, -1, 2.0, True, "5", None, np.nan, [3], 10**7 + 1])
def test_counts_are_integers_from_one_to_ten_million(name, bad):
    with pytest.raises(InputError, match=rf"^RankLaw: {name} must be"):
        RankLaw(**{"n_calibration": 5, "n_test": 3, name: bad})


BAD_COUNTS = (0, -1, 1.0, True, "1", None)


@pytest.mark.parametrize(
    ("method", "arguments", "name", "bad"),
    [
        ("pmf", {"k": 1}, "k", (*BAD_COUNTS, 4)),
        ("cdf", {"k": 1, "rank": 1}, "k", (*BAD_COUNTS, 4)),
        ("cdf", {"k": 1, "rank": 1}, "rank", (1.0, True, "1", None, [1.5], [[1], [1, 2]], [True], [])),
        ("order_statistic_rank", {"k": 1, "confidence_level": 0.9}, "k", (*BAD_COUNTS, 4)),
        ("order_statistic_rank", {"k": 1, "confidence_level": 0.9}, "confidence_level", (0, 1, 1.5, -1, "x", True)),
        ("order_statistic_rank", {"k": 1, "confidence_level": 0.9}, "side", ("up", None, 1)),
        ("attained_level", {"k": 1, "rank": 1}, "k", (*BAD_COUNTS, 4)),
        ("attained_level", {"k": 1, "rank": 1}, "rank", (*BAD_COUNTS, 7)),
        ("attained_level", {"k": 1, "rank": 1}, "side", ("Upper", None, 1)),
        ("rank_sum_quantile", {}, "confidence_level", (0, 1, 1.5, np.nan, None, [0.9])),
        ("rank_sum_cdf", {}, "q", (-1, 1.0, True, None)),
        ("sample", {}, "size", BAD_COUNTS),
        ("sample", {"size": 1}, "rng", (-1, "seed", 1.5)),
    ],
)
def test_bad_arguments(method, arguments, name, bad):
    for value in bad:
        with pytest.raises(InputError, match=rf"^RankLaw\.{method}: {name} must be") as caught:
            getattr(RankLaw(5, 3), method)(**{**arguments, name: value})
        assert "got" in str(caught.value)


def test_is_a_value():
    law = RankLaw(np.int64(5), np.uint8(3))
    assert law == RankLaw(5, 3) == pickle.loads(pickle.dumps(law)) == copy.deepcopy(law)
    assert repr(law) == "RankLaw(n_calibration=5, n_test=3)"
    assert len({law, RankLaw(5, 3)}) == 1
    with pytest.raises(AttributeError):
        law.n_test = 4
