"""A family of several judges: one latent vote per item, which each of them copies more or less well."""

import numpy as np
from scipy import sparse

from ._draws import log_dirichlet

__all__ = ["Family", "one_hot", "selector"]


def selector(codes, n_rows):
    """Return the sparse matrix (n_rows, len(codes)) that sums what has the same code; codes of -1 are left out."""
    kept = np.flatnonzero(codes >= 0)
    return sparse.csr_array((np.ones(len(kept)), (codes[kept], kept)), shape=(n_rows, len(codes)))


def one_hot(votes, n_levels, group=0, n_groups=1):
    """Return the sparse indicator (rows, n_groups * judges * levels) of the votes; -1 is no vote."""
    row, judge = np.nonzero(votes >= 0)
    n_judges = votes.shape[1]
    group = np.broadcast_to(group, len(votes))[row]
    column = (group * n_judges + judge) * n_levels + votes[row, judge]
    shape = (len(votes), n_groups * n_judges * n_levels)
    return sparse.csr_array((np.ones(len(row)), (row, column)), shape=shape)


class Family:
    """The part of the sampler that knows of one family; groups are the cells that have a matrix of their own.

    Axes: B unique votes of the family (per group), S chains, M true scores, U family votes, V votes, T groups.
    """

    def __init__(self, judges, votes, group, n_groups, prior, n_chains):
        n_levels = len(prior)
        votes = votes[:, judges]
        seen = np.flatnonzero((votes >= 0).any(axis=1))
        unique, inverse = np.unique(np.column_stack([group, votes])[seen], axis=0, return_inverse=True)
        self.judges = judges
        self.group = unique[:, 0].astype(np.intp)
        self.index = np.full(len(votes), -1)
        self.index[seen] = inverse.reshape(-1)
        self.hot = one_hot(unique[:, 1:], n_levels)
        self.by_votes = selector(self.index, len(unique))
        self.by_group = selector(self.group, n_groups)
        self.prior = np.broadcast_to(prior.T[None, :, None, :], (len(judges), n_levels, n_chains, n_levels))
        self.log_psi = self.prior  # (judge, V, S, U), set by `start`
        self._joint = np.empty((0, 0, 0, 0))

    def start(self, rng):
        """Draw the members' matrices from the prior."""
        self.log_psi = log_dirichlet(rng, self.prior, axis=1)

    def keep(self, chains):
        """Go on with these chains."""
        self.log_psi, self.prior = self.log_psi[:, :, chains], self.prior[:, :, chains]

    def log_weights(self, log_cell):
        """Return log P(votes of the family | true score) per row, (rows, S, M), given matrices (T, U, S, M)."""
        n_levels, n_chains = log_cell.shape[1:3]
        given = (self.hot @ self.log_psi.reshape(-1, n_chains * n_levels)).reshape(-1, n_chains, 1, n_levels)
        joint = given + log_cell[self.group].transpose(0, 2, 3, 1)  # (B, S, M, U)
        top = joint.max(axis=3, keepdims=True)
        joint = np.exp(joint - top)
        total = joint.sum(axis=3, keepdims=True)
        self._joint = joint / total
        weights = (np.log(total) + top)[..., 0]
        out = np.zeros((len(self.index), n_chains, n_levels))
        seen = self.index >= 0
        out[seen] = weights[self.index[seen]]
        return out

    def split(self, rng, z):
        """Draw the family's votes given true scores `z` (rows, S * M); return their counts (T, U, S, M).

        The members' matrices are drawn anew from them. To be called after `log_weights` with the same matrices.
        """
        n_patterns, n_chains, n_levels, _ = self._joint.shape
        z = (self.by_votes @ z).reshape(n_patterns, n_chains, n_levels).astype(np.int64)
        y = rng.multinomial(z, self._joint)
        votes = self.hot.T @ y.sum(axis=2).reshape(n_patterns, -1)
        self.log_psi = log_dirichlet(rng, self.prior + votes.reshape(self.prior.shape), axis=1)
        counts = (self.by_group @ y.reshape(n_patterns, -1)).reshape(-1, n_chains, n_levels, n_levels)
        return counts.transpose(0, 3, 1, 2)

    def theta(self, log_phi):
        """Return the members' matrices P(vote | true score), (S, judges, M, V), given the family's (U, S, M)."""
        return np.einsum("usm,jvsu->sjmv", np.exp(log_phi), np.exp(self.log_psi))

    def conditional(self):
        """Return P(vote | family vote) of the members, (S, judges, U, V)."""
        return np.exp(self.log_psi).transpose(2, 0, 3, 1)
