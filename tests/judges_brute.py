"""Exact posterior expectations for a handful of items: every assignment of the latent scores is summed over.

Given the latent scores everything is a product of Dirichlet-multinomial evidences; where constancy is finite the common
matrix is integrated on a grid (two levels only).
"""

import itertools

import numpy as np
from scipy.special import gammaln, logsumexp

from bayes.ranking._prior import COPY_ACCURACY, COPY_STRENGTH, judge_prior
from bayes.ranking._problem import Problem

GRID = 400


def problem_of(votes, cell, truth=None, *, n_levels=2, family=None, constancy=np.inf, strength=10.0, accuracy=0.6):
    """Return the problem of items given one by one: votes (n, J), cells (n,), truths (n,) or -1."""
    votes, cell = np.asarray(votes), np.asarray(cell)
    truth = np.full(len(cell), -1) if truth is None else np.asarray(truth)
    family = np.arange(votes.shape[1]) if family is None else np.asarray(family)
    rows, count = np.unique(np.column_stack([cell, truth, votes]), axis=0, return_counts=True)
    n_cells = int(cell.max()) + 1
    return Problem(
        levels=np.arange(1.0, n_levels + 1),
        votes=rows[:, 2:],
        cell=rows[:, 0],
        truth=rows[:, 1],
        count=count,
        cell_candidate=np.arange(n_cells),
        cell_stratum=np.zeros(n_cells, int),
        cell_weight=np.ones(n_cells),
        n_candidates=n_cells,
        family=family,
        constancy=np.broadcast_to(np.asarray(constancy, float), (int(family.max()) + 1, n_cells)),
        prior=judge_prior(n_levels, strength, accuracy),
        copy_prior=judge_prior(n_levels, COPY_STRENGTH, COPY_ACCURACY),
    )


def _evidence(a, n):
    """Return the log-probability of a sequence with counts n under Dirichlet(a), over the last axis."""
    return (gammaln(a + n) - gammaln(a)).sum(-1) + gammaln(a.sum(-1)) - gammaln((a + n).sum(-1))


def _log_common(a, counts, strength, grid):
    """Return log p(counts (cell, V) | theta) p(theta) on a grid of theta = (1 - x, x), some cells constant."""
    theta = np.column_stack([1 - grid, grid])
    out = ((a - 1) * np.log(theta)).sum(1) - gammaln(a).sum() + gammaln(a.sum())
    for n, nu in zip(counts, strength, strict=True):
        out = out + (_evidence(nu * theta, n) if np.isfinite(nu) else (n * np.log(theta)).sum(1))
    return out


def exact(problem, items):
    """Return posterior means of pi (C, M), theta (J, M, V) and of the realised mean score (C,), by enumeration.

    `items` is (votes, cell, truth), one by one.
    """
    votes, cell, truth = (np.asarray(x) for x in items)
    n_levels, n_cells, members = problem.n_levels, problem.n_cells, problem.members
    nested = [f for f, judges in enumerate(members) if len(judges) > 1]
    grid = (np.arange(GRID) + 0.5) / GRID
    logs, pis, thetas, samples = [], [], [], []
    latent = [range(n_levels) if t < 0 else [t] for t in truth]
    asked = [(i, f) for f in nested for i in range(len(cell)) if (votes[i, members[f]] >= 0).any()]
    for z in itertools.product(*latent):
        z = np.array(z)
        shares = np.zeros((n_cells, n_levels))
        np.add.at(shares, (cell, z), 1)
        start = sum(_evidence(np.full(n_levels, problem.alpha), shares[c]) for c in range(n_cells))
        for u in itertools.product(range(n_levels), repeat=len(asked)):
            vote_of = {(i, f): vote for (i, f), vote in zip(asked, u, strict=True)}
            log, theta = start, np.zeros((problem.n_judges, n_levels, n_levels))
            for f, judges in enumerate(members):
                counts = np.zeros((n_cells, n_levels, n_levels))
                for i in range(len(cell)):
                    vote = vote_of.get((i, f), -1) if f in nested else votes[i, judges[0]]
                    if vote >= 0:
                        counts[cell[i], z[i], vote] += 1
                phi = np.zeros((n_levels, n_levels))
                for m in range(n_levels):
                    if np.isinf(problem.constancy[f]).all():
                        total = counts[:, m].sum(0)
                        log += _evidence(problem.prior[m], total)
                        phi[m] = (problem.prior[m] + total) / (problem.prior[m] + total).sum()
                    else:
                        on_grid = _log_common(problem.prior[m], counts[:, m], problem.constancy[f], grid)
                        norm = logsumexp(on_grid)
                        log += norm - np.log(GRID)
                        mean = np.exp(on_grid - norm) @ grid
                        phi[m] = 1 - mean, mean
                if f not in nested:
                    theta[judges[0]] = phi
                    continue
                for j in judges:
                    copies = np.zeros((n_levels, n_levels))
                    for i in range(len(cell)):
                        if votes[i, j] >= 0:
                            copies[vote_of[i, f], votes[i, j]] += 1
                    log += sum(_evidence(problem.copy_prior[v], copies[v]) for v in range(n_levels))
                    psi = (problem.copy_prior + copies) / (problem.copy_prior + copies).sum(1, keepdims=True)
                    theta[j] = phi @ psi  # independent given the latent scores
            logs.append(log)
            pis.append((problem.alpha + shares) / (problem.alpha * n_levels + shares.sum(1, keepdims=True)))
            thetas.append(theta)
            samples.append(shares @ problem.levels / shares.sum(1))
    weights = np.exp(np.array(logs) - logsumexp(logs))
    return tuple(np.einsum("a,a...->...", weights, np.array(x)) for x in (pis, thetas, samples))
