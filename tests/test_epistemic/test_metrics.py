"""Second-order errors: bins and sums by loops, what is unbiased by enumeration of worlds, pictures."""

import pickle

import numpy as np
import pytest
from contracts import CONTAINERS, IntervalContract, in_container, require
from scipy import stats

from uq.epistemic import PairDistribution, second_order_calibration_error, second_order_score
from uq.epistemic._calibration_core import bin_cells, binned_gaps, join_thin, rank_correlation
from uq.epistemic._scaled import rho_joint
from uq.exceptions import InputError

from .naive import error_of_pairs, rows_of_counts


def rows(seed, n=120, k=3, responses=3):
    rng = np.random.default_rng(seed)
    said = rng.dirichlet(np.full(k, 1.5), n)
    p = np.array([rng.dirichlet(5 * row + 0.05) for row in said])
    return rows_of_counts(rng, p, responses), PairDistribution(rho_joint(said, 0.15))


def naive_error(y, pairs, n_bins):
    """Return everything by loops over cells, items and bins."""
    k = pairs.n_classes
    cells = []
    for i in range(len(pairs)):
        e = error_of_pairs(y[i], pairs.marginal[i])
        v = np.diag(pairs.joint[i]) - pairs.marginal[i] ** 2
        cells += [(v[j], e[j], i) for j in ([1] if k == 2 else range(k))]
    cells.sort(key=lambda cell: cell[0])
    n = len(cells)
    bins, edge = [[]], 1
    for rank, cell in enumerate(cells):
        new = False
        while edge < n_bins and rank >= int(np.ceil(edge * n / n_bins)):
            edge += 1
            new = True
        bins.append([]) if new and bins[-1] else None
        bins[-1].append(cell)
    out = {"error": 0.0, "noise_floor": 0.0, "debiased_square": 0.0}
    gaps = []
    for cell_bin in bins:
        d = {}
        for v, e, i in cell_bin:
            d[i] = d.get(i, 0.0) + e - v
        d, big = np.array(list(d.values())), len(cell_bin)
        out["error"] += abs(d.sum()) / n
        scatter = len(d) * np.var(d, ddof=1) if len(d) > 1 else 0.0
        out["noise_floor"] += np.sqrt(2 / np.pi) * np.sqrt(scatter) / n
        if len(d) > 1:
            pairs_sum = sum(d[a] * d[b] for a in range(len(d)) for b in range(len(d)) if a != b)
            out["debiased_square"] += big / n * pairs_sum / (len(d) * (len(d) - 1)) * (len(d) / big) ** 2
        gaps.append(d.sum() / big)
    return out, np.array(gaps), [len(b) for b in bins]


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("n_bins", [1, 4, 10, 37])
def test_against_loops(k, n_bins):
    y, pairs = rows(k, k=k)
    result = second_order_calibration_error(y, pairs, n_bins=n_bins)
    expected, gaps, count = naive_error(y, pairs, n_bins)
    assert result.count.tolist() == count
    assert np.allclose(result.gap, gaps, atol=1e-14)
    for name, value in expected.items():
        assert getattr(result, name) == pytest.approx(value, abs=1e-14)
    assert result.score == pytest.approx(second_order_score(y, pairs), rel=1e-12)


def test_score_is_the_mean_square_and_spearman_is_spearman():
    y, pairs = rows(0)
    e = np.array([error_of_pairs(c, m) for c, m in zip(y, pairs.marginal, strict=True)])
    v = pairs.epistemic_variance
    assert second_order_score(y, pairs) == pytest.approx(np.mean((e - v) ** 2))
    result = second_order_calibration_error(y, pairs)
    assert result.rank_correlation == pytest.approx(stats.spearmanr(v.ravel(), e.ravel()).statistic)
    assert rank_correlation(np.ones(5), np.arange(5)) == 0.0


def test_equal_variances_are_never_parted():
    v = np.array([0.1] * 50 + [0.2] * 3 + [0.3] * 47)
    codes = bin_cells(v, 10)
    assert len(np.unique(codes)) <= 3
    for value in (0.1, 0.2, 0.3):
        assert len(set(codes[v == value])) == 1
    assert bin_cells(np.full(20, 0.3), 10).tolist() == [0] * 20
    assert np.bincount(bin_cells(np.random.default_rng(0).random(100), 10)).tolist() == [10] * 10
    y, _ = rows(1, k=2)
    constant = PairDistribution(np.tile(np.array([[0.3, 0.2], [0.2, 0.3]]), (len(y), 1, 1)))
    assert len(second_order_calibration_error(y, constant).count) == 1


@pytest.mark.parametrize("k", [2, 3])
def test_no_bin_holds_one_row_alone(k):
    for n in (2, 3, 5, 12, 30):
        for n_bins in (1, 4, 10, 50):
            result = second_order_calibration_error(*rows(n, n=n, k=k), n_bins=n_bins)
            assert result.n_items.min() >= 2
            assert np.isfinite(result.std_error).all()
            assert result.noise_floor > 0
            assert result.count.sum() == (n if k == 2 else n * k)


def test_thin_bins_join_the_next():
    rng = np.random.default_rng(0)
    for _ in range(300):
        n_items = rng.integers(2, 8)
        item = np.append(rng.integers(0, n_items, rng.integers(0, 15)), [0, 1])
        codes = np.unique(rng.integers(0, rng.integers(1, 9), len(item)), return_inverse=True)[1]
        bins, open_bin = [], []
        for b in range(codes.max() + 1):
            open_bin.append(b)
            if len(set(item[np.isin(codes, open_bin)].tolist())) > 1:
                bins.append(open_bin)
                open_bin = []
        bins[-1] += open_bin
        expected = [next(j for j, members in enumerate(bins) if c in members) for c in codes]
        assert join_thin(codes, item).tolist() == expected


def test_noise_floor_of_few_rows_is_that_of_a_calibrated_model():
    """The mean error of a calibrated model on twelve rows is about its noise floor, not far above it."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(400):
        m = rng.beta(2, 2, 12)
        p = rng.beta(3 * m, 3 * (1 - m))
        votes = rng.binomial(4, p)
        joint = rho_joint(np.column_stack([1 - m, m]), 0.25)
        result = second_order_calibration_error(np.column_stack([4 - votes, votes]), joint)
        found.append((result.error, result.noise_floor))
    error, floor = np.mean(found, axis=0)
    assert 0.7 < floor / error < 1.3


def test_score_of_each_row():
    for k in (2, 3):
        y, pairs = rows(8, k=k)
        each = second_order_score(y, pairs, per_row=True)
        e = np.array([error_of_pairs(c, m) for c, m in zip(y, pairs.marginal, strict=True)])
        assert each.shape == (len(y),)
        assert np.allclose(each, ((e - pairs.epistemic_variance) ** 2).mean(axis=1))
        assert each.mean() == pytest.approx(second_order_score(y, pairs))
    for bad in (None, "yes", 1):
        with pytest.raises(InputError, match="per_row must be True or False"):
            second_order_score(y, pairs, per_row=bad)


def test_scores_compare_models_of_one_marginal_only():
    """Inputs that look alike, p = 0 or 1/2, all votes counted: a worse marginal with its variance scores less."""
    p = np.repeat([0, 0.5], 4)
    y = np.array([[2, 0]] * 4 + [[2, 0], [1, 1], [1, 1], [0, 2]])

    def score(m, scale):
        variance = scale * np.mean((p - m) ** 2)
        joint = np.outer([1 - m, m], [1 - m, m]) + variance * np.array([[1, -1], [-1, 1]])
        return second_order_score(y, np.broadcast_to(joint, (8, 2, 2)))

    for m in (0.25, 0.4):
        assert score(m, 1.0) < min(score(m, 0.8), score(m, 1.1))
    assert score(0.4, 1.0) < score(0.25, 1.0)
    assert "under one marginal" in second_order_score.__doc__


def test_row_order_does_not_matter():
    y, pairs = rows(2)
    order = np.random.default_rng(0).permutation(len(y))
    one, other = second_order_calibration_error(y, pairs), second_order_calibration_error(y[order], pairs[order])
    for name in ("error", "noise_floor", "debiased_square", "score", "rank_correlation"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9)


def test_std_error_of_one_cell_per_item_is_the_usual_one():
    rng = np.random.default_rng(3)
    e, v = rng.normal(size=30), rng.random(30)
    out = binned_gaps(e, v, np.zeros(30, int), np.arange(30))
    assert out["std_error"][0] == pytest.approx(np.std(e - v, ddof=1) / np.sqrt(30))
    together = binned_gaps(np.repeat(e, 2), np.repeat(v, 2), np.zeros(60, int), np.repeat(np.arange(30), 2))
    assert together["std_error"][0] == pytest.approx(out["std_error"][0])
    assert together["debiased_square"] == pytest.approx(out["debiased_square"])
    alone = binned_gaps(e[:1], v[:1], np.zeros(1, int), np.zeros(1, int))
    assert alone["std_error"][0] == np.inf
    assert alone["debiased_square"] == 0


class TestInterval(IntervalContract):
    support = (-np.inf, np.inf)

    @pytest.fixture
    def result(self):
        return second_order_calibration_error(*rows(4))

    def ask(self, result, confidence_level, alternative="two-sided"):
        return result.interval(confidence_level, alternative)

    def center(self, result):
        return result.gap


def test_result_behaves_as_a_result():
    require("matplotlib").use("Agg")
    require("pandas")
    result = second_order_calibration_error(*rows(5))
    assert pickle.loads(pickle.dumps(result)) == result
    assert len(result.to_frame()) == 10
    assert "debiased square" in str(result)
    assert result._repr_html_()
    assert result.plot().get_ylabel() == "squared error"
    assert result.guarantee == "none"
    assert result.interval().guarantee == "asymptotic"


@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers(kind):
    y, pairs = rows(6, n=30)
    result = second_order_calibration_error(in_container(kind, y), pairs)
    assert result == second_order_calibration_error(y, pairs)
    joint = np.round(rho_joint(np.full((30, 2), 0.5), 0.25) * 64) / 64
    y = y[:, :2] + 1
    assert second_order_score(y, in_container(kind, joint.reshape(30, 4))) == second_order_score(y, joint)


def test_bad_input_is_refused():
    y, pairs = rows(7)
    for function in (second_order_calibration_error, second_order_score):
        for bad in (y[:-1], y[:, :2], y + 0.5, np.eye(3)[np.zeros(len(y), int)], None, "y", y.astype(str)):
            with pytest.raises(InputError):
                function(bad, pairs)
        for bad in (None, "pairs", {}, pairs.joint * 2, pairs.joint[:-1]):
            with pytest.raises(InputError):
                function(y, bad)
    for bad in (0, 2.5, None, "10"):
        with pytest.raises(InputError, match="n_bins"):
            second_order_calibration_error(y, pairs, n_bins=bad)
    with pytest.raises(InputError, match="at least 2 rows"):
        second_order_calibration_error(y[:1], pairs[:1])
