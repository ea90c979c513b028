"""Arrays that lie in a file as they would in memory: .npy, members of .npz, tensors of .safetensors."""

import json
import lzma
import tokenize
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ._base.exceptions import InputError
from ._formats import REMEDY

__all__ = [
    "BROKEN",
    "ZIP_ERRORS",
    "Stored",
    "as_texts",
    "check_plain",
    "npy_array",
    "npy_header",
    "stored_arrays",
    "tensors",
    "unreadable",
    "unzipping",
    "zip_arrays",
]


# RuntimeError: encrypted, or packed by a method that this Python lacks
ZIP_ERRORS = (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


# a header is a Python literal: what is left of it may be no literal, no type, or ask for more than there is
BROKEN = (
    ValueError,
    SyntaxError,
    TypeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    tokenize.TokenError,
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An array of a file: where it begins, and how it is laid out.

    Parameters
    ----------
    path : Path
    label : str
        Names the file and the array in messages.
    offset : int or None
        None in a compressed archive.
    dtype : numpy.dtype
    shape : tuple of int
    fortran : bool
        Column by column, not row by row.
    bfloat : bool
        Whether the numbers are the upper halves of float32.
    """

    path: Path
    label: str
    offset: int | None
    dtype: np.dtype
    shape: tuple
    fortran: bool = False
    bfloat: bool = False

    def mapped(self):
        """Return the array, read-only; its pages come from the file when they are touched."""
        if self.offset is None:
            raise InputError(
                f"{self.label} is compressed and cannot be mapped; save it with numpy.savez, or go through its rows "
                "with iter_outputs."
            )
        if self.bfloat or self.dtype.kind == "S":
            raise InputError(
                f"{self.label} holds {'bfloat16' if self.bfloat else 'bytes'}, which must be converted and cannot be "
                "mapped; read it without memory_map, or go through its rows with iter_outputs."
            )
        if not prod(self.shape):
            return np.empty(self.shape, self.dtype)
        order: Any = "F" if self.fortran else "C"
        return np.asarray(np.memmap(self.path, self.dtype, "r", self.offset, self.shape, order))

    def rows(self, stream, start, stop):
        """Return some rows; `stream` is the open file."""
        width, shape = prod(self.shape[1:]), (stop - start, *self.shape[1:])
        if self.fortran:
            strips = [self._at(stream, k * self.shape[0] + start, stop - start, start) for k in range(width)]
            found = np.stack(strips, axis=-1).reshape(shape, order="F")
        else:
            found = self._at(stream, start * width, (stop - start) * width, start).reshape(shape)
        return _widened(found) if self.bfloat else as_texts(found, self.label)

    def whole(self):
        """Return the array."""
        with self.path.open("rb") as stream:
            return self.rows(stream, 0, self.shape[0]) if self.shape else self._at(stream, 0, 1, 0)[0]

    def _at(self, stream, first, count, row):
        stream.seek(self.offset + first * self.dtype.itemsize)
        found = np.fromfile(stream, self.dtype, count)
        if len(found) < count:
            raise InputError(f"{self.label} cannot be read after row {row}. The file may be incomplete.")
        return found


def _widened(halves):
    """Return float32 of their upper halves."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


def as_texts(array, label):
    """Return bytes as texts, and other arrays as they are."""
    if array.dtype.kind != "S":
        return array
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{label} holds bytes that are not UTF-8.") from None


def unreadable(error, name, where):
    """Return the error of an array that cannot be loaded: one of Python objects, or a broken one."""
    if "allow_pickle" not in str(error) and "Object arrays" not in str(error):
        return InputError(f"{where}: {name!r} cannot be read: {error}. The file may be incomplete.")
    return InputError(
        f"{where}: {name!r} is an array of Python objects, stored as a pickle, and is refused: loading it can run "
        f"code. {REMEDY} Lists of different length must be filled up first."
    )


def check_plain(dtype, name, where):
    """Raise for records, which are several arrays in one."""
    if dtype.kind == "V":
        raise InputError(f"{where}: {name!r} has dtype {dtype}; save one plain array per name, as float32.")


@contextmanager
def unzipping(where):
    """Turn the errors of an archive that cannot be read into ours."""
    try:
        yield
    except ZIP_ERRORS as error:
        raise InputError(f"{where} cannot be read: {error}. The file may be incomplete.") from None


def stored_arrays(path, suffix, select, where):
    """Return {name: Stored} of the arrays of a binary file that `select` picks."""
    if suffix == ".npy":
        return {name: npy_array(path, where) for name in select([path.stem])}
    if suffix == ".safetensors":
        return tensors(path, select, where)
    with unzipping(where):
        return zip_arrays(path, select, where)


def npy_array(path, where):
    """Return the array of an .npy file."""
    with path.open("rb") as stream:
        shape, fortran, dtype = npy_header(stream, path.stem, where)
        return _checked(Stored(path, f"{where}: {path.stem!r}", stream.tell(), dtype, shape, fortran))


def zip_arrays(path, select, where):
    """Return {name: array} of the members of an .npz file that are wanted; compressed ones have no offset."""
    found = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        for name in select([info.filename.removesuffix(".npy") for info in archive.infolist()]):
            with archive.open(members[name]) as member:
                shape, fortran, dtype = npy_header(member, name, where)
                header = member.tell()
            offset = None
            if members[name].compress_type == zipfile.ZIP_STORED:
                # the local header has lengths of its own, which need not be those of the directory
                stream.seek(members[name].header_offset + 26)
                lengths = np.fromfile(stream, "<u2", 2)
                offset = members[name].header_offset + 30 + int(lengths.sum()) + header
            found[name] = _checked(Stored(path, f"{where}: {name!r}", offset, dtype, shape, fortran))
    return found


def npy_header(stream, name, where):
    """Read (shape, fortran, dtype), after which the numbers follow."""
    try:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version} of the format, which is for arrays of records")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    except BROKEN as error:
        raise unreadable(error, name, where) from None
    if dtype.hasobject:
        raise unreadable("allow_pickle", name, where)
    check_plain(dtype, name, where)
    return shape, fortran and len(shape) > 1, dtype


def _checked(stored):
    if stored.offset is not None:
        missing = stored.offset + prod(stored.shape) * stored.dtype.itemsize - stored.path.stat().st_size
        if missing > 0:
            raise InputError(f"{stored.label} lacks its last {missing} bytes. The file may be incomplete.")
    return stored


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
LONGEST_HEADER = 100_000_000  # the format's own limit


def tensors(path, select, where):
    """Return {name: array} of the tensors of a .safetensors file that are wanted."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > min(size - 8, LONGEST_HEADER):
            raise InputError(f"{where} cannot be read: its header is cut off. The file may be incomplete.")
        header = _header(stream.read(length), where)
    header.pop("__metadata__", None)
    spans = []
    for name, tensor in header.items():
        if not _well_formed(tensor):
            raise InputError(f"{where} cannot be read: its header does not say where {name!r} lies.")
        spans.append((*tensor["data_offsets"], name))
    end = 0
    for start, stop, name in sorted(spans):
        if start != end or stop < start:
            raise InputError(f"{where} cannot be read: {name!r} does not follow the tensor before it.")
        end = stop
    if 8 + length + end != size:
        raise InputError(
            f"{where} cannot be read: its header asks for {8 + length + end} bytes, and there are {size}. "
            "The file may be incomplete."
        )
    return {name: _tensor(header[name], path, name, 8 + length, where) for name in select(list(header))}


def _header(text, where):
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} cannot be read: its header is no JSON: {error}.") from None
    if not isinstance(header, dict):
        raise InputError(f"{where} cannot be read: its header is no JSON object.")
    return header


def _unique(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def _well_formed(tensor):
    if not isinstance(tensor, dict) or not isinstance(tensor.get("dtype"), str):
        return False
    for part in (tensor.get("shape"), tensor.get("data_offsets")):
        if not isinstance(part, list) or not all(type(k) is int and k >= 0 for k in part):
            return False
    return len(tensor["data_offsets"]) == 2


def _tensor(tensor, path, name, start, where):
    code, shape = tensor["dtype"], tuple(tensor["shape"])
    if code not in _TENSOR_TYPES:
        raise InputError(f"{where}: {name!r} has dtype {code}; convert it to float32 before it is saved.")
    dtype = np.dtype(_TENSOR_TYPES[code])
    first, stop = tensor["data_offsets"]
    if stop - first != prod(shape) * dtype.itemsize:
        raise InputError(f"{where} cannot be read: {name!r} has {stop - first} bytes, which do not fit its shape.")
    return Stored(path, f"{where}: {name!r}", start + first, dtype, shape, bfloat=code == "BF16")
