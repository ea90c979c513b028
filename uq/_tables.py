"""Text tables, streamed: CSV and JSON lines to columns, the type of a column decided by all of its rows."""

import csv
import json
import re
import threading
from collections import Counter
from itertools import islice

import numpy as np

from ._base.containers import LONG_TEXT
from ._base.exceptions import InputError

__all__ = ["EXACT", "read_csv", "read_jsonl", "refuse_duplicates", "text_array"]

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
    rows = _csv_rows(open_text, where, delimiter)
    header = next(rows, None)
    if header is None:
        raise InputError(f"{where} holds no rows, not even a header.")
    names = select(header)
    at = [header.index(name) for name in names]
    found: list[set] = [set() for _ in names]
    for block in _blocks(rows):
        for kinds_of, j in zip(found, at, strict=True):
            kinds_of |= _kinds(row[j] for row in block)
    kinds = [_kind(kinds_of) for kinds_of in found]
    # the second pass knows the types, so that no column is ever held as text without need
    rows = _csv_rows(open_text, where, delimiter)
    next(rows)
    parts: dict[str, list] = {name: [] for name in names}
    for block in _blocks(rows):
        for name, j, kind in zip(names, at, kinds, strict=True):
            parts[name].append(_convert([row[j] for row in block], kind))
    if names and not parts[names[0]]:
        raise InputError(f"{where} holds a header but no rows.")
    return {name: np.concatenate(part) for name, part in parts.items()}


def _blocks(rows):
    while block := list(islice(rows, BLOCK)):
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
            raise InputError(_not_utf8(where, number, error)) from None


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


def _not_utf8(where, number, error):
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


def read_jsonl(open_text, select, where, *, whole=False):
    """Return {name: array} of the keys that `select` picks from the first row; equally long lists make a matrix.

    Where the `whole` file is asked for, a key that comes later is refused.
    """
    columns = None
    rows = _json_rows(open_text, where)
    while block := list(islice(rows, BLOCK)):
        if columns is None:
            columns = {name: _JsonColumn(name, where) for name in select(list(block[0][1]))}
        for place, row in block:
            for name in columns:
                if name not in row:
                    raise InputError(
                        f"{where}: {place} has no key {name!r}, which row 1 has. Write null where a value is missing, "
                        "or name the keys that you need in `columns`."
                    )
            if whole and len(row) > len(columns):
                new = next(name for name in row if name not in columns)
                raise InputError(
                    f"{where}: {place} has the key {new!r}, which row 1 has not. Write null in the rows that lack it, "
                    "or name the keys that you need in `columns`."
                )
        for name, column in columns.items():
            column.append([row[name] for _, row in block], [place for place, _ in block])
    if columns is None:
        raise InputError(f"{where} holds no rows.")
    return {name: column.array() for name, column in columns.items()}


def _json_rows(open_text, where):
    """Yield where a row stands, in words, and the row."""
    number = 0
    with open_text() as stream:
        try:
            for line_number, line in enumerate(stream, 1):
                if not line.strip():
                    continue
                number += 1
                place = f"row {number} (line {line_number})"
                try:
                    row = json.loads(line, object_pairs_hook=_unique)
                except (ValueError, RecursionError) as error:
                    raise InputError(
                        f"{where}: {place} is not a JSON object: {error}. A job that was stopped may have left "
                        "its last line unfinished."
                    ) from None
                if not isinstance(row, dict) or not row:
                    raise InputError(
                        f"{where}: {place} must be one JSON object with at least one key; got {type(row).__name__}."
                    )
                yield place, row
        except UnicodeDecodeError as error:
            raise InputError(_not_utf8(where, number, error)) from None


def _unique(pairs):
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} occurs twice")
    return row


_GROUP = {bool: "true/false", int: "numbers", float: "numbers", str: "text", list: "lists", dict: "objects"}


class _JsonColumn:
    """One key of a JSON lines file: blocks of rows that must agree in type and shape."""

    def __init__(self, name, where):
        self.label = f"{where}: {name!r}"
        self.groups = {}  # depth of nesting -> what stands there
        self.widths = {}  # depth of nesting -> length of the lists
        self.wide = None  # where the first integer stands that no float can hold
        self.inexact = False  # whether a null or a float makes floats of all
        self.parts = []

    def append(self, values, places):
        self.parts.append(self._block(values, places.__getitem__, 0))
        if self.wide and self.inexact:
            raise InputError(
                f"{self.label} holds an integer beyond 2**53 in {self.wide}, and elsewhere a null or a float, "
                "which would round it; write identifiers as text."
            )

    def array(self):
        parts = self.parts
        if "text" in self.groups.values():
            # a block of nulls alone was taken for missing numbers
            parts = [np.full(p.shape, None, dtype=object) if p.dtype.kind == "f" else p for p in parts]
        shape = max((p.shape[1:] for p in parts), key=len)
        nulls = sum(len(p) for p in parts if p.shape[1:] != shape)
        if nulls:
            raise InputError(f"{self.label} is null in {nulls} rows where the others hold lists.")
        return np.concatenate(parts)

    def _block(self, values, place_of, depth):
        group = self.groups.get(depth)
        for i, value in enumerate(values):
            if value is None:
                continue
            found = _GROUP[type(value)]
            if group is None:
                group = self.groups[depth] = found
            if found != group or found == "objects":
                what = "is an object" if found == "objects" else f"holds {found} after {group}"
                raise InputError(
                    f"{self.label} {what} in {place_of(i)}; a column must hold one kind of value: numbers, "
                    "true/false, text, or lists of them. Name the keys that you need in `columns` to leave it out."
                )
        if group == "lists":
            return self._lists(values, place_of, depth)
        if group == "text":
            return text_array(values)
        if group in ("numbers", None):
            self._note_rounding(values, place_of)
        if None in values or group is None:
            return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
        if group == "numbers" and any(type(v) is int and not -(2**63) <= v < 2**63 for v in values):
            raise InputError(f"{self.label} holds integers beyond 64 bits; write identifiers as text.")
        return np.array(values)

    def _note_rounding(self, values, place_of):
        self.inexact = self.inexact or any(type(v) is not int for v in values)
        if self.wide is None:
            i = next((i for i, v in enumerate(values) if type(v) is int and abs(v) > EXACT), None)
            self.wide = None if i is None else place_of(i)

    def _lists(self, values, place_of, depth):
        for i, value in enumerate(values):
            width = self.widths.setdefault(depth, len(value)) if value is not None else None
            if value is None or len(value) != width or not width:
                got = "null" if value is None else f"{len(value)} values"
                due = self.widths.get(depth) or "some"  # an empty list is never due
                raise InputError(
                    f"{self.label} holds {got} in {place_of(i)} where {due} are expected; "
                    "lists of equal length make a matrix, shorter ones must be filled up with null."
                )
        flat = [x for value in values for x in value]
        inner = self._block(flat, lambda i: place_of(i // self.widths[depth]), depth + 1)
        return inner.reshape(len(values), self.widths[depth], *inner.shape[1:])
