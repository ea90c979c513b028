"""Which format a file has: decided by its suffix, checked against its content, pickles refused."""

import codecs
import gzip
import re
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

from ._base.exceptions import InputError

__all__ = [
    "FORMATS",
    "REMEDY",
    "check_content",
    "delimiter_of",
    "existing_file",
    "looks_like",
    "suffix_of",
    "text_opener",
    "unpacking",
]

FORMATS = {
    ".csv": "text",
    ".tsv": "text",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".npz": "NPZ",
    ".npy": "a single NumPy array (.npy)",
    ".parquet": "Parquet",
    ".safetensors": "safetensors",
}
PICKLES = frozenset(
    {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".ckpt", ".dill", ".cloudpickle", ".bin"}  # .bin: PyTorch's weights
)
REMEDY = "Save plain arrays instead: numpy.savez('outputs.npz', y_prob=..., y=...), Parquet or JSON lines."


def existing_file(path, owner):
    """Return the path of a file that is there and not empty."""
    try:
        path = Path(path)
    except TypeError:
        raise InputError(f"{owner}: path must be the name of a file; got {type(path).__name__}.") from None
    if path.is_dir():
        raise InputError(f"{owner}: path must be a file; {str(path)!r} is a folder. Read its files one by one.")
    if not path.is_file():
        raise InputError(f"{owner}: path must be an existing file; there is none at {str(path)!r}.")
    if path.stat().st_size == 0:
        raise InputError(f"{owner}: {str(path)!r} is empty (0 bytes); was the job cut off?")
    return path


def suffix_of(path, owner):
    """Return the suffix that names the format, and whether the file is packed with gzip."""
    suffixes = [s.lower() for s in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    suffix = (suffixes[:-1] if packed else suffixes)[-1:] or [""]
    suffix = suffix[0]
    if suffix in PICKLES:
        raise InputError(
            f"{owner}: {path.name!r} is refused: {suffix} files hold Python pickles, and loading one can run any "
            f"code that its author put there. {REMEDY}"
        )
    if suffix not in FORMATS or (packed and FORMATS[suffix] not in ("text", "JSON lines")):
        raise InputError(
            f"{owner}: the suffix of path must be one of {', '.join(FORMATS)} (text also with .gz); got {path.name!r}."
        )
    return suffix, packed


def delimiter_of(suffix):
    """Return what stands between the fields of delimited text."""
    return "\t" if suffix == ".tsv" else ","


def text_opener(path, packed):
    """Return a function that opens a text file from its start."""

    def open_text():
        return (gzip.open if packed else open)(path, "rt", encoding="utf-8-sig", newline="")

    return open_text


@contextmanager
def unpacking(where):
    """Turn the errors of a gzip file that was cut off into ours."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{where} is not a complete gzip file: {error}.") from None


def check_content(path, suffix, packed, where):
    """Raise unless the first bytes of the file agree with its suffix."""
    with path.open("rb") as stream:
        found = looks_like(stream.read(512))
    if found == "zip":
        found = _zip_kind(path)
    if not packed:
        return _check_format(found, FORMATS[suffix], where)
    _check_format(found, "gzip", where)
    try:
        with gzip.open(path) as stream:
            head = stream.read(512)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{where} is not a complete gzip file: {error}.") from None
    return _check_format(looks_like(head), FORMATS[suffix], where)


def _check_format(found, expected, where):
    if found != expected:
        if "pickle" in found:
            found += ", which is refused because loading it can run code"
        expected = "delimited text" if expected == "text" else expected
        raise InputError(f"{where} is not what its name says: it looks like {found}, not {expected}.")


_MAGIC = (
    (b"PAR1", "Parquet"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x93NUMPY", "a single NumPy array (.npy)"),
    (b"\x1f\x8b", "gzip"),
    (b"\x89HDF", "HDF5"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"BZh", "bzip2"),
    (b"ARROW1", "Arrow (Feather)"),
    (b"SQLite format 3", "SQLite"),
    (b"version https://git-lfs", "a Git LFS pointer: the data were never downloaded (git lfs pull)"),
)


_WORDS = frozenset({b"PAR1", b"BZh", b"ARROW1"})  # a text may begin with these
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\f\r")


def _is_text(head):
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut in two
    except UnicodeDecodeError:
        return False
    return _CONTROL.isdisjoint(head)


def looks_like(head):
    """Say what the first bytes of a file look like."""
    for magic, name in _MAGIC:
        if head.startswith(magic) and not (magic in _WORDS and _is_text(head)):
            return name
    if len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return "a Python pickle"
    if head[8:9] == b"{" and 0 < int.from_bytes(head[:8], "little") < 2**32:
        return "safetensors"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 text (save it as UTF-8)"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"\x00" in head:
        return "binary data"
    if not text:
        return "nothing but blanks"
    if text.startswith(b"{"):
        return "JSON lines"
    if re.match(rb"\[\s*[\[{\]]", text):
        return "one JSON array (write one object per line)"
    return "HTML or XML" if re.match(rb"<[!?a-zA-Z]", text) else "text"


def _zip_kind(path):
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError):  # the latter for damage that looks like another version of zip
        return "an incomplete zip archive"
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch checkpoint (a pickle)"
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook"
    return "NPZ" if all(name.endswith(".npy") for name in names) else "a zip archive"
