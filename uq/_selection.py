"""Which columns of a file become which arrays: names that were asked for, and numbered runs that make a matrix."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ._base.exceptions import InputError
from ._tables import EXACT, refuse_duplicates

__all__ = ["Column", "check_columns", "check_rows", "columns_of", "gather", "plan", "selector"]

MATRICES = ("y_prob", "scores", "answers", "y_pred", "log_probs")


@dataclass(frozen=True, slots=True)
class Column:
    """What is known of a column before its rows are read.

    Parameters
    ----------
    dtype : numpy.dtype
        Object stands for texts of any length.
    shape : tuple of int
        Of lists, lengths may be unknown yet; their number is not.
    wide : callable
        Returns whether an integer beyond 2**53 stands in the column, which a float would round.
    """

    dtype: np.dtype
    shape: tuple
    wide: Callable[[], bool] = bool


def check_columns(columns, owner):
    """Return {our name: list of the file's names}, or None."""
    if columns is None:
        return None
    if not isinstance(columns, dict) or not columns:
        raise InputError(
            f"{owner}: columns must be a dict, our name -> the file's name or a list of names; "
            f"got {type(columns).__name__ if not isinstance(columns, dict) else 'an empty one'}."
        )
    wanted = {}
    for name, source in columns.items():
        sources = list(source) if isinstance(source, (list, tuple)) else [source]
        if not isinstance(name, str) or not sources or not all(isinstance(s, str) for s in sources):
            raise InputError(
                f"{owner}: columns must map a name to the file's name or to a list of names; got {name!r}: {source!r}."
            )
        wanted[name] = sources
    return wanted


def selector(wanted, where):
    """Return a function that picks from a file's names those that are wanted."""

    def select(available):
        refuse_duplicates(available, where)
        if wanted is None:
            return list(available)
        names = list(dict.fromkeys(name for names in wanted.values() for name in names))
        absent = [name for name in names if name not in available]
        if absent:
            shown = ", ".join(map(repr, list(available)[:30]))
            more = f" and {len(available) - 30} more" if len(available) > 30 else ""
            raise InputError(f"{where} has no column {', '.join(map(repr, absent))}; it has {shown}{more}.")
        return names

    return select


def columns_of(arrays):
    """Return what is known of arrays that were read."""
    return {name: Column(array.dtype, array.shape, partial(_wide, array)) for name, array in arrays.items()}


def _wide(array):
    return bool(array.size) and array.dtype.kind in "iu" and max(int(array.max()), -int(array.min())) > EXACT


def check_rows(found, where):
    """Raise unless all columns have one number of rows, at least one."""
    if not found:
        raise InputError(f"{where} holds no arrays.")
    flat = [name for name, column in found.items() if not column.shape]
    if flat:
        raise InputError(
            f"{where}: {', '.join(map(repr, flat))} is a single number without rows. "
            "Name the arrays that you need in `columns`."
        )
    rows = {name: column.shape[0] for name, column in found.items()}
    if len(set(rows.values())) > 1:
        shown = ", ".join(f"{name!r} has {n}" for name, n in rows.items())
        raise InputError(
            f"{where}: all arrays must have one number of rows; {shown}. Name those that belong together in `columns`."
        )
    if not next(iter(rows.values())):
        raise InputError(f"{where} holds columns but no rows.")


def plan(found, columns, wanted, where):
    """Return {our name: the file's name, or a list of names that make a matrix}."""
    if wanted is None:
        return _runs(found)
    chosen = {}
    for name, names in wanted.items():
        if isinstance(columns[name], (list, tuple)):
            _check_stack([found[n] for n in names], names, where)
            chosen[name] = names
        else:
            chosen[name] = names[0]
    return chosen


def gather(arrays, chosen):
    """Return the arrays that a plan makes of those of the file."""
    return {
        name: np.column_stack([arrays[n] for n in source]) if isinstance(source, list) else arrays[source]
        for name, source in chosen.items()
    }


def _runs(found):
    """Put complete numbered runs name_0 ... name_{K-1} of our matrix names in one matrix, where the first stood."""
    runs = {}
    for base in MATRICES:
        run = [name for name in found if re.fullmatch(rf"{base}_(0|[1-9]\d*)", name, re.ASCII)]
        names = [f"{base}_{i}" for i in range(len(run))]
        if len(run) > 1 and base not in found and set(names) == set(run):
            run = [found[name] for name in names]
            alike = len(set(map(_sort, run))) == 1 and all(len(column.shape) == 1 for column in run)
            if alike and not _rounds(run):
                runs.update(dict.fromkeys(names, (base, names)))
    return dict(runs.get(name, (name, name)) for name in found)


def _check_stack(parts, names, where):
    for part, name in zip(parts, names, strict=True):
        if len(part.shape) != 1:
            shown = f"({', '.join('?' if k is None else str(k) for k in part.shape)})"
            raise InputError(f"{where}: {name!r} has shape {shown}; only single columns can be put in a matrix.")
    if len(sorts := set(map(_sort, parts))) > 1:
        mixed = " and ".join(sorted(sorts, reverse=True))
        raise InputError(f"{where}: {', '.join(names)} mix {mixed}; they cannot be put in one matrix.")
    if _rounds(parts):
        raise InputError(
            f"{where}: {', '.join(names)} hold integers beyond 2**53 beside other numbers, which would round them; "
            "write identifiers as text."
        )


def _sort(column):
    return {"O": "texts", "U": "texts", "M": "times", "m": "durations"}.get(column.dtype.kind, "numbers")


def _rounds(parts):
    """Tell whether one matrix of all would make floats of integers that are too large for them."""
    if np.result_type(*(part.dtype for part in parts)).kind != "f":
        return False
    return any(part.dtype.kind in "iu" and part.wide() for part in parts)
