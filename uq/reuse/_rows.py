"""The rows of a holdout: how many there are, what identifies them, rows that are none, and the mean of a query."""

import datetime
import json
import warnings
from hashlib import sha256

import narwhals.stable.v2 as nw
import numpy as np

from uq._base.containers import as_numeric, frame_columns
from uq._base.exceptions import InputError

__all__ = ["as_values", "clipped_mean", "count_rows", "digest_rows", "evaluate", "protected", "rehearse", "stand_in"]

OWNER = "Holdout"


def _is_array(x):
    return hasattr(x, "shape") and hasattr(x, "dtype")


def _parts(data):
    """Return the named parts of data that consist of several, such as (X, y) or a dict of columns; else None."""
    if isinstance(data, dict):
        return {str(key): value for key, value in data.items()}
    if isinstance(data, tuple) and not hasattr(data, "_fields") and any(np.ndim(v) or _is_frame(v) for v in data):
        return {str(i): value for i, value in enumerate(data)}
    return None


def _is_frame(x):
    return hasattr(x, "__dataframe__") or frame_columns(x) is not None


def count_rows(data):
    """Return the number of rows of an array, a frame, a list, a tuple such as (X, y), or a dict of columns."""
    parts = _parts(data)
    if parts is None:
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


# ---- what identifies the rows


def digest_rows(data):
    """Return the hash of all values: the same for the same numbers and texts in float32, lists and frames alike."""
    found = sha256()
    _feed(found, data)
    return found.hexdigest()


def _feed(found, data):
    parts = _parts(data)
    if parts is None and not _is_array(data) and (frame := frame_columns(data)) is not None:
        parts = dict(enumerate(frame[1])) if len(set(frame[0])) < len(frame[0]) else dict(zip(*frame, strict=True))
    if parts is not None:
        for name, part in parts.items():
            found.update(f"part {name}\n".encode())
            _feed(found, part)
        return
    try:
        values = as_numeric(data, OWNER, "data")
    except InputError:
        _feed_objects(found, data)
        return
    found.update(f"numbers {values.shape}\n".encode())
    plain = values + 0.0  # no minus zero
    plain[np.isnan(plain)] = np.nan  # there are many
    found.update(np.ascontiguousarray(plain, dtype="<f8").tobytes())


def _feed_objects(found, data):
    rows = data.tolist() if hasattr(data, "tolist") else list(data)
    found.update(f"objects {len(rows)}\n".encode())
    try:
        for row in rows:
            text = json.dumps(row, sort_keys=True, default=_plain)
            found.update(f"{len(text)}:{text}\n".encode())
    except (TypeError, ValueError):
        raise InputError(
            f"{OWNER}: data must consist of numbers, texts, dates, and lists and dicts of them, which can be told from "
            "others of their kind; got rows that cannot. Give the columns that the queries use."
        ) from None


def _plain(value):
    if isinstance(value, (datetime.date, datetime.datetime, np.datetime64)):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    raise TypeError


def protected(data):
    """Return the data with arrays that cannot be written to: a query that changed its rows would change all others."""
    if isinstance(data, np.ndarray):
        view = data.view()
        view.flags.writeable = False
        return view
    if isinstance(data, dict):
        return {key: protected(value) for key, value in data.items()}
    if _parts(data) is not None:
        return tuple(protected(value) for value in data)
    return data


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
    kinds = {type(row) for row in rows}
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


# ---- a query


def rehearse(query, rows, name):
    """Try a function on rows that are no secret, so that its mistakes cost nothing; raise InputError for them."""
    n = count_rows(rows)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape = np.shape(as_numeric(query(rows), OWNER, name))
    except Exception as error:
        raise InputError(
            f"{OWNER}: {name} must be a function that returns one number per row; in the rehearsal, on rows of the "
            f"same form (zeros and empty texts, if none were given), it raised {type(error).__name__}: "
            f"{error!s:.200}. Nothing was spent. Where it cannot work on such rows, give Holdout some that are no "
            "secret: rehearsal=training_rows."
        ) from error
    if shape not in ((n,), (n, 1)):
        raise InputError(
            f"{OWNER}: {name} must return one number per row, of shape ({n},); got shape {shape}. Nothing was spent."
        )


def evaluate(query, data, n):
    """Return a function's values on the real rows; all of them missing where it fails, since failing would tell."""
    try:
        with warnings.catch_warnings():  # they, too, would tell about the rows
            warnings.simplefilter("ignore")
            values = as_numeric(query(data), OWNER, "query")
    except Exception:  # of any kind: its words could quote rows
        values = np.empty(0)
    return values.reshape(-1) if values.shape in ((n,), (n, 1)) else np.full(n, np.nan)


def as_values(query, n, name):
    """Return an array's values as a float64 vector of n rows, whose values may be anything."""
    values = query if isinstance(query, np.ndarray) and query.dtype == np.float64 else as_numeric(query, OWNER, name)
    if values.shape == (n, 1):
        values = values[:, 0]
    if values.shape != (n,):
        raise InputError(
            f"{OWNER}: {name} must be one number per row of the data, of shape ({n},), or a function that returns "
            f"them; got shape {values.shape}. Nothing was spent."
        )
    return values


def clipped_mean(values, bounds):
    """Return the mean with values clipped to their bounds and the missing at the middle, and how many those were."""
    low, high = bounds
    if values.min() >= low and values.max() <= high:  # NaN is neither
        return float(values.mean()), 0
    inside = (values >= low) & (values <= high)
    values = np.clip(np.where(np.isnan(values), low + (high - low) / 2, values), low, high)
    return float(values.mean()), int(values.size - inside.sum())
