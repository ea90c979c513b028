"""The table of anchors, checked and turned into codes: items whose true score is known."""

from dataclasses import dataclass

import numpy as np

from uq._base.containers import as_labels
from uq._base.exceptions import InputError

from ._votes import needed_column, read_counts, read_scores

__all__ = ["Anchors", "read_anchors"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Anchors:
    """Items with a known true score: codes of candidates and items; items beyond those voted on have codes, too."""

    candidate: np.ndarray
    item: np.ndarray
    score: np.ndarray
    count: np.ndarray  # of the item, as the votes have it


def read_anchors(table, names, votes, owner):
    """Return the anchors, and the row of each for messages.

    Raises
    ------
    InputError
        For a table that `read_votes` would refuse, candidates without votes, an item twice, votes without items.
    """
    if votes.items is None:
        raise InputError(f"{owner}: anchors must belong to items; got votes without a column {names['item']!r}.")
    score = read_scores(table, names, owner, "anchors")
    count = read_counts(table, names, len(score), owner, "anchors")
    if not count.all():
        raise InputError(
            f"{owner}: anchors[{names['count']!r}] must be at least 1; got 0 in row {int(count.argmin())}. Drop it."
        )
    codes = []
    for key, known in (("candidate", votes.candidates), ("item", votes.items)):
        what = f"anchors[{names[key]!r}]"
        labels = as_labels(needed_column(table, names, key, owner, "anchors"), owner, what)
        if len(labels) != len(score):
            raise InputError(f"{owner}: {what} must have one row per score ({len(score)}); got {len(labels)}.")
        codes.append(_codes_among(labels, known))
    candidate, item = codes
    if (candidate >= len(votes.candidates)).any():
        i = int((candidate >= len(votes.candidates)).argmax())
        labels = as_labels(needed_column(table, names, "candidate", owner, "anchors"), owner, "anchors")
        raise InputError(
            f"{owner}: anchors must be of candidates that have votes; got {labels.tolist()[i]!r} in row {i}."
        )
    pair = candidate * (int(item.max()) + 1) + item
    _, first, times = np.unique(pair, return_index=True, return_counts=True)
    if times.max() > 1:
        i = int(first[times.argmax()])
        raise InputError(
            f"{owner}: anchors must have one row per candidate and item; got {int(times.max())} of "
            f"{votes.candidates[candidate[i]]!s} on the item of row {i}. Merge them into one true score."
        )
    return Anchors(candidate=candidate, item=item, score=score, count=count)


def _codes_among(labels, known):
    """Return the position of each label among the known ones; new ones count on from there, 1 and "1" are different."""
    code = {label: i for i, label in enumerate(known.tolist())}
    return np.array([code.setdefault(label, len(code)) for label in labels.tolist()], dtype=np.intp)
