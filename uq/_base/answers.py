"""Several sampled answers per question, in one form: which answers are the same, how often each was given.

Comes in as an array (n_questions, n_draws), a list of lists that may differ in length, or a long frame with the columns
``question`` and ``answer``. None, NaN and other missing values are draws without an answer.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .containers import as_labels, as_numeric, column_names, frame_columns, is_missing
from .exceptions import InputError
from .validation import check_groups

__all__ = ["Answers", "check_answers", "draw_values"]

LONG = ("question", "answer")


@dataclass(frozen=True)
class Answers:
    """Draws that hold an answer, in the order they came, and the distinct answers of each question.

    `question` and `answer` are codes per draw; `answer` counts the distinct (question, answer) pairs through, question
    by question and in the order in which they were first given. `owner` is the question of each distinct answer,
    `labels` the answer itself, `starts` where a question's distinct answers begin (n_questions + 1 of them). `present`
    are the positions of the draws among all that came in, `lengths` the number of draws per row that came in (None for
    a long frame). `names` are the labels of questions in a long frame, else None.
    """

    question: Any
    answer: Any
    owner: Any
    labels: Any
    starts: Any
    present: Any
    lengths: Any
    n_given: int
    names: Any

    @property
    def n_questions(self):
        """Number of questions, those without any answer included."""
        return len(self.starts) - 1

    def sums(self, weights=None):
        """Return the sum of the draws' weights per distinct answer: the counts where there are no weights."""
        return np.bincount(self.answer, weights=weights, minlength=len(self.owner))


def check_answers(answers, owner, name="answers"):
    """Return `answers` as Answers."""
    columns = column_names(answers)
    if columns is not None and set(LONG) <= set(columns):
        return _from_long(answers, owner, name)
    whole = isinstance(answers, np.ndarray) and answers.dtype.kind in "iu" and not np.ma.is_masked(answers)
    if whole and answers.ndim == 2 and answers.size:
        return _from_integers(np.asarray(answers), owner, name)
    rows = _rows(answers, owner, name)
    lengths = np.array([len(row) for row in rows], dtype=np.intp)
    flat = [value for row in rows for value in row]
    if not lengths.size or not flat:
        raise InputError(f"{owner}: {name} must hold at least one question and one draw; got {len(rows)} questions.")
    return _coded(np.repeat(np.arange(len(rows)), lengths), flat, len(rows), lengths, None, owner, name)


def _from_long(frame, owner, name):
    columns, values = frame_columns(frame)
    by_name = dict(zip(columns, values, strict=True))
    if not by_name["question"]:
        raise InputError(f"{owner}: {name} must hold at least one row; got an empty frame.")
    names, question = _first_seen(as_labels(by_name["question"], owner, "question").tolist(), owner, "question")
    labels = np.empty(len(names), dtype=object)
    labels[:] = list(names)
    return _coded(np.asarray(question), by_name["answer"], len(names), None, labels, owner, name)


def _from_integers(array, owner, name):
    """Integers are coded without a look at each as an object; none is missing."""
    codes, numbers = check_groups(array.reshape(-1), owner, array.size, name=name, min_groups=1)
    labels = np.empty(len(numbers), dtype=object)
    labels[:] = numbers.tolist()
    n, draws = array.shape
    lengths = np.full(n, draws, dtype=np.intp)
    return _grouped(np.repeat(np.arange(n), draws), codes, labels, np.arange(array.size), n, lengths, None, array.size)


def _rows(answers, owner, name):
    """Return a list of sequences, one per question."""
    if isinstance(answers, (list, tuple)):
        rows = [row.tolist() if isinstance(row, np.ndarray) and row.ndim == 1 else row for row in answers]
        bad = next((i for i, row in enumerate(rows) if not isinstance(row, (list, tuple))), None)
        if bad is None:
            return rows
        got = f"{type(rows[bad]).__name__} in place {bad}"
    else:
        columns = frame_columns(answers)
        if columns is not None:
            return list(zip(*columns[1], strict=True))
        array = as_numeric(answers, owner, name) if hasattr(answers, "detach") else np.ma.asanyarray(answers)
        if array.ndim == 2:  # what a mask covers becomes None
            return array.tolist()
        got = f"{type(answers).__name__} of shape {array.shape}"
    raise InputError(
        f"{owner}: {name} must have shape (n_questions, n_draws), or be a list of lists, or a frame with the columns "
        f"'question' and 'answer'; got {got}. One question alone is written [[...]]."
    )


def _first_seen(values, owner, name):
    """Return the distinct values in the order they were first seen, and the code of each value."""
    codes: dict[Any, int] = {}
    try:
        return codes, [codes.setdefault(value, len(codes)) for value in values]
    except TypeError:
        bad = next(value for value in values if getattr(type(value), "__hash__", None) is None)
        raise InputError(
            f"{owner}: {name} must be hashable, so that equal ones can be told: texts, numbers, tuples; got a "
            f"{type(bad).__name__}. Turn each into a text or a tuple."
        ) from None


def _coded(question, values, n_questions, lengths, names, owner, name):
    distinct, codes = _first_seen(values, owner, name)
    labels = np.empty(len(distinct), dtype=object)
    labels[:] = list(distinct)
    missing = np.array([is_missing(label) for label in labels], dtype=bool)
    codes = np.asarray(codes, dtype=np.intp)
    present = np.flatnonzero(~missing[codes])
    return _grouped(question[present], codes[present], labels, present, n_questions, lengths, names, len(values))


def _grouped(question, codes, labels, present, n_questions, lengths, names, n_given):
    """Return Answers from the draws that hold one, coded by label: distinct answers are numbered per question."""
    pairs, first, inverse = _unique(question * np.intp(len(labels)) + codes, n_questions * len(labels))
    # by question, and within it by the draw that gave the answer first
    asked = pairs // len(labels)
    order = np.lexsort((first, asked))
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return Answers(
        question=question,
        answer=place[inverse],
        owner=asked[order],
        labels=labels[(pairs % len(labels))[order]],
        starts=np.searchsorted(asked[order], np.arange(n_questions + 1)),
        present=present,
        lengths=lengths,
        n_given=n_given,
        names=names,
    )


def _unique(pairs, most):
    """Return the sorted distinct values below `most`, where each occurs first, and the place of each value."""
    if most > 8 * len(pairs):
        distinct, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
        return distinct, first, inverse.reshape(-1)
    first = np.full(most, -1)
    first[pairs[::-1]] = np.arange(len(pairs))[::-1]  # the last write stays, which is the first draw
    seen = first >= 0
    return np.flatnonzero(seen), first[seen], (np.cumsum(seen) - 1)[pairs]


def draw_values(values, answers, owner, name):
    """Return one number per draw that holds an answer; `values` comes in the form of the answers."""
    if answers.lengths is None:
        flat = as_numeric(values, owner, name)
        if flat.shape != (answers.n_given,):
            raise InputError(
                f"{owner}: {name} must hold one number per row of the long frame ({answers.n_given}); got shape "
                f"{flat.shape}."
            )
    else:
        rows = _rows(values, owner, name)
        if [len(row) for row in rows] != answers.lengths.tolist():
            raise InputError(
                f"{owner}: {name} must have the form of the answers, one number per draw; got {len(rows)} questions "
                f"with {sum(map(len, rows))} draws for {len(answers.lengths)} questions with {answers.n_given}."
            )
        flat = as_numeric([value for row in rows for value in row], owner, name)
        if flat.ndim != 1:
            raise InputError(f"{owner}: {name} must hold one number per draw; got nested lists.")
    return flat[answers.present]
