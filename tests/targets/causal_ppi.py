"""How prediction-powered inference is driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import (
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    NAN,
    Target,
    arguments,
    column,
    groups,
    hostile_arrays,
    mostly,
    per_size,
    rows,
    scores,
)

N_UNLABELLED = 13
VERBS = ("mean", "ols", "ate", "quantile", "logistic", "parts mean", "parts ols", "parts ate")


def _arms(n):
    return mostly(st.sampled_from([np.arange(n) % 2, (np.arange(n) < 2).astype(float)]), hostile_arrays(n))


def _weights(n):
    return mostly(st.none() | scores(n, kinds=("ones", "unit", "tiny", "binary")), hostile_arrays(n) | scores(n))


def _design(n):
    x = np.random.default_rng(n).normal(size=(n, 2))
    good = [x, np.column_stack([np.ones(n), x[:, 0]]), x[:, :1] * 1e100, x.astype(np.float32)]
    return mostly(st.sampled_from(good), hostile_arrays(n, 2) | scores(n, 2))


def _propensity(n):
    return mostly(st.sampled_from([None, 0.5, np.linspace(0.2, 0.7, n)]), HOSTILE_NUMBERS | hostile_arrays(n))


def _outputs(n):
    some = np.random.default_rng(n).random(n)
    folds = np.stack([some, some[::-1]], axis=1)
    return mostly(
        st.sampled_from([some, np.round(some), np.full(n, 0.5), folds]) | scores(n), hostile_arrays(n) | column(n)
    )


def _side(n):
    return arguments(
        {"y_pred": _outputs(n), "X": _design(n), "treatment": _arms(n)},
        {"sample_weight": _weights(n), "groups": groups(n), "propensity": _propensity(n)},
    )


def _shown(verb, given):
    wanted = {"ols": ("X",), "logistic": ("X",), "ate": ("treatment", "propensity")}.get(verb, ())
    return {k: v for k, v in given.items() if k in ("y_pred", "sample_weight", "groups", *wanted)}


def _power(function, verb, labelled, unlabelled, y, power_tuning="auto", q=0.5):
    fitted = function(power_tuning=power_tuning)
    labelled = {**labelled, "y": y}
    if verb.startswith("parts "):
        verb = verb.removeprefix("parts ")
        for part in (labelled, unlabelled):
            part.pop("groups", None)
        fitted.partial_fit(**labelled).partial_fit(**labelled).partial_estimate(**unlabelled)
        return getattr(fitted.merge(function(power_tuning=power_tuning)), verb)()
    fitted.fit(**labelled)
    more = {"q": q} if verb == "quantile" else {}
    return getattr(fitted, verb)(**_shown(verb, unlabelled), **more)


def _dsl_arguments(n):
    labelled = np.arange(n) % 3 != 1
    p = np.where(np.arange(n) % 2, 0.3, 0.6)
    return arguments(
        {
            "y_pred": _outputs(n),
            "y": mostly(scores(n) | st.just(np.where(labelled, np.arange(n) / n, NAN)), hostile_arrays(n)),
            "labeled": mostly(
                st.sampled_from([labelled, labelled.astype(float), np.arange(n) == 0]), hostile_arrays(n)
            ),
            "sampling_probability": mostly(
                st.sampled_from([0.5, p, p.tolist(), np.full(n, labelled.mean())]), HOSTILE_NUMBERS | hostile_arrays(n)
            ),
        },
        {"X": _design(n), "groups": groups(n), "strata": groups(n)},
    )


TARGETS = {
    "causal.PredictionPowered": Target(
        per_size(
            lambda n: arguments(
                {
                    "verb": st.sampled_from(VERBS),
                    "labelled": _side(n),
                    "unlabelled": _side(N_UNLABELLED),
                    "y": mostly(
                        st.sampled_from([np.arange(n) % 3 / 2, np.arange(n) % 2]) | scores(n), hostile_arrays(n)
                    ),
                },
                {
                    "power_tuning": mostly(st.sampled_from(["auto", 0, 1, 0.5]), HOSTILE_WORDS | HOSTILE_NUMBERS),
                    "q": mostly(st.sampled_from([0.1, 0.5, 0.99]), HOSTILE_NUMBERS),
                },
            ),
            rows(high=40),
        ),
        _power,
    ),
    "causal.dsl": Target(per_size(_dsl_arguments, rows(high=40))),
}
