"""What comes in as a list, an array, a frame or a tensor leaves here as a NumPy array. The only importer of pandas."""

import narwhals.stable.v2 as nw
import numpy as np

from .exceptions import InputError, MissingExtraError

__all__ = [
    "LONG_TEXT",
    "as_labels",
    "as_numeric",
    "as_real",
    "column_names",
    "dimensions",
    "frame_columns",
    "index_of",
    "is_missing",
    "to_frame",
]

LONG_TEXT = 200  # NumPy pads strings to the longest, so longer ones are kept as objects

# NumPy would turn times into counts of their unit, and drop imaginary parts
_NO_NUMBERS = (str, bytes, complex, np.complexfloating, np.datetime64, np.timedelta64)

_PLAIN = frozenset({np.ndarray, list, tuple, int, float})  # no frames


def as_numeric(x, owner, name):
    """Return `x` as a float64 array of its own shape. A float64 array is returned without a copy: never write to it.

    Accepts nested lists, NumPy arrays, pandas, polars and pyarrow columns and frames, and torch tensors on any device.
    Missing values of frames become NaN.
    """
    array = _to_numpy(x, owner, name)
    if array.dtype.kind in "biuf":
        with np.errstate(over="ignore"):  # a long double beyond the doubles becomes infinite, which checks will name
            return array.astype(np.float64, copy=False)
    if array.dtype.kind == "O":
        try:
            if not any(isinstance(v, _NO_NUMBERS) for v in array.flat):
                missing = np.fromiter((is_missing(v) for v in array.flat), bool, array.size).reshape(array.shape)
                return np.where(missing, np.nan, array).astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            pass
    raise InputError(
        f"{owner}: {name} must hold real numbers; got {_describe(x, array)}. "
        "Strings, dates, complex numbers and ragged lists must be converted first."
    )


def as_real(x, owner, name):
    """Return `x` as it is where it is an array of integers or doubles or one number, else as `as_numeric` does."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "iu" and x.dtype.itemsize < 8:
        return np.asarray(x, dtype=np.int64)  # sums and differences of short integers wrap around
    small = isinstance(x, float) or (isinstance(x, int) and -(2**63) <= x < 2**63)  # no others have a kind of NumPy's
    if small or (isinstance(x, np.ndarray) and (x.dtype.kind in "iu" or x.dtype == np.float64)):
        return x
    return as_numeric(x, owner, name)


def as_labels(x, owner, name):
    """Return labels (any kind that sorts) as a one-dimensional array without missing values; long texts as objects."""
    array = _to_numpy(x, owner, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"{owner}: {name} must be one label per row; got an array of shape {array.shape}.")
    if array.dtype.kind == "c":
        raise InputError(f"{owner}: {name} must be labels that sort; got complex numbers.")
    if array.dtype.kind == "f":
        missing = np.isnan(array)
    elif array.dtype.kind in "mM":
        missing = np.isnat(array)
    elif array.dtype.kind == "O":
        kinds = set(map(type, array))
        text = next((kind for kind in (str, bytes) if kinds and all(issubclass(k, kind) for k in kinds)), None)
        missing = np.array([] if text else [is_missing(v) for v in array], dtype=bool)
        if text and max(map(len, array)) <= LONG_TEXT:
            array = array.astype(text)
    else:
        missing = np.zeros(len(array), bool)
    if missing.any():
        raise InputError(
            f"{owner}: {name} must not be missing; got {int(missing.sum())} missing labels, "
            f"the first in row {int(np.flatnonzero(missing)[0])} (counting from 0)."
        )
    return array


def dimensions(x):
    """Return the number of dimensions; 1 for a ragged list, which checks of its values will refuse by name."""
    try:
        return np.ndim(x)
    except ValueError:
        return 1


def is_missing(value):
    """Tell None, NaN, NaT and pandas' NA, which refuses to be compared."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return isinstance(value, (float, np.floating)) and value != value


def _to_numpy(x, owner, name):
    if isinstance(x, np.ma.MaskedArray):
        if np.ma.is_masked(x):
            raise InputError(
                f"{owner}: {name} must not be masked; got {int(np.ma.getmaskarray(x).sum())} masked values. "
                "Remove these rows, or fill them with NaN where nan_policy='omit' is offered."
            )
        return np.asarray(x.data)
    if isinstance(x, np.ndarray):
        return np.asarray(x)
    if hasattr(x, "detach") and hasattr(x, "cpu"):
        return _tensor_to_numpy(x, owner, name)
    if x is None or isinstance(x, (str, bytes, dict, set, frozenset)):
        raise InputError(f"{owner}: {name} must be an array, a list, a column or a tensor; got {_describe(x)}.")
    if hasattr(x, "tocsr"):
        raise InputError(f"{owner}: {name} must be dense; got a sparse {type(x).__name__}. Use .toarray().")
    native = _wrapped(x, allow_series=True)
    if isinstance(native, nw.LazyFrame):
        raise InputError(f"{owner}: {name} must be in memory; got a lazy frame. Use .collect().")
    if isinstance(native, nw.Series):
        return _series_to_numpy(native)
    if isinstance(native, nw.DataFrame):
        return _frame_to_numpy(native)
    if type(x).__module__.split(".")[0] == "pyarrow" and hasattr(x, "to_numpy"):
        return x.to_numpy(zero_copy_only=False)
    try:
        # NumPy refuses ragged lists of numbers itself; object arrays are what is left of mixed ones
        array = np.asarray(x, dtype=object if _holds_text(x) else None)
        if array.dtype.kind in "SU":
            array = np.asarray(x, dtype=object)  # as text NaN would be "nan", and 1 the same as "1"
        kinds = set(map(type, array.flat)) if array.dtype.kind == "O" else ()
        if not any(issubclass(kind, (list, tuple, np.ndarray)) for kind in kinds):
            return array
    except (TypeError, ValueError, RuntimeError):
        pass
    raise InputError(
        f"{owner}: {name} must be an array, a list, a column or a tensor of one shape; got {_describe(x)}."
    )


def _holds_text(x):
    """Tell, from the types alone, whether a list or its first list holds a text."""
    if not isinstance(x, (list, tuple)) or not x:
        return False
    return any(issubclass(kind, (str, bytes)) for kind in set(map(type, x))) or _holds_text(x[0])


def _wrapped(x, **options):
    """Return `x` in narwhals' clothes if it is a frame; columns of one name are numbered first, which it needs."""
    if type(x) in _PLAIN:  # narwhals asks every library that it knows first
        return x
    try:
        return nw.from_native(x, pass_through=True, **options)
    except nw.exceptions.NarwhalsError:
        if hasattr(x, "set_axis"):
            x = x.set_axis(range(x.shape[1]), axis=1)
        elif hasattr(x, "rename_columns"):
            x = x.rename_columns([str(j) for j in range(x.num_columns)])
        else:
            return x
        return nw.from_native(x, pass_through=True, **options)


def _frame_to_numpy(frame):
    # never frame[name]: a name that is a number picks a row
    columns = [_series_to_numpy(column) for column in frame.iter_columns()]
    if not columns:
        return np.empty((len(frame), 0))
    try:
        return np.column_stack(columns)
    except TypeError:  # numbers beside dates: the caller says what it can use
        return np.column_stack([c.astype(object) for c in columns])


def _tensor_to_numpy(x, owner, name):
    if str(getattr(x, "layout", "torch.strided")) != "torch.strided" or getattr(x, "is_meta", False):
        raise InputError(f"{owner}: {name} must be a dense tensor with data; got one of layout {x.layout}, {x.device}.")
    try:
        tensor = x.detach().cpu()
        if str(x.dtype).startswith(("torch.bfloat16", "torch.float8")):
            tensor = tensor.float()  # NumPy has no such dtype
        return tensor.resolve_conj().resolve_neg().numpy()
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        raise InputError(
            f"{owner}: {name} must be a tensor that NumPy can hold; got one of dtype {x.dtype}. Use .float(), or "
            ".dequantize() where it is quantized."
        ) from None


def _series_to_numpy(series):
    if series.dtype == nw.Boolean or series.dtype.is_numeric():
        if series.null_count():
            return series.cast(nw.Float64).to_numpy()
        return series.to_numpy()
    if series.dtype == nw.Categorical or series.dtype == nw.Enum:
        return _categories_to_numpy(series.to_native())
    if series.dtype == nw.String:
        return np.array(series.to_list(), dtype=object)  # polars would pad texts to the longest
    return np.asarray(series.to_numpy())


def _categories_to_numpy(native):
    """Return the categories of the rows in their own kind: integers stay integers."""
    if hasattr(native, "combine_chunks"):  # pyarrow's own conversion puts a category where one is missing
        return _series_to_numpy(nw.from_native(native.cast(native.type.value_type), series_only=True))
    return np.asarray(native)


def _describe(x, array=None):
    kind = type(x).__name__
    return kind if array is None else f"{kind} of dtype {array.dtype}"


def index_of(x):
    """Return the row index of a pandas object, or None."""
    index = getattr(x, "index", None)
    return index if index is not None and not callable(index) and hasattr(x, "iloc") else None


def column_names(x):
    """Return the column names of a frame as a list of strings, or None for what has none."""
    # pyarrow first: its `columns` are the data
    columns = getattr(x, "column_names", None)
    if columns is None:
        columns = getattr(x, "columns", None)
    return None if columns is None or callable(columns) else [_column_name(c) for c in columns]


def _column_name(label):
    return ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def frame_columns(x):
    """Return the names of a frame's columns, which may repeat themselves, and its columns as lists; None for others."""
    frame = _wrapped(x, eager_only=True)
    if not isinstance(frame, nw.DataFrame):
        return None
    return column_names(x), [column.to_list() for column in frame.iter_columns()]


def to_frame(columns, index=None):
    """Build a pandas DataFrame from a dict of columns."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtraError("to_frame() needs pandas: pip install 'errorbars[frames]'.") from error
    return pd.DataFrame(columns, index=index)
