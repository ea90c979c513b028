"""How the debiasers, and what one would have done without them, are driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import (
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    KINDS,
    Target,
    arguments,
    groups,
    hostile_arrays,
    methods,
    mostly,
    per_size,
    rows,
    scores,
)

__all__ = ["NOT_DRIVEN", "TARGETS"]

APPLY = 11
ROUGH = tuple(kind for kind in KINDS if kind not in ("ones", "zeros", "huge", "both ends"))


def _pair(n):
    """Return a strategy of (predictions, truth) that move together, or of anything else once in a while."""
    good = scores(n, kinds=ROUGH).flatmap(
        lambda z: st.integers(0, 99).map(
            lambda seed: (z, np.asarray(z, float) * 2 + np.abs(np.asarray(z, float)).max() * _noise(n, seed))
        )
    )
    return mostly(good, st.tuples(scores(n) | hostile_arrays(n), scores(n) | hostile_arrays(n)))


def _noise(n, seed):
    return np.random.default_rng(seed).normal(size=n) * (seed % 3)


def _weights(n):
    return mostly(
        st.none() | scores(n, kinds=("unit", "ones", "binary", "tiny", "subnormal", "both ends")), hostile_arrays(n)
    )


def _designs(n):
    rng = np.random.default_rng(n)
    good = [np.column_stack([np.ones(n), rng.normal(size=n)]), np.ones((n, 1)), rng.normal(size=(n, 3)).tolist()]
    return mostly(st.sampled_from(good), hostile_arrays(n, 2) | scores(n, 2))


def _arms(n):
    return mostly(
        st.sampled_from([np.arange(n) % 2, np.arange(n) % 2 == 0, [int(i > n - 2) for i in range(n)]]),
        hostile_arrays(n) | scores(n),
    )


PROPENSITIES = mostly(
    st.sampled_from([None, 0.5, 1e-6, np.linspace(0.1, 0.9, APPLY)]), HOSTILE_NUMBERS | hostile_arrays(APPLY)
)
ASK = arguments(
    {"y_pred": mostly(scores(APPLY, kinds=ROUGH), scores(APPLY) | hostile_arrays(APPLY))},
    {"sample_weight": _weights(APPLY), "groups": groups(APPLY)},
)


def _answers(fitted, verb, ask, X, treatment, propensity, method):
    options = {} if method is None else {"method": method}
    if verb == "ols":
        return fitted.ols(X=X, **ask, **options)
    if verb == "ate":
        return fitted.ate(treatment=treatment, propensity=propensity, **ask, **options)
    return fitted.mean(**ask, **options)


def _debias(function, pair, fit, verb, ask, X, treatment, propensity, method, **parameters):
    fitted = function(**parameters).fit(*pair, **fit)
    column = fitted.transform(ask["y_pred"])
    assert np.isfinite(column).all()
    return _answers(fitted, verb, ask, X, treatment, propensity, method)


def _believe(function, pair, fit, verb, ask, X, treatment, propensity):
    return _answers(function().fit(*pair, **fit), verb, ask, X, treatment, propensity, None)


def _throw_away(function, pair, fit, verb, ask, X, treatment, propensity, truth):
    return _answers(function().fit(*pair, **fit, **truth), verb, ask, X, treatment, propensity, None)


def _asked(n, **more):
    return {
        "pair": _pair(n),
        "fit": arguments({}, {"sample_weight": _weights(n), "groups": groups(n)}),
        "verb": st.sampled_from(["mean", "ols", "ate"]),
        "ask": ASK,
        "X": _designs(APPLY),
        "treatment": _arms(APPLY),
        "propensity": PROPENSITIES,
        **more,
    }


def debiaser(low=1, **parameters):
    """Return the Target of a debiaser with these parameters of its own."""
    return Target(
        per_size(
            lambda n: arguments(
                _asked(n, method=methods("delta", "fieller", "bootstrap")),
                {
                    "nondifferential": mostly(st.booleans(), HOSTILE_WORDS),
                    "n_resamples": mostly(st.sampled_from([19, 30]), HOSTILE_NUMBERS),
                    "random_state": mostly(st.integers(0, 9), HOSTILE_WORDS),
                    **parameters,
                },
            ),
            rows(low=low),
        ),
        _debias,
    )


TARGETS = {
    "causal.LinearDebiaser": debiaser(),
    "causal.SplineDebiaser": debiaser(n_knots=mostly(st.sampled_from(["auto", 2, 3, 5]), HOSTILE_NUMBERS)),
    "causal.TweedieDebiaser": debiaser(
        scale=methods("residual", "moment"),
        noise=methods("constant", "local"),
        recalibrate=mostly(st.sampled_from(["linear", None]), HOSTILE_WORDS),
        bandwidth=mostly(st.sampled_from(["scott", 0.3, 1e-4, 1e4]), HOSTILE_NUMBERS),
    ),
    "causal.Naive": Target(per_size(lambda n: arguments(_asked(n))), _believe),
    "causal.Classical": Target(
        per_size(
            lambda n: arguments(
                _asked(n, truth=arguments({}, {"X": _designs(n), "treatment": _arms(n), "propensity": st.just(0.5)}))
            )
        ),
        _throw_away,
    ),
}
NOT_DRIVEN: dict[str, str] = {}
