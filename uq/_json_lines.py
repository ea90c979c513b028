"""JSON lines to columns, streamed, the type of a column decided by all of its rows."""

import json
from collections import Counter
from itertools import islice

import numpy as np

from . import _tables
from ._base.exceptions import InputError
from ._tables import EXACT, blocks, not_utf8, text_array

__all__ = ["JsonTable", "read_jsonl"]


def read_jsonl(open_text, select, where, *, whole=False):
    """Return {name: array} of the keys that `select` picks from the first row; equally long lists make a matrix.

    Where the `whole` file is asked for, a key that comes later is refused.
    """
    table = JsonTable(open_text, select, where, whole=whole)
    parts: dict[str, list] = {}
    for part in table.look(_tables.BLOCK):
        for name, array in part.items():
            parts.setdefault(name, []).append(array)
    table.check()
    return {name: np.concatenate([table.columns[name].settled(p) for p in part]) for name, part in parts.items()}


class JsonTable:
    """A JSON lines file; its `columns` know what they are when all rows were looked at."""

    def __init__(self, open_text, select, where, *, whole=False):
        self.open_text, self.select, self.where, self.whole = open_text, select, where, whole
        self.columns: dict[str, _JsonColumn] = {}
        self.n = 0

    def look(self, size):
        """Yield {name: array} of so many rows each, in the types of these rows."""
        for block in blocks(_json_rows(self.open_text, self.where), size):
            if not self.n:
                self.columns = {name: _JsonColumn(name, self.where) for name in self.select(list(block[0][1]))}
            self.n += len(block)
            yield self._arrays(block)

    def check(self):
        """Raise unless the rows that were looked at make columns."""
        if not self.n:
            raise InputError(f"{self.where} holds no rows.")
        for column in self.columns.values():
            column.check()

    def batches(self, size):
        """Yield {name: array} of so many rows each, in the types of the whole columns."""
        for block in blocks(islice(_json_rows(self.open_text, self.where), self.n), size):
            yield {name: self.columns[name].settled(array) for name, array in self._arrays(block).items()}

    def _arrays(self, block):
        for place, row in block:
            for name in self.columns:
                if name not in row:
                    raise InputError(
                        f"{self.where}: {place} has no key {name!r}, which row 1 has. Write null where a value is "
                        "missing, or name the keys that you need in `columns`."
                    )
            if self.whole and len(row) > len(self.columns):
                new = next(name for name in row if name not in self.columns)
                raise InputError(
                    f"{self.where}: {place} has the key {new!r}, which row 1 has not. Write null in the rows that lack "
                    "it, or name the keys that you need in `columns`."
                )
        places = [place for place, _ in block]
        return {name: column.take([row[name] for _, row in block], places) for name, column in self.columns.items()}


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
            raise InputError(not_utf8(where, number, error)) from None


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
        self.dtypes = set()  # of the parts that were taken
        self.shapes: Counter[tuple] = Counter()  # rows of each shape

    def take(self, values, places):
        """Return a part of the column as an array, and note what it tells of the whole."""
        part = self._block(values, places.__getitem__, 0)
        if self.wide and self.inexact:
            raise InputError(
                f"{self.label} holds an integer beyond 2**53 in {self.wide}, and elsewhere a null or a float, "
                "which would round it; write identifiers as text."
            )
        self.dtypes.add(part.dtype)
        self.shapes[part.shape[1:]] += len(part)
        return part

    def check(self):
        """Raise where some rows are null and others hold lists."""
        nulls = self.shapes.total() - self.shapes[self.tail]
        if nulls:
            raise InputError(f"{self.label} is null in {nulls} rows where the others hold lists.")

    @property
    def tail(self):
        """The shape of one row."""
        return max(self.shapes, key=len)

    @property
    def dtype(self):
        """The type of the whole column; object for texts."""
        return np.dtype(object) if "text" in self.groups.values() else np.result_type(*self.dtypes)

    def settled(self, part):
        """Return a part in the type of the whole column."""
        if "text" not in self.groups.values():
            return part.astype(self.dtype, casting="safe", copy=False)
        # a block of nulls alone was taken for missing numbers
        return np.full(part.shape, None, dtype=object) if part.dtype.kind == "f" else part

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
