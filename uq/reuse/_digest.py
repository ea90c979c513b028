"""What identifies rows: a hash of their values, whatever holds them.

Rows are a set of columns: neither their names nor their order count, nor whether they stand in an array, a frame, a
list, a dict or a tuple. Two budgets for the same rows would be one too many, so that what says the same is the same.
"""

import datetime
import math
import numbers
from hashlib import sha256

import numpy as np

from uq._base.containers import as_numeric, frame_columns
from uq._base.exceptions import InputError

from ._rows import _parts

__all__ = ["digest_rows"]

OWNER = "Holdout"
_EXACT = 2**53  # integers beyond it may not fit into a float
_NANOSECONDS = {"W": 7 * 86400 * 10**9, "D": 86400 * 10**9, "h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9,
                "ms": 10**6, "us": 1000, "ns": 1}  # fmt: skip
_EPOCH = datetime.datetime(1970, 1, 1)


def digest_rows(data):
    """Return the hash of all values: the same for the same columns of numbers, texts and times in any container."""
    found = sorted(_column_digest(column) for column in _columns(data))
    return sha256("\n".join(found).encode()).hexdigest()


def _columns(data):
    """Return the columns of data, each of one value per row."""
    if (parts := _parts(data)) is not None:
        return _flat(data.values() if isinstance(data, dict) else parts.values())
    if isinstance(data, np.ndarray):
        return _array_columns(data)
    if isinstance(data, (list, tuple)):
        return _list_columns(data)
    if hasattr(data, "detach"):
        return _array_columns(_tensor(data))
    if (frame := frame_columns(data)) is not None:
        return _flat(frame[1])
    for method in ("to_list", "to_pylist"):
        if hasattr(data, method):
            return [getattr(data, method)()]
    return _array_columns(np.asarray(data)) if hasattr(data, "__array__") else [list(data)]


def _flat(parts):
    return [column for part in parts for column in _columns(part)]


def _tensor(data):
    try:
        return data.detach().cpu().numpy()  # integers stay exact
    except (TypeError, ValueError, RuntimeError):
        return as_numeric(data, OWNER, "data")


def _array_columns(data):
    if data.dtype.names:
        return _flat(data[name] for name in data.dtype.names)
    if data.ndim < 2:
        return [data]
    flat = data.reshape(len(data), -1)
    return [flat[:, j] for j in range(flat.shape[1])]


def _list_columns(rows):
    """Return the columns of a list of rows: of equally many values, or dicts with the same keys."""
    first = rows[0]
    if isinstance(first, dict) and first and all(isinstance(r, dict) and r.keys() == first.keys() for r in rows):
        return _flat([row[key] for row in rows] for key in first)
    if isinstance(first, (list, tuple, np.ndarray)) and _equally_long(rows):
        values = _numbers(rows)
        if values is not None and values.ndim > 1 and not (np.abs(values) >= _EXACT).any():
            return _array_columns(values)
        return _flat([row[j] for row in rows] for j in range(len(first)))
    return [rows]


def _equally_long(rows):
    if not all(isinstance(row, (list, tuple)) or (isinstance(row, np.ndarray) and row.ndim) for row in rows):
        return False
    sizes = set(map(len, rows))
    return len(sizes) == 1 and sizes != {0}


# ---- one column


def _numbers(values):
    try:
        return as_numeric(values, OWNER, "data")
    except InputError:
        return None


def _column_digest(column):
    values = _numbers(column)
    if values is None or values.ndim != 1:
        return _object_digest(column)
    found = sha256(f"numbers {len(values)}\n".encode())
    plain = values + 0.0  # no minus zero
    plain[np.isnan(plain)] = np.nan  # there are many
    found.update(np.ascontiguousarray(plain, dtype="<f8").tobytes())
    for i in np.flatnonzero(np.abs(plain) >= _EXACT).tolist():
        value = column[i]
        if isinstance(value, numbers.Integral) and int(value) != float(plain[i]):
            found.update(f"{i}:{int(value)}\n".encode())
    return found.hexdigest()


def _object_digest(column):
    try:
        texts = _times(column) if getattr(getattr(column, "dtype", None), "kind", None) in ("m", "M") else None
        texts = [_text(value) for value in column] if texts is None else texts
    except (TypeError, ValueError, RecursionError):
        raise InputError(
            f"{OWNER}: data must consist of numbers, texts, dates, and lists and dicts of them, which can be told from "
            "others of their kind; got rows that cannot. Give the columns that the queries use."
        ) from None
    if all(text == "missing" for text in texts):  # of whatever kind they would have been
        return _column_digest(np.full(len(texts), np.nan))
    found = sha256(f"objects {len(texts)}\n".encode())
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        found.update(b"%d:%s\n" % (len(raw), raw))
    return found.hexdigest()


def _times(column):
    column = np.asarray(column)
    kind, unit = ("time" if column.dtype.kind == "M" else "span"), np.datetime_data(column.dtype)
    if unit[0] in ("Y", "M"):
        column, unit = column.astype(f"{column.dtype.kind}8[D]"), ("D", 1)
    factor = _NANOSECONDS[unit[0]] * unit[1]
    gone = np.isnat(column).tolist()
    return ["missing" if m else f"{kind} {v * factor}" for m, v in zip(gone, column.view("i8").tolist(), strict=True)]


def _text(value):
    """Return a text that is the same for equal values and differs for others."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return "missing"
    if isinstance(value, str):
        return f"text {value}"
    if isinstance(value, bytes):
        return f"bytes {value.hex()}"
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return _times(np.array([value]))[0]
    if isinstance(value, (bool, np.bool_)):
        return f"number {float(value)!r}"
    if isinstance(value, numbers.Integral):
        exact = abs(int(value)) <= _EXACT or (abs(int(value)) < 2**1023 and float(int(value)) == int(value))
        return f"number {float(int(value))!r}" if exact else f"number {int(value)}"
    if isinstance(value, (float, np.floating)):
        return "missing" if math.isnan(value) else f"number {float(value) + 0.0!r}"
    if isinstance(value, datetime.datetime):
        return f"time {_since_epoch(value)}"
    if isinstance(value, datetime.date):
        return f"time {(value - _EPOCH.date()).days * _NANOSECONDS['D']}"
    if isinstance(value, datetime.timedelta):
        return f"span {_length(value)}"
    if isinstance(value, datetime.time):
        return f"clock {value.isoformat()}"
    if isinstance(value, dict):
        return "{" + _joined(sorted(_text(key) + _joined([_text(v)]) for key, v in value.items())) + "}"
    if hasattr(value, "tolist") or hasattr(value, "to_list"):
        value = value.tolist() if hasattr(value, "tolist") else value.to_list()
    if isinstance(value, (list, tuple)):
        return "[" + _joined([_text(each) for each in value]) + "]"
    raise TypeError


def _joined(texts):
    return "".join(f"{len(text)}:{text}" for text in texts)


def _since_epoch(value):
    """Return nanoseconds since 1970, in UTC where a zone is given; pandas' times have nanoseconds of their own."""
    if value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    extra = getattr(value, "nanosecond", 0)
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime(warn=False)
    return _length(value - _EPOCH) + extra


def _length(span):
    extra = getattr(span, "nanoseconds", 0)
    return (span.days * 86400 * 10**6 + span.seconds * 10**6 + span.microseconds) * 1000 + extra
