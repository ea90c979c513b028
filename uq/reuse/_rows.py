"""The rows of a holdout: how many there are, parts and copies of them, and rows that are none."""

import copy

import narwhals.stable.v2 as nw
import numpy as np

from uq._base.containers import as_numeric, dimensions, frame_columns
from uq._base.exceptions import InputError

__all__ = ["count_rows", "divisible", "part_of", "protected", "stand_in"]

OWNER = "Holdout"


def _parts(data):
    """Return the named parts of data that consist of several, such as (X, y) or a dict of columns; else None."""
    if isinstance(data, dict):
        return {str(key): value for key, value in data.items()}
    if isinstance(data, tuple) and not hasattr(data, "_fields") and any(dimensions(v) or _is_frame(v) for v in data):
        return {str(i): value for i, value in enumerate(data)}
    return None


def _is_frame(x):
    return hasattr(x, "__dataframe__") or frame_columns(x) is not None


def count_rows(data):
    """Return the number of rows of an array, a frame, a list, a tuple such as (X, y), or a dict of columns."""
    parts = _parts(data)
    if parts is None:
        _check_kind(data)
        try:
            n = 0 if isinstance(data, (str, bytes, set, frozenset)) else len(data)
        except TypeError:
            n = 0
    else:
        sizes = {name: count_rows(value) for name, value in parts.items()}
        if len(set(sizes.values())) > 1:
            raise InputError(f"{OWNER}: data must have as many rows in each part; got {sizes}.")
        n = next(iter(sizes.values()), 0)
    if not n:
        raise InputError(
            f"{OWNER}: data must be rows: an array, a frame, a list, a tuple such as (X, y) or a dict of columns, with "
            f"at least one row; got {type(data).__name__}."
        )
    return n


def _check_kind(data):
    if np.ma.is_masked(data):
        raise InputError(
            f"{OWNER}: data must not be masked, since functions of the rows could not be relied on to look at the "
            f"mask; got {int(np.ma.getmaskarray(data).sum())} masked values. Fill them with NaN, or leave the rows out."
        )
    if hasattr(data, "tocsr"):
        raise InputError(
            f"{OWNER}: data must be dense; got a sparse {type(data).__name__}. Use .toarray(), or hand over the values "
            "of queries that were computed before, and what identifies the rows as data."
        )
    depths = {dimensions(v) for v in data} if isinstance(data, list) and len(data) <= 3 else set()
    if len(depths - {0}) > 1 or (depths and any(_is_frame(v) for v in data)):
        raise InputError(
            f"{OWNER}: data must be a tuple where they consist of parts, (X, y); got a list, whose entries are rows."
        )


# ---- rows for a function


def protected(data):
    """Return what a function may have of the data: whatever it does to its rows, others find them as they were."""
    if isinstance(data, np.ndarray):
        view = np.asarray(copy.deepcopy(data) if data.dtype.hasobject else data).view()
        view.flags.writeable = False
        return view
    if isinstance(data, dict):
        return {key: protected(value) for key, value in data.items()}
    if _parts(data) is not None:
        return tuple(protected(value) for value in data)
    if isinstance(data, list):
        return list(data) if set(map(type, data)) <= _FIXED else copy.deepcopy(data)
    if hasattr(data, "detach"):
        return data.detach().clone()
    try:
        return nw.from_native(data, allow_series=True).clone().to_native()
    except Exception:  # an exotic frame, names that are there twice
        return copy.deepcopy(data)


_FIXED = {str, bytes, bool, int, float, type(None)}


def part_of(data, start, stop):
    """Return some of the rows, in the form of all."""
    if (parts := _parts(data)) is not None:
        made = [part_of(value, start, stop) for value in parts.values()]
        return dict(zip(data, made, strict=True)) if isinstance(data, dict) else tuple(made)
    if hasattr(data, "iloc"):
        return data.iloc[start:stop]
    if hasattr(data, "combine_chunks"):  # pyarrow
        return data.slice(start, stop - start)
    return data[start:stop]


def divisible(data):
    """Tell whether functions can be given some of the rows."""
    try:
        return count_rows(part_of(data, 0, 1)) == 1
    except Exception:  # whatever such rows say to it
        return False


# ---- rows that are none


def stand_in(data):
    """Return rows of the same form that say nothing: zeros, False and empty texts; None where none can be made."""
    if (parts := _parts(data)) is not None:
        made = [stand_in(value) for value in parts.values()]
        if any(value is None for value in made):
            return None
        return dict(zip(data, made, strict=True)) if isinstance(data, dict) else tuple(made)
    if isinstance(data, np.ndarray):
        return np.zeros(data.shape, data.dtype) if data.dtype.kind in "biufcSUmM" else _like_first(data.tolist(), data)
    if hasattr(data, "detach"):
        return data.detach() * 0 if not data.dtype.is_floating_point else data.detach().new_zeros(data.shape)
    if isinstance(data, (list, tuple)):
        return _like_first(data, data)
    made = _frame_stand_in(data)
    if made is None:  # a column of some other kind; a function that insists on its kind asks for rehearsal rows
        try:
            return np.zeros(as_numeric(data, OWNER, "data").shape)
        except InputError:
            return None
    return made


def _like_first(rows, data):
    blank = {str: "", bytes: b"", bool: False, int: 0, float: 0.0}
    kinds = {type(row.item() if isinstance(row, np.generic) else row) for row in rows}
    if len(kinds) != 1 or (kind := kinds.pop()) not in blank:
        return None
    made = [blank[kind]] * len(rows)
    return np.array(made, dtype=object) if isinstance(data, np.ndarray) else made


def _frame_stand_in(data):
    try:
        frame = nw.from_native(data, allow_series=True)
        if isinstance(frame, nw.Series):
            return _blank_frame(frame.alias("x").to_frame())["x"].alias(frame.name).to_native()
        return _blank_frame(frame).to_native()
    except Exception:  # an exotic frame: the caller brings rows of its own
        return None


def _blank_frame(frame):
    blank = []
    for name, kind in frame.schema.items():
        value = 0 if kind.is_numeric() else False if kind == nw.Boolean else "" if kind == nw.String else None
        blank.append(nw.lit(value).cast(kind).alias(name))
    return frame.with_columns(*blank)
