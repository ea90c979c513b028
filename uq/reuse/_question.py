"""What a named question was, as far as it can be told without the rows.

That is whether it came as values or as a function, the function's code, and the guess. Values are not
hashed: they come from the rows, and whoever reads the ledger could try what they were.
"""

import functools
import math
import numbers
import sys
import types
from hashlib import sha256

import numpy as np

from uq._base.exceptions import InputError

__all__ = ["check_batch", "check_same_question", "question_of"]

OWNER = "Holdout"
_DEEP = 6
_HAIR = 1e-6  # a guess that was computed again, or in float32, may differ in its last digits


def question_of(query, guess):
    """Return what can be written down about a question."""
    made = {"kind": "function" if callable(query) else "values"}
    if callable(query):
        made |= {"code": sha256(repr(_code(query)).encode("utf-8", "backslashreplace")).hexdigest(),
                 "python": sys.implementation.cache_tag or ""}  # fmt: skip
    try:
        if np.ndim(guess):
            made["guess"] = sha256(np.asarray(guess, dtype="<f8").tobytes()).hexdigest()
    except (TypeError, ValueError):  # no guess, as the mechanism will say
        pass
    return made


def _code(thing, deep=0):
    """Return what a function does, in values that print alike in every process: code, constants, what it captured."""
    if deep > _DEEP:
        return "..."
    inner = functools.partial(_code, deep=deep + 1)
    if thing is None or isinstance(thing, (bool, int, float, complex, str, bytes)):
        return repr(thing)
    if isinstance(thing, np.generic):
        return inner(thing.item())
    if isinstance(thing, (tuple, list)):
        return [inner(each) for each in thing]
    if isinstance(thing, (set, frozenset)):
        return sorted(repr(inner(each)) for each in thing)
    if isinstance(thing, dict):
        return [(repr(key), inner(value)) for key, value in thing.items()]
    if isinstance(thing, types.CodeType):
        return [thing.co_code.hex(), thing.co_names, thing.co_freevars, [inner(each) for each in thing.co_consts]]
    if isinstance(thing, types.FunctionType):
        # our own change with the version of the library
        ours = thing.__module__ is not None and thing.__module__.split(".")[0] == "uq"
        what = thing.__qualname__ if ours else inner(thing.__code__)
        return [
            what,
            inner(thing.__defaults__),
            inner(thing.__kwdefaults__),
            [_cell(c, inner) for c in thing.__closure__ or ()],
        ]
    if isinstance(thing, types.MethodType):
        return [inner(thing.__func__), inner(thing.__self__)]
    if isinstance(thing, functools.partial):
        return [inner(thing.func), inner(thing.args), inner(thing.keywords)]
    kind = thing if isinstance(thing, (type, types.BuiltinFunctionType)) else type(thing)
    return f"{kind.__module__}.{kind.__qualname__} {getattr(thing, '__name__', '')}"


def _cell(cell, inner):
    try:
        kept = cell.cell_contents
    except ValueError:  # not filled yet
        return "empty"
    # what a function fills while it works, such as a memo, is not what it asks
    return type(kept).__name__ if isinstance(kept, (dict, list, set, bytearray)) else inner(kept)


def check_same_question(query_id, detail, query, guess, bounds):
    """Raise InputError unless the answer that a name has is one to this question. No guess: the one that it had."""
    known, now = detail.get("question") or {}, question_of(query, guess)
    if tuple(detail["bounds"]) != bounds:
        _refuse(query_id, f"bounds {tuple(detail['bounds'])}; got {bounds}")
    if known.get("kind", now["kind"]) != now["kind"]:
        _refuse(query_id, f"a query of another kind ({known['kind']}; got {now['kind']})")
    if known.get("python") == now.get("python") and known.get("code") != now.get("code"):
        _refuse(query_id, "another function")
    if "guess" in known and known["guess"] != now.get("guess", known["guess"]):
        _refuse(query_id, "another guess")
    before, width = detail.get("guess"), bounds[1] - bounds[0]
    real = before is not None and isinstance(guess, numbers.Real)
    if real and not math.isclose(before, float(guess), rel_tol=_HAIR, abs_tol=_HAIR * width):
        _refuse(query_id, f"guess {before:g}; got {float(guess):g}")


def check_batch(query_ids, queries, guesses):
    """Raise InputError where one name stands for different questions of a batch."""
    seen: dict[str, tuple] = {}
    for query_id, query, guess in zip(query_ids, queries, guesses, strict=True):
        if query_id is None:
            continue
        first = seen.setdefault(query_id, (query, guess))
        if question_of(*first) != question_of(query, guess) or not (
            _equal(first[0], query) and _equal(first[1], guess)
        ):
            raise InputError(
                f"{OWNER}: query_id {query_id!r} stands for two questions of this batch. Take another query_id for "
                "another question. Nothing was spent."
            )


def _equal(a, b):
    if a is b or (callable(a) and callable(b)):
        return True
    a, b = np.asarray(a), np.asarray(b)
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc")


def _refuse(query_id, what):
    raise InputError(
        f"{OWNER}: query_id {query_id!r} was answered for {what}. Take another query_id for another question. Nothing "
        "was spent."
    )
