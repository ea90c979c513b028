"""Log-likelihoods of votes as PyTensor expressions; imported where PyMC is there."""

import numpy as np
import pytensor.tensor as pt

__all__ = ["Likelihood"]


class Likelihood:
    """The joint and the marginal log-likelihood of a problem.

    Logarithms are taken of each variable by itself, where PyTensor knows it as a softmax and loses no digits.

    Parameters
    ----------
    problem : Problem
    pi : tensor of shape (C, M)
    matrices : list of tensors of shape (n, M, V)
        Those of the families; then, if there are such, those of the pairs (family, cell) of finite constancy.
    psi : tensor of shape (n, U, V) or None
        Those of `problem.shared_judges`.
    """

    def __init__(self, problem, pi, matrices, psi):
        self.problem, self.pi, self.matrices, self.psi = problem, pi, matrices, psi
        own = np.isfinite(problem.constancy)
        self.n_matrices = problem.n_families + int(own.sum())
        self.which = np.repeat(np.arange(problem.n_families)[:, None], problem.n_cells, axis=1)  # (F, C)
        self.which[own] = np.arange(problem.n_families, self.n_matrices)
        self.shared = problem.shared_judges
        self.single = np.setdiff1d(np.arange(problem.n_judges), self.shared)

    def joint(self, rows):
        """Return the log-likelihood of rows of the problem, whose true scores are given or summed over."""
        p = self.problem
        log = pt.concatenate([pt.log(part) for part in self.matrices], axis=0)
        cell, truth, count = p.cell[rows], p.truth[rows], p.count[rows].astype(np.float64)
        alike, group = np.unique(self.which, axis=1, return_inverse=True)  # cells with the same matrices
        keys = np.column_stack([group.reshape(-1)[cell], p.votes[rows]])
        unique, pattern = np.unique(keys, axis=0, return_inverse=True)
        which, votes = alike[:, unique[:, 0]].T, unique[:, 1:]
        of_single = which[:, p.family[self.single]]
        weight = _sums(log.transpose((0, 2, 1)), self.n_matrices, p.n_levels, of_single, votes[:, self.single])
        for f, judges in enumerate(p.members):
            if len(judges) > 1:
                weight = weight + self._family(log, judges, which[:, f], votes[:, judges])
        joint = pt.log(self.pi)[cell] + weight[pattern.reshape(-1)]
        total = pt.constant(0.0)
        open_, known = np.flatnonzero(truth < 0), np.flatnonzero(truth >= 0)
        if len(open_):
            total = total + pt.sum(count[open_] * pt.logsumexp(joint[open_], axis=1))
        if len(known):
            total = total + pt.sum(count[known] * joint[known, truth[known]])
        return total

    def _family(self, log, judges, which, votes):
        """Return log P(votes of a family | true score), (patterns, M); its latent vote is summed over."""
        place = {int(judge): i for i, judge in enumerate(self.shared)}
        number = np.broadcast_to([place[int(judge)] for judge in judges], votes.shape)
        log_psi = pt.log(self.psi).transpose((0, 2, 1))
        given = _sums(log_psi, len(self.shared), self.problem.n_levels, number, votes)  # (patterns, U)
        return pt.logsumexp(log[which] + given[:, None, :], axis=2)

    def marginal(self, effect):
        """Return the log-likelihood of the judges' counts of votes on un-anchored items, divided by `effect` (C,)."""
        p = self.problem
        counts = p.vote_counts().transpose(1, 0, 2) / effect[:, None]  # (J, C, V)
        every = pt.concatenate(self.matrices, axis=0)
        if p.is_constant:
            of_single = every[p.family[self.single]][:, None]
            of_shared = every[p.family[self.shared]][:, None]
        else:
            of_single, of_shared = every[self.which[p.family[self.single]]], every[self.which[p.family[self.shared]]]
        total = pt.constant(0.0)
        if len(self.single):
            total = total + self._counted(counts[self.single], of_single)
        if len(self.shared):
            of_shared = (of_shared[..., None] * self.psi[:, None, None]).sum(axis=3)
            total = total + self._counted(counts[self.shared], of_shared)
        return total

    def _counted(self, counts, matrices):
        """Return the sum of counts (n, C, V) times the log of the shares, for matrices (n, C or 1, M, V)."""
        gamma = (self.pi[None, :, :, None] * matrices).sum(axis=2)
        return pt.sum(counts * pt.log(gamma))


def _sums(log, n_matrices, n_levels, number, votes):
    """Return sums over the votes that were cast of log P(vote | label), (patterns, labels).

    `log` is (matrices, votes, labels), `number` and `votes` (patterns, judges).
    """
    rows = pt.concatenate([log.reshape((-1, n_levels)), pt.zeros((1, n_levels))], axis=0)
    at = np.where(votes >= 0, number * n_levels + votes, n_matrices * n_levels)  # the last row is that of no vote
    return rows[at.reshape(-1)].reshape((*at.shape, n_levels)).sum(axis=1)
