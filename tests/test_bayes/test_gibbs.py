"""The sampler against sums over all assignments of the latent scores, and its parts against what they should draw."""

import numpy as np
import pytest
from judges_brute import exact, problem_of
from judges_worlds import World, quantities
from scipy import stats

from bayes.ranking._draws import log_dirichlet, tables
from bayes.ranking._gibbs import Gibbs
from bayes.ranking._labels import label_ambiguity
from bayes.ranking._ridge import Step

_RNG = np.random.default_rng(3)
_CELLS = np.array([0, 0, 0, 0, 1, 1, 1])
_TWO = _RNG.integers(0, 2, (7, 2)), _CELLS, np.full(7, -1)
_HOLES = _RNG.integers(-1, 2, (7, 3)), _CELLS, np.array([1, -1, -1, -1, -1, 0, -1])
_THREE = _RNG.integers(0, 3, (6, 3)), np.repeat([0, 1], 3), np.full(6, -1)
_FOUR = _RNG.integers(-1, 2, (5, 4)), np.array([0, 0, 0, 1, 1]), np.array([-1, 1, -1, -1, -1])
MIXED = np.array([[3.0, np.inf], [np.inf, np.inf], [1.0, 5.0]])
CASES = {
    "two judges": (_TWO, {}),
    "missing votes and anchors": (_HOLES, {}),
    "three levels": (_THREE, {"n_levels": 3}),
    "finite constancy": (_HOLES, {"constancy": 3.0}),
    "some cells of their own": (_HOLES, {"constancy": MIXED}),
    "a family": (_FOUR, {"family": [0, 0, 1, 2]}),
    "a family, finite constancy": (_FOUR, {"family": [0, 1, 0, 2], "constancy": 2.0}),
    "labels that can be exchanged": (_TWO, {"strength": 1.0, "accuracy": 0.52}),
}


def chain_means(problem, *, n_chains, n_sweeps, seed):
    """Return the means of pi, theta and sample means per chain."""
    chains = Gibbs(problem, np.random.default_rng(seed), n_chains)
    for _ in range(100):
        chains.sweep(learn=True)
    total = [0.0, 0.0, 0.0]
    for _ in range(n_sweeps):
        chains.sweep()
        for i, value in enumerate((chains.pi(), chains.theta(), chains.sample_means())):
            total[i] = total[i] + value / n_sweeps
    return total


@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_means_are_the_exact_ones(case):
    items, design = CASES[case]
    problem = problem_of(*items, **design)
    for found, truth in zip(
        chain_means(problem, n_chains=60, n_sweeps=150, seed=1), exact(problem, items), strict=True
    ):
        error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        # chains are independent, so this is a t statistic; some 20 of them
        assert np.all(np.abs(found.mean(axis=0) - truth) <= 4.2 * error + 1e-12)


@pytest.mark.slow
def test_a_sampler_that_forgets_the_order_of_the_tables_is_found():
    """Common matrices drawn after the cells' own, which then are reused: the fault that A1.7 warns of."""

    class Faulty(Gibbs):
        def _matrices(self, counts):
            log_cell = self._cells(counts)
            super()._matrices(counts)
            self.log_cell = log_cell

    world = World(n_cells=2, blocks=(((0, 1, 2), 20, False),), constancy=3.0)
    _, counts = world.draw(np.random.default_rng(0), 1)
    found = []
    for kind in (Gibbs, Faulty):
        chains = kind(world.problem(), np.random.default_rng(1), 80, np.repeat(counts, 80, axis=1))
        values = []
        for i in range(250):
            chains.sweep(learn=i < 50)
            if i >= 50:
                values.append(quantities(chains)["violation"])
        found.append(np.mean(values, axis=0))
    assert stats.ttest_ind(*found).pvalue < 1e-6


@pytest.mark.parametrize(("n", "a"), [(1, 0.5), (5, 2.0), (31, 1.0), (40, 0.3), (300, 60.0), (300, 5.0), (500, 400.0)])
def test_tables_have_the_law_of_the_restaurant(n, a):
    law = np.ones(1)
    for p in a / (a + np.arange(n)):
        law = np.convolve(law, [1 - p, p])
    size = 20_000
    found = np.bincount(tables(np.random.default_rng(n), np.full(size, n), np.full(size, a)), minlength=n + 1)
    often = law * size > 5
    if often.sum() == 1:
        assert found[often][0] == size
        return
    cells = np.r_[found[often], found[~often].sum()]
    expected = np.r_[law[often], law[~often].sum()] * size
    kept = expected > 1e-3
    assert stats.chisquare(cells[kept], expected[kept] * cells[kept].sum() / expected[kept].sum()).pvalue > 1e-3


def test_tables_of_nothing_and_of_much():
    rng = np.random.default_rng(0)
    assert tables(rng, np.zeros((2, 3), int), np.ones((2, 3))).tolist() == [[0] * 3] * 2
    n, a = 50_000, 50_000.0  # blocks in which many positions are asked for
    p = a / (a + np.arange(n))
    found = tables(rng, np.full(200, n), np.full(200, a))
    assert abs(found.mean() - p.sum()) < 5 * np.sqrt((p * (1 - p)).sum() / 200)


def test_dirichlet_draws_survive_tiny_parameters():
    log = log_dirichlet(np.random.default_rng(0), np.full((1000, 3), 1e-3), axis=1)
    assert np.isfinite(log).all()
    assert np.allclose(np.exp(log).sum(axis=1), 1)
    big = np.exp(log_dirichlet(np.random.default_rng(0), np.tile([1.0, 0.5, 2.5], (40_000, 1)), axis=1))
    assert np.allclose(big.mean(axis=0), [0.25, 0.125, 0.625], atol=0.006)
    assert np.isfinite(log_dirichlet(np.random.default_rng(0), np.array([[0.0, 1e-300, 1.0]]), axis=1)).all()


@pytest.mark.parametrize(("u", "v"), [(0.3, 0.1), (-0.2, 0.5), (0.4, -0.4), (1e-12, 2e-12)])
def test_a_step_is_a_matrix_exponential(u, v):
    from scipy.linalg import expm

    t = expm(np.array([[-u, u], [v, -v]]))
    step = Step(np.array([0]), np.array([1]), np.array([u]), np.array([v]))
    pi, theta = np.array([0.3, 0.6]), np.array([[0.7, 0.2], [0.4, 0.5]])
    assert np.allclose(np.array(step.shares(*pi[:, None]))[:, 0], pi @ t)
    rows = step.rows(theta[0][:, None], theta[1][:, None])
    assert np.allclose(np.array(rows)[..., 0], np.linalg.inv(t) @ theta)
    assert np.allclose(np.exp(step.log_det), np.linalg.det(t))


def test_label_ambiguity_counts_draws_that_another_naming_suits_better():
    good, bad = np.array([[0.8, 0.2], [0.3, 0.7]]), np.array([[0.2, 0.8], [0.7, 0.3]])
    assert label_ambiguity(np.array([[[good], [bad]], [[good], [good]]])) == 0.25
    six = np.roll(np.eye(6), 1, axis=0)
    assert label_ambiguity(np.array([[[six], [np.eye(6)]]])) == 0.5


def test_the_likelihood_is_that_of_the_items():
    """By hand, item by item, with a family and anchors."""
    votes, cell, truth = _FOUR
    problem = problem_of(votes, cell, truth, family=[0, 0, 1, 2])
    chains = Gibbs(problem, np.random.default_rng(0), 1)
    pi, phi = chains.pi()[0], np.exp(chains.log_phi)[:, :, 0].transpose(0, 2, 1)
    psi = chains.families[0].conditional()[0]
    total = 0.0
    for v, c, t in zip(votes, cell, truth, strict=True):
        p = 0.0
        for m in range(2):
            if t in (-1, m):
                family = sum(phi[0, m, u] * np.prod([psi[j, u, v[j]] for j in (0, 1) if v[j] >= 0]) for u in range(2))
                p += pi[c, m] * family * np.prod([phi[f, m, v[f + 1]] for f in (1, 2) if v[f + 1] >= 0])
        total += np.log(p)
    assert np.isclose(chains.log_likelihood()[0], total)
