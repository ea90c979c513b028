"""How the diagnostic, comparisons, combinations and the border to statsmodels are driven."""

import importlib.util

import numpy as np
from hypothesis import strategies as st
from strategies import (
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    LEVELS,
    Target,
    arguments,
    column,
    groups,
    hostile_arrays,
    labels,
    mostly,
    per_size,
    rows,
    scores,
)

from causal import LinearDebiaser, Naive
from causal._influence import Influence
from uq import Estimate
from uq._base.laws import NormalLaw, TLaw

__all__ = ["NOT_DRIVEN", "TARGETS"]

STATSMODELS = importlib.util.find_spec("statsmodels") is not None
CALIBRATION = np.random.default_rng(0).normal(size=30)
FITTED = {
    "naive": Naive().fit(CALIBRATION, CALIBRATION**3),
    "linear": LinearDebiaser(nondifferential=True).fit(CALIBRATION, CALIBRATION + np.sin(9 * CALIBRATION)),
}


def _estimate(seed, k, n_fit, n_apply, scale, kind, changes):
    rng = np.random.default_rng(seed)
    fit, apply = (scale * rng.normal(size=(n, k)) for n in (n_fit, n_apply))
    ids = {
        "names": ([f"f{i}" for i in range(n_fit)], [f"t{i}" for i in range(n_apply)]),
        "crossed": ([f"t{i}" for i in range(n_fit)], [f"t{i}" for i in range(n_apply)]),
        "counted": (range(n_fit), range(n_apply)),
        "numbers": (np.arange(n_fit) + 100.5, np.arange(n_apply) + 7),
        "none": (None, None),
    }[kind]
    ids = [None if block is None else np.array(block) for block in ids]
    seen = np.random.default_rng(n_fit).normal(size=20)  # the same predictions for the same numbers of rows
    influence = Influence(
        fit=fit, apply=apply, fit_ids=ids[0], apply_ids=ids[1], fit_clustered=seed % 5 == 1,
        fit_values=seen[:n_fit] if seed % 2 else None, apply_values=seen[:n_apply] if seed % 2 else None,
        estimand=[None, "mean", "mean", "ate"][seed % 4],
    )  # fmt: skip
    error = np.hypot(np.linalg.norm(fit / scale, axis=0), np.linalg.norm(apply / scale, axis=0)) * scale
    value = scale * rng.normal(size=k)
    value, error = (value, error) if k > 1 else (float(value[0]), float(error[0]))
    law = TLaw(estimate=value, std_error=error, df=7.0)
    if seed % 3 == 0:
        law = NormalLaw(estimate=value, std_error=error)
    fields = {"estimate": value, "std_error": error, "n": 9, "method": "m", "guarantee": "asymptotic", "law": law}
    return Estimate(**{**fields, "influence": influence, **changes})


def _pair(k, scale, kind):
    """Return a strategy of two estimates of alike quantities, and of anything else once in a while."""
    good = st.builds(
        _estimate,
        st.integers(0, 9),
        st.just(k),
        st.integers(1, 14),
        st.integers(1, 14),
        st.sampled_from([scale, scale, 2 * scale, 1.0]),
        st.just(kind),
        mostly(st.just({}), st.sampled_from([{"n_groups": 3}, {"influence": None}, {"std_error": np.inf}])),
    )
    any_one = mostly(good, st.sampled_from([None, 1.0, "estimate", [1, 2]]))
    return arguments({"a": any_one, "b": any_one, "ids_a": IDS, "ids_b": IDS})


IDS = mostly(
    st.none(),
    st.sampled_from([1, "ab", ("a", "b"), ([], []), (["a"], None), [["a", 1], [2.5]], ([np.nan], ["b"])])
    | st.tuples(*[st.integers(1, 5).map(lambda n: [f"t{i}" for i in range(n)])] * 2),
)
PAIRS = st.tuples(
    st.sampled_from([1, 1, 2]),
    st.sampled_from([1.0, 1e-150, 1e140, 1e-3]),
    st.sampled_from(["names", "names", "crossed", "counted", "numbers", "none"]),
).flatmap(lambda drawn: _pair(*drawn))


def _both(function, a, b, ids_a, ids_b):
    answer = function(a, b, ids_a=ids_a, ids_b=ids_b)
    if isinstance(answer, Estimate):
        assert np.isfinite(answer.influence.fit).all()
    return answer


def _diagnose(function, y_pred, y, groups, **options):
    answer = function(y_pred, y, groups, **options)
    assert answer.advice in ("correct", "do not correct", "inconclusive", "neither")
    assert all(0 <= p <= 1 for p in (*answer.pvalues.values(), answer.pvalue_outcome, answer.pvalue_prediction))
    assert 0 <= min(answer.reliability_outcome, answer.reliability_prediction) <= 1
    return answer


def _compare(function, estimators, verb, asked, **options):
    answer = function(estimators, verb, **asked, **options)
    return answer, *answer.results


def _regress(function, kind, f, y_pred, debiaser):
    import statsmodels.api as sm

    n = len(f)
    X = np.column_stack([np.ones(n), np.arange(n) % 2])
    results = {
        "OLS": lambda: sm.OLS(f, X).fit(),
        "HC1": lambda: sm.OLS(f, X).fit(cov_type="HC1"),
        "WLS": lambda: sm.WLS(f, X, weights=np.linspace(0.5, 2, n)).fit(),
        "no results": lambda: sm.OLS(f, X),
        "a number": lambda: 1.0,
    }[kind]()
    answer = function(results, debiaser, y_pred)
    assert not np.isnan(answer.bse).any()
    assert (answer.bse >= results.bse).all()


def _column(n, seed):
    return np.random.default_rng(seed).normal(size=n) * 10.0 ** (seed % 7 - 3)


TARGETS = {
    "causal.combine": Target(PAIRS, _both),
    "causal.overidentification_test": Target(PAIRS, _both),
    "causal.shrinkage_diagnostic": Target(
        per_size(
            lambda n: arguments(
                {"y_pred": column(n), "y": column(n), "groups": mostly(labels(n), groups(n))},
                {"confidence_level": mostly(LEVELS, HOSTILE_LEVELS)},
            ),
            rows(high=40),
        ),
        _diagnose,
    ),
    "causal.compare_estimators": Target(
        per_size(
            lambda n: arguments(
                {
                    "estimators": mostly(
                        st.sampled_from([FITTED, list(FITTED.values()), {1: FITTED["naive"]}]),
                        st.sampled_from([None, {}, [], {"a": None}, {"a": Naive()}, Naive(), "naive", [Naive, Naive]]),
                    ),
                    "verb": mostly(st.sampled_from(["mean", "ate", "ols"]), HOSTILE_WORDS | st.just("fit")),
                    "asked": st.fixed_dictionaries(
                        {"y_pred": column(n)},
                        optional={"treatment": st.just(np.arange(n) % 2), "X": scores(n, 2), "groups": groups(n)},
                    ),
                },
                {
                    "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                    "reference": mostly(st.sampled_from([None, 0.0, 1e300]), HOSTILE_NUMBERS),
                },
            ),
            rows(high=20),
        ),
        _compare,
    ),
}
NOT_DRIVEN: dict[str, str] = {}
if STATSMODELS:
    TARGETS["causal.add_calibration_variance"] = Target(
        rows(low=5, high=31).flatmap(
            lambda n: st.integers(0, 99).flatmap(
                lambda seed: arguments(
                    {
                        "kind": mostly(
                            st.sampled_from(["OLS", "HC1", "WLS"]), st.sampled_from(["no results", "a number"])
                        ),
                        "f": st.just(FITTED["linear"].transform(_column(n, seed))),
                        "y_pred": mostly(st.just(_column(n, seed)), column(n) | hostile_arrays(n)),
                        "debiaser": mostly(
                            st.just(FITTED["linear"]), st.sampled_from([None, FITTED["naive"], "linear"])
                        ),
                    }
                )
            )
        ),
        _regress,
    )
else:
    NOT_DRIVEN["causal.add_calibration_variance"] = "statsmodels is not installed"
