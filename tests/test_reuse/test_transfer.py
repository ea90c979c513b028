"""The transfer bound: its root against a grid, and never violated by any mechanism that can be enumerated."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import linprog

from uq.exceptions import InputError
from uq.reuse import transfer_bound
from uq.reuse._power import approximate_power, gaussian_power, peak_of, randomized_response_power
from uq.reuse._transfer import posterior_sensitivity

LEVELS = (0.5, 0.8, 0.95, 0.999)


def on_a_grid(power, alpha):
    """Return the largest t at which the supremum over a grid is still above t: the root from below."""
    m = np.concatenate([np.geomspace(alpha * 1e-9, alpha / 4, 4000), np.linspace(0, alpha / 4, 4000)])
    excess = np.array([power(each) for each in m]) - m
    t = np.linspace(0, 1, 2001)
    sup = np.array([np.max(excess, where=m <= alpha * (1 - each) / 4, initial=power(0.0)) for each in t]) / alpha
    return t[sup > t].max(initial=0.0)


CURVES = {
    "gdp .1": gaussian_power(0.1),
    "gdp 3": gaussian_power(3.0),
    "pure .3": approximate_power(0.3),
    "pure 3": approximate_power(3.0),
    "approximate": approximate_power(0.2, 0.004),
    "response": randomized_response_power(0.4, 3),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", CURVES)
def test_root_on_a_grid(name, level):
    power, peak = CURVES[name]
    alpha = 1 - level
    root = posterior_sensitivity(power, peak, alpha)
    below = on_a_grid(power, alpha)
    assert below <= root + 1e-12
    assert root <= below + 1e-3
    # the general path finds the peak by itself
    assert transfer_bound(0.0, power=power, confidence_level=level) == pytest.approx(root, abs=1e-9)
    assert peak_of(power, 1.0) == pytest.approx(peak, abs=1e-6) or name.startswith("response")


@pytest.mark.parametrize("level", LEVELS)
def test_closed_forms(level):
    for epsilon in (1e-6, 0.1, 0.5):
        unsaturated = math.expm1(epsilon) / (math.exp(epsilon) + 3)
        power, peak = approximate_power(epsilon)
        assert posterior_sensitivity(power, peak, 1 - level) == pytest.approx(unsaturated, rel=1e-9)
        assert transfer_bound(0.0, epsilon=epsilon, confidence_level=level) == pytest.approx(math.tanh(epsilon / 4))
        delta, c = 1e-3 * (1 - level), math.expm1(epsilon) / 4
        got = transfer_bound(0.01, epsilon=epsilon, delta=delta, confidence_level=level)
        assert got == pytest.approx(0.01 + (c + delta / (1 - level)) / (1 + c), rel=1e-6)


def test_ends():
    assert transfer_bound(0.03, mu=0) == pytest.approx(0.03, abs=1e-12)
    assert transfer_bound(0.0, epsilon=0) == 0
    assert transfer_bound(0.0, mu=1e9) == 1
    assert transfer_bound(7.0, mu=0.1) == 1
    assert transfer_bound(0.0, epsilon=0, delta=1) == 1
    assert transfer_bound(0.0, epsilon=1e308) == 1


def test_more_privacy_is_never_worse():
    for ask in ({"mu": 0.1}, {"epsilon": 0.1}, {"epsilon": 0.1, "delta": 1e-3}):
        more = {name: 1.5 * value for name, value in ask.items()}
        assert transfer_bound(0.01, **ask) < transfer_bound(0.01, **more)
        assert transfer_bound(0.01, **ask) < transfer_bound(0.02, **ask)
        if ask != {"epsilon": 0.1}:  # a sure bound does not depend on the level
            assert transfer_bound(0.01, **ask) < transfer_bound(0.01, **ask, confidence_level=0.99)


def test_an_accountants_curve_is_the_closed_form():
    """The envelope of (eps, delta) pairs, as the docstring has it, comes close to the curve that it covers."""
    mu = 0.4
    e = np.linspace(0, 4, 2000)
    d = stats.norm.cdf(-e / mu + mu / 2) - np.exp(e) * stats.norm.cdf(-e / mu - mu / 2)
    covered = transfer_bound(0.0, power=lambda m: min(1.0, float((np.exp(e) * m + d).min())))
    assert 0 <= covered - transfer_bound(0.0, mu=mu) < 1e-5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "exactly one"),
        ({"mu": 0.1, "epsilon": 0.1}, "exactly one"),
        ({"mu": -0.1}, "mu"),
        ({"mu": math.inf}, "mu"),
        ({"mu": 0.1, "delta": 0.1}, "without epsilon"),
        ({"epsilon": 0.1, "delta": 1.5}, "delta"),
        ({"power": 3}, "function"),
        ({"power": lambda m: m / 2}, "between m and 1"),
        ({"power": lambda m: 1.5}, "between m and 1"),
        ({"power": lambda m: math.nan}, "between m and 1"),
        ({"power": lambda m: "a"}, "one number"),
        ({"power": lambda m: min(1, m + 1e4 * m**2)}, "concave"),
        ({"mu": 0.1, "confidence_level": 95}, "confidence_level"),
    ],
)
def test_refusals(given, words):
    with pytest.raises(InputError, match=words):
        transfer_bound(0.0, **given)


def test_a_negative_noise_is_refused():
    with pytest.raises(InputError, match="noise_cvar"):
        transfer_bound(-0.1, mu=0.1)


# ---- power functions


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("epsilon", [0.2, 1.5])
def test_composed_responses_by_enumeration(epsilon, times):
    p = 1 / (1 + math.exp(-epsilon))
    outcomes = list(itertools.product((0, 1), repeat=times))
    one = np.array([math.prod(p if bit else 1 - p for bit in each) for each in outcomes])
    other = np.array([math.prod(1 - p if bit else p for bit in each) for each in outcomes])
    exact = neyman_pearson(one, other)
    power, peak = randomized_response_power(epsilon, times)
    for m in np.linspace(0, 1, 101):
        assert power(m) == pytest.approx(exact(m), abs=1e-12)
        assert power(m) - m <= power(peak) - peak + 1e-12


def neyman_pearson(one, other):
    """Return the power of the best randomised test of `other` against `one`, as a function of its size."""
    order = np.argsort(-np.divide(one, other, out=np.full(len(one), np.inf), where=other > 0))
    size = np.r_[0.0, np.cumsum(other[order])]
    power = np.r_[0.0, np.cumsum(one[order])]
    last = np.flatnonzero(np.r_[np.diff(size) > 0, True])
    return lambda m: float(np.interp(m, size[last], power[last]))


# ---- every mechanism of a small world


def worst_over_all_mechanisms(n, p, alpha, pairs):
    """Return max E[w (q(S) - q(D))] / alpha over all mechanisms that satisfy the (eps, delta) pairs, and all analysts.

    Rows are coins of probability p, so a data set is its number of heads h. The analyst picks heads (A) or tails (B) as
    query with w = 1, or w = 0 (C): three answers are all that matters, as any mechanism can tell so by itself.
    """
    h = np.arange(n + 1)
    mass = stats.binom.pmf(h, n, p)
    gain = np.concatenate([mass * (h / n - p), mass * (p - h / n)])
    rows, limits = [], []
    for i, j in itertools.permutations(h, 2):
        if abs(i - j) != 1:
            continue
        for a, b, c in itertools.product((0, 1), repeat=3):
            # of the event: c + (a - c) A + (b - c) B
            for epsilon, delta in pairs:
                e, row = math.exp(epsilon), np.zeros(2 * (n + 1))
                row[i], row[n + 1 + i] = a - c, b - c
                row[j], row[n + 1 + j] = -e * (a - c), -e * (b - c)
                rows.append(row)
                limits.append(delta + e * c - c)
    for i in h:
        row = np.zeros(2 * (n + 1))
        row[[i, n + 1 + i]] = 1
        rows.append(row)
        limits.append(1.0)
    best = linprog(-gain, np.array(rows), limits, np.concatenate([mass, mass])[None], [alpha], bounds=(0, 1))
    assert best.status == 0
    return -best.fun / alpha


def gaussian_pairs(mu):
    e = np.array([0.0, 0.25, 0.5, 1.0, 2.0]) * mu * 2
    d = stats.norm.cdf(-e / mu + mu / 2) - np.exp(e) * stats.norm.cdf(-e / mu - mu / 2)
    return list(zip(e.tolist(), d.tolist(), strict=True))


PRIVACY = {
    "pure .2": [(0.2, 0.0)],
    "pure 1": [(1.0, 0.0)],
    "pure 3": [(3.0, 0.0)],
    "approximate": [(0.3, 0.01)],
    "name and shame": [(0.0, 0.05)],
    "gdp .1": gaussian_pairs(0.1),
    "gdp .5": gaussian_pairs(0.5),
    "gdp 1.5": gaussian_pairs(1.5),
}


@pytest.mark.parametrize("name", PRIVACY)
def test_no_mechanism_and_no_analyst_violates_the_bound(name):
    pairs = PRIVACY[name]

    def power(m):
        return min(1.0, *(math.exp(e) * m + d for e, d in pairs))

    closest = 0.0
    for n, p, alpha in itertools.product((1, 2, 4), (0.5, 0.2, 0.03), (0.5, 0.05, 0.001)):
        worst = worst_over_all_mechanisms(n, p, alpha, pairs)
        bound = transfer_bound(0.0, power=power, confidence_level=1 - alpha)
        if pairs[0][1] == 0 and len(pairs) == 1:
            bound = transfer_bound(0.0, epsilon=pairs[0][0], confidence_level=1 - alpha)
        assert worst <= bound + 1e-7
        closest = max(closest, worst / bound)
    assert closest > 0.3, "so loose that the test shows nothing"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_no_random_mechanism_violates_the_bound(seed):
    """Kernels over all data sets of three rows with three values: exact power, exact law of the error."""
    rng = np.random.default_rng(seed)
    n, values, n_answers = 3, 3, 6
    data = list(itertools.product(range(values), repeat=n))
    population = rng.dirichlet(np.ones(values))
    mass = np.array([math.prod(population[x] for x in each) for each in data])
    sharpness = rng.choice([0.2, 1.0, 3.0])
    kernel = np.exp(sharpness * rng.normal(size=(len(data), n_answers)))
    kernel /= kernel.sum(axis=1, keepdims=True)
    neighbours = [
        (i, j) for i, j in itertools.permutations(range(len(data)), 2)
        if sum(a != b for a, b in zip(data[i], data[j], strict=True)) == 1
    ]  # fmt: skip
    curves = [neyman_pearson(kernel[i], kernel[j]) for i, j in neighbours]
    grid = np.unique(np.concatenate([[0.0], np.geomspace(1e-6, 1, 120)]))
    above = np.array([max(curve(m) for curve in curves) for m in grid])
    power = concave_envelope(grid, above)
    counts = np.array([[each.count(x) / n for x in range(values)] for each in data])
    joint = mass[:, None] * kernel
    posterior = (joint.T @ counts) / joint.sum(axis=0)[:, None]
    # the worst of all queries into {0, 1} for each answer
    queries = np.array(list(itertools.product((0, 1), repeat=values)))
    error = ((posterior - population) @ queries.T).max(axis=1)
    for alpha in (0.5, 0.2, 0.05):
        order, left, worst = np.argsort(-error), alpha, 0.0
        for answer in order:
            part = min(left, joint[:, answer].sum())
            worst, left = worst + part * error[answer], left - part
        assert worst / alpha <= transfer_bound(0.0, power=power, confidence_level=1 - alpha) + 1e-9


def concave_envelope(x, y):
    """Return the least concave function above the points, as a function."""
    keep = []
    for i in range(len(x)):
        while len(keep) > 1 and (y[i] - y[keep[-2]]) * (x[keep[-1]] - x[keep[-2]]) >= (y[keep[-1]] - y[keep[-2]]) * (
            x[i] - x[keep[-2]]
        ):
            keep.pop()
        keep.append(i)
    # between the points of the grid the curves, themselves concave, may lie a little higher
    return lambda m: min(1.0, float(np.interp(m, x[keep], y[keep])) + (1e-5 if m > 0 else 1e-6))


def test_groups_of_rows_need_more_than_the_bound_of_one_row():
    """Why all queries must average the same rows: one revealed row of its own group is off by all of it."""
    n, delta, alpha = 50, 0.001, 0.02
    claimed = transfer_bound(0.0, epsilon=0.0, delta=delta, confidence_level=1 - alpha)
    revealed = 1 - (1 - delta) ** n
    assert claimed == pytest.approx(0.05, abs=1e-6)
    assert revealed > alpha
