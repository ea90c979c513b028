"""estimate_difference: McNemar's exact test, the Dirichlet posterior, metrics, and bad input."""

import itertools

import numpy as np
import pytest
from scipy import integrate, special, stats
from sklearn.metrics import accuracy_score, roc_auc_score

from uq import estimate_difference, estimate_mean
from uq._evaluation import _paired
from uq._evaluation._paired import McNemarLaw, _tail
from uq._evaluation._paired_posterior import DirichletLaw
from uq.exceptions import InputError


def binary_pair(only_a, only_b, n):
    both = (n - only_a - only_b) // 2
    counts = [only_a, only_b, both, n - only_a - only_b - both]
    return np.repeat([1, 0, 1, 0], counts), np.repeat([0, 1, 1, 0], counts)


@pytest.mark.parametrize(("t", "u", "n"), [(12, 3, 60), (3, 12, 60), (0, 5, 20), (7, 7, 30), (0, 0, 25), (25, 0, 25)])
def test_pvalue_at_zero_is_mcnemars_exact_one(t, u, n):
    ours = estimate_difference(*binary_pair(t, u, n))
    assert ours.method == "mcnemar"
    expected = stats.binomtest(t, t + u).pvalue if t + u else 1.0
    assert ours.pvalue(0) == pytest.approx(expected, rel=1e-10)
    assert ours.estimate == pytest.approx((t - u) / n)


def tables(n):
    """All pairs (A alone, B alone) of n items, and the log of the number of ways to each."""
    a, b = np.array([(i, j) for i in range(n + 1) for j in range(n + 1 - i)]).T
    return (
        a,
        b,
        special.gammaln(n + 1) - special.gammaln(a + 1) - special.gammaln(b + 1) - special.gammaln(n - a - b + 1),
    )


def trinomial(n, delta, q):
    """Probability of every table at difference delta and discordance rate q."""
    a, b, ways = tables(n)
    p, r = max((q + delta) / 2, 0.0), max((q - delta) / 2, 0.0)
    return np.exp(ways + special.xlogy(a, p) + special.xlogy(b, r) + special.xlogy(n - a - b, max(1 - p - r, 0.0)))


def brute_tail(t, u, n, null):
    """The tail by summing over all tables that are at least as high, the rate over a fine grid."""

    def limit(only_a, only_b):
        shifted = (only_a - only_b) / (n + 2)
        return shifted - 1.96 * np.sqrt(((only_a + only_b + 2) / (n + 2) - shifted**2) / (n + 2))

    a, b, _ = tables(n)
    high = limit(a, b) >= limit(t, u) - 1e-9
    d = t + u
    rates = np.linspace(
        stats.beta.ppf(5e-7, d, n - d + 1) if d else 1e-12, stats.beta.isf(5e-7, d + 1, n - d) if d < n else 1.0, 600
    )
    rates = np.append(rates[rates >= -null], abs(null) if rates[0] < abs(null) <= rates[-1] else [])
    # above 0 a rate below the difference is kept, all discordance on one side
    return max((trinomial(n, min(null, q), q)[high].sum() for q in rates), default=0.0)


@pytest.mark.parametrize(("t", "u", "n"), [(5, 1, 12), (0, 3, 10), (4, 4, 14), (0, 0, 8), (9, 0, 9)])
@pytest.mark.parametrize("null", [-0.9, -0.4, -0.1, 0.05, 0.3])
def test_unconditional_tail_against_all_tables(t, u, n, null):
    # two grids of rates: they may miss the maximum by a little, never by much
    assert _tail(t, u, n)(null) == pytest.approx(brute_tail(t, u, n, null), abs=1e-4)


@pytest.mark.parametrize(
    ("t", "u", "n"), [(12, 3, 60), (20, 21, 300), (0, 0, 30), (0, 6, 40), (10, 0, 10), (140, 60, 3000)]
)
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99, 0.9999])
def test_mcnemar_interval_ends_where_the_pvalue_crosses(t, u, n, level):
    law = McNemarLaw(only_a=t, only_b=u, n=n)
    lower, upper = law.interval(level, "two-sided")
    assert -1 <= lower <= (t - u) / n <= upper <= 1
    for end, outside in ((lower, -1), (upper, 1)):
        if abs(end) < 1:
            assert law.pvalue(end - outside * 2e-6, "two-sided") >= 1 - level - 1e-9
            assert law.pvalue(end + outside * 2e-6, "two-sided") <= 1 - level + 1e-9


@pytest.mark.parametrize(("t", "u", "n"), [(7, 3, 20), (1, 2, 10), (0, 4, 9), (6, 0, 17), (30, 12, 400), (0, 0, 5)])
@pytest.mark.slow
def test_mcnemar_pvalue_rises_with_the_difference(t, u, n):
    law = McNemarLaw(only_a=t, only_b=u, n=n)
    nulls = np.concatenate([np.linspace(-1, -1e-6, 400), np.linspace(1e-6, 1, 400)])
    p = np.array([law.p_greater(x) for x in nulls])
    assert (np.diff(p) >= -1e-12).all()


def worst_miss(n, alpha):
    """The largest probability that the lower limit lies above the difference: just below each limit, over the rate."""
    a, b, _ = tables(n)
    lower = np.array([McNemarLaw(only_a=int(t), only_b=int(u), n=n).lower(alpha) for t, u in zip(a, b, strict=True)])
    worst = 0.0
    for delta in np.unique(lower) - 1e-9:
        if delta < -1:
            continue
        for q in np.linspace(abs(delta), 1, 61):
            worst = max(worst, trinomial(n, delta, q)[lower > delta].sum())
    return worst


@pytest.mark.parametrize("alpha", [0.05, 0.025, 0.005])
@pytest.mark.parametrize("n", [1, 2, 5, 10, 15])
@pytest.mark.slow
def test_mcnemar_limit_misses_no_more_than_it_says(n, alpha):
    assert worst_miss(n, alpha) <= alpha


@pytest.mark.parametrize("n", [12, 40, pytest.param(100, marks=pytest.mark.slow)])
def test_at_the_usual_levels_the_interval_excludes_0_exactly_where_mcnemars_test_does(n):
    rejected = 0
    for t in range(n + 1):
        for u in range(min(t, n + 1 - t)):
            law = McNemarLaw(only_a=t, only_b=u, n=n)
            for alpha in (0.05, 0.025):
                if law.p_greater(0) <= alpha:
                    rejected += 1
                    assert law.p_greater(-1e-12) <= alpha, (t, u)
    assert rejected > n
    keeps = McNemarLaw(only_a=8, only_b=2, n=n)  # where it does not, the limit is at most 0
    assert keeps.p_greater(0) > 0.05
    assert keeps.lower(0.05) <= 0


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 30])
def test_mcnemar_limit_misses_no_more_than_it_says_with_more_items(n):
    assert worst_miss(n, 0.05) <= 0.05


def test_fractional_counts_beyond_many_items_only_widen_the_interval():
    exact = McNemarLaw(only_a=900, only_b=700, n=20_000).interval(0.95, "two-sided")
    wide = McNemarLaw(only_a=900, only_b=700, n=20_001).interval(0.95, "two-sided")
    np.testing.assert_allclose(wide, exact, atol=2e-4)
    assert wide[1] - wide[0] > 0.999 * (exact[1] - exact[0])


def test_mcnemar_agrees_with_the_t_interval_when_n_is_large():
    a, b = binary_pair(900, 700, 10000)
    exact, t = estimate_difference(a, b).conf_int(), estimate_difference(a, b, method="t").conf_int()
    np.testing.assert_allclose(list(exact), list(t), atol=2e-4)


@pytest.mark.parametrize(("t", "u", "n"), [(12, 3, 60), (0, 0, 10), (1, 4, 9)])
def test_dirichlet_against_simulation_and_closed_form(t, u, n):
    law = DirichletLaw(only_a=t, only_b=u, n=n)
    theta = np.random.default_rng(0).dirichlet([t + 1, u + 1, n - t - u + 2], 400_000)
    delta = theta[:, 0] - theta[:, 1]
    for level in (0.5, 0.95):
        lower, upper = law.interval(level, "two-sided")
        assert np.mean((lower <= delta) & (delta <= upper)) == pytest.approx(level, abs=0.004)
    mean, sd = law.moments()
    assert (mean, sd) == pytest.approx((delta.mean(), delta.std()), abs=1e-3)
    closed = 1 - stats.beta(t + 1, u + 1).cdf(0.5)
    assert 1 - law.p_greater(0) == pytest.approx(closed, abs=1e-12)
    assert law._cdf(1e-9) == pytest.approx(law.p_greater(0), abs=1e-6)


def test_dirichlet_is_dual():
    law = DirichletLaw(only_a=8, only_b=3, n=40)
    for level in (0.5, 0.95, 0.999):
        for end in law.interval(level, "two-sided"):
            assert law.pvalue(end, "two-sided") == pytest.approx(1 - level, abs=1e-9)


def test_differences_are_means_of_differences():
    rng = np.random.default_rng(1)
    a, b, groups = rng.normal(size=80), rng.normal(size=80), np.repeat(np.arange(20), 4)
    assert estimate_difference(a, b) == estimate_mean(a - b, method="t")
    assert estimate_difference(a, b, groups).std_error == estimate_mean(a - b, groups).std_error
    ours = estimate_difference(a, b, method="bootstrap", n_resamples=199, rng=3)
    assert ours == estimate_mean(a - b, method="bootstrap", n_resamples=199, rng=3)
    assert estimate_difference(b, a).estimate == -estimate_difference(a, b).estimate


def test_bounds_of_scores_become_bounds_of_their_difference():
    rng = np.random.default_rng(1)
    a, b = rng.beta(2, 1, 50), rng.beta(2, 1, 50)
    ours = estimate_difference(a, b, bounds=(0, 1))
    assert ours == estimate_mean(a - b, bounds=(-1, 1))
    assert ours.guarantee == "finite-sample"


def test_omit_drops_items_that_either_model_misses():
    a, b = np.array([1.0, np.nan, 0, 1] * 10), np.array([1.0, 0, np.nan, 0] * 10)
    ours = estimate_difference(a, b, nan_policy="omit")
    assert (ours.n, ours.n_dropped, ours.estimate) == (20, 20, 0.5)


@pytest.mark.slow
def test_metric_difference_is_paired():
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 150)
    a = y + rng.normal(size=150)
    b = a + 0.1 * rng.normal(size=150)  # nearly the same model: a paired interval is short
    ours = estimate_difference(a, b, metric=roc_auc_score, y_true=y, n_resamples=499, rng=0)
    assert ours.estimate == pytest.approx(roc_auc_score(y, a) - roc_auc_score(y, b))
    assert ours.conf_int().width < 0.1
    labels = np.array(["no", "yes"])
    named = estimate_difference(
        labels[(a > 0.5).astype(int)], labels[y], metric=accuracy_score, y_true=labels[y], n_resamples=99, rng=0
    )
    assert named.estimate == pytest.approx(np.mean((a > 0.5) == y) - 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a": [1, 0], "b": [1]}, "as many rows"),
        ({"a": [1, np.nan], "b": [1, 0]}, "a must be finite"),
        ({"a": [1, 0], "b": [1, np.inf]}, "b must be finite"),
        ({"a": [], "b": []}, "at least one row"),
        ({"a": [1, 0.5], "b": [1, 0], "method": "mcnemar"}, "only 0 and 1"),
        ({"a": [1, 0], "b": [1, 0], "groups": [0, 1], "method": "dirichlet"}, "takes no groups"),
        ({"a": [1, 0], "b": [1, 0], "groups": [0, 0]}, "at least 2 different labels"),
        ({"a": [1, 0], "b": [1, 0], "method": "unpaired"}, "must be one of"),
        ({"a": [1, 0], "b": [1, 0], "metric": accuracy_score}, "belong together"),
        ({"a": [1, 0], "b": [1, 0], "y_true": [1, 0]}, "belong together"),
        ({"a": [1, 0], "b": [1, 0], "y_true": [1, 0], "metric": "accuracy"}, "callable"),
        ({"a": [1, 0], "b": [1, 0], "y_true": [1, 0], "metric": accuracy_score, "method": "t"}, "with a metric"),
        ({"a": [1, 0], "b": [1, 0], "y_true": [1, 0, 1], "metric": accuracy_score}, "as many rows"),
        ({"a": [1, 2], "b": [1, 0], "bounds": (0, 1)}, "within bounds"),
        ({"a": [1, 0], "b": [1, 0], "method": "cluster"}, "needs groups"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        estimate_difference(**arguments)


@pytest.mark.parametrize(("t", "u", "n"), [(300, 220, 1000), (40, 5, 900), (0, 30, 2000), (520, 480, 1000)])
def test_binomial_tails_along_the_counts_are_those_of_scipy(t, u, n):
    """The twin of the recurrence: one incomplete beta function per count and share."""
    counts = np.arange(max(0, t + u - 200), min(n, t + u + 200) + 1)
    least = _paired._least_t(counts, n, _paired._approximate_limit(t - u, t + u, n))
    least = np.clip(np.ceil(least - 1e-7), 0, counts + 1)
    shares = np.array([0.0, 1e-9, 0.02, 0.3, t / (t + u), 0.5, 0.8, 1 - 1e-9, 1.0])
    expected = stats.binom.sf(least - 1, counts, shares[:, None])
    np.testing.assert_allclose(_paired._sf_along(counts, least)(shares), expected, atol=1e-11)


def test_strides_over_the_counts_of_very_many_items_only_raise_the_tail(monkeypatch):
    for t, u in ((26_000, 24_000), (12_000, 700), (5000, 30)):
        nulls = (t - u) / 1e5 + np.sqrt(t + u) / 1e5 * np.array([-3, -2, 0, 2])
        _tail.cache_clear()
        monkeypatch.setattr(_paired, "_MANY", 100)
        strides = np.array([_tail(t, u, 100_000)(x) for x in nulls])
        _tail.cache_clear()
        monkeypatch.setattr(_paired, "_MANY", 10**9)
        exact = np.array([_tail(t, u, 100_000)(x) for x in nulls])
        assert (strides >= exact - 1e-10).all()
        np.testing.assert_allclose(strides, exact, atol=5e-3)
    _tail.cache_clear()


@pytest.mark.parametrize(("t", "u", "n"), [(260, 240, 1000), (5200, 4800, 20_000), (0, 0, 500), (900, 0, 900)])
def test_a_mcnemar_limit_takes_few_tails_and_is_kept(t, u, n, monkeypatch):
    calls = []
    counted = _paired._tail

    def tail_of(*table):
        tail = counted(*table)
        return lambda null: (calls.append(null), tail(null))[1]

    monkeypatch.setattr(_paired, "_tail", tail_of)
    _paired._unconditional_limit.cache_clear()
    law = McNemarLaw(only_a=t, only_b=u, n=n)
    low = law.lower(0.025)
    # the limit itself was rejected, what lies a hair above was not
    assert counted(t, u, n)(low) + 1e-6 <= 0.025 < counted(t, u, n)(low + 2e-10) + 1e-6
    assert len(calls) <= 25
    assert law.lower(0.025) == low
    assert len(calls) <= 25


@pytest.mark.parametrize(
    ("t", "u", "n"),
    [(5, 50, 10_000), (50, 5, 10_000), (12, 3, 60), (0, 4, 10), (30, 0, 30), (3, 2, 10**6), (400, 350, 1000)],
)
@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")  # it cannot better the last digits
@pytest.mark.slow
def test_dirichlet_tails_against_adaptive_quadrature(t, u, n):
    law = DirichletLaw(only_a=t, only_b=u, n=n)
    rate = stats.beta(t + u + 2, n - t - u + 2)
    mean, sd = law.moments()
    for z in (-12, -7, -5, -3, -1, 1, 4):
        x = mean + z * sd
        if abs(x) >= 1:
            continue

        def integrand(q, x=x):
            return rate.pdf(q) * special.betainc(t + 1, u + 1, min(max((1 + x / q) / 2, 0.0), 1.0))

        cuts = (
            rate.ppf([1e-15, 1e-9, 1e-5, 1e-3, 0.03, 0.5]).tolist() + rate.isf([0.03, 1e-3, 1e-5, 1e-9, 1e-15]).tolist()
        )
        cuts += [*rate.isf([1e-30, 1e-60, 1e-120]).tolist(), abs(x), max(-x, 0.0), 1.0]
        cuts = np.unique([c for c in cuts if max(-x, 0.0) <= c <= 1])
        expected = sum(
            integrate.quad(integrand, a, b, epsabs=0, epsrel=1e-11, limit=200)[0]
            for a, b in itertools.pairwise(cuts)
            if b > a and max(integrand(c) for c in np.linspace(a, b, 9)[1:-1]) > 0
        )
        assert law.p_greater(x) == pytest.approx(expected, rel=1e-9), z
        mirror = DirichletLaw(only_a=u, only_b=t, n=n)
        assert mirror.p_less(-x) == law.p_greater(x)


def test_dirichlet_tail_beyond_the_usual_discordance_rates():
    a, b = binary_pair(5, 50, 10_000)
    tail = estimate_difference(a, b, method="dirichlet").pvalue(-0.0095, "greater")
    assert tail == pytest.approx(2.2615509927e-08, rel=1e-9)
    # hopelessly far: 0, without a warning
    assert DirichletLaw(only_a=1, only_b=999_000, n=10**6).p_greater(-0.99999) < 1e-300
    assert DirichletLaw(only_a=3, only_b=4, n=9).p_greater(-1) == 0
    assert DirichletLaw(only_a=3, only_b=4, n=9).p_greater(1) == 1
