"""A language model behind a wall: answers, and second answers after the first was shown. Scores, not guarantees."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.bounds import clopper_pearson_lower, clopper_pearson_upper
from uq._base.citation import cite_methods, cites
from uq._base.exceptions import SmallSampleWarning
from uq._base.record import Result
from uq._base.results import Interval
from uq._base.validation import check_level

from ._pair_counts import answer_pairs

__all__ = ["RepeatedAnswers", "repeated_answer_scores"]


cite_methods(**{"repeated answers, Clopper-Pearson": ("johnson2024", "clopper1934")})


@cites("johnson2024")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RepeatedAnswers(Result):
    """How often each answer came first, and how often it came again after it was shown; one row per distinct answer.

    Parameters
    ----------
    question : ndarray of int, shape (n_answers,)
        Position of the question; its answers follow each other, the most frequent first.
    answer : ndarray of object, shape (n_answers,)
    n_first : ndarray of int, shape (n_answers,)
        Pairs whose first answer it is.
    n_repeated : ndarray of int, shape (n_answers,)
        Pairs of which both answers are.
    n_pairs : ndarray of int, shape (n_answers,)
        Pairs of the question.
    probability : ndarray of shape (n_answers,)
        n_first / n_pairs.
    variance : ndarray of shape (n_answers,)
        Estimate of the epistemic variance, unbiased and therefore below 0 at times. NaN for a question with one pair.
    confidence : ndarray of shape (n_answers,)
        Estimate of the epistemic confidence, in [0, 1]; NaN where the variance is negative or unknown, and where the
        answer never came again (`n_repeated` 0), also if its variance is 0: nothing is divided by nothing.
    n_questions : int
    guarantee : str

    Examples
    --------
    >>> from uq.epistemic import repeated_answer_scores
    >>> scores = repeated_answer_scores([["4", "4", "5", "4"]], [["4", "4", "5", "5"]])
    >>> scores.variance.round(4)
    array([0.  , 0.25])
    """

    question: Any
    answer: Any
    n_first: Any
    n_repeated: Any
    n_pairs: Any
    probability: Any
    variance: Any
    confidence: Any
    n_questions: int
    guarantee: str = "none"

    def interval(self, confidence_level=0.95) -> Interval:
        """Return an interval for the sampler's own epistemic variance of each answer.

        Parameters
        ----------
        confidence_level : float, default .95
            In (0, 1), for each answer by itself, named before the draws were seen.

        Returns
        -------
        Interval
            Few pairs give a wide one.

        Notes
        -----
        **Guarantee.** Finite-sample, if the pairs of a question are independent draws: exact binomial limits for the
        two probabilities, at half the error each. It is about what the sampler does, not about the truth.
        """
        level = check_level(confidence_level, "RepeatedAnswers.interval")
        tail = (1 - level) / 4
        both = [f(self.n_repeated, self.n_pairs, tail) for f in (clopper_pearson_lower, clopper_pearson_upper)]
        first = [f(self.n_first, self.n_pairs, tail) for f in (clopper_pearson_lower, clopper_pearson_upper)]
        # a repeated answer is a first one, so that the variance m (p(y|y) - m) is at most m (1 - m), 1/4 at m = 1/2
        most = np.minimum(both[1] - first[0] ** 2, _largest(*first))
        return Interval(
            lower=both[0] - first[1] ** 2,
            upper=most,
            confidence_level=level,
            guarantee="finite-sample",
            method="repeated answers, Clopper-Pearson",
        )

    def _table(self):
        return {
            "question": self.question,
            "answer": list(self.answer),
            "probability": self.probability,
            "variance": self.variance,
            "confidence": self.confidence,
            "n_first": self.n_first,
            "n_repeated": self.n_repeated,
            "n_pairs": self.n_pairs,
        }

    def _title(self):
        return f"{len(self.answer)} answers to {self.n_questions} questions"

    def __repr__(self):
        return f"<RepeatedAnswers: {self._title()}, {self._caption()}>"

    def _draw(self, ax):
        ax.plot(self.probability, self.variance, "o", ms=4, alpha=0.6)
        ax.set(xlabel="probability", ylabel="epistemic variance", title=self._title())
        return ax


def _largest(low, high):
    """Return the most that m (1 - m) can be for m in [low, high]."""
    m = np.clip(0.5, low, high)
    return m * (1 - m)


@cites("johnson2024")
def repeated_answer_scores(first, second) -> RepeatedAnswers:
    """Score the answers of a sampler by how often it repeats what it was shown.

    Sample an answer to a question; show it ("one answer to this question is ...") and sample another; repeat. One who
    knows repeats an answer no more often than he gives it; one who guesses follows what he was shown.

    Parameters
    ----------
    first, second : array-like of shape (n_questions, n_draws), list of lists or long frame
        Equal forms: draw j of `second` was sampled after draw j of `first` was shown. Equal labels are the same answer:
        bring texts to clusters of one meaning first. None (NaN) is a draw without an answer; its pair is left out. A
        long frame has the columns ``question`` and ``answer``.

    Returns
    -------
    RepeatedAnswers
        One row per distinct first answer of each question, with the counts behind it.

    Raises
    ------
    InputError
        For answers in another form, two forms that differ, and no complete pair at all.

    Warns
    -----
    SmallSampleWarning
        Where a question has one pair: its variance is NaN.

    See Also
    --------
    PairDistribution.from_answers : for a common set of answers.
    SecondOrderCalibration : what makes a score a statement.
    semantic_entropy : noise and ignorance together.

    Notes
    -----
    With n pairs of a question, n_first of them with the answer first and n_repeated with it twice, the variance is
    n_repeated / n - n_first (n_first - 1) / (n (n - 1)): unbiased for J[y, y] - m[y]^2 of the sampler. Nothing is
    shrunk: shrinking the repetition towards chance would claim knowledge where draws are few. The confidence is the
    ratio of the second term to the first.

    **Guarantee.** None: a model that was not trained on pairs is not calibrated for them, and a habit of repeating or
    of varying moves the scores either way. Treat them as scores, and calibrate them on questions with two or more
    independent reference answers. `RepeatedAnswers.interval` covers the sampler's own variance.

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.

    Examples
    --------
    >>> from uq.epistemic import repeated_answer_scores
    >>> first = [["4", "4", "4", "5", "4"], ["1912", "1915", "1912", "1930", "1915"]]
    >>> second = [["4", "4", "5", "4", "4"], ["1912", "1915", "1912", "1930", "1915"]]
    >>> print(repeated_answer_scores(first, second))
    5 answers to 2 questions
    question  answer  probability  variance  confidence  n_first  n_repeated  n_pairs
           0       4          0.8         0           1        4           3        5
           0       5          0.2         0         nan        1           0        5
           1    1912          0.4       0.3        0.25        2           2        5
           1    1915          0.4       0.3        0.25        2           2        5
           1    1930          0.2       0.2           0        1           1        5
    guarantee: none
    """
    question, a, b, n, labels = answer_pairs(first, second, "repeated_answer_scores")
    pairs = np.bincount(question, minlength=n)
    k = len(labels)
    place, start, inverse = np.unique(question * np.intp(k) + a, return_index=True, return_inverse=True)
    n_first = np.bincount(inverse.reshape(-1), minlength=len(place))
    n_repeated = np.bincount(inverse.reshape(-1), weights=a == b, minlength=len(place)).astype(np.int64)
    asked = place // k
    order = np.lexsort((start, -n_first, asked))
    asked, place, c, s = asked[order], place[order], n_first[order], n_repeated[order]
    total = pairs[asked]
    few = total < 2
    if few.any():
        warnings.warn(
            f"repeated_answer_scores: {len(np.unique(asked[few]))} of {n} questions have one pair, which shows no "
            "variance (NaN). Sample two pairs or more.",
            SmallSampleWarning,
            stacklevel=2,
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        # whole numbers first, so that equal terms leave nothing behind
        variance = np.where(few, np.nan, (s * (total - 1) - c * (c - 1)) / (total * (total - 1.0)))
        confidence = np.where((variance >= 0) & (s > 0), c * (c - 1) / (s * (total - 1.0)), np.nan)
    names = np.empty(k, dtype=object)
    names[:] = labels
    return RepeatedAnswers(
        question=asked,
        answer=names[place % k],
        n_first=c,
        n_repeated=s,
        n_pairs=total,
        probability=c / total,
        variance=variance,
        confidence=confidence,
        n_questions=n,
    )
