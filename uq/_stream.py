"""Files that are larger than memory: their rows in batches, for what takes rows in parts."""

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from math import prod

import numpy as np

from . import _tables
from ._base.exceptions import InputError
from ._base.validation import check_count
from ._formats import FORMATS, check_content, delimiter_of, existing_file, suffix_of, text_opener, unpacking
from ._json_lines import JsonTable
from ._parquet import ParquetRows
from ._selection import Column, check_columns, check_rows, gather, plan, selector
from ._stored import ZIP_ERRORS, as_texts, npy_header, stored_arrays, unzipping
from ._tables import EXACT, CsvTable

__all__ = ["iter_outputs"]

OWNER = "iter_outputs"


def iter_outputs(path, columns=None, *, batch_size=65_536) -> Iterator[dict[str, np.ndarray]]:
    """Read the outputs that a model left in a file in batches of rows, for what is larger than memory.

    Parameters
    ----------
    path : str or path-like
        As in `read_outputs`.
    columns : dict, optional
        As in `read_outputs`.
    batch_size : int, default 65,536
        Rows of each batch; of the last one what is left.

    Returns
    -------
    iterator of dict of str to ndarray
        The batches of what `read_outputs` returns, in the order of the file: one after the other they are its arrays.
        A column of numbers has one dtype in all of them.

    Raises
    ------
    InputError
        At the call, for what `read_outputs` refuses and a `batch_size` that is no positive integer. In the middle of
        the rows, for damage that shows only there: the message names the row after which nothing can be read.
    MissingExtraError
        If Parquet is asked for and the extra ``io`` is not installed.

    See Also
    --------
    read_outputs : all rows at once; what becomes of names, types and missing values is said there.
    MeanAccumulator, calibration.BinnedCalibrationError, causal.PredictionPowered : take rows in parts.

    Notes
    -----
    **Guarantee.** None is needed: values are read, never computed with. Memory holds a batch or two, whatever the size
    of the file; rows with long texts call for a smaller `batch_size`.

    Text files and .npz are read twice, first at the call: so that the last row has its say in what the first batch
    holds, and every torn line and every wrong checksum is found before there is a batch. In Parquet only columns of
    integers and true/false are read ahead, for missing values, which make floats of them; damage shows where it lies,
    if the file was written with checksums. Rows that a job adds meanwhile are left out.

    In a compressed .npz (`numpy.savez_compressed`) a matrix must lie row by row; one that lies column by column
    (Fortran order) is refused.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from uq import MeanAccumulator, iter_outputs
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "outputs.npz"
    >>> rng = np.random.default_rng(0)
    >>> np.savez(path, right=rng.random(1000) < .7, text=rng.integers(0, 50, 1000))
    >>> total = MeanAccumulator()
    >>> for batch in iter_outputs(path, columns={"scores": "right", "groups": "text"}, batch_size=300):
    ...     total = total.partial_fit(batch["scores"], batch["groups"])
    >>> print(total.mean())
    0.678, 95 % interval [0.6481, 0.7079], std. error 0.01487
    n = 1000, 50 groups; method: cluster, guarantee: asymptotic
    >>> folder.cleanup()
    """
    path = existing_file(path, OWNER)
    suffix, packed = suffix_of(path, OWNER)
    wanted = check_columns(columns, OWNER)
    batch_size = check_count(batch_size, OWNER, "batch_size")
    where = f"{OWNER}: {str(path)!r}"
    check_content(path, suffix, packed, where)
    rows = _rows(path, suffix, packed, selector(wanted, where), where, wanted is None, batch_size)
    check_rows(rows.columns, where)
    return _batches(rows, plan(rows.columns, columns, wanted, where), batch_size, where)


def _batches(rows, chosen, batch_size, where):
    done = 0
    try:
        for arrays in rows.batches(batch_size):
            batch = gather(arrays, chosen)
            done += len(next(iter(arrays.values())))
            yield batch
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{where} cannot be read after row {done}: {error}.") from None
    except (ValueError, TypeError):  # a number is none any more
        done = -1
    if done != rows.n:
        raise InputError(f"{where} has changed while it was read; read it when the job has finished.")


def _rows(path, suffix, packed, select, where, whole, size):
    """Return an object with `n`, `columns` (name -> Column) and `batches(size)`, which yields {name: array}."""
    if suffix == ".parquet":
        return ParquetRows(path, select, where, size)
    if FORMATS[suffix] == "text":
        return _CsvRows(path, packed, select, where, delimiter_of(suffix), min(size, _tables.BLOCK))
    if FORMATS[suffix] == "JSON lines":
        return _JsonRows(path, packed, select, where, whole, min(size, _tables.BLOCK))
    return _StoredRows(path, suffix, select, where)


def _among(kinds):
    return "wide" in kinds


def _is_wide(column):
    return column.wide is not None


class _CsvRows:
    def __init__(self, path, packed, select, where, delimiter, size):
        self.where = where
        with unpacking(where):
            self.table = CsvTable(text_opener(path, packed), select, where, delimiter, size)
        self.n = self.table.n
        self.columns = {
            name: Column(self.table.dtype(name), (self.n,), partial(_among, kinds))
            for name, kinds in self.table.kinds.items()
        }

    def batches(self, size):
        with unpacking(self.where):
            for arrays in self.table.batches(size):
                yield {
                    name: array if array.dtype.kind in "OU" else array.astype(self.columns[name].dtype, copy=False)
                    for name, array in arrays.items()
                }


class _JsonRows:
    def __init__(self, path, packed, select, where, whole, size):
        self.where = where
        with unpacking(where):
            self.table = JsonTable(text_opener(path, packed), select, where, whole=whole)
            for _ in self.table.look(size):
                pass
        self.table.check()
        self.n = self.table.n
        self.columns = {
            name: Column(column.dtype, (self.n, *column.tail), partial(_is_wide, column))
            for name, column in self.table.columns.items()
        }

    def batches(self, size):
        with unpacking(self.where):
            yield from self.table.batches(size)


class _StoredRows:
    """Rows of .npy, .npz and .safetensors. They are read and not mapped: mapped pages would count as memory in use."""

    def __init__(self, path, suffix, select, where):
        self.path, self.where = path, where
        self.stored = stored_arrays(path, suffix, select, where)
        # through the archive, which checks its sums, wherever rows lie one after the other
        self.packed = [name for name, s in self.stored.items() if suffix == ".npz" and not s.fortran and s.shape]
        for stored in self.stored.values():
            if stored.fortran and stored.offset is None:
                raise InputError(
                    f"{stored.label} lies column by column in a compressed archive, so that its rows cannot be read "
                    "one after the other. Save it with numpy.savez, or as numpy.ascontiguousarray of itself."
                )
        if suffix == ".npz":
            self._check_sums()
        self.columns = {name: self._column(stored) for name, stored in self.stored.items()}
        self.n = next((stored.shape[0] for stored in self.stored.values() if stored.shape), 0)

    def _check_sums(self):
        """Read each member to its end, where its sum stands; rows must not be given before it was compared."""
        with zipfile.ZipFile(self.path) as archive:
            for name, stored in self.stored.items():
                rows, width = 0, max(prod(stored.shape[1:]) * stored.dtype.itemsize, 1)
                with archive.open(f"{name}.npy") as member:
                    npy_header(member, name, self.where)
                    try:
                        while part := member.read(2**20 // width * width or width):
                            rows += len(part) // width
                    except ZIP_ERRORS as error:
                        raise InputError(
                            f"{stored.label} cannot be read after row {rows}: {error}. The file may be incomplete."
                        ) from None

    def _column(self, stored):
        dtype = np.dtype(np.float32 if stored.bfloat else object if stored.dtype.kind == "S" else stored.dtype)
        return Column(dtype, stored.shape, lambda: self._wide(stored))

    def _wide(self, stored):
        """Look through a column of integers; asked only of those that stand beside floats in one matrix."""
        name = next(name for name, other in self.stored.items() if other is stored)
        return any(
            array.size and max(int(array.max()), -int(array.min())) > EXACT
            for part in self._read([name], _tables.BLOCK)
            for array in part.values()
        )

    def batches(self, size):
        return self._read(list(self.stored), size)

    def _read(self, names, size):
        with ExitStack() as stack:
            stream = stack.enter_context(self.path.open("rb"))
            members = {}
            packed = [name for name in names if name in self.packed]
            if packed:
                stack.enter_context(unzipping(self.where))
                archive = stack.enter_context(zipfile.ZipFile(self.path))
                members = {name: stack.enter_context(archive.open(f"{name}.npy")) for name in packed}
            for name, member in members.items():
                npy_header(member, name, self.where)
            for start in range(0, self.n, size):
                stop = min(start + size, self.n)
                yield {
                    name: _member_rows(members[name], self.stored[name], start, stop)
                    if name in members
                    else self.stored[name].rows(stream, start, stop)
                    for name in names
                }


def _member_rows(member, stored, start, stop):
    """Return the next rows of a member of an archive."""
    array = np.empty((stop - start, *stored.shape[1:]), stored.dtype)
    size = prod(array.shape) * stored.dtype.itemsize
    found = member.read(size)
    if len(found) < size:
        raise InputError(f"{stored.label} cannot be read after row {start}. The file may be incomplete.")
    if size:
        array.reshape(-1).view(np.uint8)[:] = np.frombuffer(found, np.uint8)
    return as_texts(array, stored.label)
