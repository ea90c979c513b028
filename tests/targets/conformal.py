"""How the public names of `conformal` are driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import (
    ALTERNATIVES,
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    INF,
    LEVELS,
    NAN,
    RESAMPLES,
    SEEDS,
    Target,
    arguments,
    column,
    hostile_arrays,
    labels,
    methods,
    mostly,
    per_size,
    rows,
    scores,
)

from conformal import Compositional, Quantile, QuantileBand


def _rank_law_verbs(function, n_calibration, n_test, k, level, side):
    law = function(n_calibration, n_test)
    rank = law.order_statistic_rank(k, level, side)
    reached = law.attained_level(k, rank, side), law.cdf(k, rank), law.rank_sum_cdf(law.rank_sum_quantile(level))
    assert all(0 <= p <= 1 for p in reached)
    return reached


def _batch_verbs(function, y_pred, y, ask, sample_weight=None, fit_std=None, y_std=None, **parameters):
    fitted = function(**parameters).fit(y_pred, y, y_std=fit_std)
    return fitted.predict_interval(**ask, sample_weight=sample_weight, y_std=y_std)


def _row_verbs(function, y_pred, y, new, fit, ask, **parameters):
    fitted = function(**parameters).fit(y_pred, y, **fit)
    verb = "predict_set" if parameters.get("score") in ("lac", "aps") else "predict_interval"
    return getattr(fitted, verb)(new, **ask)


def _sets_verbs(function, y, **fields):
    result = function(**fields)
    return result, result.sizes.tolist(), result.contains(y).tolist()


def _probabilities(n, k):
    """Return a strategy of probability rows: spread, tied, certain, in several dresses; hostile once in a while."""
    flat = np.random.default_rng(n).dirichlet(np.ones(k), n)
    kinds = [flat, np.full((n, k), 1 / k), np.eye(k)[np.arange(n) % k], flat.tolist(), np.asfortranarray(flat)]
    return mostly(st.sampled_from([*kinds, flat.astype(np.float32)]), hostile_arrays(n, k) | st.just(flat * 2))


def _row_arguments(n, strata):
    """Return what a conformal estimator of rows is driven with: the data go with the score, mostly."""
    level = {"confidence_level": mostly(LEVELS, HOSTILE_LEVELS)}
    by = [{}] if not strata else [{}, {"strata": np.arange(n) % 2}, {"strata": ["a"] * n}, {"strata": [None] * n}]

    def asked(more):
        levels = st.sampled_from([{}, {}, {}, {"confidence_level": 0.5}, {"confidence_level": 2}])
        return st.builds(lambda a, b: {**a, **b}, st.just(more), levels)

    def of(score, outputs, y, fit, ask):
        return arguments({"y_pred": outputs, "y": y, "new": outputs, "score": score, "fit": fit, "ask": ask}, level)

    std = mostly(
        st.sampled_from([{"y_std": np.ones(n)}, {"y_std": np.full(n, 1e-300)}, {"y_std": np.geomspace(1e-9, 1e9, n)}]),
        st.sampled_from([{}, {"y_std": np.zeros(n)}, {"y_std": np.ones(n + 1)}, {"y_std": None}, {"y_std": "a"}]),
    )
    words = st.sampled_from(["absolute", "signed"])
    codes = mostly(st.just(np.arange(n) % 3), labels(n) | hostile_arrays(n))
    classes = mostly(st.just({"classes": [0, 1, 2]}), st.sampled_from([{}, {"classes": [0, 1]}, {"classes": 3}]))
    return st.sampled_from(by).flatmap(
        lambda more: st.one_of(
            of(mostly(words, HOSTILE_WORDS), column(n), column(n), st.just(more), asked(more)),
            of(st.just("normalized"), column(n), column(n), std, std),
            of(
                st.just("quantile"),
                mostly(scores(n, 2), hostile_arrays(n, 2) | scores(n)),
                column(n),
                st.just(more),
                asked(more),
            ),
            of(
                st.sampled_from(["lac", "aps"]),
                _probabilities(n, 3),
                codes,
                classes.map(lambda known: {**known, **more}),
                asked(more),
            ),
        )
    )


STATISTICS = ["mean", "sum", "median", "min", "max", Quantile(0.3), QuantileBand(0.2, 0.8), Compositional(np.add, 0.0)]
TARGETS = {
    "conformal.PredictionSet": Target(
        per_size(
            lambda n: arguments(
                {
                    "mask": mostly(
                        st.integers(0, 99).map(lambda seed: np.random.default_rng(seed).random((n, 3)) < 0.5),
                        hostile_arrays(n, 3),
                    ),
                    "classes": mostly(st.sampled_from([[0, 1, 2], list("abc"), np.arange(3.0)]), hostile_arrays(3)),
                    "confidence_level": st.just(0.9),
                    "y": mostly(labels(n), hostile_arrays(n)),
                },
                {"index": st.sampled_from([None, tuple(map(str, range(n))), ("a",)])},
            )
        ),
        _sets_verbs,
    ),
    "conformal.SimultaneousConformal": Target(
        per_size(
            lambda n: st.builds(
                lambda drawn, coverage: {**drawn, **coverage},
                _row_arguments(n, strata=False),
                mostly(
                    st.sampled_from([{}, {"coverage": 1}, {"coverage": 0.5}, {"coverage": 1e-300}]),
                    st.sampled_from([{"coverage": bad} for bad in (0, -1, 1.5, NAN, None, "a", True)]),
                ),
            )
        ),
        _row_verbs,
    ),
    "conformal.SplitConformal": Target(per_size(lambda n: _row_arguments(n, strata=True)), _row_verbs),
    "conformal.RankLaw": Target(
        arguments(
            {
                "n_calibration": mostly(st.sampled_from([1, 5, 40, 10**6, 10**7]), HOSTILE_NUMBERS),
                "n_test": mostly(st.sampled_from([1, 3, 40, 10**5, 10**7]), HOSTILE_NUMBERS),
                "k": mostly(st.sampled_from([1, 2, 3]), HOSTILE_NUMBERS),
                "level": mostly(LEVELS, HOSTILE_LEVELS),
                "side": mostly(st.sampled_from(["upper", "lower"]), HOSTILE_WORDS),
            }
        ),
        _rank_law_verbs,
    ),
    "conformal.Quantile": Target(arguments({"q": mostly(LEVELS, HOSTILE_LEVELS)})),
    "conformal.QuantileBand": Target(
        arguments({"q1": mostly(LEVELS, HOSTILE_LEVELS), "q2": mostly(LEVELS, HOSTILE_LEVELS)})
    ),
    "conformal.Compositional": Target(
        arguments(
            {"step": mostly(st.sampled_from([np.add, np.maximum]), HOSTILE_WORDS),
             "init": mostly(LEVELS, HOSTILE_NUMBERS)}
        )
    ),
    "conformal.BatchPredictor": Target(
        per_size(
            lambda n: arguments(
                {
                    "y_pred": column(n),
                    "y": st.none() | column(n),
                    "ask": mostly(
                        st.sampled_from([1, 2, 7, 50]).map(lambda m: {"n_test": m})
                        | scores(7).map(lambda x: {"y_pred": x}),
                        hostile_arrays(7).map(lambda x: {"y_pred": x})
                        | HOSTILE_NUMBERS.map(lambda m: {"n_test": m})
                        | st.just({}),
                    ),
                },
                {
                    "statistic": mostly(st.sampled_from(STATISTICS), HOSTILE_WORDS),
                    "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                    "alternative": mostly(ALTERNATIVES, HOSTILE_WORDS),
                    "support": mostly(
                        st.sampled_from([(-INF, INF), (-1e151, 1e151), (0, INF), (-1, 2)]),
                        st.sampled_from([(1, 0), (NAN, 1), None, 3, "ab", (0, 1, 2), (INF, INF)]),
                    ),
                    "ordering": mostly(
                        st.sampled_from(["auto", "rank", "capped", list(range(n + 1)), [0] * n + [3]]),
                        HOSTILE_WORDS | st.sampled_from([[1], [[1, 2]], np.linspace(0, 1, n + 1), [3] + [1] * n]),
                    ),
                    "method": methods("auto", "exact", "bound", "monte_carlo", "partition", "bonferroni"),
                    "random_state": SEEDS,
                    "n_resamples": RESAMPLES,
                    "sample_weight": column(7),
                    "fit_std": column(n),
                    "y_std": column(7),
                },
            ),
            rows(high=10),
        ),
        _batch_verbs,
    ),
}  # fmt: skip
