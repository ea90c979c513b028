"""The inference-time transformation: closed forms, levels known before, a fixed point, other policies that lose."""

import numpy as np
import pytest
from scipy.integrate import quad

from uq.exceptions import InputError
from uq.sampling import inference_time_transform
from uq.sampling._inference_core import exponential_at, solve, win_rate_and_kl

CASES = [(1, 0.2), (2, 0.2), (4, 0.2), (4, 0.05), (16, 0.05), (32, 0.05), (4, 20.0)]


@pytest.mark.parametrize(
    ("n", "beta", "win_rate", "kl"), [(4, 0.2, 0.88057, 0.535), (2, 0.2, 0.83565, 0.593)], ids=["4", "2"]
)
def test_levels_worked_out_beforehand(n, beta, win_rate, kl):
    result = inference_time_transform(n, beta)
    assert result.win_rate == pytest.approx(win_rate, abs=6e-6)
    assert result.kl == pytest.approx(kl, abs=5e-4)


def test_exponential_transformations_at_equal_divergence():
    kl = inference_time_transform(4, 0.2).kl
    found = [exponential_at(4, kl, False, rate)[1] for rate in (10, 5, 1e-3)]
    assert found == pytest.approx([0.87855, 0.8633, 0.8071], abs=6e-5)
    kl = inference_time_transform(2, 0.2).kl
    assert exponential_at(2, kl, False, 5)[1] == pytest.approx(0.83554, abs=6e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "beta"), [(100, 0.05), (1000, 1e-3), (1000, 1e3)], ids=str)
def test_the_best_rate_for_many_responses_is_found(n, beta):
    result = inference_time_transform(n, beta)
    others = [exponential_at(n, result.kl, False, rate)[1] for rate in np.geomspace(10, 1e6, 12)]
    assert result.exponential_win_rate >= max(others) - 1e-6
    assert result.loss < 2e-3


def test_one_response_is_plain_alignment():
    """For n = 1 the win rate is linear, and the optimum exp(u / beta)."""
    beta, u = 0.3, np.linspace(0, 1, 9)
    z = beta * np.expm1(1 / beta)
    mean = quad(lambda v: v * np.exp(v / beta) / z, 0, 1)[0]
    for selection in ("best", "worst"):
        result = inference_time_transform(1, beta, selection=selection)
        assert result.transform(u) == pytest.approx(u - 1, abs=1e-9)
        assert result.win_rate == pytest.approx(mean, abs=1e-9)
        assert result.kl == pytest.approx(mean / beta - np.log(z), abs=1e-8)


def pieces(u, log_density):
    """Density, distribution function and quantile spacing on a fine grid, by the trapezoidal rule."""
    grid = np.unique(np.r_[np.linspace(0, 1, 40_001), 1 - np.geomspace(1e-7, 1, 20_000)])
    f = np.exp(np.interp(grid, u, log_density))
    cdf = np.r_[0, np.cumsum(np.diff(grid) * (f[1:] + f[:-1]) / 2)]
    return grid, f / cdf[-1], cdf / cdf[-1]


@pytest.mark.slow
@pytest.mark.parametrize("worst", [False, True], ids=["best", "worst"])
@pytest.mark.parametrize(("n", "beta"), CASES, ids=str)
def test_the_solution_is_stationary(n, beta, worst):
    """Its logarithm is the integral of what the win rate gains, over beta: the fixed point, by other arithmetic."""
    u, _, log_density, _ = solve(n, beta, worst)
    grid, f, cdf = pieces(u, log_density)
    inner = ((1 - cdf) * (1 - grid) if worst else cdf * grid) ** (n - 1) * n**2
    phi = -np.r_[np.cumsum((np.diff(grid) * (inner[1:] + inner[:-1]) / 2)[::-1])[::-1], 0]
    target = phi / beta - np.interp(1.0, grid, phi / beta)
    ours = np.interp(grid, u, log_density) - log_density[-1]
    assert np.abs(np.exp(target) - np.exp(ours)).max() < 2e-3
    weight = n * (1 - grid) ** (n - 1) * (1 - cdf) ** n if worst else n * grid ** (n - 1) * cdf**n
    integral = (np.diff(grid) * (weight[1:] + weight[:-1]) / 2).sum()
    win_rate, kl, _ = win_rate_and_kl(n, worst, u, *solve(n, beta, worst)[2:])
    assert win_rate == pytest.approx(integral if worst else 1 - integral, abs=1e-4)
    logs = f * np.log(np.maximum(f, 1e-300))
    assert kl == pytest.approx((np.diff(grid) * (logs[1:] + logs[:-1]) / 2).sum(), abs=2e-3)


def objective(log_density, u, n, beta, worst):
    grid, f, cdf = pieces(u, log_density)
    weight = n * (1 - grid) ** (n - 1) * (1 - cdf) ** n if worst else n * grid ** (n - 1) * cdf**n
    won = (np.diff(grid) * (weight[1:] + weight[:-1]) / 2).sum()
    logs = f * np.log(np.maximum(f, 1e-300))
    return (won if worst else 1 - won) - beta * (np.diff(grid) * (logs[1:] + logs[:-1]) / 2).sum()


@pytest.mark.parametrize("worst", [False, True], ids=["best", "worst"])
def test_no_other_policy_does_better(worst):
    n, beta = 4, 0.2
    u, _, log_density, _ = solve(n, beta, worst)
    ours = objective(log_density, u, n, beta, worst)
    rng = np.random.default_rng(0)
    for _ in range(60):
        size = 10.0 ** rng.uniform(-2, 1)
        other = log_density + size * np.interp(u, np.linspace(0, 1, 6), rng.normal(size=6))
        assert objective(other, u, n, beta, worst) < ours
    for straight in (0.0, 2.0, 5.0):
        assert objective(straight * u, u, n, beta, worst) < ours


def test_monte_carlo_agrees():
    rng = np.random.default_rng(0)
    result = inference_time_transform(4, 0.2)
    grid, _, cdf = pieces(result.quantile, np.log(result.density))
    policy = np.interp(rng.random((200_000, 4)), cdf, grid).max(axis=1)
    reference = rng.random((200_000, 4)).max(axis=1)
    assert (policy > reference).mean() == pytest.approx(result.win_rate, abs=0.004)
    attacked = inference_time_transform(4, 0.2, selection="worst")
    grid, _, cdf = pieces(attacked.quantile, np.log(np.maximum(attacked.density, 1e-300)))
    policy = np.interp(rng.random((200_000, 4)), cdf, grid).min(axis=1)
    assert (policy > rng.random((200_000, 4)).min(axis=1)).mean() == pytest.approx(attacked.win_rate, abs=0.004)


def test_worst_of_four_needs_logarithms():
    result = inference_time_transform(4, 0.05, selection="worst")
    assert np.log(result.density[0]) == pytest.approx(-78.1, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("selection", ["best", "worst"])
@pytest.mark.parametrize(("n", "beta"), [(1000, 1e-3), (1000, 1e3), (1, 1e-3), (2, 1e-3)], ids=str)
def test_the_ends_of_what_is_allowed(n, beta, selection):
    result = inference_time_transform(n, beta, selection=selection)
    assert 0.5 - 1e-9 <= result.win_rate <= 1
    assert result.kl >= 0
    assert 0 <= result.loss < 0.03
    values = result.transform(np.linspace(0, 1, 501))
    assert (np.diff(values) >= -1e-9 * np.ptp(values)).all()


def test_shapes_of_quantiles_and_pictures(axes):
    result = inference_time_transform(4, 0.2)
    assert isinstance(result.transform(0.5), float)
    assert result.transform([[0.1, 0.2]]).shape == (1, 2)
    assert result.transform(1.0) == 0
    assert result.plot(axes) is axes
    assert "best of 4" in str(result)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((0, 0.2), {}),
        ((2000, 0.2), {}),
        ((4, 0), {}),
        ((4, 1e-9), {}),
        ((4, "x"), {}),
        ((4, 0.2), {"selection": "mean"}),
    ],
    ids=str,
)
def test_bad_input_is_refused(arguments, options):
    with pytest.raises(InputError, match="inference_time_transform: "):
        inference_time_transform(*arguments, **options)


def test_quantiles_outside_are_refused():
    with pytest.raises(InputError, match="quantiles must lie in"):
        inference_time_transform(2, 1.0).transform([0.5, 1.5])


def test_a_win_rate_is_a_probability_for_any_number_of_responses():
    """Rounding led to 1 + 1e-15 where nearly every response wins."""
    assert 1 - 1e-12 < exponential_at(1000, 5, True)[1] <= 1
