"""How the functions and results of `uq` are driven."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, roc_auc_score
from strategies import (
    ALTERNATIVES,
    BOUNDS,
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    LEVELS,
    POLICY,
    RESAMPLES,
    RESAMPLING,
    SEEDS,
    Target,
    arguments,
    column,
    groups,
    hostile_arrays,
    methods,
    mostly,
    per_size,
    scores,
)


def mean_error(y_true, y_pred, sample_weight=None):
    """Return the mean error: the plainest metric there is."""
    return float(np.average(np.asarray(y_true, float) - np.asarray(y_pred, float), weights=sample_weight))


def _read(function, suffix, content, columns, memory_map=False):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"outputs{suffix}"
        path.write_bytes(content)
        return function(path, columns, memory_map=memory_map)


def _stream(function, suffix, content, columns, batch_size=1):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"outputs{suffix}"
        path.write_bytes(content)
        return len(list(function(path, columns, batch_size=batch_size)))


def _accumulate(function, scores, nan_policy="raise", groups=None, method="auto"):
    first = function(nan_policy).partial_fit(scores, groups)
    total = first.merge(function(nan_policy)).merge(function(nan_policy).fit(scores, groups))
    return total.partial_fit(scores, groups).mean(method)


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


def _file_and(file, **options):
    return {**file, **options}


FILES = st.builds(
    lambda pair, columns: {"suffix": pair[0], "content": pair[1], "columns": columns},
    mostly(
        st.sampled_from(
            [(".csv", b"a,b\n1,2\n"), (".csv", b"a,b\r\n1,\r\n,2\r\n"), (".csv", b"\xef\xbb\xbfa,b\n1,2\n"),
             (".jsonl", b'{"a": 1}\n{"a": 2}\n'), (".jsonl", b'{"a": NaN}\n'), (".CSV", b"a\n1\n")]
        ),
        st.tuples(
            st.sampled_from(
                [".csv", ".jsonl", ".json", ".npz", ".npy", ".parquet", ".safetensors", ".txt", ".pkl", ""]
            ),
            st.sampled_from(
                [b"", b"a,b\n1\n", b"a,a\n1,2\n", b"a\n", b"\n\n", b"\xff\xfe\x00", b"PK\x03\x04junk",
                 b'{"a": 1}\n{"b"', b"[]", b"null\n", b"\x80\x04K\x01.", b"\x93NUMPY", b'"a\n1', b"PAR1",
                 b"\x02\0\0\0\0\0\0\0{}", b"\x04\0\0\0\0\0\0\0{\xff}x"]
            )
            | st.binary(max_size=40),
        ),
        one_in=2,
    ),
    mostly(st.sampled_from([None, ["a"]]), st.sampled_from([["zzz"], "a", 3, []])),
)  # fmt: skip

MEAN_METHODS = ("auto", "t", "cluster", "wilson", "clopper_pearson", "beta", "betting", "hierarchical", "bootstrap")

TARGETS = {
    "uq.estimate_mean": Target(
        per_size(
            lambda n: arguments(
                {"scores": column(n), "n_resamples": RESAMPLES},
                {
                    "groups": groups(n), "bounds": BOUNDS, "method": methods(*MEAN_METHODS), "rng": SEEDS,
                    "nan_policy": POLICY,
                },
            )
        )
    ),
    "uq.MeanAccumulator": Target(
        per_size(
            lambda n: arguments(
                {"scores": column(n)},
                {"groups": groups(n), "method": methods(*MEAN_METHODS), "nan_policy": POLICY},
            )
        ),
        _accumulate,
    ),
    "uq.estimate_difference": Target(
        per_size(
            lambda n: arguments(
                {"a": column(n), "b": column(n), "n_resamples": RESAMPLES},
                {
                    "groups": groups(n),
                    "metric": mostly(st.sampled_from([None, mean_error]), HOSTILE_WORDS),
                    "y_true": st.none() | column(n),
                    "method": methods("auto", "t", "cluster", "mcnemar", "dirichlet", "bootstrap"),
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
        st.builds(_file_and, FILES, memory_map=mostly(st.booleans(), st.sampled_from([None, 2]))), _read
    ),
    "uq.iter_outputs": Target(
        st.builds(_file_and, FILES, batch_size=mostly(st.integers(1, 3), HOSTILE_NUMBERS)), _stream
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
    "uq.WrappedModel": "its input is the model's; scikit-learn's suite drives it",
    "uq.Report": "takes results, no arrays",
    "uq.citation": "takes no arrays",
    "uq.show_versions": "takes nothing",
}
