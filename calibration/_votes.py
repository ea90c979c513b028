"""How sure are many answers to one question of their most frequent one? Votes, weighted and pruned."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.answers import check_answers, draw_values
from uq._base.citation import cite_methods, cites
from uq._base.containers import column_names, frame_columns
from uq._base.exceptions import InputError
from uq._base.record import Result
from uq._base.validation import check_number, check_option

from ._votes_weights import first_of_path, likely_draws, relative_weights

__all__ = ["Votes", "vote_confidence"]

METHODS = ("majority", "weighted", "perplexity", "pruned")
TIED = 1e-12  # shares this close are equal but for rounding

cite_methods(majority="wang2022", weighted="taubenfeld2025", perplexity="zhou2025", pruned="zhou2025")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Votes(Result):
    """The answer that won each question, and its share of the votes.

    Parameters
    ----------
    answers : ndarray of object, shape (n_questions,)
        None where no draw held an answer. Of tied answers the one that was given first.
    confidences : ndarray of shape (n_questions,)
        Share of the winner; 0 where there is none.
    n_answered : ndarray of int, shape (n_questions,)
        Draws that held an answer.
    n_pruned : ndarray of int, shape (n_questions,)
        Draws that were left out for their low probability.
    tied : dict
        From the position of a question to the tuple of answers that share its first place; only where there are two or
        more.
    method, guarantee : str
    names : tuple or None
        The questions of a long frame.

    Examples
    --------
    >>> from calibration import vote_confidence
    >>> votes = vote_confidence([["a", "b"], ["c", "c"]])
    >>> votes.credit(["b", "c"])
    array([0.5, 1. ])
    """

    answers: Any
    confidences: Any
    n_answered: Any
    n_pruned: Any
    tied: Any
    method: str
    guarantee: str = "none"
    names: Any = None

    def credit(self, y) -> np.ndarray:
        """Return 1 where the answer is right, 1 / k where the truth is one of k tied answers, else 0.

        Together with `confidences` this is what the metrics and recalibrators of this package take.

        Parameters
        ----------
        y : array-like of shape (n_questions,)
            The true answers; of a long frame, in the order in which its questions first occur.

        Returns
        -------
        ndarray of shape (n_questions,)
        """
        columns = frame_columns(y)
        y = columns[1][0] if columns is not None and len(columns[1]) == 1 else y
        y = (
            y.tolist()
            if hasattr(y, "tolist")
            else list(y)
            if hasattr(y, "__len__") and not isinstance(y, str)
            else None
        )
        given = [answer for answer in self.answers if answer is not None]
        if y and given and len({isinstance(value, str) for value in (*y, *given) if value is not None}) > 1:
            raise InputError(
                "Votes.credit: y must be of the kind of the answers; got texts on one side and others on the other, "
                f"{y[0]!r} and {given[0]!r}, which are never equal."
            )
        if y is None or len(y) != len(self.answers):
            raise InputError(
                f"Votes.credit: y must hold one true answer per question ({len(self.answers)}); got "
                f"{'no sequence' if y is None else len(y)}."
            )
        won = [truth == answer and answer is not None for truth, answer in zip(y, self.answers, strict=True)]
        credit = np.array(won, dtype=np.float64)
        for question, answers in self.tied.items():
            credit[question] = float(y[question] in answers) / len(answers)
        return credit

    def _table(self):
        questions = list(range(len(self.answers))) if self.names is None else list(self.names)
        return {
            "question": questions,
            "answer": list(self.answers),
            "confidence": self.confidences,
            "n_answered": self.n_answered,
            "n_pruned": self.n_pruned,
        }

    def _title(self):
        return f"answers to {len(self.answers)} questions"

    def __repr__(self):
        mean = float(np.mean(self.confidences))
        return f"<Votes on {len(self.answers)} questions, mean confidence {mean:.3g}, method: {self.method}>"

    def _draw(self, ax):
        ax.hist(self.confidences, bins=np.arange(21) / 20)
        ax.set(xlabel="confidence", ylabel="questions", title=self._title(), xlim=(0, 1))
        return ax


@cites("wang2022", "taubenfeld2025", "zhou2025")
def vote_confidence(answers, log_probs=None, method="majority", *, temperature=1.0) -> Votes:
    """Return the answer that several draws agree on, and how far they do, for many questions at once.

    Parameters
    ----------
    answers : array-like of shape (n_questions, n_draws), list of lists, or long frame
        Equal answers count as the same: bring them to one form first. None (NaN) is a draw without an answer, which
        has no vote. Lists may differ in length. A long frame has the columns ``question`` and ``answer``.
    log_probs : array-like in the form of `answers`, or name of a column, optional
        Log-probability of each draw, for all methods but "majority"; of draws without an answer it is ignored.
        Length-normalised ones (mean per token) work better than sums, which one short answer may dominate.
    method : {"majority", "weighted", "perplexity", "pruned"}, default "majority"
        "majority" counts draws (self-consistency). "weighted" gives a draw the weight softmax(log_prob / temperature)
        (CISC). "perplexity" sums the probabilities of the different paths to an answer; two draws of one answer and one
        log-probability are the same path. "pruned" first drops paths of low probability, then does the same (RPC).
    temperature : float, default 1
        For "weighted". Any other confidence per draw may stand in for `log_probs` there.

    Returns
    -------
    Votes
        `answers`, `confidences`, and `credit(y)` for what is right.

    Raises
    ------
    InputError
        For answers in another form or of a kind that cannot be compared, no draws, log-probabilities that are missing,
        NaN or infinite, or in another form than the answers, and unknown methods.

    Notes
    -----
    Of answers with equal shares the one that was given first wins; `Votes.tied` names the others, and `Votes.credit`
    splits the point between them. A question without any answer gets None and a confidence of 0.

    "pruned" fits a mixture of two Weibull laws to the probabilities of each question's draws, by maximum likelihood
    from several starts, and drops a draw if it belongs rather to the component with the smaller mean and is less
    probable than the mean of all. Questions with fewer than four different probabilities are not pruned.

    **Guarantee.** None: a share of votes is a score, not a probability of being right. Recalibrate it against truth
    (`PlattScaling`, `IsotonicCalibration`). With n draws a share p of the majority has the standard error
    sqrt(p (1 - p) / n) as an estimate of the model's own answer distribution.

    References
    ----------
    .. [1] X. Wang, J. Wei, D. Schuurmans et al. (2022). Self-consistency improves chain of thought reasoning in
       language models. arXiv:2203.11171.
    .. [2] A. Taubenfeld et al. (2025). Confidence improves self-consistency in LLMs. arXiv:2502.06233.
    .. [3] Z. Zhou et al. (2025). A theoretical study on bridging internal probability and self-consistency for LLM
       reasoning. arXiv:2502.00511.

    Examples
    --------
    >>> from calibration import vote_confidence
    >>> votes = vote_confidence([["4", "4", "5", None], ["7", "8"], [None]])
    >>> votes.answers, votes.confidences.round(3)
    (array(['4', '7', None], dtype=object), array([0.667, 0.5  , 0.   ]))
    >>> votes.credit(["4", "8", "1"])
    array([1. , 0.5, 0. ])
    >>> vote_confidence([["4", "4", "5"]], [[-2., -2.5, -.5]], "perplexity").answers
    array(['5'], dtype=object)
    """
    owner = "vote_confidence"
    check_option(method, METHODS, owner, "method")
    temperature = check_number(temperature, owner, "temperature", low=0)
    draws = check_answers(answers, owner)
    log_p: Any = None
    if log_probs is None:
        if method != "majority":
            raise InputError(f"{owner}: method={method!r} needs log_probs, one per draw; got None.")
    else:
        log_p = _check_log_probs(_column(log_probs, answers, owner), draws, owner)
    pruned = np.zeros(draws.n_questions, dtype=np.int64)
    if method == "majority":
        votes = draws.sums().astype(np.float64)
    elif method == "weighted":
        votes = draws.sums(relative_weights(log_p / temperature, draws))
    else:
        kept = likely_draws(log_p, draws) if method == "pruned" else np.full(len(log_p), True)
        pruned = np.bincount(draws.question[~kept], minlength=draws.n_questions)
        votes = draws.sums(np.where(kept & first_of_path(log_p, draws), relative_weights(log_p, draws), 0.0))
    return _winners(votes, draws, method, pruned)


def _column(log_probs, answers, owner):
    if not isinstance(log_probs, str):
        return log_probs
    columns = column_names(answers)
    if columns is None or "answer" not in columns or log_probs not in columns:
        raise InputError(f"{owner}: log_probs={log_probs!r} must name a column of a long frame; got {columns!r:.200}.")
    return frame_columns(answers)[1][columns.index(log_probs)]


def _check_log_probs(log_probs, draws, owner):
    values = draw_values(log_probs, draws, owner, "log_probs")
    bad = ~np.isfinite(values) | (np.abs(values) > 1e150)
    if bad.any():
        raise InputError(
            f"{owner}: log_probs must be finite for every draw that holds an answer; got {values[bad][0]:g} and "
            f"{int(bad.sum()) - 1} more. A draw that could not be drawn, or was not scored, should be None in answers."
        )
    return values


def _winners(votes, draws, method, pruned):
    n = draws.n_questions
    total = np.bincount(draws.owner, weights=votes, minlength=n)
    share = votes / np.where(total > 0, total, 1.0)[draws.owner]
    top = np.zeros(n)
    np.maximum.at(top, draws.owner, share)
    best = np.flatnonzero(share >= top[draws.owner] * (1 - TIED))
    first = np.concatenate([[True], draws.owner[best][1:] != draws.owner[best][:-1]])[: len(best)]
    answers = np.full(n, None, dtype=object)
    answers[draws.owner[best[first]]] = draws.labels[best[first]]
    tied: dict[int, tuple[Any, ...]] = {}
    shared = np.bincount(draws.owner[best], minlength=n)
    for place in best[shared[draws.owner[best]] > 1]:
        question = int(draws.owner[place])
        tied[question] = (*tied.get(question, ()), draws.labels[place])
    return Votes(
        answers=answers,
        confidences=np.minimum(top, 1.0),
        n_answered=np.bincount(draws.question, minlength=n),
        n_pruned=pruned,
        tied=tied,
        method=method,
        names=None if draws.names is None else tuple(draws.names),
    )
