"""Hypothesis strategies for well-formed and hostile input, and the table of who is driven with what.

A later room adds its public names to `TARGETS` (or, with a reason, to `NOT_DRIVEN`)::

    TARGETS["conformal.RankLaw"] = Target(st.fixed_dictionaries({"n": mostly(st.integers(1, 50), HOSTILE_NUMBERS)}))

Each argument is good most of the time, so that the work behind the checks is reached as well.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, roc_auc_score

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
    return (sizes or rows()).flatmap(make)


def mean_error(y_true, y_pred, sample_weight=None):
    """Return the mean error: the plainest metric there is."""
    return float(np.average(np.asarray(y_true, float) - np.asarray(y_pred, float), weights=sample_weight))


def _methods(*names):
    return mostly(st.sampled_from(names), HOSTILE_WORDS)


def _read(function, suffix, content, columns):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"outputs{suffix}"
        path.write_bytes(content)
        return function(path, columns)


def _intervals(n):
    from uq import Interval

    low = np.linspace(-1, 1, n)
    return st.sampled_from(
        [
            Interval(lower=low, upper=low + 1, confidence_level=0.9),
            Interval(lower=np.full(n, -np.inf), upper=np.full(n, np.inf), confidence_level=0.9),
            Interval(lower=0.0, upper=1.0, confidence_level=0.9),
        ]
    )


def _interval_verbs(function, lower, upper, confidence_level, y):
    interval = function(lower=lower, upper=upper, confidence_level=confidence_level)
    interval.contains(y)
    return interval


MEAN_METHODS = ("auto", "t", "cluster", "wilson", "clopper_pearson", "beta", "betting", "hierarchical", "bootstrap")

TARGETS = {
    "uq.estimate_mean": Target(
        per_size(
            lambda n: arguments(
                {"scores": column(n), "n_resamples": RESAMPLES},
                {
                    "groups": groups(n), "bounds": BOUNDS, "method": _methods(*MEAN_METHODS), "rng": SEEDS,
                    "nan_policy": POLICY,
                },
            )
        )
    ),
    "uq.estimate_difference": Target(
        per_size(
            lambda n: arguments(
                {"a": column(n), "b": column(n), "n_resamples": RESAMPLES},
                {
                    "groups": groups(n),
                    "metric": mostly(st.sampled_from([None, mean_error]), HOSTILE_WORDS),
                    "y_true": st.none() | column(n),
                    "method": _methods("auto", "t", "cluster", "mcnemar", "dirichlet", "bootstrap"),
                    "rng": SEEDS,
                    "nan_policy": POLICY,
                },
            )
        )
    ),
    "uq.estimate_metric": Target(
        per_size(
            lambda n: arguments(
                {
                    "metric": mostly(st.sampled_from([mean_error, accuracy_score, roc_auc_score]), HOSTILE_WORDS),
                    "y_true": mostly(scores(n, kinds=("binary", "binary", "ones", "unit")), hostile_arrays(n)),
                    "y_pred": mostly(scores(n, kinds=("binary", "unit", "ties", "ones")), hostile_arrays(n)),
                    "n_resamples": RESAMPLES,
                },
                {"groups": groups(n), "sample_weight": st.none() | column(n), "rng": SEEDS},
            )
        )
    ),
    "uq.rank_models": Target(
        per_size(
            lambda n: arguments(
                {"scores": mostly(scores(n, 3), hostile_arrays(n, 3)), **RESAMPLING},
                {
                    "names": mostly(st.sampled_from([None, list("abc")]), st.sampled_from([["a"], "abc", ["a"] * 3])),
                    "groups": groups(n),
                    "nan_policy": POLICY,
                },
            )
        )
    ),
    "uq.variance_components": Target(
        per_size(
            lambda n: arguments(
                {"scores": mostly(scores(n, 3) | scores(n, 1), hostile_arrays(n, 3))}, {"nan_policy": POLICY}
            )
        )
    ),
    "uq.required_items": Target(
        arguments(
            {
                "effect": mostly(st.sampled_from([0.02, -0.1, 3.0, 1e-5]), HOSTILE_NUMBERS),
                "std": mostly(st.sampled_from([0.5, 1.0, 1e-3]), HOSTILE_NUMBERS),
            },
            {
                "power": mostly(LEVELS, HOSTILE_LEVELS),
                "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                "alternative": mostly(ALTERNATIVES, HOSTILE_WORDS),
            },
        )
    ),
    "uq.mean_sequence": Target(
        per_size(
            lambda n: arguments(
                {"scores": column(n), "bounds": BOUNDS},
                {
                    "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                    "alternative": mostly(ALTERNATIVES, HOSTILE_WORDS),
                },
            )
        )
    ),
    "uq.coverage_report": Target(
        per_size(
            lambda n: arguments(
                {"interval_or_set": mostly(_intervals(n), hostile_arrays(n)), "y": column(n)},
                {"strata": groups(n), "confidence_level": mostly(LEVELS, HOSTILE_LEVELS)},
            )
        )
    ),
    "uq.read_outputs": Target(
        st.builds(
            lambda pair, columns: {"suffix": pair[0], "content": pair[1], "columns": columns},
            mostly(
                st.sampled_from(
                    [(".csv", b"a,b\n1,2\n"), (".csv", b"a,b\r\n1,\r\n,2\r\n"), (".csv", b"\xef\xbb\xbfa,b\n1,2\n"),
                     (".jsonl", b'{"a": 1}\n{"a": 2}\n'), (".jsonl", b'{"a": NaN}\n'), (".CSV", b"a\n1\n")]
                ),
                st.tuples(
                    st.sampled_from([".csv", ".jsonl", ".json", ".npz", ".npy", ".parquet", ".txt", ".pkl", ""]),
                    st.sampled_from(
                        [b"", b"a,b\n1\n", b"a,a\n1,2\n", b"a\n", b"\n\n", b"\xff\xfe\x00", b"PK\x03\x04junk",
                         b'{"a": 1}\n{"b"', b"[]", b"null\n", b"\x80\x04K\x01.", b"\x93NUMPY", b'"a\n1', b"PAR1"]
                    )
                    | st.binary(max_size=40),
                ),
                one_in=2,
            ),
            mostly(st.sampled_from([None, ["a"]]), st.sampled_from([["zzz"], "a", 3, []])),
        ),
        _read,
    ),
    "uq.Interval": Target(
        per_size(
            lambda n: arguments(
                {"lower": column(n), "upper": column(n), "confidence_level": LEVELS, "y": column(n)},
            )
        ),
        _interval_verbs,
    ),
    "uq.Curve": Target(
        per_size(
            lambda n: arguments(
                {"x": scores(n), "y": scores(n)}, {"lower": column(n), "upper": column(n), "count": column(n)}
            )
        )
    ),
}  # fmt: skip

# Public callables that are not driven, each with its reason.
NOT_DRIVEN = {
    "uq.Estimate": "made by functions that are driven; its laws have tests/base/test_laws.py",
    "uq.TestResult": "a record of four values",
    "uq.RankSummary": "made by rank_models, which is driven",
    "uq.WrappedModel": "its input is the model's; scikit-learn's suite drives it",
    "uq.Report": "takes results, no arrays",
    "uq.citation": "takes no arrays",
    "uq.show_versions": "takes nothing",
}
