"""What judges who voted on the same items are worth together, when the likelihood takes their votes as independent.

The marginal likelihood multiplies the judges' shares of votes as if each judge had seen items of its own. Where they
saw the same ones, its score (the derivative of its logarithm) varies more than its curvature says; the ratio is the
design effect, by which counts are divided. It is taken along the one direction that is asked for, the utility.
"""

import numpy as np

__all__ = ["design_effects", "first_fit"]

ROUNDS, CLOSE = 2000, 1e-7


def first_fit(problem):
    """Return (pi (C, M), theta (J, M, V)), the mode of the untempered marginal model with one matrix per judge.

    The mode is that of the laws on the log-ratio scale, where no share is 0; found by EM, in which each vote has a true
    score of its own.
    """
    n_levels = problem.n_levels
    votes = problem.vote_counts().astype(np.float64)  # (C, J, V)
    anchored = problem.vote_counts(anchored=True).sum(axis=0).transpose(1, 0, 2)  # (J, M, V)
    known = problem.truth >= 0
    shares = np.zeros((problem.n_cells, n_levels))
    np.add.at(shares, (problem.cell[known], problem.truth[known]), problem.count[known])
    pi = np.full((problem.n_cells, n_levels), 1 / n_levels)
    theta = np.broadcast_to(problem.prior / problem.prior.sum(axis=1, keepdims=True), anchored.shape)
    gamma = np.einsum("cm,jmv->cjv", pi, theta)
    for _ in range(ROUNDS):
        ratio = votes / gamma
        total = problem.alpha + shares + pi * np.einsum("cjv,jmv->cm", ratio, theta)
        matrices = problem.prior + anchored + theta * np.einsum("cjv,cm->jmv", ratio, pi)
        pi = total / total.sum(axis=1, keepdims=True)
        theta = matrices / matrices.sum(axis=2, keepdims=True)
        before, gamma = gamma, np.einsum("cm,jmv->cjv", pi, theta)
        if np.abs(gamma - before).max() < CLOSE:
            break
    return pi, theta


def design_effects(problem, pi, theta):
    """Return the factor by which the votes of each cell count as fewer, shape (C,).

    Parameters
    ----------
    problem : Problem
    pi : ndarray of shape (C, M)
    theta : ndarray of shape (J, M, V)
        Where the scores are looked at; every vote must have a positive probability.

    Notes
    -----
    With u_ij the derivative of the log-probability of vote ij along the utility, the factor is the mean square of the
    items' sums of u_ij over the sum of their mean squares, u_ij centred by judge; at least 1, and at most the mean
    number of votes per item. Cells with one item, or whose votes never differ, take the factor of all cells together,
    and the greatest possible one where no cell tells.
    """
    rows = (problem.truth < 0) & (problem.votes >= 0).any(axis=1)
    votes, cell, count = problem.votes[rows], problem.cell[rows], problem.count[rows].astype(np.float64)
    n_cells, seen = problem.n_cells, votes >= 0

    def per_cell(values):
        return np.bincount(cell, values, n_cells)

    items = per_cell(count)
    most = np.divide(per_cell(count * seen.sum(axis=1)), items, out=np.ones(n_cells), where=items > 0)
    if not problem.has_items or most.max(initial=1.0) <= 1:
        return np.ones(n_cells)
    direction = pi * (problem.levels - (pi @ problem.levels)[:, None])
    slope = np.einsum("cm,jmv->cjv", direction, theta) / np.einsum("cm,jmv->cjv", pi, theta)
    together = np.zeros(len(votes))
    single = np.zeros(n_cells)
    for j in range(problem.n_judges):
        u = np.where(seen[:, j], slope[cell, j, votes[:, j]], 0.0)
        n = per_cell(count * seen[:, j])
        mean = np.divide(per_cell(count * u), n, out=np.zeros(n_cells), where=n > 0)
        u = np.where(seen[:, j], u - mean[cell], 0.0)
        together += u
        single += per_cell(count * u**2)
    joint = per_cell(count * together**2)
    pooled = joint.sum() / single.sum() if single.sum() > 0 else np.inf
    settled = (items > 1) & (single > 1e-12 * single.max(initial=0.0))
    factor = np.divide(joint, single, out=np.full(n_cells, pooled), where=settled)
    return np.clip(factor, 1.0, most)
