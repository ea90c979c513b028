"""Answer, or keep silent, with a bound on how often an answer is one that cannot be."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.citation import cites
from uq._base.random import check_rng
from uq._base.record import Result, format_number, format_percent
from uq._base.validation import check_number, check_option

from ._pairs import as_pairs
from ._records import row_names

__all__ = ["SelectiveAnswers", "selective_answer"]

METHODS = ("filter", "rejection", "argmax")


@cites("johnson2024")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectiveAnswers(Result):
    """The class that was chosen for each row, or silence.

    Parameters
    ----------
    answers : ndarray of int, shape (n_samples,)
        The column of the class; -1 where there is no answer.
    bounds : ndarray of shape (n_samples,)
        1 less the epistemic confidence of the answer; 0 where there is none.
    max_hallucination : float
    method : {"filter", "rejection", "argmax"}
    classes : tuple or None
    guarantee : str
    index : pandas.Index or None

    Examples
    --------
    >>> from uq.epistemic import selective_answer
    >>> chosen = selective_answer([[[.91, .04], [.04, .01]], [[.4, .1], [.1, .4]]], .2, "argmax")
    >>> chosen.answers, chosen.answered
    (array([ 0, -1]), 0.5)
    """

    answers: Any
    bounds: Any
    max_hallucination: float
    method: str
    classes: Any = None
    guarantee: str = "none"
    index: Any = None

    @property
    def answered(self) -> float:
        """Share of rows that have an answer."""
        return float(np.mean(self.answers >= 0))

    @property
    def hallucination_bound(self) -> float:
        """Mean bound of the answers: of them, at most so many are impossible. 0 where there are none."""
        given = self.answers >= 0
        return float(self.bounds[given].mean()) if given.any() else 0.0

    @property
    def labels(self) -> np.ndarray:
        """The answers as labels of the classes, None for silence."""
        names = [int(k) if self.classes is None else self.classes[k] for k in self.answers]
        out = np.full(len(names), None, dtype=object)
        for i, name in enumerate(names):
            if self.answers[i] >= 0:
                out[i] = name
        return out

    def _table(self):
        return {
            "row": row_names(self.index, len(self.answers)),
            "answer": list(self.labels),
            "bound": self.bounds,
        }

    def _title(self):
        return (
            f"{int((self.answers >= 0).sum())} of {len(self.answers)} rows answered, hallucinations at most "
            f"{format_number(self.hallucination_bound)} of them ({format_percent(self.max_hallucination)} allowed)"
        )

    def __repr__(self):
        return f"<{self._title()}, {self._caption()}>"

    def _draw(self, ax):
        ax.hist(self.bounds[self.answers >= 0], bins=np.linspace(0, max(self.max_hallucination, 1e-3), 21))
        ax.set(xlabel="bound on hallucination", ylabel="answers", title=self._title())
        return ax


@cites("johnson2024")
def selective_answer(pairs, max_hallucination, method="filter", *, rng=None) -> SelectiveAnswers:
    """Answer where a model of pairs is confident, and keep silent elsewhere.

    Parameters
    ----------
    pairs : PairDistribution or array-like of shape (n_samples, n_classes, n_classes)
        What the model says.
    max_hallucination : float
        In [0, 1]. An answer is given only if 1 - epistemic confidence is at most this.
    method : {"filter", "rejection", "argmax"}, default "filter"
        "filter": draw one class from the model's probabilities, and say it if it is allowed. "rejection": draw until
        one is allowed, silent where none is. "argmax": the most probable of those allowed.
    rng : None, int or numpy.random.Generator
        For "filter" and "rejection", whose answers are random.

    Returns
    -------
    SelectiveAnswers
        `answers` (a column, or -1), `bounds`, and `hallucination_bound` of all answers.

    Raises
    ------
    InputError
        For what is no distribution of pairs, a bound outside [0, 1], an unknown method, and a bad seed.

    See Also
    --------
    PairDistribution.epistemic_confidence : the confidence.

    Notes
    -----
    A hallucination is an answer that is impossible: p(y|x) = 0. By the Cauchy-Schwarz inequality the share of inputs
    that look alike for which y is possible is at least m[y]^2 / J[y, y]. Classes whose variance is negative are never
    said. Half and single precision cannot tell certainty from what is close to it: of joints that come in them nothing
    is said at a bound of 0.

    **Guarantee.** None unless the pairs are calibrated (see `PairDistribution`). If they are, the share of
    hallucinations among the answers is at most `hallucination_bound`, and so at most `max_hallucination`, with any of
    the methods, because they look at nothing but the model and their own dice. The bound is often far above the truth
    and may silence all rows. It does not hold for answers that were picked with a look at the truth.

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.

    Examples
    --------
    >>> import numpy as np
    >>> from uq.epistemic import PairDistribution, selective_answer
    >>> joint = [np.outer([.7, .3], [.7, .3]), np.diag([.7, .3])]
    >>> print(selective_answer(PairDistribution(joint, classes=["yes", "no"]), .1, rng=0))
    1 of 2 rows answered, hallucinations at most 0 of them (10 % allowed)
    row  answer  bound
      0     yes      0
      1    None      0
    method: filter, guarantee: none
    """
    owner = "selective_answer"
    most = check_number(max_hallucination, owner, "max_hallucination", low=0, high=1, closed=True)
    check_option(method, METHODS, owner, "method")
    generator = check_rng(rng, owner)
    pairs = as_pairs(pairs, owner)
    m = pairs.marginal
    bound = 1 - pairs._bounds()[1]
    allowed = (bound <= most) & (m > 0)  # NaN is not
    if method == "argmax":
        answers = np.where(allowed, m, -1.0).argmax(axis=1)
    else:
        answers = _draw_class(m if method == "filter" else np.where(allowed, m, 0.0), generator)
    rows = np.arange(len(m))
    said = allowed[rows, answers]
    return SelectiveAnswers(
        answers=np.where(said, answers, -1),
        bounds=np.where(said, bound[rows, answers], 0.0),
        max_hallucination=most,
        method=method,
        classes=pairs.classes,
        index=pairs.index,
    )


def _draw_class(weights, rng):
    """Return one column per row with probability proportional to its weight; any column where all weights are 0."""
    total = np.cumsum(weights, axis=1)
    u = rng.random(len(weights)) * total[:, -1]
    # the first whose sum exceeds u, so that a weight of 0 is never picked
    return np.minimum((total <= u[:, None]).sum(axis=1), weights.shape[1] - 1)
