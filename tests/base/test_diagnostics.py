"""R-hat, effective sample sizes and k-hat: held against ArviZ, against what is known exactly, and at their edges."""

import functools
import tracemalloc
import warnings

import numpy as np
import pytest
from contracts import require
from scipy import stats

from uq._base.diagnostics import ess, khat, rhat
from uq.exceptions import InputError

KINDS = ("bulk", "tail", "mean")


@functools.cache
def arviz():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its next version on import
        return require("arviz")


def quietly(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def arviz_khat(log_weights, r_eff):
    """Return ArviZ's. Version 1 counts one weight less for the tail, so there its fit is asked about our tail."""
    if hasattr(arviz(), "psislw"):
        return float(quietly(arviz().psislw, log_weights.copy(), reff=r_eff)[1])  # it overflows on the way
    n = len(log_weights)
    n_tail = int(np.ceil(min(n / 5, 3 * (n / r_eff) ** 0.5)))
    fit = require("arviz_stats.base").array_stats._ps_tail
    return float(quietly(fit, log_weights, n, n_tail, smooth_draws=True, tail="right", log_weights=True)[1])


def autoregressive(rng, phi, shape, noise=None):
    """Return stationary AR(1) chains with unit variance where the noise is normal."""
    noise = rng.normal(size=shape) if noise is None else noise
    x = np.empty(shape)
    x[:, 0] = noise[:, 0]
    for t in range(1, shape[1]):
        x[:, t] = phi * x[:, t - 1] + np.sqrt(1 - phi**2) * noise[:, t]
    return x


# ---- the oracle

LAWS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "heavy tails": lambda rng, shape: rng.standard_t(1.5, size=shape),
    "skewed": lambda rng, shape: rng.lognormal(0, 2, size=shape),
    "ties": lambda rng, shape: np.round(rng.normal(size=shape)),
}


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("phi", [-0.95, -0.3, 0.0, 0.5, 0.99])
@pytest.mark.parametrize("shape", [(2, 4), (3, 5), (4, 101), (2, 1000), (7, 64)])
def test_agrees_with_arviz(law, phi, shape):
    az = arviz()
    rng = np.random.default_rng([len(law), round(100 * (1 + phi)), *shape])
    draws = autoregressive(rng, phi, shape, LAWS[law](rng, shape))
    if law == "ties":
        draws = np.round(2 * draws)
    for x in (draws, draws + rng.normal(size=(shape[0], 1))):
        assert rhat(x) == pytest.approx(float(quietly(az.rhat, x)), rel=1e-9)
        for kind in KINDS:
            if law == "ties" and kind == "tail":
                continue  # ArviZ interpolates 2 between 2 and 2 to less than 2, and counts none of the 2s
            options = {"prob": (0.05, 0.95)} if kind == "tail" else {}  # what ArviZ 0.x takes unless told
            assert ess(x, kind) == pytest.approx(float(quietly(az.ess, x, method=kind, **options)), rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n", [25, 100, 2500, 20_000])
def test_khat_agrees_with_arviz(seed, n):
    rng = np.random.default_rng([seed, n])
    log_weights = [rng.normal(size=n), rng.exponential(size=n), rng.standard_t(2, size=n), -(rng.normal(size=n) ** 2)]
    log_weights = log_weights[seed % 4] * rng.uniform(0.1, 3)
    r_eff = [1.0, 0.4, 1.6][seed % 3]
    ours, theirs = khat(log_weights, r_eff), arviz_khat(log_weights, r_eff)
    if np.isnan(theirs):  # version 1 has no answer for a tail of five, and none where version 0 says inf
        assert n == 25 or ours == np.inf
    else:
        assert ours == pytest.approx(theirs, abs=1e-9)


# ---- by hand


def plain_ess(chains):
    """Return the effective sample size by the double loop over lags, without a transform."""
    m, n = chains.shape
    half = n // 2
    chains = np.concatenate([chains[:, :half], chains[:, n - half :]])
    m, n = chains.shape
    centered = chains - chains.mean(axis=1, keepdims=True)
    gamma = [np.mean([np.dot(c[: n - t], c[t:]) / n for c in centered]) for t in range(n)]
    within = gamma[0] * n / (n - 1)
    total = gamma[0] + chains.mean(axis=1).var(ddof=1)
    rho = [1.0] + [1 - (within - g) / total for g in gamma[1:]]
    time, least, t = -1.0, np.inf, 0
    while t + 3 < n - 1 and rho[t] + rho[t + 1] > 0:
        least = min(least, rho[t] + rho[t + 1])
        time += 2 * least
        t += 2
    time += max(rho[t], 0.0) if rho[t] + rho[t + 1] < 0 else rho[t]
    return m * n / max(time, 1 / np.log10(m * n))


@pytest.mark.parametrize("phi", [-0.8, 0.0, 0.9])
@pytest.mark.parametrize("n", [20, 21, 150])
def test_effective_sizes_agree_with_the_double_loop(phi, n):
    draws = autoregressive(np.random.default_rng(n), phi, (3, n))
    assert ess(draws, "mean") == pytest.approx(plain_ess(draws), rel=1e-9)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, -0.5])
def test_effective_sizes_of_autoregressions_are_those_of_theory(phi):
    rng = np.random.default_rng(3)
    draws = autoregressive(rng, phi, (4, 20_000))
    truth = draws.size * (1 - phi) / (1 + phi)
    assert ess(draws, "mean") == pytest.approx(truth, rel=0.1)
    assert ess(draws, "bulk") == pytest.approx(truth, rel=0.1)


@pytest.mark.parametrize("phi", [0.0, 0.8, -0.4])
@pytest.mark.slow
def test_the_standard_error_from_it_is_the_spread_of_means(phi):
    """Coverage of mean +- z * sd / sqrt(ess) over 600 short runs: what the number is for."""
    rng = np.random.default_rng(round(10 * phi) + 10)
    runs = [autoregressive(rng, phi, (4, 250)) for _ in range(600)]
    error = np.array([x.std() / np.sqrt(ess(x, "mean")) for x in runs])
    held = np.sum(np.abs([x.mean() for x in runs]) < 1.6449 * error)
    # an estimated error: no less than .87 of a nominal .9 is asked of it
    low, high = stats.binom.ppf(1e-4, 600, 0.87), stats.binom.ppf(1 - 1e-4, 600, 0.92)
    assert low <= held <= high, held / 600


def test_tails_are_judged_by_their_own_mixing():
    """A chain whose spread wanders slowly: its middle mixes at once, its ends do not."""
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(4, 2000)) * np.exp(autoregressive(rng, 0.999, (4, 2000)))
    assert ess(draws, "tail") < ess(draws, "bulk") / 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x: x + np.array([0, 0, 0, 1.0])[:, None],  # one chain elsewhere
        lambda x: x * np.array([1, 1, 1, 3.0])[:, None],  # one chain wider, same mean: the folded half sees it
        lambda x: x + np.linspace(0, 2, x.shape[1]),  # all drift alike: halves differ
        lambda x: stats.cauchy.ppf(stats.norm.cdf(x)) + np.array([0, 0, 0, 1.5])[:, None],  # no moments, still seen
    ],
)
def test_chains_that_disagree_are_found(spoil):
    draws = np.random.default_rng(1).normal(size=(4, 500))
    assert rhat(draws) < 1.01
    assert rhat(spoil(draws)) > 1.05


def test_good_chains_rarely_alarm():
    rng = np.random.default_rng(5)
    values = rhat(rng.normal(size=(4, 1000, 400)))
    assert np.mean(values > 1.01) < 0.02
    assert values.min() > 0.99


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.7, 1.0])
def test_khat_finds_the_shape_of_a_pareto_tail(shape):
    u = np.random.default_rng(0).uniform(size=200_000)
    # the weak prior and the finite tail leave about .04
    assert khat(-shape * np.log(u)) == pytest.approx(shape, abs=0.08)


def test_khat_tells_a_proposal_that_is_too_narrow():
    x = np.random.default_rng(0).normal(size=10_000)

    def weights(sd):
        return stats.norm.logpdf(x, scale=sd) - stats.norm.logpdf(x)

    found = [khat(weights(sd)) for sd in (0.8, 1.1, 1.4, 2.0, 5.0)]
    assert found == sorted(found)
    assert found[0] < 0  # bounded weights
    assert found[2] < 0.5 < found[3]  # the variance is finite up to sqrt 2
    assert found[4] > 0.7


# ---- shapes and edges


def test_each_quantity_is_judged_by_itself():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(3, 50, 4, 2)) * 10.0 ** rng.integers(-9, 9, (4, 2))
    for function in (rhat, *(functools.partial(ess, kind=kind) for kind in KINDS)):
        together = function(draws)
        assert together.shape == (4, 2)
        for index in np.ndindex(4, 2):
            assert together[index] == pytest.approx(function(draws[:, :, *index]), rel=1e-12)
    assert isinstance(rhat(draws[:, :, 0, 0]), float)
    assert khat(draws).shape == (4, 2)
    assert khat(draws)[1, 0] == khat(draws[:, :, 1, 0].ravel())
    assert rhat(draws[:, :, :0]).shape == (0, 2)


def test_inputs_of_any_kind_give_the_same_and_stay_as_they_are():
    draws = np.random.default_rng(0).integers(0, 50, (3, 40)).astype(float)
    kept = draws.copy()
    read_only = draws.copy()
    read_only.flags.writeable = False
    for x in (draws.tolist(), draws.astype(np.float32), draws.astype(int), np.asfortranarray(draws), read_only):
        assert rhat(x) == rhat(draws)
        assert khat(x) == khat(draws)
        for kind in KINDS:
            assert ess(x, kind) == ess(draws, kind)
    assert np.array_equal(draws, kept)


@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**-500, 2.0**500, 2.0**1000, -1.0])
def test_units_do_not_matter(factor):
    draws = np.random.default_rng(0).normal(size=(4, 100))
    assert rhat(draws * factor) == pytest.approx(rhat(draws), rel=1e-9)
    # elsewhere rounding decides which of the two middle draws stands nearer to their mean
    assert rhat(draws * 1e160) == pytest.approx(rhat(draws), rel=1e-3)
    for kind in KINDS:
        assert ess(draws * factor, kind) == pytest.approx(ess(draws, kind), rel=1e-9)


def test_draws_that_never_move():
    constant = np.full((4, 100), 0.1)
    assert rhat(constant) == 1
    assert rhat(constant * np.arange(4)[:, None]) == np.inf
    for kind in KINDS:
        assert ess(constant, kind) == 400
        assert ess(constant * np.arange(4)[:, None], kind) < 10
    one_stuck = np.random.default_rng(0).normal(size=(4, 100))
    one_stuck[2] = 0.3
    assert rhat(one_stuck) > 1.05
    assert ess(np.ones((2, 10), bool)) == 20


def test_one_chain_is_compared_with_itself():
    draws = np.random.default_rng(0).normal(size=(1, 1000))
    assert rhat(draws) < 1.02
    assert rhat(draws + (np.arange(1000) > 500)) > 1.1


@pytest.mark.parametrize("function", [rhat, ess])
@pytest.mark.parametrize(
    "draws",
    [
        np.zeros(10),
        3.0,
        np.zeros((4, 3)),
        np.zeros((0, 10)),
        np.full((2, 10), np.nan),
        np.r_[np.zeros(19), np.inf].reshape(2, 10),
        [["a"] * 5] * 2,
        [[1, 2, 3, 4], [1, 2, 3]],
        np.zeros((2, 10), complex),
        [[object()] * 4] * 2,
    ],
)
def test_bad_draws_are_refused(function, draws):
    with pytest.raises(InputError, match="draws must"):
        function(draws)


def test_bad_options_and_weights_are_refused():
    with pytest.raises(InputError, match="kind"):
        ess(np.zeros((2, 10)), "median")
    for weights in (
        3.0,
        [],
        ["a", "b"],
        [[1], [1, 2]],
        [1j, 2j],
        np.zeros((2, 0)),
        [0.0, np.nan],
        [0.0, np.inf],
        [-np.inf, -np.inf],
    ):
        with pytest.raises(InputError, match="log_weights"):
            khat(weights)
    for r_eff in (0, -1, np.nan, np.inf, "1"):
        with pytest.raises(InputError, match="r_eff"):
            khat(np.zeros(100), r_eff)


def test_khat_where_there_is_no_tail():
    rng = np.random.default_rng(0)
    assert khat(np.full(100, 7.0)) == -np.inf
    assert khat(rng.normal(size=20)) == np.inf
    for largest in (5, 50, 94, 100, 500):  # two values have no tail, wherever the cutoff falls between or on them
        assert khat(np.r_[np.zeros(largest), np.full(1000 - largest, -1.0)]) < 0, largest
    assert khat(np.r_[np.zeros(4), np.full(996, -1.0)]) == np.inf
    assert np.isfinite(khat(rng.normal(size=1000) * 1e3))
    assert khat(rng.normal(size=1000) + 1e6) == pytest.approx(khat(np.random.default_rng(0).normal(size=1020)[20:]), 1)
    assert khat(np.r_[rng.normal(size=500), [-np.inf] * 500]) < 0.7


@pytest.mark.slow
def test_many_quantities_fit_in_memory():
    draws = np.random.default_rng(0).normal(size=(4, 500, 1000)).astype(np.float32)
    tracemalloc.start()
    rhat(draws)
    ess(draws)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**26  # 16 MB of draws in double precision
