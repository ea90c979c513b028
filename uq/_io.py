"""What a GPU job left in a file becomes a dict of arrays. The only importer of pyarrow and safetensors."""

import gzip
import re
import zipfile
import zlib

import numpy as np

from ._base.exceptions import InputError, MissingExtraError
from ._formats import FORMATS, REMEDY, check_content, existing_file, suffix_of
from ._tables import EXACT, read_csv, read_jsonl, refuse_duplicates, text_array

__all__ = ["read_outputs"]

MATRICES = ("y_prob", "scores", "answers", "y_pred", "log_probs")


def read_outputs(path, columns=None) -> dict[str, np.ndarray]:
    """Read the outputs that a model left in a file.

    Parameters
    ----------
    path : str or path-like
        The suffix decides the format, and the content must agree with it: ``.csv`` and ``.tsv`` (with a header),
        ``.jsonl`` (or ``.ndjson``; one object per line), these three also with ``.gz``; ``.npz`` and ``.npy``;
        ``.parquet`` and ``.safetensors`` (extra ``io``).
    columns : dict, optional
        Our name -> the file's name, or a list of the file's names, which become the columns of a matrix of shape
        (n_samples, len(list)). Only these are read. Default: every column, under the name that it has in the file.

    Returns
    -------
    dict of str to ndarray
        Arrays with one common first dimension, n_samples. The names that other functions know are ``y_pred``,
        ``y_prob``, ``scores``, ``y_std``, ``y``, ``groups`` and ``sample_weight``; other columns keep theirs. A missing
        value is NaN in a column of numbers and None in one of texts.

    Raises
    ------
    InputError
        If the file does not exist, is empty, is not what its suffix says, or could run code when loaded (a pickle, a
        PyTorch checkpoint, an array of Python objects); for rows of different length (the row is named), names that
        occur twice, columns that are not there, arrays of different first dimension.
    MissingExtraError
        If Parquet or safetensors is asked for and the extra ``io`` is not installed.

    Notes
    -----
    **Guarantee.** None is needed: values are read, never computed with. Nothing in the file is executed, and no value
    is dropped or filled in.

    Without `columns`, a complete run ``y_prob_0, y_prob_1, ..., y_prob_{K-1}`` (K at least 2) becomes one matrix
    ``y_prob`` of shape (n_samples, K); so do runs named scores, answers, y_pred and log_probs. Runs with gaps keep
    their names. Every row of a JSON lines file must then have the keys of the first row, and no others.

    In CSV the type of a column is decided by all of its rows: true/false, integers, numbers, else text. An empty cell
    is missing; ``NA``, ``N/A``, ``null`` and ``None`` are missing in columns that otherwise hold numbers or
    true/false. Identifiers such as ``1_2`` and ``01`` and integers beyond 64 bits stay text; so do integers beyond
    2**53 in a column which a missing value or a float would turn into floats, and round. In JSON lines and Parquet such
    a column is refused, and lists of equal length become a matrix. bfloat16 becomes float32. Arrays of floats keep
    their precision.

    A first column without a name becomes "index" (pandas writes its index so); an unnamed column elsewhere is refused.
    What is wrong in a text file is reported by its line, or by its row counted from 1; rows of arrays are counted from
    0 in all other messages.

    **Comparing columns.** ``pred == y`` gives silently wrong scores where a value is missing: None equals None, so two
    missing texts count as right; NaN equals nothing, so a missing number counts as wrong, and no `nan_policy` ever sees
    it. A column of numbers in which one answer is a text ("I don't know") is a column of texts, and equals no number.
    Compare columns of one kind, and say what is missing::

        missing = np.array([p is None or t is None or p != p or t != t for p, t in zip(pred, y)])
        correct = np.where(missing, np.nan, pred == y)
        estimate_mean(correct, nan_policy="omit")  # leaves them out, and says how many as n_dropped

    Where an answer that never came counts as a wrong one, put 0 in place of NaN for missing predictions.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from uq import read_outputs
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "outputs.csv"
    >>> with path.open("w") as file:
    ...     print("label,p_cat,p_dog,item", "0,0.75,0.25,a", "1,0.5,0.5,b", sep=chr(10), file=file)
    >>> outputs = read_outputs(path, columns={"y": "label", "y_prob": ["p_cat", "p_dog"]})
    >>> outputs["y"], outputs["y_prob"].shape
    (array([0, 1]), (2, 2))
    >>> sorted(read_outputs(path))
    ['item', 'label', 'p_cat', 'p_dog']
    >>> folder.cleanup()
    """
    path = existing_file(path)
    suffix, packed = suffix_of(path)
    wanted = _check_columns(columns)
    where = f"read_outputs: {str(path)!r}"
    check_content(path, suffix, packed, where)

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

    arrays = _read(path, suffix, packed, select, where, wanted is None)
    _check_rows(arrays, where)
    if wanted is None:
        return _gather(arrays)
    return {
        name: _stack([arrays[n] for n in names], names, where)
        if isinstance(columns[name], (list, tuple))
        else arrays[names[0]]
        for name, names in wanted.items()
    }


def _check_columns(columns):
    """Return {our name: list of the file's names}, or None."""
    if columns is None:
        return None
    if not isinstance(columns, dict) or not columns:
        raise InputError(
            "read_outputs: columns must be a dict, our name -> the file's name or a list of names; "
            f"got {type(columns).__name__ if not isinstance(columns, dict) else 'an empty one'}."
        )
    wanted = {}
    for name, source in columns.items():
        sources = list(source) if isinstance(source, (list, tuple)) else [source]
        if not isinstance(name, str) or not sources or not all(isinstance(s, str) for s in sources):
            raise InputError(
                "read_outputs: columns must map a name to the file's name or to a list of names; "
                f"got {name!r}: {source!r}."
            )
        wanted[name] = sources
    return wanted


def _read(path, suffix, packed, select, where, whole):
    if FORMATS[suffix] in ("text", "JSON lines"):

        def open_text():
            return (gzip.open if packed else open)(path, "rt", encoding="utf-8-sig", newline="")

        try:
            if FORMATS[suffix] == "JSON lines":
                return read_jsonl(open_text, select, where, whole=whole)
            return read_csv(open_text, select, where, "\t" if suffix == ".tsv" else ",")
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{where} is not a complete gzip file: {error}.") from None
    reader = {".npz": _read_npz, ".npy": _read_npy, ".parquet": _read_parquet, ".safetensors": _read_safetensors}
    return reader[suffix](path, select, where)


def _read_npz(path, select, where):
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: _plain_array(lambda name=name: archive[name], name, where) for name in select(archive.files)}
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(f"{where} cannot be read: {error}. The file may be incomplete.") from None


def _read_npy(path, select, where):
    names = select([path.stem])
    return {name: _plain_array(lambda: np.load(path, allow_pickle=False), name, where) for name in names}


def _plain_array(load, name, where):
    try:
        array = load()
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise InputError(f"{where}: {name!r} cannot be read: {error}. The file may be incomplete.") from None
        raise InputError(
            f"{where}: {name!r} is an array of Python objects, stored as a pickle, and is refused: loading it can run "
            f"code. {REMEDY} Lists of different length must be filled up first."
        ) from None
    if array.dtype.kind == "V":
        raise InputError(f"{where}: {name!r} has dtype {array.dtype}; save one plain array per name, as float32.")
    if array.dtype.kind == "S":
        try:
            return np.char.decode(array, "utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{where}: {name!r} holds bytes that are not UTF-8.") from None
    return array


def _read_parquet(path, select, where):
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError("read_outputs: Parquet needs pyarrow: pip install 'errorbars[io]'.") from error
    try:
        # ParquetFile and not read_table, which takes folder names such as split=test for columns
        with pq.ParquetFile(path) as file:
            names = select(file.schema_arrow.names)
            table = file.read(columns=names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{where} cannot be read: {error}. The file may be incomplete.") from None
    return {name: _arrow_column(table[name].combine_chunks(), pa.types, name, where) for name in names}


def _arrow_column(column, types, name, where):
    kind = column.type
    if types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        lengths = np.asarray(column.value_lengths().fill_null(-1) if not types.is_fixed_size_list(kind) else [])
        width = kind.list_size if types.is_fixed_size_list(kind) else int(lengths[0]) if len(lengths) else 0
        odd = np.flatnonzero(lengths != width) if len(lengths) else np.flatnonzero(np.asarray(column.is_null()))
        if len(odd) or width < 1:
            row = int(odd[0]) if len(odd) else 0
            raise InputError(
                f"{where}: {name!r} must hold lists of one length, {max(width, 1)}; row {row + 1} "
                "(counting from 1) does not. Shorter ones must be filled up with null."
            )
        inner = _arrow_column(column.flatten(), types, name, where)
        return inner.reshape(len(column), width, *inner.shape[1:])
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return text_array(column.to_pylist())
    if types.is_null(kind) or types.is_boolean(kind) or types.is_integer(kind) or types.is_decimal(kind):
        if column.null_count or types.is_decimal(kind):
            if not types.is_boolean(kind) and not (types.is_decimal(kind) and kind.scale > 0):
                _refuse_rounding(np.asarray(column.drop_null()), name, where)
            column = column.cast("float64", safe=False)
        return column.to_numpy(zero_copy_only=False)
    if types.is_floating(kind) or types.is_temporal(kind):
        return column.to_numpy(zero_copy_only=False)
    raise InputError(
        f"{where}: {name!r} has type {kind}; columns must hold numbers, true/false, texts, times, or lists of them. "
        "Name the columns that you need in `columns` to leave it out."
    )


def _refuse_rounding(values, name, where):
    if values.size and max(int(values.max()), -int(values.min())) > EXACT:
        wide = next(value for value in values.tolist() if abs(value) > EXACT)
        raise InputError(
            f"{where}: {name!r} holds the integer {wide}, beyond 2**53, in a column that becomes floats, which would "
            "round it; write identifiers as text."
        )


_TENSOR_TYPES = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "BF16": "<u2",
}


def _read_safetensors(path, select, where):
    try:
        import safetensors
    except ImportError as error:
        raise MissingExtraError("read_outputs: safetensors needs its package: pip install 'errorbars[io]'.") from error
    try:
        tensors = dict(safetensors.deserialize(path.read_bytes()))
    except safetensors.SafetensorError as error:
        raise InputError(f"{where} cannot be read: {error}. The file may be incomplete.") from None
    return {name: _tensor(tensors[name], name, where) for name in select(list(tensors))}


def _tensor(tensor, name, where):
    code = tensor["dtype"]
    if code not in _TENSOR_TYPES:
        raise InputError(f"{where}: {name!r} has dtype {code}; convert it to float32 before it is saved.")
    array = np.frombuffer(tensor["data"], dtype=_TENSOR_TYPES[code]).reshape(tensor["shape"])
    if code == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(array.dtype.newbyteorder("="))


def _check_rows(arrays, where):
    if not arrays:
        raise InputError(f"{where} holds no arrays.")
    flat = [name for name, array in arrays.items() if array.ndim == 0]
    if flat:
        raise InputError(
            f"{where}: {', '.join(map(repr, flat))} is a single number without rows. "
            "Name the arrays that you need in `columns`."
        )
    rows = {name: len(array) for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        shown = ", ".join(f"{name!r} has {n}" for name, n in rows.items())
        raise InputError(
            f"{where}: all arrays must have one number of rows; {shown}. Name those that belong together in `columns`."
        )
    if not next(iter(rows.values())):
        raise InputError(f"{where} holds columns but no rows.")


def _gather(arrays):
    """Put complete numbered runs name_0 ... name_{K-1} of our matrix names in one matrix, where the first stood."""
    runs = {}
    for base in MATRICES:
        run = [name for name in arrays if re.fullmatch(rf"{base}_(0|[1-9]\d*)", name, re.ASCII)]
        names = [f"{base}_{i}" for i in range(len(run))]
        if len(run) > 1 and base not in arrays and set(names) == set(run):
            run = [arrays[name] for name in names]
            if len(set(map(_sort, run))) == 1 and not _rounds(run) and all(array.ndim == 1 for array in run):
                runs.update(dict.fromkeys(names, (base, names)))
    gathered = {}
    for name, array in arrays.items():
        if name not in runs:
            gathered[name] = array
        elif runs[name][0] not in gathered:
            base, names = runs[name]
            gathered[base] = np.column_stack([arrays[n] for n in names])
    return gathered


def _stack(parts, names, where):
    for part, name in zip(parts, names, strict=True):
        if part.ndim != 1:
            raise InputError(f"{where}: {name!r} has shape {part.shape}; only single columns can be put in a matrix.")
    if len(sorts := set(map(_sort, parts))) > 1:
        mixed = " and ".join(sorted(sorts, reverse=True))
        raise InputError(f"{where}: {', '.join(names)} mix {mixed}; they cannot be put in one matrix.")
    if _rounds(parts):
        raise InputError(
            f"{where}: {', '.join(names)} hold integers beyond 2**53 beside other numbers, which would round them; "
            "write identifiers as text."
        )
    return np.column_stack(parts)


def _sort(array):
    return {"O": "texts", "U": "texts", "M": "times", "m": "durations"}.get(array.dtype.kind, "numbers")


def _rounds(parts):
    """Tell whether one matrix of all would make floats of integers that are too large for them."""
    if np.result_type(*parts).kind != "f":
        return False
    return any(p.dtype.kind in "iu" and p.size and max(int(p.max()), -int(p.min())) > EXACT for p in parts)
