"""Hypothesis strategies for well-formed and hostile input; who is driven with what stands in `targets`.

Each argument is good most of the time, so that the work behind the checks is reached as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

NAN, INF = float("nan"), float("inf")

HOSTILE_NUMBERS = st.sampled_from(
    [NAN, INF, -INF, 0, -1, 1e300, -1e300, 1e-300, 10**400, "1", "", None, True, 1j, [1.0], np.ones(2), object(), b"1"]
)
LEVELS = st.sampled_from([0.95, 0.9, 0.5, 1e-12, 1e-300, 0.05, 1 - 1e-12, 1 - 2**-53])
HOSTILE_LEVELS = st.sampled_from([0, 1, 1.5, -0.1, NAN, INF, "0.95", None, True, [0.9], 95])
ALTERNATIVES = st.sampled_from(["two-sided", "less", "greater"])
HOSTILE_WORDS = st.sampled_from(["", "both", None, 1, ["t"], b"t", NAN])


@dataclass(frozen=True)
class Target:
    """How one public name is driven: with which keyword arguments, and how they are handed over."""

    arguments: st.SearchStrategy
    call: Callable[..., Any] = lambda function, **arguments: function(**arguments)


def mostly(good, hostile, one_in=6):
    """Draw from `good`, and once in a while from `hostile`."""
    return st.integers(1, one_in).flatmap(lambda k: hostile if k == one_in else good)


def arguments(required, optional=None):
    """Return a strategy of dicts: all of the required keywords and some of the optional ones."""
    return st.fixed_dictionaries(required, optional=optional or {})


# ---- well-formed columns


def rows(low=1, high=40):
    """Return a strategy of sizes, small ones more often."""
    return st.sampled_from([n for n in (1, 2, 3, 4, 5, 7, 10, 20, 31, 40) if low <= n <= high])


def _draw_scores(kind, shape, seed):
    rng = np.random.default_rng(seed)
    return {
        "binary": lambda: rng.integers(0, 2, shape).astype(float),
        "ones": lambda: np.ones(shape),
        "zeros": lambda: np.zeros(shape),
        "unit": lambda: rng.random(shape),
        "normal": lambda: rng.normal(size=shape),
        "one off": lambda: np.where(np.arange(np.prod(shape)).reshape(shape) == 0, 1.0, 0.5),
        "ties": lambda: rng.integers(0, 3, shape) / 4,
        "huge": lambda: rng.normal(size=shape) * 1e300,
        "tiny": lambda: rng.normal(size=shape) * 1e-300,
        "subnormal": lambda: np.full(shape, 5e-324) * rng.integers(0, 3, shape),
        "far from 0": lambda: 1e15 + rng.random(shape),
        "both ends": lambda: np.where(rng.random(shape) < 0.5, 1e300, 1e-300),
        "heavy tails": lambda: rng.standard_cauchy(shape),
    }[kind]()


KINDS = ("binary", "ones", "zeros", "unit", "normal", "one off", "ties", "huge", "tiny", "subnormal", "far from 0")
KINDS += ("both ends", "heavy tails")


def _dress(x, dress):
    if dress == "non-contiguous":
        wide = np.zeros((2 * len(x), *x.shape[1:]))
        wide[::2] = x
        return wide[::2]
    if dress == "fortran":
        return np.asfortranarray(x)
    if dress == "read-only":
        x = x.copy()
        x.flags.writeable = False
        return x
    if dress == "list":
        return x.tolist()
    if dress == "float32":
        with np.errstate(over="ignore", under="ignore"):
            return x.astype(np.float32)
    if dress == "object":
        return x.astype(object)
    return x


def scores(n, columns=None, kinds=KINDS):
    """Return a strategy of real arrays of shape (n,) or (n, columns) in several dresses."""
    shape = (n,) if columns is None else (n, columns)
    return st.builds(
        lambda kind, seed, dress: _dress(_draw_scores(kind, shape, seed), dress),
        st.sampled_from(kinds),
        st.integers(0, 1000),
        st.sampled_from(["plain", "plain", "non-contiguous", "fortran", "read-only", "list", "float32", "object"]),
    )


def labels(n):
    """Return a strategy of n cluster labels: several, all alike, all different, words."""
    return st.sampled_from(
        [
            np.arange(n) // 2,
            np.arange(n),
            np.arange(n) % 2,
            np.array([f"group {i % 3}" for i in range(n)]),
            [i // 3 for i in range(n)],
            np.repeat(7.5, n),
            np.r_[np.zeros(max(n - 1, 0)), np.ones(min(n, 1))],
        ]
    )


# ---- hostile columns


def _holes(x, value, where):
    x = np.array(x, dtype=float)
    if x.size:
        x.flat[where % x.size] = value
    return x


def hostile_arrays(n, columns=None):
    """Return a strategy of arrays that must be refused or survived: holes, wrong shapes, other kinds of value."""
    good = np.linspace(0, 1, n) if columns is None else np.linspace(0, 1, n * columns).reshape(n, columns)
    return st.one_of(
        st.builds(_holes, st.just(good), st.sampled_from([NAN, INF, -INF]), st.integers(0, 99)),
        st.sampled_from(
            [
                np.full(good.shape, NAN),
                good[:0],
                np.empty((0, 0)),
                np.empty((n, 0)),
                good[: n // 2],
                np.concatenate([good, good]),
                good[..., None, None],
                np.stack([good, good], axis=-1),
                np.array(0.5),
                0.5,
                None,
                "scores",
                {"scores": 1},
                good.astype(str),
                np.full(good.shape, "a", dtype=object),
                np.full(good.shape, None),
                good.astype(complex),
                np.ma.masked_array(good, mask=good > 0.5),
                np.full(good.shape, "2020-01-01", dtype="M8[D]"),
                [[1.0], [1.0, 2.0]],
                iter([1.0, 0.0]),
                np.full(good.shape, 10**30, dtype=object),
                np.full(good.shape, 10**400, dtype=object),
                good > 0.5,
                np.full(good.shape, 2**63 - 1),
                np.full(good.shape, np.finfo(np.longdouble).max),
            ]
        ),
    )


def column(n):
    """Return scores, hostile once in a while."""
    return mostly(scores(n), hostile_arrays(n))


def groups(n):
    """Return labels or None, hostile once in a while."""
    return mostly(st.none() | labels(n), hostile_arrays(n) | st.just(["a", 1, None, 2.5]))


BOUNDS = mostly(
    st.sampled_from([None, (0, 1), (0.0, 1.0), [-5, 5], (-1e305, 1e305), (0, 1e-299)]),
    st.sampled_from([(1, 0), (0, 0), (0, INF), (NAN, 1), 3, "ab", (0, 1, 2), (None, 1), (-1e308, 1e308)]),
)
RESAMPLES = mostly(st.sampled_from([19, 99]), st.sampled_from([1, 2, 0, -1, 1.5, None, "9", True]))
SEEDS = mostly(st.integers(0, 100), st.sampled_from([-1, "a", 1.5, True, [1]]))
POLICY = mostly(st.sampled_from(["raise", "omit"]), HOSTILE_WORDS)
RESAMPLING = {"n_resamples": RESAMPLES, "rng": SEEDS}


def per_size(make, sizes=None):
    """Draw a number of rows, then the dict of arguments that `make(n)` describes; resampling is kept short."""
    return (rows() if sizes is None else sizes).flatmap(make)


def methods(*names):
    """Return a strategy of these words, hostile once in a while."""
    return mostly(st.sampled_from(names), HOSTILE_WORDS)
