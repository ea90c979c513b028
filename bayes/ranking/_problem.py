"""What a sampler needs of the votes and the prior, and nothing about names: counts of unique patterns of votes."""

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Problem"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Votes of J judges on M levels, collapsed; K candidates in G strata make C cells (C = K without strata).

    The model. An item of cell c has a true score m with probability pi[c, m]. A family f of judges shares one latent
    vote u with probability phi[f, m, u]; judge j of a family of several casts v with probability psi[j, u, v], the only
    judge of a family casts v = u. Votes of one item are independent given its true score across families, and given the
    family's vote within one. Where constancy[f, c] is finite, the row phi[f, m] is replaced in cell c by a draw from
    Dirichlet(constancy[f, c] * phi[f, m]). A priori pi[c] ~ Dirichlet(alpha, ...), phi[f, m] ~ Dirichlet(prior[m]),
    psi[j, u] ~ Dirichlet(copy_prior[u]). The matrix of judge j, theta[j] = P(vote | true score), is phi[f] for the only
    judge of a family and phi[f] @ psi[j] for one of several.

    Samplers return a dict of arrays with the axes (chain, draw, ...): "pi" (..., C, M) and "theta" (..., J, M, M) as
    above; "sample" (..., C), the mean level of the realised true scores, from samplers that draw them.

    Attributes
    ----------
    levels : ndarray of shape (M,)
        What the scores are worth, ascending.
    votes : ndarray of int of shape (R, J)
        Unique pattern of each row, as positions in `levels`; -1 where the judge did not vote. With
        ``has_items=False`` every row is one vote.
    cell : ndarray of int of shape (R,)
        Ascending.
    truth : ndarray of int of shape (R,)
        True score of anchored items, as a position in `levels`; -1 where unknown.
    count : ndarray of int of shape (R,)
        Items with this cell, pattern and truth.
    cell_candidate, cell_stratum : ndarray of int of shape (C,)
    cell_weight : ndarray of float of shape (C,)
        Share of the stratum; sums to 1 over the cells of each candidate.
    n_candidates : int
    family : ndarray of int of shape (J,)
        0 ... F - 1.
    constancy : ndarray of shape (F, C)
    prior, copy_prior : ndarray of shape (M, M)
        Row m holds the parameters of the Dirichlet law of the votes when the true score (the family's vote) is m.
    alpha : float
    has_items : bool
        Whether rows hold votes on common items, which the joint likelihood needs.
    likelihood : {"joint", "marginal"}
    """

    levels: np.ndarray
    votes: np.ndarray
    cell: np.ndarray
    truth: np.ndarray
    count: np.ndarray
    cell_candidate: np.ndarray
    cell_stratum: np.ndarray
    cell_weight: np.ndarray
    n_candidates: int
    family: np.ndarray
    constancy: np.ndarray
    prior: np.ndarray
    copy_prior: np.ndarray
    alpha: float = 1.0
    has_items: bool = True
    likelihood: str = "joint"

    @property
    def n_levels(self) -> int:
        """Return M."""
        return len(self.levels)

    @property
    def n_judges(self) -> int:
        """Return J."""
        return self.votes.shape[1]

    @property
    def n_families(self) -> int:
        """Return F."""
        return len(self.constancy)

    @property
    def n_cells(self) -> int:
        """Return C."""
        return len(self.cell_candidate)

    @property
    def is_constant(self) -> bool:
        """Whether every judge uses one matrix for all cells."""
        return bool(np.isinf(self.constancy).all())

    @property
    def members(self) -> list[np.ndarray]:
        """Return the judges of each family."""
        return [np.flatnonzero(self.family == f) for f in range(self.n_families)]

    @property
    def shared_judges(self) -> np.ndarray:
        """Return the judges of families of several, family by family."""
        several = [judges for judges in self.members if len(judges) > 1]
        return np.concatenate(several) if several else np.empty(0, np.intp)

    def vote_counts(self, anchored=False) -> np.ndarray:
        """Return the votes of un-anchored items (of anchored ones), as integers of shape (C, J, M), for the marginals.

        Of anchored items the shape is (C, M, J, M): the true score comes second.
        """
        rows = self.truth >= 0 if anchored else self.truth < 0
        row, judge = np.nonzero((self.votes >= 0) & rows[:, None])
        shape = (self.n_cells, self.n_levels if anchored else 1, self.n_judges, self.n_levels)
        truth = self.truth[row] if anchored else np.zeros(len(row), np.intp)
        at = (self.cell[row], truth, judge, self.votes[row, judge])
        out = np.zeros(shape, np.int64)
        np.add.at(out, at, self.count[row])
        return out if anchored else out[:, 0]

    @property
    def items(self) -> np.ndarray:
        """Return the number of items of each cell, shape (C,)."""
        return np.bincount(self.cell, self.count, self.n_cells)

    def per_candidate(self, values) -> np.ndarray:
        """Return means over the strata, shape (..., K), of one value per cell; utilities are those of pi @ levels."""
        weights = np.zeros((self.n_cells, self.n_candidates))
        weights[np.arange(self.n_cells), self.cell_candidate] = self.cell_weight
        return np.asarray(values) @ weights

    def changed(self, **fields) -> "Problem":
        """Return the same problem under other fields, another prior for instance."""
        return replace(self, **fields)
