"""The model held against the votes: how often judges agree in pairs, and how often they would if it were true."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from uq._base.record import Result

__all__ = ["AgreementCheck", "VoteAgreement"]

MOST_JUDGES = 40  # beyond, the pairs cost more than the sampling


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VoteAgreement(Result):
    """How often two judges give the same score to an item, beside what the fitted model predicts.

    Parameters
    ----------
    pairs : tuple of (str, str)
        Judges with items in common.
    n_items : ndarray of int of shape (n_pairs,)
        Items in common whose true score is not given.
    observed : ndarray of shape (n_pairs,)
        Share of them on which the votes agree.
    expected : ndarray of shape (n_pairs,)
        The same share in votes drawn from the posterior predictive law, on average.
    std_error : ndarray of shape (n_pairs,)
        Spread of that share over the draws.
    guarantee : str
    """

    pairs: tuple
    n_items: np.ndarray
    observed: np.ndarray
    expected: np.ndarray
    std_error: np.ndarray
    guarantee: str = "none"

    @property
    def pvalues(self) -> np.ndarray:
        """Two-sided normal p-values of each pair; as the votes have shaped the model, they are too large."""
        gap = np.abs(self.observed - self.expected)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(gap > 0, gap / self.std_error, 0.0)
        return 2 * stats.norm.sf(z)

    @property
    def excess(self) -> np.ndarray:
        """Observed less expected share."""
        return self.observed - self.expected

    def misfit(self, error=0.01, least=0.02):
        """Return the pair that misses the prediction most, or None; Bonferroni over pairs, and by at least `least`."""
        suspect = (self.pvalues * len(self.pairs) < error) & (np.abs(self.excess) >= least)
        if not suspect.any():
            return None
        return int(np.argmax(np.where(suspect, np.abs(self.excess), -1.0)))

    def _table(self):
        return {
            "judge": [a for a, _ in self.pairs],
            "other judge": [b for _, b in self.pairs],
            "n_items": self.n_items,
            "observed": self.observed,
            "expected": self.expected,
            "pvalue": self.pvalues,
        }

    def _title(self):
        return "agreement of judges, observed and expected by the model"


class AgreementCheck:
    """Counts agreeing votes of all pairs of judges, and draws them anew from the state of chains."""

    def __init__(self, problem):
        self.problem = problem
        j, k = np.triu_indices(problem.n_judges, 1)
        n = np.zeros((problem.n_cells, len(j)), np.int64)
        agree = np.zeros(len(j), np.int64)
        rows = problem.truth < 0
        votes, cell, count = problem.votes[rows], problem.cell[rows], problem.count[rows]
        for i, (a, b) in enumerate(zip(j, k, strict=True)):
            both = (votes[:, a] >= 0) & (votes[:, b] >= 0)
            n[:, i] = np.bincount(cell[both], count[both], problem.n_cells)
            agree[i] = count[both & (votes[:, a] == votes[:, b])].sum()
        kept = n.sum(axis=0) > 0
        self.first, self.second, self.n, self.agree = j[kept], k[kept], n[:, kept], agree[kept]

    @staticmethod
    def worthwhile(problem):
        """Tell whether there are pairs to look at, and not too many."""
        return 1 < problem.n_judges <= MOST_JUDGES and bool((problem.votes[problem.truth < 0] >= 0).any())

    def replicate(self, chains):
        """Return agreeing votes of each pair in one new set of votes per chain, (S, n_pairs)."""
        p = chains.problem
        pi = chains.pi()
        phi = np.exp(chains.log_cell).transpose(3, 0, 1, 4, 2)  # (S, T, F, M, U)
        theta = np.empty((len(phi), phi.shape[1], p.n_judges, p.n_levels, p.n_levels))
        for f, judges in enumerate(p.members):
            theta[:, :, judges] = phi[:, :, [f]]
        for f, family in zip(chains.several, chains.families, strict=True):
            theta[:, :, family.judges] = np.einsum("stmu,sjuv->stjmv", phi[:, :, f], family.conditional())
        agree = np.empty((len(pi), *self.n.shape))
        for i, (a, b) in enumerate(zip(self.first, self.second, strict=True)):
            same = (theta[:, :, a] * theta[:, :, b]).sum(axis=-1)
            agree[:, :, i] = (pi * same).sum(axis=-1)
        for f, family in zip(chains.several, chains.families, strict=True):
            vote = np.einsum("scm,scmu->scu", pi, np.broadcast_to(phi[:, :, f], (*pi.shape, p.n_levels)))
            psi = family.conditional()
            place = {int(judge): i for i, judge in enumerate(family.judges)}
            for i, (a, b) in enumerate(zip(self.first, self.second, strict=True)):
                if a in place and b in place:
                    same = (psi[:, place[a]] * psi[:, place[b]]).sum(axis=-1)
                    agree[:, :, i] = np.einsum("scu,su->sc", vote, same)
        return chains.rng.binomial(self.n, np.clip(agree, 0, 1)).sum(axis=1)

    def summary(self, replicates, judges):
        """Return the result, given replicates (n, n_pairs)."""
        total = self.n.sum(axis=0)
        share = replicates / total
        return VoteAgreement(
            pairs=tuple((str(judges[a]), str(judges[b])) for a, b in zip(self.first, self.second, strict=True)),
            n_items=total,
            observed=self.agree / total,
            expected=share.mean(axis=0),
            std_error=share.std(axis=0),
        )
