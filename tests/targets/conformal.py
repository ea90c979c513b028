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
    SEEDS,
    Target,
    arguments,
    column,
    hostile_arrays,
    methods,
    mostly,
    per_size,
    rows,
    scores,
)


def _rank_law_verbs(function, n_calibration, n_test, k, level, side):
    law = function(n_calibration, n_test)
    rank = law.order_statistic_rank(k, level, side)
    reached = law.attained_level(k, rank, side), law.cdf(k, rank), law.rank_sum_cdf(law.rank_sum_quantile(level))
    assert all(0 <= p <= 1 for p in reached)
    return reached


def _batch_verbs(function, y_pred, y, ask, **parameters):
    return function(**parameters).fit(y_pred, y).predict_interval(**ask)


TARGETS = {
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
                    "statistic": mostly(st.sampled_from(["mean", "sum", "median", "min", "max"]), HOSTILE_WORDS),
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
                },
            ),
            rows(high=10),
        ),
        _batch_verbs,
    ),
}  # fmt: skip
