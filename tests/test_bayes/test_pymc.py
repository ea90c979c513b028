"""NUTS against enumeration, against quadrature and against Gibbs; and what happens where PyMC or ArviZ is missing.

The runs compile for most of a minute the first time, hence `slow`; PyTensor keeps what it has compiled.
"""

import itertools
import sys
import types

import numpy as np
import pytest
from contracts import require
from judges_brute import exact, problem_of
from scipy import stats
from scipy.special import logsumexp

from bayes import SimplexRanker
from bayes.ranking._gibbs import Gibbs
from bayes.ranking._pymc import _model, inference_data, sample_nuts
from bayes.ranking._replay import replay
from bayes.ranking._sampling import sample_gibbs
from bayes.ranking._tempering import design_effects, first_fit
from uq._base.diagnostics import ess
from uq.exceptions import MissingExtraError

SIZE = {"draws": 500, "tune": 300, "chains": 2}
ERRORS = 4.5


def some_votes():
    rng = np.random.default_rng(0)
    votes = rng.integers(0, 2, (8, 3))
    votes[0, 1] = votes[3, 2] = -1
    return votes, np.repeat([0, 1], 4), np.array([-1, 1, -1, -1, -1, -1, 0, -1])


def anchored():
    items = some_votes()
    return items, problem_of(*items)


def violated():
    """One judge leaves its matrix on one candidate alone, the others are a family."""
    votes, cell, truth = some_votes()
    items = votes[1:7], cell[1:7], truth[1:7]
    constancy = np.array([[np.inf, np.inf], [np.inf, 3.0]])
    return items, problem_of(*items, family=[0, 0, 1], constancy=constancy)


def mean_and_error(draws):
    """Return the mean and its Monte Carlo error of draws (chain, draw, ...)."""
    size = np.asarray(ess(draws, "mean")).reshape(draws.shape[2:])
    return draws.mean(axis=(0, 1)), draws.std(axis=(0, 1)) / np.sqrt(size)


@pytest.mark.slow
@pytest.mark.parametrize("case", [anchored, violated])
def test_joint_nuts_gibbs_and_enumeration_agree(case):
    require("pymc")
    items, problem = case()
    nuts = sample_nuts(problem, random_state=1, **SIZE)
    gibbs = sample_gibbs(problem, draws=2000, tune=200, chains=4, rng=np.random.default_rng(2))
    for name, true in zip(("pi", "theta", "sample"), exact(problem, items), strict=True):
        found = {}
        for draws in (nuts[name], gibbs[name]):
            mean, error = mean_and_error(draws)
            np.testing.assert_array_less(np.abs(mean - true), ERRORS * error + 1e-12)
            found[len(found)] = draws.reshape(-1, *draws.shape[2:]).std(axis=0)
        np.testing.assert_allclose(found[0], found[1], rtol=0.15, atol=1e-12)
    assert nuts["n_divergent"] <= 10
    assert nuts["agreement"].shape[1] == 3
    np.testing.assert_allclose(nuts["agreement"].mean(axis=0), gibbs["agreement"].mean(axis=0), atol=0.45)


def marginal_quadrature(counts, problem, effect, n_grid=48):
    """Return posterior means and sds of the share of the upper level, two candidates; judges integrate one by one."""
    grid = (np.arange(n_grid) + 0.5) / n_grid
    judge = [stats.beta(a[1], a[0]).logpdf(grid) for a in problem.prior]  # P(vote 1 | level) is beta
    log = np.zeros((n_grid, n_grid))
    up = grid[:, None, None] * grid + (1 - grid[:, None, None]) * grid[:, None]  # (pi, P(1 | 0), P(1 | 1))
    for j in range(problem.n_judges):
        per_candidate = [(counts[c, j, 1] * np.log(up) + counts[c, j, 0] * np.log1p(-up)) / effect[c] for c in range(2)]
        prior = judge[0][:, None] + judge[1]
        total = per_candidate[0].reshape(n_grid, 1, -1) + per_candidate[1].reshape(1, n_grid, -1) + prior.ravel()
        log += logsumexp(total, axis=2)
    law = np.exp(log - logsumexp(log))
    means = np.array([law.sum(axis=1) @ grid, law.sum(axis=0) @ grid])
    squares = np.array([law.sum(axis=1) @ grid**2, law.sum(axis=0) @ grid**2])
    return means, np.sqrt(squares - means**2)


@pytest.mark.slow
def test_marginal_nuts_agrees_with_quadrature_of_the_tempered_likelihood():
    require("pymc")
    rng = np.random.default_rng(3)
    cell = np.repeat([0, 1], 25)
    good = rng.random(50) < np.where(cell, 0.75, 0.3)
    votes = (good[:, None] == (rng.random((50, 2)) < (0.9, 0.75))).astype(int)
    problem = problem_of(votes, cell).changed(likelihood="marginal")
    effect = design_effects(problem, *first_fit(problem))
    assert (effect > 1.1).all()
    mean, sd = marginal_quadrature(problem.vote_counts(), problem, effect)
    nuts = sample_nuts(problem, random_state=1, **SIZE)
    np.testing.assert_allclose(nuts["design_effect"], effect)
    found, error = mean_and_error(nuts["pi"][..., 1])
    np.testing.assert_array_less(np.abs(found - mean), ERRORS * error + 1e-3)  # what the grid errs
    np.testing.assert_allclose(nuts["pi"][..., 1].reshape(-1, 2).std(axis=0), sd, rtol=0.12)


def log_dirichlet(x, a):
    return stats.dirichlet.logpdf(x / x.sum(), a)


def brute_log_density(problem, items, pi, phi, psi, own, marginal=None):
    """Return the log density of votes and parameters, item by item; `own` is {(family, cell): matrix}."""
    votes, cell, truth = items
    total = sum(log_dirichlet(row, np.full(problem.n_levels, problem.alpha)) for row in pi)
    total += sum(log_dirichlet(phi[f, m], problem.prior[m]) for f in range(len(phi)) for m in range(problem.n_levels))
    total += sum(log_dirichlet(p[u], problem.copy_prior[u]) for p in psi.values() for u in range(problem.n_levels))
    for (f, c), matrix in own.items():
        total += sum(log_dirichlet(matrix[m], problem.constancy[f, c] * phi[f, m]) for m in range(problem.n_levels))

    def given(i, m, judges, f):
        matrix = own.get((f, cell[i]), phi[f])
        if len(judges) == 1:
            v = votes[i, judges[0]]
            return 1.0 if v < 0 else matrix[m, v]
        product = np.ones(problem.n_levels)
        for j in judges:
            if votes[i, j] >= 0:
                product *= psi[j][:, votes[i, j]]
        return matrix[m] @ product

    for i in range(len(cell)):
        scores = range(problem.n_levels) if truth[i] < 0 else [truth[i]]
        if marginal is None or truth[i] >= 0:
            each = [
                pi[cell[i], m] * np.prod([given(i, m, js, f) for f, js in enumerate(problem.members)]) for m in scores
            ]
            total += np.log(sum(each))
            continue
        for j in range(problem.n_judges):
            if votes[i, j] < 0:
                continue
            f = problem.family[j]
            matrix = own.get((f, cell[i]), phi[f])
            theta = matrix @ psi[j] if j in psi else matrix
            total += np.log(pi[cell[i]] @ theta[:, votes[i, j]]) / marginal[cell[i]]
    return total


@pytest.mark.slow
@pytest.mark.parametrize("likelihood", ["joint", "marginal"])
@pytest.mark.parametrize("constancy", [np.inf, "self", 4.0])
@pytest.mark.parametrize("family", [[0, 1, 2, 3], [0, 1, 0, 2], [0, 0, 1, 1]])
def test_density_is_that_of_a_loop_over_items(likelihood, constancy, family):
    """All designs at once, without sampling: the model is the same function of its parameters."""
    pm = require("pymc")
    rng = np.random.default_rng(5)
    n, m, n_families = 30, 3, max(family) + 1
    votes = rng.integers(0, m, (n, 4))
    votes[rng.random(votes.shape) < 0.2] = -1
    cell, truth = rng.integers(0, 3, n), np.where(rng.random(n) < 0.2, rng.integers(0, m, n), -1)
    if constancy == "self":
        constancy = np.full((n_families, 3), np.inf)
        constancy[0, 1] = constancy[1, 2] = 7.0
    problem = problem_of(votes, cell, truth, n_levels=m, family=family, constancy=constancy)
    problem = problem.changed(likelihood=likelihood)
    effect = np.array([1.0, 1.5, 2.0]) if likelihood == "marginal" else None
    model = _model(pm, problem, effect)
    pi, phi = rng.dirichlet(np.ones(m), 3), rng.dirichlet(np.ones(m), (n_families, m))
    psi = {int(j): rng.dirichlet(np.ones(m), m) for j in problem.shared_judges}
    pairs = list(zip(*np.nonzero(np.isfinite(problem.constancy)), strict=True))
    own = {pair: rng.dirichlet(np.ones(m), m) for pair in pairs}
    values = {"pi": pi, "phi": phi}
    if psi:
        values["psi"] = np.array(list(psi.values()))
    if own:
        values["own"] = np.array(list(own.values()))
    point = {}
    for rv in model.free_RVs:  # log-ratios to the mean, as PyMC's simplex is parametrised
        log = np.log(values[rv.name])
        point[model.rvs_to_values[rv].name] = (log - log.mean(axis=-1, keepdims=True))[..., :-1]
    found = model.compile_logp(jacobian=False, mode="FAST_COMPILE")(point)
    expected = brute_log_density(problem, (votes, cell, truth), pi, phi, psi, own, effect)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_realised_scores_of_other_draws_are_those_of_enumeration():
    """Given the parameters, items are independent: their mean true score has a closed form."""
    votes, cell, truth = some_votes()
    problem = problem_of(votes, cell, truth, family=[0, 0, 1], constancy=np.array([[5.0, np.inf], [np.inf, 5.0]]))
    rng = np.random.default_rng(0)
    pi, phi = rng.dirichlet(np.ones(2), 2), rng.dirichlet(np.ones(2), (2, 2))
    psi, own = rng.dirichlet(np.ones(2), (2, 2)), rng.dirichlet(np.ones(2), (2, 2))
    matrix = {(0, 0): own[0], (0, 1): phi[0], (1, 0): phi[1], (1, 1): own[1]}
    expected = np.zeros(2)
    for i in range(len(cell)):
        share = pi[cell[i]].copy()
        for m, u in itertools.product(range(2), range(2)):
            if u == 0:
                product = sum(
                    matrix[0, cell[i]][m, w] * np.prod([psi[j][w, votes[i, j]] for j in (0, 1) if votes[i, j] >= 0])
                    for w in range(2)
                )
                last = matrix[1, cell[i]][m, votes[i, 2]] if votes[i, 2] >= 0 else 1.0
                share[m] *= product * last
        up = share[1] / share.sum() if truth[i] < 0 else truth[i]
        expected[cell[i]] += (1 + up) / 4
    n = 4000
    drawn = {"pi": pi, "phi": phi, "psi": psi, "own": own}
    drawn = {name: np.broadcast_to(value, (2, n // 2, *value.shape)) for name, value in drawn.items()}
    sample = replay(problem, drawn, rng)["sample"].reshape(n, 2)
    error = sample.std(axis=0) / np.sqrt(n)
    np.testing.assert_array_less(np.abs(sample.mean(axis=0) - expected), 4 * error)


def test_replay_puts_the_parameters_where_gibbs_has_them():
    votes, cell, truth = some_votes()
    problem = problem_of(votes, cell, truth, family=[0, 1, 1], constancy=5.0)
    other = Gibbs(problem, np.random.default_rng(1), 3)
    for _ in range(5):
        other.sweep()
    drawn = {
        "pi": other.pi()[:, None],
        "phi": np.exp(other.log_phi).transpose(2, 0, 3, 1)[:, None],
        "psi": other.families[0].conditional()[:, None],
        "own": np.exp(other.log_cell).transpose(3, 1, 0, 4, 2).reshape(3, 1, 4, 2, 2),
    }
    seen = []
    plain, Gibbs.sample_means = Gibbs.sample_means, lambda self: (seen.append(self.log_likelihood()), plain(self))[1]
    try:
        replay(problem, drawn, np.random.default_rng(0))
    finally:
        Gibbs.sample_means = plain
    np.testing.assert_allclose(seen[0], other.log_likelihood(), rtol=1e-10)


def few_votes():
    rng = np.random.default_rng(0)
    n = 150
    good = rng.random((2 * n, 1)) < np.repeat([0.3, 0.7], n)[:, None]
    return {
        "candidate": np.repeat(["a", "b"], 2 * n),
        "item": np.repeat(np.arange(2 * n), 2),
        "judge": np.tile(["x", "y"], 2 * n),
        "score": (good == (rng.random((2 * n, 2)) < 0.85)).astype(int).ravel(),
    }


@pytest.mark.parametrize("given", [{"sampler": "nuts"}, {"likelihood": "marginal"}])
def test_without_pymc_the_error_says_what_to_install(monkeypatch, given):
    monkeypatch.setitem(sys.modules, "pymc", None)
    ranker = SimplexRanker(**given)
    with pytest.raises(MissingExtraError, match=r"pip install 'errorbars\[bayes\]'"):
        ranker.fit(few_votes())
    assert not [name for name in vars(ranker) if name.endswith("_")]


def test_without_arviz_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "arviz", None)
    ranker = SimplexRanker(draws=200, tune=100, random_state=0).fit(few_votes())
    with pytest.raises(MissingExtraError, match=r"pip install 'errorbars\[bayes\]'"):
        ranker.to_inference_data()


def test_both_generations_of_arviz_are_called_as_they_want(monkeypatch):
    calls = []

    def before_1(posterior=None, *, dims=None, coords=None):
        calls.append((posterior, dims, coords))

    def since_1(data, *, name=None, dims=None, coords=None):
        calls.append((data["posterior"], dims, coords))

    for function in (before_1, since_1):
        monkeypatch.setitem(sys.modules, "arviz", types.SimpleNamespace(from_dict=function))
        inference_data({"a": 1}, {"a": []}, {})
    assert calls == [({"a": 1}, {"a": []}, {})] * 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:\nArviZ is undergoing:FutureWarning")
def test_inference_data_holds_the_draws_by_name():
    require("arviz")
    votes = few_votes()
    ranker = SimplexRanker(draws=200, tune=100, chains=2, random_state=0).fit(votes)
    posterior = ranker.to_inference_data().posterior
    assert posterior["theta"].dims == ("chain", "draw", "judge", "true_score", "vote")
    np.testing.assert_array_equal(posterior["utility"].sel(candidate="b").values, ranker.utility_[..., 1])
    np.testing.assert_array_equal(
        posterior["theta"].sel(judge="y", true_score=1, vote=0).values, ranker.theta_[..., 1, 1, 0]
    )
    assert posterior["pi"].shape == ranker.pi_.shape


@pytest.mark.slow
def test_the_marginal_likelihood_says_what_it_is():
    require("pymc")
    votes = few_votes()
    size = {"draws": 300, "tune": 200, "chains": 2, "random_state": 0, "likelihood": "marginal"}
    ranker = SimplexRanker(**size, prior_strength=40, judge_accuracy=0.8).fit(votes)
    assert "calibrated composite" in ranker.diagnostics_.method
    assert not ranker.prior_driven_  # two levels: the order is that of the shares
    assert ranker.design_effect_.shape == (2,)
    assert ranker.diagnostics_.agreement is None
    again = SimplexRanker(**size, prior_strength=40, judge_accuracy=0.8).fit(votes)
    np.testing.assert_array_equal(ranker.utility_, again.utility_)


@pytest.mark.parametrize(("n_levels", "n_judges", "driven"), [(2, 2, False), (3, 2, True), (3, 1, True)])
def test_shares_of_three_levels_are_driven_by_the_prior(monkeypatch, n_levels, n_judges, driven):
    def sampler(problem, *, draws, tune, chains, random_state, n_jobs):
        rng = np.random.default_rng(random_state)
        shape = (chains, draws)
        return {
            "pi": rng.dirichlet(np.ones(problem.n_levels), (*shape, problem.n_cells)),
            "theta": rng.dirichlet(np.ones(problem.n_levels), (*shape, problem.n_judges, problem.n_levels)),
            "n_divergent": 0,
            "design_effect": np.ones(problem.n_cells),
        }

    monkeypatch.setattr("bayes.ranking._pymc.sample_nuts", sampler)
    n = 30
    votes = {
        "candidate": np.repeat(["a", "b"], n * n_judges),
        "item": np.repeat(np.arange(2 * n), n_judges),
        "judge": np.tile([f"judge {j}" for j in range(n_judges)], 2 * n),
        "score": np.resize(np.arange(n_levels), 2 * n * n_judges),
    }
    ranker = SimplexRanker(likelihood="marginal", draws=200, random_state=0).fit(votes)
    assert ranker.prior_driven_ is driven
    assert ("prior-driven" in ranker.ranking_.method) is driven
    assert ("prior-driven" in str(ranker.ranking_)) is driven
    del votes["item"]
    ranker = SimplexRanker(likelihood="marginal", draws=200, random_state=0)
    if n_judges > 1:
        with pytest.warns(UserWarning, match="votes without items count as independent"):
            ranker.fit(votes)
    else:
        ranker.fit(votes)


def test_divergent_draws_are_told(monkeypatch):
    def sampler(problem, **size):
        found = sample_gibbs(problem, draws=size["draws"], tune=50, chains=size["chains"], rng=np.random.default_rng(0))
        return found | {"n_divergent": 9}

    monkeypatch.setattr("bayes.ranking._pymc.sample_nuts", sampler)
    with pytest.warns(UserWarning, match="NUTS diverged in 9 of 800 draws"):
        SimplexRanker(sampler="nuts", draws=200, random_state=0).fit(few_votes())
