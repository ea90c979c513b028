"""Blocked Gibbs on counts of unique vote patterns: every step draws from its exact conditional law."""

import numpy as np
from scipy.special import gammaln

from ._draws import LEAST, log_dirichlet, over_last, tables
from ._families import Family, one_hot, selector
from ._labels import MOST_ORDERED, draw_order, exchange, swap_all, swap_cells, swap_family
from ._ridge import Stride, dirichlet_gain, move

__all__ = ["Gibbs"]

FEW = 6000  # numbers, rows times levels, up to which a step along the ridge costs next to nothing
SELDOM = 3  # beyond, one such step in so many sweeps


class Gibbs:
    """Chains of the joint model, all at once; `sweep` moves them on.

    Axes: C cells, S chains, M true scores, F families, V votes, T cells with matrices of their own (1 where none has),
    R rows of the problem, P rows whose likelihood differs.

    Parameters
    ----------
    problem : Problem
    rng : numpy.random.Generator
    n_chains : int
    count : ndarray of int of shape (R, S), optional
        Counts of each chain's own data set, in place of those of the problem.

    Attributes
    ----------
    log_pi : ndarray of shape (C, S, M)
    log_phi : ndarray of shape (F, V, S, M)
    log_cell : ndarray of shape (T, F, V, S, M)
        The families' matrices in each cell.
    families : list of Family
        Those of several judges.
    z : ndarray of int of shape (R, S, M)
        The realised true scores.
    """

    def __init__(self, problem, rng, n_chains=1, count=None):
        self.problem, self.rng, self.n_chains = problem, rng, n_chains
        self.count = problem.count[:, None] if count is None else count
        members = problem.members
        self._own = np.isfinite(problem.constancy)  # (F, C)
        self._pattern: np.ndarray | None = None
        if problem.is_constant:
            unique, pattern = np.unique(problem.votes, axis=0, return_inverse=True)
            self._pattern, self._votes, group, self.n_own = pattern.reshape(-1), unique, np.zeros(len(unique), int), 1
            self._by_pattern = selector(self._pattern, len(unique))
        else:
            self._votes, group, self.n_own = problem.votes, problem.cell, problem.n_cells
        self.single = np.array([f for f, judges in enumerate(members) if len(judges) == 1], dtype=np.intp)
        self.several = [f for f, judges in enumerate(members) if len(judges) > 1]
        alone = np.array([members[f][0] for f in self.single], dtype=np.intp)
        self._hot = one_hot(self._votes[:, alone], problem.n_levels, group, self.n_own)
        self.families = [
            Family(members[f], self._votes, group, self.n_own, problem.copy_prior, n_chains) for f in self.several
        ]
        self._total: np.ndarray | None = None  # true scores per cell, from the last sweep
        self._alone = alone
        self._by_cell = selector(problem.cell, problem.n_cells)
        self._prior = problem.prior.T[None, :, None, :]
        known = np.flatnonzero(problem.truth >= 0)
        self._known, self._truth = known, problem.truth[known]
        at = problem.cell[known] * problem.n_levels + self._truth
        self._by_truth = selector(at, problem.n_cells * problem.n_levels)
        # cells in which no family keeps to its common matrix may exchange labels by themselves
        self._free = np.flatnonzero(self._own.all(axis=0))
        # few patterns tell little, and cost little
        self._few = len(problem.cell) * problem.n_levels <= FEW
        self._turn = 0
        self._stride = Stride((n_chains,), problem.n_levels)
        self._cell_stride = Stride((len(self._free), n_chains), problem.n_levels)
        self.start()

    def start(self):
        """Draw the matrices and the shares from the prior."""
        p, shape = self.problem, (self.problem.n_levels, self.n_chains, self.problem.n_levels)
        alpha = np.full((p.n_cells, self.n_chains, p.n_levels), p.alpha)
        self.log_pi = log_dirichlet(self.rng, alpha, axis=2)
        self.log_phi = log_dirichlet(self.rng, np.broadcast_to(self._prior, (p.n_families, *shape)), axis=1)
        self.log_cell = self._cells(np.zeros((self.n_own, p.n_families, *shape)))
        for family in self.families:
            family.start(self.rng)
        self.z = np.zeros((len(p.cell), self.n_chains, p.n_levels), np.int64)

    def sweep(self, learn=False):
        """Draw everything once: labels, a step along the ridge, true scores, shares, votes of families, matrices.

        Where constancy is finite the common matrices are drawn with the cells' own integrated out (through the
        tables), so the cells' matrices must follow them, and be followed by the true scores. `learn` is for the
        warm-up: only then the lengths of steps may change.
        """
        self._relabel()
        share, row = self._joint(self.log_weights(), self.log_pi)
        self._turn += 1
        for _ in range(3 if self._few else int(self._turn % SELDOM == 0)):
            share, row = self._slide(share, row, learn)
        if len(self._free):
            share, row = self._slide_cells(share, row, learn)
        if self.families:  # they keep what their votes are split by
            self.log_weights()
        z = self._true_scores(share)
        counts = self._vote_counts(z)
        if self.n_own == 1 and not len(self._known) and self.problem.n_levels <= MOST_ORDERED:
            counts = self._reorder(counts)
        self._matrices(counts)

    def log_weights(self, log_cell=None):
        """Return log P(votes | true score) of each row whose likelihood differs, (P, S, M)."""
        n_levels = self.problem.n_levels
        log_cell = self.log_cell if log_cell is None else log_cell
        alone = log_cell[:, self.single] if self.several else log_cell
        weights = self._hot @ alone.reshape(-1, self.n_chains * n_levels)
        weights = weights.reshape(-1, self.n_chains, n_levels)
        for f, family in zip(self.several, self.families, strict=True):
            weights += family.log_weights(log_cell[:, f])
        return weights

    def log_likelihood(self):
        """Return the log-likelihood of all rows in each chain, shape (S,)."""
        return (self.count * self._joint(self.log_weights(), self.log_pi)[1]).sum(axis=0)

    def height(self):
        """Return the log-posterior of each chain up to a constant, (S,), as a density of logarithms: no spikes at 0."""
        p = self.problem
        height = self.log_likelihood() + p.alpha * self.log_pi.sum(axis=(0, 2))
        height += (self._prior * self.log_phi).sum(axis=(0, 1, 3))
        for family in self.families:
            height += (family.prior * family.log_psi).sum(axis=(0, 1, 3))
        if self.n_own > 1:
            own = self._own.T
            a = p.constancy.T[own][:, None, None, None] * np.exp(self.log_phi)[np.nonzero(own)[1]]
            a = np.maximum(a, LEAST)
            height += (a * self.log_cell[own] - gammaln(a)).sum(axis=(0, 1, 3))
        return height

    def keep(self, chains):
        """Go on with these chains, which may repeat themselves."""
        self.n_chains = len(chains)
        self.log_pi, self.log_phi, self.z = self.log_pi[:, chains], self.log_phi[:, :, chains], self.z[:, chains]
        self._total = None
        self.log_cell = self.log_phi[None] if self.n_own == 1 else self.log_cell[:, :, :, chains]
        if self.count.shape[1] > 1:
            self.count = self.count[:, chains]
        for family in self.families:
            family.keep(chains)
        self._stride.keep(chains, axis=0)
        self._cell_stride.keep(chains, axis=1)

    def theta(self):
        """Return P(vote | true score) of each judge under the common matrices, (S, J, M, V)."""
        p = self.problem
        out = np.empty((self.n_chains, p.n_judges, p.n_levels, p.n_levels))
        out[:, self._alone] = np.exp(self.log_phi[self.single]).transpose(2, 0, 3, 1)
        for f, family in zip(self.several, self.families, strict=True):
            out[:, family.judges] = family.theta(self.log_phi[f])
        return out

    def pi(self):
        """Return the shares of the true scores, (S, C, M)."""
        return np.exp(self.log_pi).transpose(1, 0, 2)

    def sample_means(self):
        """Return the mean level of the realised true scores, (S, C); sums before the division, so that ties stay."""
        z = self.z.reshape(len(self.z), -1).astype(np.float64)
        total = (self._by_cell @ z).reshape(self.log_pi.shape) if self._total is None else self._total
        items = np.broadcast_to(self._by_cell @ self.count, total.shape[:2])
        return (total @ self.problem.levels / items).T

    # ---- steps

    def _joint(self, weights, log_pi):
        """Return P(true score, votes) of each row up to a factor, (R, S, M), and its log-likelihood, (R, S)."""
        top = over_last(np.maximum, weights)
        likelihood, pattern = np.exp(weights - top[..., None]), self._pattern
        if pattern is not None:
            likelihood, top = likelihood[pattern], top[pattern]
        share = np.exp(log_pi)[self.problem.cell]
        share *= likelihood
        with np.errstate(divide="ignore"):
            row = np.log(over_last(np.add, share))
        row += top
        known = self._known
        if len(known):
            of_row = weights[known] if pattern is None else weights[pattern[known]]
            row[known] = self._of_truth(of_row + log_pi[self.problem.cell[known]])
            share[known] = np.eye(self.problem.n_levels)[self._truth][:, None]
        return share, row

    def _of_truth(self, array):
        return np.take_along_axis(array, self._truth[:, None, None], axis=2)[..., 0]

    def _true_scores(self, share):
        p = self.problem
        share /= over_last(np.add, share)[..., None]
        self.z = self.rng.multinomial(self.count, share)
        z = self.z.reshape(len(self.z), -1).astype(np.float64)
        self._total = (self._by_cell @ z).reshape(self.log_pi.shape)
        self.log_pi = log_dirichlet(self.rng, p.alpha + self._total, axis=2)
        return z if self._pattern is None else self._by_pattern @ z

    def _vote_counts(self, z):
        """Return the votes of the families, (T, F, V, S, M), given true scores (P, S * M)."""
        n_families, n_levels = self.log_phi.shape[:2]
        counts = np.empty((self.n_own, n_families, n_levels, self.n_chains, n_levels))
        alone = (self._hot.T @ z).reshape(self.n_own, len(self.single), *counts.shape[2:])
        if not self.several:
            return alone
        counts[:, self.single] = alone
        for f, family in zip(self.several, self.families, strict=True):
            counts[:, f] = family.split(self.rng, z)
        return counts

    def _reorder(self, counts):
        """Draw the labels of the classes of items anew; return the votes by label."""
        order = draw_order(self.rng, counts[0], self.problem.prior.T)
        self.z, self._total, self.log_pi = (
            np.take_along_axis(x, order[None], axis=2) for x in (self.z, self._total, self.log_pi)
        )
        return np.take_along_axis(counts, order[None, None, None], axis=4)

    def _matrices(self, counts):
        own = self._own.T
        if self.n_own == 1:
            informative = counts[0]
        else:
            informative = counts.copy()
            phi = np.exp(self.log_phi)[np.nonzero(own)[1]]
            strength = self.problem.constancy.T[own][:, None, None, None]
            informative[own] = tables(self.rng, counts[own].astype(np.int64), strength * phi)
            informative = informative.sum(axis=0)
        self.log_phi = log_dirichlet(self.rng, self._prior + informative, axis=1)
        self.log_cell = self._cells(counts)

    def _cells(self, counts):
        """Draw the matrices of the cells given the common ones and the cells' votes."""
        if self.n_own == 1:
            return self.log_phi[None]
        own = self._own.T
        log_cell = np.repeat(self.log_phi[None], self.n_own, axis=0)
        strength = self.problem.constancy.T[own][:, None, None, None]
        log_cell[own] = log_dirichlet(self.rng, strength * np.exp(log_cell[own]) + counts[own], axis=1)
        return log_cell

    def _slide(self, share, row, learn):
        """Propose a step along the ridge of all cells and judges; return the joint as it is afterwards."""
        p, s, own = self.problem, np.arange(self.n_chains), self._own.T
        step = self._stride.propose(self.rng)
        m, n, ok = step.m, step.n, np.ones(self.n_chains, bool)
        log_pi, log_phi, log_cell = self.log_pi.copy(), self.log_phi.copy(), None
        gain = (p.n_cells - (p.n_levels - 1) * (p.n_families + own.sum() * (self.n_own > 1))) * step.log_det
        move(log_pi, step.shares, s, m, n, ok)
        gain += ((p.alpha - 1) * (log_pi - self.log_pi)).sum(axis=(0, 2))
        move(log_phi, step.rows, s, m, n, ok)
        for label in (m, n):
            change = log_phi[:, :, s, label] - self.log_phi[:, :, s, label]
            gain += ((p.prior.T[:, label] - 1) * change).sum(axis=(0, 1))
        if self.n_own > 1:
            log_cell = np.where(own[:, :, None, None, None], self.log_cell, log_phi[None])
            before = self.log_cell[own]  # (cells of their own, V, S, M)
            after = before.copy()
            move(after, step.rows, s, m, n, ok)
            log_cell[own] = after
            strength, family = p.constancy.T[own][:, None, None], np.nonzero(own)[1]
            for label in (m, n):
                a_new, a_old = (strength * np.exp(x[family][:, :, s, label]) for x in (log_phi, self.log_phi))
                gain += dirichlet_gain(after[:, :, s, label], before[:, :, s, label], a_new, a_old, axis=(0, 1))
        new_share, new_row = self._joint(self.log_weights(log_phi[None] if log_cell is None else log_cell), log_pi)
        gain += (self.count * (new_row - row)).sum(axis=0)
        accepted = ok & (-self.rng.standard_exponential(self.n_chains) < gain)
        if learn:
            self._stride.learn(accepted)
        for old, new in ((self.log_pi, log_pi), (share, new_share), (row, new_row)):
            old[:, accepted] = new[:, accepted]
        self.log_phi[:, :, accepted] = log_phi[:, :, accepted]
        if log_cell is not None:
            self.log_cell[:, :, :, accepted] = log_cell[:, :, :, accepted]
        return share, row

    def _slide_cells(self, share, row, learn):
        """Propose a step along the ridge in each cell that has matrices of its own; return the joint afterwards."""
        p, c, s = self.problem, self._free[:, None], np.arange(self.n_chains)[None]
        step = self._cell_stride.propose(self.rng)
        ok = np.ones(step.m.shape, bool)
        log_pi, log_cell = self.log_pi[self._free], self.log_cell[self._free].transpose(1, 2, 0, 3, 4)
        at = np.arange(len(c))[:, None], s
        gain = (1 - (p.n_levels - 1) * p.n_families) * step.log_det
        new_pi, new_cell = log_pi.copy(), log_cell.copy()
        move(new_pi, step.shares, at, step.m, step.n, ok)
        gain += ((p.alpha - 1) * (new_pi - log_pi)).sum(axis=2)
        move(new_cell, step.rows, at, step.m, step.n, ok)
        for label in (step.m, step.n):
            a = p.constancy[:, self._free][:, None, :, None] * np.exp(self.log_phi[:, :, s, label])
            change = new_cell[:, :, *at, label] - log_cell[:, :, *at, label]
            gain += ((a - 1) * change).sum(axis=(0, 1))
        all_pi, all_cell = self.log_pi.copy(), self.log_cell.copy()
        all_pi[self._free], all_cell[self._free] = new_pi, new_cell.transpose(2, 0, 1, 3, 4)
        new_share, new_row = self._joint(self.log_weights(all_cell), all_pi)
        gain += (self._by_cell @ (self.count * (new_row - row)))[self._free]
        accepted = ok & (-self.rng.standard_exponential(gain.shape) < gain)
        if learn:
            self._cell_stride.learn(accepted)
        taken = np.zeros(self.log_pi.shape[:2], bool)
        taken[self._free] = accepted
        self.log_pi[taken] = all_pi[taken]
        self.log_cell = np.where(taken[:, None, None, :, None], all_cell, self.log_cell)
        rows = taken[p.cell]
        share[rows], row[rows] = new_share[rows], new_row[rows]
        return share, row

    def _relabel(self):
        """Propose another labelling: of all true scores, of single cells, of the latent votes of families."""
        anchors = self._anchors()
        chains, a, b = swap_all(self.rng, self.log_phi, self._prior[0, :, 0], anchors)
        exchange(self.log_pi, chains, a, b)
        exchange(self.log_phi, chains, a, b)
        if self.n_own > 1:
            exchange(self.log_cell, chains, a, b)
        if anchors is not None and len(chains):
            exchange(anchors, chains, a, b)
        if len(self._free):
            accepted = swap_cells(self.rng, self.log_phi, self.log_cell, self.problem.constancy, self._free, anchors)
            self._exchange_cells(*accepted)
        for f, family in zip(self.several, self.families, strict=True):
            chains, a, b = swap_family(self.rng, self.log_phi[f], self.problem.prior.T, family.log_psi, family.prior)
            exchange(family.log_psi, chains, a, b)
            for matrix in (self.log_phi[f], *(self.log_cell[:, f] if self.n_own > 1 else ())):
                matrix[a, chains], matrix[b, chains] = matrix[b, chains], matrix[a, chains]

    def _exchange_cells(self, c, s, a, b):
        self.log_pi[c, s, a], self.log_pi[c, s, b] = self.log_pi[c, s, b], self.log_pi[c, s, a]
        log_cell = self.log_cell
        log_cell[c, :, :, s, a], log_cell[c, :, :, s, b] = log_cell[c, :, :, s, b], log_cell[c, :, :, s, a]

    def _anchors(self):
        """Return the log-likelihood of the anchored items, (C, true score, S, label), or None."""
        if not len(self._known):
            return None
        weights = self.log_weights()
        rows = self._known if self._pattern is None else self._pattern[self._known]
        joint = self.log_pi[self.problem.cell[self._known]] + weights[rows]
        joint *= self.count[self._known][:, :, None]
        shape = (self.problem.n_cells, self.problem.n_levels, self.n_chains, self.problem.n_levels)
        return (self._by_truth @ joint.reshape(len(joint), -1)).reshape(shape)
