"""Parquet to columns, at once or in batches of rows. The only importer of pyarrow."""

from contextlib import contextmanager
from functools import partial

import numpy as np

from ._base.exceptions import InputError, MissingExtraError
from ._selection import Column
from ._tables import EXACT, text_array

__all__ = ["ParquetRows", "read_parquet"]

BLOCK = 50_000  # rows at a time, at most, where only a question is asked of them
# bytes of a column that are read ahead: pyarrow would take a whole row group, and keep all that it has read
STREAMED = {"buffer_size": 2**20, "pre_buffer": False}


@contextmanager
def _opened(path, where, seen=str, **options):
    """Open the file; yield it with the module, and turn its errors into ours. `seen` says how far the reading came."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        owner = where.split(":")[0]
        raise MissingExtraError(f"{owner}: Parquet needs pyarrow: pip install 'errorbars[io]'.") from error
    try:
        # ParquetFile and not read_table, which takes folder names such as split=test for columns
        with pq.ParquetFile(path, page_checksum_verification=True, **options) as file:
            yield file, pa
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise InputError(f"{where} cannot be read{seen()}: {error}. The file may be incomplete.") from None


def read_parquet(path, select, where):
    """Return {name: array} of the columns that `select` picks."""
    with _opened(path, where) as (file, pa):
        names = select(file.schema_arrow.names)
        table = file.read(columns=names)
        return {name: _array(table[name].combine_chunks(), pa.types, f"{where}: {name!r}") for name in names}


class ParquetRows:
    """The rows of a file in batches. What becomes of a column of integers is decided by all of its rows first."""

    def __init__(self, path, select, where, size=BLOCK):
        self.path, self.where = path, where
        with _opened(path, where, **STREAMED) as (file, pa):
            self.names, self.n = select(file.schema_arrow.names), file.metadata.num_rows
            head = next(file.iter_batches(1, columns=self.names), None) if self.n and self.names else None
            arrays = {} if head is None else {n: _array(head[n], pa.types, self._label(n)) for n in self.names}
            whole = [name for name in arrays if _counts(file.schema_arrow.field(name).type, pa.types)]
            surveys = {name: _survey(file, name, pa, self._label(name), min(size, BLOCK)) for name in whole}
        self.holed = {name for name, (holes, _) in surveys.items() if holes}
        self.columns = {name: Column(np.dtype(float), (self.n,)) for name in self.names}  # as they are without rows
        for name, array in arrays.items():
            dtype = np.dtype(float) if name in self.holed else array.dtype
            wide = surveys.get(name, (False, False))[1]
            self.columns[name] = Column(dtype, (self.n, *array.shape[1:]), partial(bool, wide))

    def _label(self, name):
        return f"{self.where}: {name!r}"

    def batches(self, size):
        """Yield {name: array} of so many rows each, of the last ones what is left."""
        done, widths = 0, {name: dict[int, int]() for name in self.names}
        with _opened(self.path, self.where, lambda: f" after row {done}", **STREAMED) as (file, pa):
            for table in _regrouped(file.iter_batches(size, columns=self.names), size, pa):
                arrays = {
                    name: _array(table[name].combine_chunks(), pa.types, self._label(name), done, widths[name])
                    for name in self.names
                }
                done += len(table)
                for name in self.holed:
                    arrays[name] = arrays[name].astype(float)
                yield arrays


def _regrouped(batches, size, pa):
    """Yield tables of so many rows; the batches of a file end where its row groups do."""
    pending, rows = [], 0
    for batch in batches:
        pending.append(batch)
        rows += len(batch)
        while rows >= size:
            table = pa.Table.from_batches(pending)
            yield table.slice(0, size)
            pending, rows = table.slice(size).to_batches(), rows - size
    if rows:
        yield pa.Table.from_batches(pending)


def _counts(kind, types):
    """Tell whether integers or true/false stand in a column or in its lists."""
    while not (types.is_integer(kind) or types.is_boolean(kind)):
        if not types.is_nested(kind) and not types.is_dictionary(kind):
            return False
        kind = kind.value_type
    return True


def _survey(file, name, pa, label, size):
    """Return whether a column of integers or true/false has holes, and whether an integer beyond 2**53 stands in it."""
    holes, wide = False, None
    for batch in file.iter_batches(size, columns=[name]):
        leaf = batch[name]
        while not (pa.types.is_integer(leaf.type) or pa.types.is_boolean(leaf.type)):
            leaf = leaf.dictionary_decode() if pa.types.is_dictionary(leaf.type) else leaf.flatten()
        holes = holes or leaf.null_count > 0
        if wide is None and pa.types.is_integer(leaf.type):
            wide = _wide(np.asarray(leaf.drop_null()))
        if holes and wide is not None:
            raise _rounded(wide, label)
    return holes, wide is not None


def _array(column, types, label, first=0, widths=None, depth=0, per_row=1):
    """Return a column as an array; its rows count from `first`, and lists have the `widths` of those before."""
    widths = {} if widths is None else widths
    kind = column.type
    if types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        width = _width(column, types, label, first, widths, depth, per_row)
        inner = _array(column.flatten(), types, label, first, widths, depth + 1, per_row * width)
        return inner.reshape(len(column), width, *inner.shape[1:])
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return text_array(column.to_pylist())
    if types.is_null(kind) or types.is_boolean(kind) or types.is_integer(kind) or types.is_decimal(kind):
        if column.null_count or types.is_decimal(kind):
            if not types.is_boolean(kind) and not (types.is_decimal(kind) and kind.scale > 0):
                wide = _wide(np.asarray(column.drop_null()))
                if wide is not None:
                    raise _rounded(wide, label)
            column = column.cast("float64", safe=False)
        return column.to_numpy(zero_copy_only=False)
    if types.is_floating(kind) or types.is_temporal(kind):
        return column.to_numpy(zero_copy_only=False)
    raise InputError(
        f"{label} has type {kind}; columns must hold numbers, true/false, texts, times, or lists of them. "
        "Name the columns that you need in `columns` to leave it out."
    )


def _width(column, types, label, first, widths, depth, per_row):
    """Return the length that all lists of a column have."""
    if types.is_fixed_size_list(column.type):
        lengths = np.where(np.asarray(column.is_null()), -1, column.type.list_size)
        width = column.type.list_size
    else:
        lengths = np.asarray(column.value_lengths().fill_null(-1))
        width = widths.setdefault(depth, int(lengths[0])) if len(lengths) else 1
    odd = np.flatnonzero((lengths != width) | (lengths < 1))
    if len(odd) or width < 1:
        row = first + (int(odd[0]) if len(odd) else 0) // per_row
        raise InputError(
            f"{label} must hold lists of one length, {max(width, 1)}; row {row + 1} "
            "(counting from 1) does not. Shorter ones must be filled up with null."
        )
    return width


def _wide(values):
    """Return an integer that no float can hold, or None."""
    if not values.size or max(int(values.max()), -int(values.min())) <= EXACT:
        return None
    return next(value for value in values.tolist() if abs(value) > EXACT)


def _rounded(wide, label):
    return InputError(
        f"{label} holds the integer {wide}, beyond 2**53, in a column that becomes floats, which would "
        "round it; write identifiers as text."
    )
