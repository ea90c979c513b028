"""The long table of votes, checked and turned into codes: who judged whom, on which item, with which score."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from uq._base.containers import column_names
from uq._base.exceptions import InputError
from uq._base.validation import check_groups, check_option, check_vector

__all__ = [
    "Votes",
    "check_columns",
    "column_of",
    "needed_column",
    "read_counts",
    "read_levels",
    "read_scores",
    "read_strata",
    "read_votes",
]

COLUMNS = ("candidate", "item", "judge", "score", "count")
MOST_LEVELS = 20  # that are taken from the scores themselves


@dataclass(frozen=True, kw_only=True, eq=False)
class Votes:
    """One vote per row, as codes; `item` is None without items.

    `size` has one number per row of the caller's table, missing votes included: how many items the row adds to those
    of its candidate, which is the count of its item in one row and 0 in the others. Without items a row adds its count.
    """

    candidates: np.ndarray
    judges: np.ndarray
    items: np.ndarray | None
    candidate: np.ndarray
    item: np.ndarray | None
    judge: np.ndarray
    score: np.ndarray
    count: np.ndarray
    n_rows: int  # of the caller's table, whose rows `row` names
    n_missing: int
    row: np.ndarray
    size: np.ndarray

    def kept(self, mask) -> "Votes":
        """Return the votes under a mask."""
        rows = {name: getattr(self, name)[mask] for name in ("candidate", "judge", "score", "count", "row")}
        names = {name: getattr(self, name) for name in ("candidates", "judges", "items", "n_rows", "n_missing", "size")}
        return Votes(item=None if self.item is None else self.item[mask], **rows, **names)


def column_of(table, name, owner, what):
    """Return a column of a frame, a dict of columns or a structured array, or None where there is none."""
    if isinstance(table, Mapping):
        return table.get(name)
    if isinstance(table, np.ndarray) and table.dtype.names:
        return table[name] if name in table.dtype.names else None
    names = None if isinstance(table, np.ndarray) or hasattr(table, "collect") else column_names(table)
    if names is None:
        raise InputError(
            f"{owner}: {what} must be a frame in memory or a dict of columns, one row per vote; got "
            f"{type(table).__name__}. Name the columns candidate, item, judge and score, or say which they are in "
            "`columns`."
        )
    if names.count(name) > 1:
        raise InputError(f"{owner}: {what} must have one column {name!r}; got {names.count(name)}.")
    if name not in names:
        return None
    return table.iloc[:, names.index(name)] if hasattr(table, "iloc") else table[name]


def check_columns(columns, owner):
    """Return {our name: the caller's name}."""
    if columns is None:
        return {name: name for name in COLUMNS}
    if not isinstance(columns, Mapping) or not all(isinstance(name, str) for name in columns.values()):
        raise InputError(
            f"{owner}: columns must be a dict from {', '.join(map(repr, COLUMNS))} to the names in the table; got "
            f"{columns!r:.100}."
        )
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise InputError(f"{owner}: columns may rename {', '.join(map(repr, COLUMNS))}; got {unknown[0]!r}.")
    return {name: columns.get(name, name) for name in COLUMNS}


def needed_column(table, names, key, owner, what):
    """Return a column by our name for it; raise where there is none."""
    column = column_of(table, names[key], owner, what)
    if column is None:
        raise InputError(
            f"{owner}: {what} must have a column {names[key]!r}; got none. Say what it is called: "
            f"columns={{{key!r}: ...}}."
        )
    return column


def read_votes(table, names, missing, owner):
    """Return the votes of a long table; nothing is known of levels yet.

    Raises
    ------
    InputError
        For columns that are not there, of different lengths or without rows, missing labels, scores that are no finite
        numbers (a NaN only where `missing` is "raise"), counts that are no whole numbers.
    """
    check_option(missing, ("raise", "drop"), owner, "missing")
    score = read_scores(table, names, owner, "votes", nan_policy="omit")
    n = len(score)
    empty = np.isnan(score)
    if empty.any() and missing == "raise":
        raise InputError(
            f"{owner}: votes[{names['score']!r}] must not be missing; got {int(empty.sum())} NaN, the first in row "
            f"{int(empty.argmax())} (counting from 0). Leave out the rows of votes that were not cast, or use "
            "missing='drop'."
        )
    coded = {}
    for key in ("candidate", "judge", "item"):
        if key == "item" and column_of(table, names[key], owner, "votes") is None:
            continue
        column = needed_column(table, names, key, owner, "votes")
        coded[key] = check_groups(column, owner, n, name=f"votes[{names[key]!r}]", min_groups=1)
    item, items = coded.get("item", (None, None))
    count = read_counts(table, names, n, owner, "votes")
    cast = ~empty & (count > 0)
    votes = Votes(
        candidates=coded["candidate"][1],
        judges=coded["judge"][1],
        items=items,
        candidate=coded["candidate"][0],
        item=item,
        judge=coded["judge"][0],
        score=score,
        count=count,
        n_rows=n,
        n_missing=int(empty.sum()),
        row=np.arange(n),
        size=count if item is None else _sizes(coded["candidate"][0] * len(items) + item, count, cast),
    )
    if len(votes.candidates) < 2:
        raise InputError(f"{owner}: votes must be on at least two candidates; got {votes.candidates.tolist()!r:.100}.")
    votes = votes.kept(cast)
    if not len(votes.row):
        raise InputError(f"{owner}: votes must hold at least one vote; got {n} rows, all missing or of count 0.")
    return votes


def read_scores(table, names, owner, what, **options):
    """Return the scores as numbers; the error for texts says how to turn them into some."""
    column, name = needed_column(table, names, "score", owner, what), f"{what}[{names['score']!r}]"
    try:
        return check_vector(column, owner, name, **options)
    except InputError as error:
        if not _has_text(column):
            raise
        raise InputError(
            f"{error} For answers such as 'yes' and 'no' give score=(v == \"yes\"); for numbers written as text, "
            "score=v.astype(float)."
        ) from None


def _has_text(column):
    try:
        values = np.asarray(column, dtype=object).ravel()[:1000]
    except (TypeError, ValueError):
        return False
    return any(isinstance(value, (str, bytes)) for value in values)


def _sizes(unit, count, cast):
    """Return the count of each unit in one of its rows, one that was cast if there is any, and 0 in the others."""
    order = np.argsort(~cast, kind="stable")
    first = order[np.unique(unit[order], return_index=True)[1]]
    size = np.zeros(len(unit), np.int64)
    size[first] = count[first]
    return size


def read_counts(table, names, n, owner, what):
    """Return how many items each row stands for, 1 where nobody says."""
    column, name = column_of(table, names["count"], owner, what), names["count"]
    if column is None:
        return np.ones(n, np.int64)
    count = check_vector(column, owner, f"{what}[{name!r}]")
    whole = (count >= 0) & (count == np.floor(count)) & (count < 2.0**53)
    if len(count) != n or not whole.all():
        got = f"{len(count)} rows of {n}" if len(count) != n else f"{count[~whole][0]:g}"
        raise InputError(
            f"{owner}: {what}[{name!r}] must be whole numbers of items that were judged alike, one per row; got {got}. "
            "Weights have no place in this model."
        )
    return count.astype(np.int64)


def read_levels(levels, scores, owner):
    """Return the levels, ascending, and the code of each score.

    `scores` is {what: (values, rows)}; the first are the votes, from which the levels are taken where they are None.
    """
    if levels is None:
        found = np.unique(next(iter(scores.values()))[0])
        if len(found) > MOST_LEVELS:
            raise InputError(
                f"{owner}: levels must be given where the scores have more than {MOST_LEVELS} different values; got "
                f"{len(found)}. Bin the scores into a few levels first."
            )
        levels, given = found, False
    else:
        levels, given = check_vector(levels, owner, "levels"), True
    if len(levels) < 2 or not (np.diff(levels) > 0).all():
        came = levels.tolist() if given else f"one score, {levels.tolist()}"
        raise InputError(f"{owner}: levels must be at least two ascending numbers; got {came!r:.100}.")
    near = 1e-6 * np.diff(levels).min()  # single precision is forgiven
    codes = []
    where = "" if given else ", those of the votes"
    for i, (what, (values, rows)) in enumerate(scores.items()):
        above = np.searchsorted(levels, values).clip(1, len(levels) - 1)
        code = above - (values - levels[above - 1] < levels[above] - values)
        wrong = np.abs(values - levels[code]) > near
        if wrong.any():
            remedy = "Round it, or add the level."
            if i:
                remedy = "An average over people is no true score: round it, or name all `levels`."
            raise InputError(
                f"{owner}: {what} must be among the levels {levels.tolist()!r:.200}{where}; got {values[wrong][0]:g} "
                f"in row {int(rows[wrong.argmax()])} (counting from 0), and {int(wrong.sum()) - 1} more. {remedy}"
            )
        codes.append(code)
    return levels, codes


def read_strata(strata, table, votes, owner):
    """Return the stratum of each vote and of each item (None without items), names and sizes of the strata.

    `strata` is the name of a column of the votes or one label per row of them. Sizes are numbers of items, each counted
    once per candidate, also where its votes are missing; of rows where there are no items.
    """
    if isinstance(strata, str):
        column, what = column_of(table, strata, owner, "votes"), f"votes[{strata!r}]"
        if column is None:
            raise InputError(f"{owner}: strata must name a column of the votes or hold one label per row; got {what}.")
    else:
        column, what = strata, "strata"
    codes, names = check_groups(column, owner, votes.n_rows, name=what, min_groups=1)
    sizes = np.bincount(codes, votes.size, len(names))
    codes = codes[votes.row]
    if votes.item is None:
        return codes, None, names, sizes
    of_item = np.zeros(len(votes.items), np.intp)
    of_item[votes.item] = codes
    wrong = of_item[votes.item] != codes
    if wrong.any():
        i = int(wrong.argmax())
        raise InputError(
            f"{owner}: {what} must be the same in all rows of an item; got {names[codes[i]]!s} and "
            f"{names[of_item[votes.item[i]]]!s} for item {votes.items[votes.item[i]]!s}. Name items apart that differ."
        )
    return codes, of_item, names, sizes
