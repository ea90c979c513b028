"""How far the draws of a ranking can be trusted: do chains agree, are the labels settled, do the judges fit."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.diagnostics import ess, rhat
from uq._base.record import Result, format_number, format_percent, rows_figsize

from ._labels import label_ambiguity
from ._predictive import VoteAgreement

__all__ = ["MOST_RHAT", "RankingDiagnostics", "diagnose"]

MOST_RHAT = 1.05


@cites("vehtari2021")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankingDiagnostics(Result):
    """What a sampler of judges' votes tells of itself; one row per candidate.

    Parameters
    ----------
    names : tuple of str
        The candidates.
    rhat : ndarray of shape (n_candidates,)
        Rank-normalised split R-hat of the utility: 1 where the chains agree.
    ess_bulk, ess_tail : ndarray of shape (n_candidates,)
        Effective number of draws of the utility, in its middle and in its tails.
    label_ambiguity : float
        Share of draws in which another naming of the true scores would suit the judges better.
    agreement : VoteAgreement or None
        Agreement of pairs of judges, observed and expected; None where no two voted on one item, or for more than 40
        judges.
    method : str
    n_votes, n_self_votes : int
        Votes that shaped the draws, and votes of judges on candidates of their own name or family.
    guarantee : str
    """

    names: tuple
    rhat: np.ndarray
    ess_bulk: np.ndarray
    ess_tail: np.ndarray
    label_ambiguity: float
    agreement: VoteAgreement | None
    method: str
    n_votes: int = 0
    n_self_votes: int = 0
    guarantee: str = "none"

    @property
    def converged(self) -> bool:
        """Whether no R-hat exceeds 1.05."""
        return bool(np.max(self.rhat) <= MOST_RHAT)

    def _table(self) -> dict[str, Any]:
        return {"name": list(self.names), "rhat": self.rhat, "ess_bulk": self.ess_bulk, "ess_tail": self.ess_tail}

    def _title(self):
        return f"diagnostics of the utilities, {'converged' if self.converged else 'NOT converged'}"

    def _note(self, table):
        note = f"labels are ambiguous in {format_percent(round(self.label_ambiguity, 4))} of the draws"
        note += f"; {self.n_votes} votes, self-votes {self.n_self_votes}"
        if self.agreement is not None and (i := self.agreement.misfit()) is not None:
            a, b = self.agreement.pairs[i]
            seen, model = self.agreement.observed[i], self.agreement.expected[i]
            note += (
                f"; {a} and {b} agree on {format_number(seen, 3)} of items, the model says {format_number(model, 3)}"
            )
        return note

    def _figsize(self):
        return rows_figsize(len(self.names), self._note(None))

    def _draw(self, ax):
        from uq._base import plot

        ess = zip(self.names, self.rhat, self.ess_bulk, self.ess_tail, strict=True)
        known = self.rhat[np.isfinite(self.rhat)]
        rhat = np.where(np.isfinite(self.rhat), self.rhat, max(known.max(initial=1.0), MOST_RHAT) * 1.05)
        ax = plot.intervals(
            ax,
            rhat,
            np.minimum(1.0, rhat),
            np.maximum(1.0, rhat),
            names=[
                f"{name} ({'' if np.isfinite(r) else f'R-hat {r}; '}{bulk:.0f} / {tail:.0f})"
                for name, r, bulk, tail in ess
            ],
            title=self._title(),
            label="R-hat (in brackets: effective draws, bulk / tail)",
            note=self._note(None),
            reference=MOST_RHAT,
        )
        low, high = ax.get_xlim()
        ax.set_xlim(min(low, 1.0), max(high, MOST_RHAT + 0.01))
        return ax


def diagnose(utility, theta, agreement, names, method, n_self_votes=0, n_votes=0):
    """Return the diagnostics of draws of utilities (chain, draw, K) and judges (chain, draw, J, M, M)."""
    return RankingDiagnostics(
        names=tuple(names),
        rhat=np.atleast_1d(rhat(utility)),
        ess_bulk=np.atleast_1d(ess(utility, "bulk")),
        ess_tail=np.atleast_1d(ess(utility, "tail")),
        label_ambiguity=label_ambiguity(theta),
        agreement=agreement,
        method=method,
        n_votes=n_votes,
        n_self_votes=n_self_votes,
    )
