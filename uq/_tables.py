"""CSV to columns, streamed, the type of a column decided by all of its rows; and what all text tables share."""

import csv
import re
import threading
from collections import Counter
from itertools import islice

import numpy as np

from ._base.containers import LONG_TEXT
from ._base.exceptions import InputError

__all__ = ["BLOCK", "EXACT", "CsvTable", "blocks", "not_utf8", "read_csv", "refuse_duplicates", "text_array"]

BLOCK = 50_000  # rows held as Python objects at one time
EXACT = 2**53  # integers beyond it meet their neighbours when they become floats
LONGEST = 2**27  # characters of a field: an unclosed quote must not fill the memory

MISSING = frozenset({"", "NA", "N/A", "<NA>", "null", "NULL", "None"})
_BOOL = {"true": True, "false": False}
# underscores make an identifier, not a number: 1_2 may be the second answer to the first question
_INT = re.compile(r"[+-]?\d+", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_LIMIT = threading.Lock()  # the csv module has one limit for all of its readers


def read_csv(open_text, select, where, delimiter=","):
    """Return {name: array} of the columns that `select` picks from the header. The file is read twice."""
    table = CsvTable(open_text, select, where, delimiter)
    # the second pass knows the types, so that no column is ever held as text without need
    parts = list(table.batches(BLOCK))
    if table.at and not parts:
        raise InputError(f"{where} holds a header but no rows.")
    return {name: np.concatenate([part[name] for part in parts]) for name in table.at}


class CsvTable:
    """A CSV file whose rows were all looked at once.

    Attributes
    ----------
    at : dict
        Name -> place in the header.
    kinds : dict
        Name -> what stands in the column, as `_kinds` says it.
    n : int
        Rows.
    """

    def __init__(self, open_text, select, where, delimiter=",", size=None):
        self.open_text, self.where, self.delimiter = open_text, where, delimiter
        rows = _csv_rows(open_text, where, delimiter)
        header = next(rows, None)
        if header is None:
            raise InputError(f"{where} holds no rows, not even a header.")
        self.at = {name: header.index(name) for name in select(header)}
        self.kinds: dict[str, set] = {name: set() for name in self.at}
        self.n = 0
        for block in blocks(rows, size or BLOCK):
            self.n += len(block)
            for name, j in self.at.items():
                self.kinds[name] |= _kinds(row[j] for row in block)

    def batches(self, size):
        """Yield {name: array} of so many rows each, in the types of the whole columns."""
        rows = _csv_rows(self.open_text, self.where, self.delimiter)
        next(rows)
        kinds = {name: _kind(found) for name, found in self.kinds.items()}
        for block in blocks(islice(rows, self.n), size):
            yield {name: _convert([row[j] for row in block], kinds[name]) for name, j in self.at.items()}

    def dtype(self, name):
        """Return the type of a whole column; object for texts."""
        kind = _kind(self.kinds[name])
        if kind in ("text", "id"):
            return np.dtype(object)
        if kind in ("int", "bool") and "missing" not in self.kinds[name]:
            return np.dtype(np.int64 if kind == "int" else np.bool_)
        return np.dtype(np.float64)


def blocks(rows, size):
    """Yield the rows in lists of so many."""
    while block := list(islice(rows, size)):
        yield block


def _csv_rows(open_text, where, delimiter):
    with open_text() as stream:
        # strict, because an unclosed quote would swallow the rest of the file
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        width, number, blank = None, 0, None
        try:
            for row in _long_fields(reader):
                if not row:
                    blank = blank or (width and reader.line_num)
                elif blank is not None and width == 1:
                    raise InputError(
                        f"{where}: line {blank} is blank, which may be a missing value or a mistake; remove it, or "
                        "write the missing value as NA."
                    )
                elif width is None:
                    header = _header(row, where)
                    width = len(header)
                    yield header
                else:
                    number += 1
                    if len(row) != width:
                        raise InputError(
                            f"{where}: row {number} (line {reader.line_num}) has {len(row)} fields where the header "
                            f"has {width}; every row must have one field per column."
                        )
                    yield row
        except csv.Error as error:
            raise InputError(
                f"{where}: row {number + 1} (line {reader.line_num}) is not CSV: {error}. "
                "Texts with quotes or line breaks are safer in JSON lines."
            ) from None
        except UnicodeDecodeError as error:
            raise InputError(not_utf8(where, number, error)) from None


def _long_fields(reader):
    """Yield the rows; the limit of the module is raised while one is read, and never seen by other code."""
    while True:
        with _LIMIT:
            before = csv.field_size_limit(LONGEST)
            try:
                row = next(reader, None)
            finally:
                csv.field_size_limit(before)
        if row is None:
            return
        yield row


def not_utf8(where, number, error):
    """Return what to say of a text file in another encoding."""
    return (
        f"{where}: the text somewhere after row {number} (counting from 1) is not UTF-8 ({error.reason}: byte "
        f"0x{error.object[error.start]:02x}). Save it as UTF-8; Latin-1 and Windows-1252 are not read."
    )


def _header(row, where):
    names = [name.strip() for name in row]
    if len(names) == 1 and (other := next((c for c in ";\t|," if c in names[0]), None)):
        raise InputError(
            f"{where}: the header {names[0]!r} is one field; the columns look separated by {other!r}. "
            "Save it with commas (.csv) or tabs (.tsv)."
        )
    if not names[0]:
        names[0] = "index"  # what pandas writes for an unnamed index
    if "" in names:
        raise InputError(f"{where}: column {names.index('') + 1} of the header has no name.")
    if all(_FLOAT.fullmatch(name) for name in names) and names != [str(i) for i in range(len(names))]:
        raise InputError(f"{where}: the first line must name the columns; got the numbers {', '.join(names[:5])}.")
    refuse_duplicates(names, where)
    return names


def refuse_duplicates(names, where):
    """Raise if a column name occurs twice."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise InputError(f"{where}: every column needs its own name; found twice: {', '.join(twice)}.")


def _kinds(values):
    """Return what stands in a part of a column: "missing", "bool", "int", "wide", "id", "float", "text"."""
    seen = {value.strip() for value in values}
    kinds = {"missing"} if seen & MISSING else set()
    for value in seen - MISSING:
        if _INT.fullmatch(value):
            if value.lstrip("+-").startswith("0") and len(value.lstrip("+-")) > 1:
                kinds.add("id")  # 01 is not 1
            elif len(value) < 40 and -(2**63) <= int(value) < 2**63:
                kinds.add("wide" if abs(int(value)) > EXACT else "int")
            else:
                kinds.add("id")
        elif _FLOAT.fullmatch(value):
            kinds.add("float")
        else:
            kinds.add("bool" if value.lower() in _BOOL else "text")
    return kinds


def _kind(kinds):
    """Return what a column becomes; "id" is text made of numbers: as a float it would meet its neighbours."""
    holes, kinds = "missing" in kinds, kinds - {"missing"}
    if len(kinds) < 2 and kinds <= {"bool", "text"}:
        return next(iter(kinds), "missing")
    if kinds & {"bool", "text"}:
        return "text"
    if "id" in kinds or ("wide" in kinds and ("float" in kinds or holes)):
        return "id"
    return "float" if "float" in kinds else "int"


def _convert(values, kind):
    if kind == "text":
        return text_array([value or None for value in values])
    values = [None if (v := value.strip()) in MISSING else v for value in values]
    if kind == "id":
        return text_array(values)
    if kind == "bool":
        values = [None if value is None else _BOOL[value.lower()] for value in values]
        return np.array(values, dtype=np.float64 if None in values else np.bool_)
    if kind == "int" and None not in values:
        return np.array([int(value) for value in values], dtype=np.int64)
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)


def text_array(values):
    """Return strings as an array: of objects where one is missing (None) or long, of NumPy strings elsewhere."""
    if any(value is None or len(value) > LONG_TEXT for value in values):
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
    return np.array(values, dtype=np.str_)
