"""Worlds of judges in which the truth is known: parameters of the prior, votes of the model, many data sets at once.

Rows are all possible patterns of votes, so that data sets differ in their counts alone and run side by side as chains.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bayes.ranking._gibbs import Gibbs
from bayes.ranking._prior import COPY_ACCURACY, COPY_STRENGTH, judge_prior
from bayes.ranking._problem import Problem

__all__ = ["World", "gibbs_ranks", "quantities", "rank_band"]


@dataclass(frozen=True)
class World:
    """A design. `blocks` is a tuple of (judges who vote, items per cell, whether the truth is known)."""

    n_levels: int = 2
    n_cells: int = 3
    family: tuple = (0, 1, 2)
    blocks: tuple = (((0, 1, 2), 60, False),)
    constancy: float = np.inf
    own_cells: tuple = ()  # the cells in which family 0 alone leaves its matrix; all families in all cells if empty
    strength: float = 10.0
    accuracy: float = 0.6

    def problem(self):
        """Return the problem with a row for each possible pattern, and counts of 0."""
        rows = []
        for cell in range(self.n_cells):
            for judges, _, known in self.blocks:
                for truth in range(self.n_levels) if known else (-1,):
                    for votes in itertools.product(range(self.n_levels), repeat=len(judges)):
                        row = np.full(len(self.family), -1)
                        row[list(judges)] = votes
                        rows.append([cell, truth, *row])
        rows = np.array(rows)
        n_families = max(self.family) + 1
        constancy = np.full((n_families, self.n_cells), float(self.constancy))
        if self.own_cells:
            constancy[:] = np.inf
            constancy[0, list(self.own_cells)] = self.constancy
        return Problem(
            levels=np.arange(1.0, self.n_levels + 1),
            votes=rows[:, 2:],
            cell=rows[:, 0],
            truth=rows[:, 1],
            count=np.zeros(len(rows), np.int64),
            cell_candidate=np.arange(self.n_cells),
            cell_stratum=np.zeros(self.n_cells, int),
            cell_weight=np.ones(self.n_cells),
            n_candidates=self.n_cells,
            family=np.array(self.family),
            constancy=constancy,
            prior=judge_prior(self.n_levels, self.strength, self.accuracy),
            copy_prior=judge_prior(self.n_levels, COPY_STRENGTH, COPY_ACCURACY),
        )

    def draw(self, rng, n_sets):
        """Return (chains at the true parameters, counts (R, n_sets)); `chains.z` holds the realised true scores."""
        problem = self.problem()
        truth = Gibbs(problem, rng, n_sets)  # starts from the prior
        weights = truth.log_weights()
        weights = weights if truth._pattern is None else weights[truth._pattern]
        joint = np.exp(weights + truth.log_pi[problem.cell])  # P(pattern, true score), (R, S, M)
        counts = np.zeros((len(problem.cell), n_sets), np.int64)
        start = 0
        for _ in range(self.n_cells):
            for judges, n_items, known in self.blocks:
                n_rows = self.n_levels ** len(judges) * (self.n_levels if known else 1)
                rows = np.arange(start, start + n_rows)
                start += n_rows
                share = joint[rows].copy()
                if known:
                    share *= np.eye(self.n_levels)[problem.truth[rows]][:, None]
                flat = share.transpose(1, 0, 2).reshape(n_sets, -1)
                assert np.allclose(flat.sum(1), 1)
                z = rng.multinomial(n_items, flat / flat.sum(1, keepdims=True))
                truth.z[rows] = z.reshape(n_sets, n_rows, self.n_levels).transpose(1, 0, 2)
                counts[rows] = truth.z[rows].sum(axis=2)
        truth.count = counts
        return truth, counts


def quantities(chains):
    """Return the quantities whose ranks are looked at, {name: (S,)}."""
    utility = chains.pi() @ chains.problem.levels
    sample = chains.sample_means()
    theta = chains.theta()
    found = {
        "U1": utility[:, 0],
        "U1 - U2": utility[:, 0] - utility[:, 1],
        "pi11": chains.pi()[:, 0, 0],
        "theta11": theta[:, 0, 0, 0],
        "theta of the last": theta[:, -1, -1, -1],
        "log-likelihood": chains.log_likelihood(),
        "sample 1": sample[:, 0],
        "sample 1 - 2": sample[:, 0] - sample[:, 1],
    }
    if chains.n_own > 1:
        gap = (np.exp(chains.log_cell) - np.exp(chains.log_phi)) ** 2
        found["violation"] = gap.mean(axis=(0, 1, 2, 4))
    return found


def gibbs_ranks(world, rng, n_sets, *, thin=10, n_draws=99, burn=200):
    """Return ranks 0 ... n_draws of the truth among thinned draws, ties broken at random: {name: (n_sets,)}."""
    truth, counts = world.draw(rng, n_sets)
    target = quantities(truth)
    chains = Gibbs(world.problem(), rng, n_sets, counts)
    below = {name: np.zeros(n_sets, int) for name in target}
    ties = {name: np.zeros(n_sets, int) for name in target}
    for i in range(burn):
        chains.sweep(learn=i < burn // 2)
    for _ in range(n_draws):
        for _ in range(thin):
            chains.sweep()
        for name, value in quantities(chains).items():
            below[name] += value < target[name]
            ties[name] += value == target[name]
    return {name: below[name] + rng.integers(0, ties[name] + 1) for name in target}


def rank_band(ranks, n_ranks=100, error=1e-3):
    """Return where the ECDF of ranks leaves a simultaneous band around the uniform one: exact binomials, Bonferroni."""
    n = len(ranks)
    points = np.arange(1, n_ranks)
    below = np.searchsorted(np.sort(ranks), points)
    p = 2 * np.minimum(stats.binom.cdf(below, n, points / n_ranks), stats.binom.sf(below - 1, n, points / n_ranks))
    return points[p * len(points) < error]
