"""estimate_mean: each method against an independent computation, its choice under "auto", and bad input."""

import warnings

import numpy as np
import pytest
from scipy import special, stats

from uq import estimate_mean, estimate_metric
from uq._evaluation._bca import _runs
from uq.exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning

RNG = np.random.default_rng(0)
BINARY = RNG.integers(0, 2, 60)
GRADED = RNG.beta(2, 1, 60)
GROUPS = np.repeat(np.arange(20), 3)


def test_t_is_scipys_one_sample_t():
    ours = estimate_mean(GRADED, method="t")
    theirs = stats.ttest_1samp(GRADED, 0.6)
    assert ours.pvalue(0.6) == pytest.approx(theirs.pvalue, rel=1e-12)
    np.testing.assert_allclose(list(ours.conf_int(0.9)), list(theirs.confidence_interval(0.9)), rtol=1e-12)
    assert ours.std_error == pytest.approx(stats.sem(GRADED), rel=1e-12)


@pytest.mark.parametrize(("method", "scipys"), [("clopper_pearson", "exact"), ("wilson", "wilson")])
@pytest.mark.parametrize("k", [0, 1, 30, 59, 60])
def test_binomial_intervals_are_scipys(method, scipys, k):
    scores = np.repeat([1, 0], [k, 60 - k])
    theirs = stats.binomtest(k, 60).proportion_ci(0.95, method=scipys)
    np.testing.assert_allclose(list(estimate_mean(scores, method=method).conf_int()), list(theirs), atol=1e-12)


def test_cluster_error_is_the_sandwich_of_the_spec():
    x = GRADED
    total = sum((x[g == GROUPS] - x.mean()).sum() ** 2 for g in range(20))
    ours = estimate_mean(x, GROUPS)
    assert ours.method == "cluster"
    assert ours.n_groups == 20
    assert ours.std_error == pytest.approx(np.sqrt(20 / 19 * total) / 60, rel=1e-12)
    half = stats.t.isf(0.025, 19) * ours.std_error
    np.testing.assert_allclose(list(ours.conf_int()), [x.mean() - half, x.mean() + half], rtol=1e-12)


def test_cluster_of_single_rows_is_t():
    clustered, plain = estimate_mean(GRADED, np.arange(60)), estimate_mean(GRADED, method="t")
    assert clustered.std_error == pytest.approx(plain.std_error, rel=1e-12)
    assert clustered.conf_int().width == pytest.approx(plain.conf_int().width, rel=1e-12)


def test_beta_is_the_posterior_under_a_uniform_prior():
    k = BINARY.sum()
    posterior = stats.beta(k + 1, 61 - k)
    ours = estimate_mean(BINARY, method="beta")
    assert ours.estimate == pytest.approx(posterior.mean(), rel=1e-12)
    assert ours.std_error == pytest.approx(posterior.std(), rel=1e-12)
    np.testing.assert_allclose(list(ours.conf_int(0.9)), posterior.ppf([0.05, 0.95]), rtol=1e-10)
    assert ours.pvalue(0.5, "greater") == pytest.approx(posterior.cdf(0.5), rel=1e-10)


def test_bootstrap_is_scipys_bca():
    x = RNG.exponential(size=40)
    theirs = stats.bootstrap((x,), np.mean, n_resamples=40000, rng=1).confidence_interval
    ours = estimate_mean(x, method="bootstrap", n_resamples=40000, rng=2).conf_int()
    # two Monte Carlo errors of extreme quantiles
    np.testing.assert_allclose(list(ours), [theirs.low, theirs.high], atol=0.02)


def test_bootstrap_repeats_with_its_seed_and_differs_without():
    first, second = (estimate_mean(GRADED, method="bootstrap", n_resamples=99, rng=5).conf_int() for _ in range(2))
    assert first == second
    assert first != estimate_mean(GRADED, method="bootstrap", n_resamples=99, rng=6).conf_int()


def test_betting_on_rows_does_not_depend_on_the_order_of_a_sorted_file():
    ours = estimate_mean(GRADED, bounds=(0, 1))
    assert ours.method == "betting"
    assert ours.guarantee == "finite-sample"
    assert ours == estimate_mean(GRADED, bounds=(0, 1))
    # a file sorted by score is no sequence of independent rows, so rows are shuffled before the bets
    widths = [
        estimate_mean(x, bounds=(0, 1)).conf_int().width for x in (GRADED, np.sort(GRADED), np.sort(GRADED)[::-1])
    ]
    assert max(widths) < 1.3 * min(widths)


def test_betting_scales_with_its_bounds():
    unit = estimate_mean(GRADED, bounds=(0, 1)).conf_int()
    moved = estimate_mean(10 * GRADED - 3, bounds=(-3, 7)).conf_int()
    np.testing.assert_allclose(list(moved), [10 * unit.lower - 3, 10 * unit.upper - 3], rtol=1e-6)


def test_betting_takes_clusters_as_units():
    copies = np.repeat(GRADED[:20], 3)
    clustered = estimate_mean(copies, GROUPS, bounds=(0, 1), rng=0).conf_int()
    units = estimate_mean(GRADED[:20], bounds=(0, 1), rng=0).conf_int()
    np.testing.assert_allclose(list(clustered), list(units), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "method"),
    [
        ({"scores": BINARY}, "clopper_pearson"),
        ({"scores": BINARY.astype(bool)}, "clopper_pearson"),
        ({"scores": GRADED}, "t"),
        ({"scores": BINARY, "groups": GROUPS}, "cluster"),
        ({"scores": GRADED, "bounds": (0, 1)}, "betting"),
        ({"scores": BINARY, "bounds": (0, 1)}, "betting"),
        ({"scores": GRADED, "groups": GROUPS, "bounds": (0, 1)}, "betting"),
    ],
)
def test_auto(arguments, method):
    assert estimate_mean(**arguments).method == method


@pytest.mark.parametrize("scores", [[0.5], [0.3] * 40, [1e9 + 0.1] * 40])
def test_no_variation_is_an_infinite_interval_with_one_warning(scores):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimate = estimate_mean(scores)
        interval = estimate.conf_int()
    assert list(interval) == [-np.inf, np.inf]
    assert [w.category for w in caught].count(InfiniteBoundWarning) == 1
    assert estimate.pvalue(0) == 1.0


def test_warnings_name_the_remedy():
    with pytest.warns(SmallSampleWarning, match="method='betting'"):
        estimate_mean(GRADED[:10])
    with pytest.warns(SmallSampleWarning, match="5 clusters"):
        estimate_mean(GRADED[:15], np.repeat(np.arange(5), 3))


def test_omit_drops_rows_and_says_so():
    holes = GRADED.copy()
    holes[[3, 7]] = np.nan
    ours = estimate_mean(holes, nan_policy="omit")
    assert (ours.n, ours.n_dropped) == (58, 2)
    assert ours.estimate == pytest.approx(np.nanmean(holes))
    clustered = estimate_mean(holes, GROUPS, nan_policy="omit")
    keep = ~np.isnan(holes)
    assert clustered.std_error == estimate_mean(holes[keep], GROUPS[keep]).std_error


def test_strings_name_clusters_as_well():
    names = np.array([f"text {g}" for g in GROUPS])
    assert estimate_mean(GRADED, names).std_error == estimate_mean(GRADED, GROUPS).std_error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scores": [0.1, np.nan]}, "scores must be finite"),
        ({"scores": [0.1, np.inf]}, "infinite"),
        ({"scores": [np.nan, np.nan], "nan_policy": "omit"}, "no row is left"),
        ({"scores": []}, "at least one row"),
        ({"scores": "0101"}, "scores must be"),
        ({"scores": [[1, 0], [0, 1]]}, "shape"),
        ({"scores": [1, 0, 1], "groups": [1, 2]}, "one label per row"),
        ({"scores": [1, 0, 1], "groups": [1, 1, 1]}, "at least 2 different labels"),
        ({"scores": [1, 0, np.nan], "groups": [1, 1, 2], "nan_policy": "omit"}, "at least 2 different labels"),
        ({"scores": [1, 0, 1], "groups": ["a", None, "b"]}, "missing"),
        ({"scores": [1, 2], "bounds": (0, 1)}, "within bounds"),
        ({"scores": [1, 0], "bounds": (1, 0)}, "low < high"),
        ({"scores": [1, 0], "bounds": (0, np.inf)}, "finite"),
        ({"scores": [1, 0], "bounds": 1}, "pair"),
        ({"scores": [1, 0], "method": "normal"}, "must be one of"),
        ({"scores": [1, 0.5], "method": "wilson"}, "only 0 and 1"),
        ({"scores": [1, 0], "method": "cluster"}, "needs groups"),
        ({"scores": [1, 0], "method": "betting"}, "needs bounds"),
        ({"scores": [1, 0], "groups": [0, 1], "method": "t"}, "takes no groups"),
        ({"scores": [1, 0.5], "groups": [0, 1], "method": "hierarchical"}, "only 0 and 1"),
        ({"scores": [1, 0], "n_resamples": 0, "method": "bootstrap"}, "n_resamples"),
        ({"scores": [1, 0], "rng": "seed", "method": "bootstrap"}, "rng"),
        ({"scores": [1, 0], "nan_policy": "ignore"}, "nan_policy"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        estimate_mean(**arguments)


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, np.nan, "0.9", True])
def test_bad_levels(level):
    with pytest.raises(InputError, match="confidence_level"):
        estimate_mean(BINARY).conf_int(level)


def hierarchical_oracle(n_correct, n_trials):
    """Mean and sd by 400 x 120 Gauss-Legendre-Laguerre quadrature, good for few tasks."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    theta, d = (nodes + 1) / 2, special.roots_laguerre(120)
    t, s = np.meshgrid(theta, d[0], indexing="ij")
    log = sum(
        special.betaln(a + s * t, m - a + s * (1 - t)) - special.betaln(s * t, s * (1 - t))
        for a, m in zip(n_correct, n_trials, strict=True)
    )
    mass = np.exp(log - log.max()) * weights[:, None] * d[1]
    mass = mass.sum(axis=1) / mass.sum()
    mean = mass @ theta
    return mean, np.sqrt(mass @ (theta - mean) ** 2), [mass[theta <= x].sum() for x in (0.4, 0.6)]


@pytest.mark.parametrize(
    ("n_correct", "n_trials"),
    [([2, 5], [5, 5]), ([0, 0, 0], [4, 4, 9]), ([10] * 6, [10] * 6), ([3, 7, 9, 2, 5], [10, 8, 9, 11, 20])],
)
def test_hierarchical_against_quadrature(n_correct, n_trials):
    groups = np.repeat(np.arange(len(n_trials)), n_trials)
    scores = np.concatenate([np.repeat([1, 0], [k, m - k]) for k, m in zip(n_correct, n_trials, strict=True)])
    ours = estimate_mean(scores, groups, method="hierarchical")
    mean, sd, cdf = hierarchical_oracle(n_correct, n_trials)
    assert ours.estimate == pytest.approx(mean, rel=2e-6)
    assert ours.std_error == pytest.approx(sd, rel=2e-5)
    assert ours.guarantee == "posterior"
    # the oracle's cdf is a step function of 400 nodes
    np.testing.assert_allclose([ours.pvalue(x, "greater") for x in (0.4, 0.6)], cdf, atol=0.01)


def test_hierarchical_with_many_alike_tasks_where_fixed_nodes_fail():
    """The posterior is a sharp peak here; the oracle is a plain fine grid laid over it by hand."""
    theta, d = np.linspace(0.6, 0.8, 801)[:, None], np.linspace(0.01, 120, 3001)[None, :]
    a, b = d * theta, d * (1 - theta)
    log = 200 * (special.betaln(70 + a, 30 + b) - special.betaln(a, b)) - d
    mass = np.exp(log - log.max()).sum(axis=1)
    mass /= mass.sum()
    mean = mass @ theta[:, 0]
    scores = np.tile(np.repeat([1, 0], [70, 30]), 200)
    ours = estimate_mean(scores, np.repeat(np.arange(200), 100), method="hierarchical")
    assert ours.estimate == pytest.approx(mean, rel=1e-6)
    assert ours.std_error == pytest.approx(np.sqrt(mass @ (theta[:, 0] - mean) ** 2), rel=1e-4)


@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
@pytest.mark.parametrize("n", [10, 20, 30, 50])
def test_bootstrap_counts_ties_half_whatever_the_rounding(n):
    """Resampled means of 0/1 scores tie with the estimate; a bias read off their rounding errors would be wrong."""
    for k in range(1, n, max(1, n // 10)):
        law = estimate_mean(np.repeat([1, 0], [k, n - k]), method="bootstrap", n_resamples=4999, rng=0).law
        share = stats.binom.cdf(k - 1, n, k / n) + 0.5 * stats.binom.pmf(k, n, k / n)
        # four standard errors of the share of 4,999 draws
        assert stats.norm.cdf(law.z0) == pytest.approx(share, abs=4 * 0.5 / np.sqrt(4999))
        assert len(np.unique(law.draws)) <= n + 1


@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_metric_of_float_sums_ties_like_the_mean_of_whole_numbers():
    y = np.repeat([1, 0], [3, 7])
    weights = np.full(10, 0.1)
    by_weight = estimate_metric(
        lambda t, p, sample_weight: float(sample_weight @ (t == p) / sample_weight.sum()),
        y,
        np.ones(10),
        sample_weight=weights,
        n_resamples=1999,
        rng=0,
        groups=np.arange(10),
    )
    plain = estimate_metric(lambda t, p: np.mean(t == p), y, np.ones(10), n_resamples=1999, rng=0, groups=np.arange(10))
    assert by_weight.law.z0 == pytest.approx(plain.law.z0, abs=1e-12)


def test_group_labels_beyond_the_signed_integers():
    groups = np.array([2**63 + 1, 2**63 + 2, 2**63 + 1, 2**63 + 3] * 10, dtype=np.uint64)
    scores = RNG.random(40)
    small = estimate_mean(scores, (groups - np.uint64(2**63)).astype(int), bounds=(0, 1))
    assert estimate_mean(scores, groups, bounds=(0, 1)) == small


@pytest.mark.parametrize("offset", [-1e11, 1e12, 2.0**46])
def test_bootstrap_moves_with_its_scores(offset):
    """Draws that differ stay apart, however large they are beside their spread."""
    z = np.round(np.random.default_rng(0).standard_normal(200), 3)
    z = (offset + z) - offset  # what is left of them beside the offset
    plain = estimate_mean(z, method="bootstrap", rng=0)
    moved = estimate_mean(offset + z, method="bootstrap", rng=0)
    step = np.spacing(abs(offset))
    for level in (0.9, 0.99):
        np.testing.assert_allclose(
            moved.conf_int(level).to_numpy() - offset, list(plain.conf_int(level)), atol=2 * step
        )
    assert moved.law.z0 == pytest.approx(plain.law.z0, abs=1e-3)
    assert moved.std_error == pytest.approx(plain.std_error, rel=1e-9)
    rows = np.repeat(np.arange(50), 4)
    plain, moved = (estimate_mean(x, rows, method="bootstrap", rng=0).conf_int() for x in (z, offset + z))
    np.testing.assert_allclose(moved.to_numpy() - offset, list(plain), atol=2 * step)


@pytest.mark.parametrize("scale", [1e105, 1e140, 1e-105, 1e-160, 1e-250])
def test_bootstrap_scales_with_its_scores(scale):
    x = np.exp(np.random.default_rng(0).standard_normal(200))
    plain, scaled = (estimate_mean(s * x, method="bootstrap", rng=0) for s in (1.0, scale))
    assert scaled.law.acceleration == pytest.approx(plain.law.acceleration, rel=1e-9)
    np.testing.assert_allclose(np.array(list(scaled.conf_int())) / scale, list(plain.conf_int()), rtol=1e-9)


def test_runs_of_ties_are_no_longer_than_the_tolerance():
    values = np.sort(np.random.default_rng(0).random(3000))
    starts = _runs(values, 1e-3)  # neighbours are closer than that: a chain of them reaches from 0 to 1
    expected = [values[0]]
    for v in values:
        if v > expected[-1] + 1e-3:
            expected.append(v)
    np.testing.assert_array_equal(starts, expected)
    np.testing.assert_array_equal(_runs(np.array([0.0, 1e-5, 1, 1 + 1e-5, 1 + 2e-5]), 1e-3), [0, 1])


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(25), 4)])
def test_large_scores_that_differ_have_a_finite_error(groups):
    z = np.round(5 * np.random.default_rng(0).standard_normal(100) * 8) / 8  # beside 1e15 eighths are left
    plain, moved = estimate_mean(z, groups), estimate_mean(1e15 + z, groups)
    assert moved.std_error == pytest.approx(plain.std_error, rel=1e-6)
    np.testing.assert_allclose(moved.conf_int().to_numpy() - 1e15, list(plain.conf_int()), atol=0.25)
    # a mean is known no better than its last digit
    many = estimate_mean(1e15 + np.tile(z, 10_000))
    assert many.std_error == np.spacing(1e15)
    assert abs(many.estimate - 1e15 - z.mean()) <= np.spacing(1e15)


def test_clusters_alike_up_to_rounding_say_nothing():
    with pytest.warns(InfiniteBoundWarning):
        interval = estimate_mean(np.tile([0.1, 0.2, 0.3, 0.7], 30), np.repeat(np.arange(30), 4)).conf_int()
    assert list(interval) == [-np.inf, np.inf]


@pytest.mark.parametrize("method", ["wilson", "beta", "clopper_pearson", "t", "bootstrap"])
@pytest.mark.parametrize("level", [1e-14, 1e-15, 1e-16, 1e-17, 1e-300])
def test_the_lowest_levels_have_an_interval(method, level):
    for scores in (np.repeat([1, 0], [99, 1]), np.repeat([1, 0], [30, 31])):
        estimate = estimate_mean(scores, method=method, rng=0)
        for alternative in ("two-sided", "less", "greater"):
            lower, upper = estimate.conf_int(level, alternative)
            assert lower <= upper
