"""How the acquisitions of `bayes` are driven: a fitted process, points near, far and repeated, and every option."""

from functools import cache

import numpy as np
from hypothesis import strategies as st
from strategies import (
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    SEEDS,
    Target,
    arguments,
    hostile_arrays,
    methods,
    mostly,
    per_size,
    scores,
)

SMALL = st.sampled_from([1, 2, 5])


@cache
def _process(n, d, noise, kernel="matern52", hyperparameters="fixed"):
    from bayes import GaussianProcess

    rng = np.random.default_rng(n)
    X, y = rng.random((n, d)), rng.normal(size=n)
    gp = GaussianProcess(kernel=kernel, noise_variance=noise, hyperparameters=hyperparameters, random_state=0)
    return gp.fit(X, y)


def _processes(d):
    """Return a strategy of fitted processes: few rows, no noise, several posteriors; and things that are none."""
    good = st.sampled_from(
        [
            lambda: _process(1, d, 0.1),
            lambda: _process(6, d, 0.1),
            lambda: _process(6, d, 0.0),
            lambda: _process(6, d, 0.0, "matern12"),
            lambda: _process(6, d, 1e-8, "gaussian"),
            lambda: _process(6, d, None, hyperparameters="slice"),
        ]
    )
    return mostly(
        good, st.sampled_from([lambda: None, lambda: "gp", lambda: object(), lambda: _process(6, d + 1, 0.1)])
    )


def _points(n, d):
    near = st.sampled_from([np.random.default_rng(6).random((6, d))[:n], np.full((n, d), 0.5), np.full((n, d), 1e6)])
    return mostly(near | scores(n, d), hostile_arrays(n, d))


def _call(function, gp, **given):
    answer = function(gp(), **given)
    parts = answer if isinstance(answer, tuple) else (answer,)
    for part in parts:
        assert not np.isnan(part).any()
    if given.get("return_grad"):
        assert np.isfinite(parts[1]).all()
        assert parts[1].shape == (len(parts[0]), np.shape(given["X"])[1])
    return [float(part.ravel()[0]) for part in parts]


def _target(optional, log=True):
    def make(n):
        return st.sampled_from([1, 2]).flatmap(
            lambda d: arguments(
                {"gp": _processes(d), "X": _points(n, d)},
                {
                    "return_grad": mostly(st.booleans(), HOSTILE_WORDS),
                    **({"log": mostly(st.booleans(), HOSTILE_WORDS)} if log else {}),
                    **optional(d),
                },
            )
        )

    return Target(per_size(make, SMALL), _call)


VARIANCES = mostly(st.sampled_from([0, 0.1, 1e-300, 1e100, np.float32(0.5)]), HOSTILE_NUMBERS)
LIMITS = mostly(st.sampled_from([0.0, -1, 3.0, 1e100, -1e100, 1e-300]), HOSTILE_NUMBERS)


def _boxes(d):
    good = st.sampled_from([[[0, 1]] * d, np.tile([0.0, 1e-9], (d, 1)), np.zeros((d, 2)), np.tile([-5.0, 5.0], (d, 1))])
    return mostly(good, hostile_arrays(d, 2))


def _lines(n):
    return arguments(
        {"a": mostly(scores(n), hostile_arrays(n)), "b": mostly(scores(n), hostile_arrays(n))},
        {"log": mostly(st.booleans(), HOSTILE_WORDS), "return_grad": mostly(st.booleans(), HOSTILE_WORDS)},
    )


def _gain(function, **given):
    answer = function(**given)
    parts = answer if isinstance(answer, tuple) else (answer,)
    assert not any(np.isnan(part).any() for part in parts)
    assert given.get("log") or (np.asarray(parts[0]) >= 0).all()
    return [float(np.ravel(part)[0]) for part in parts]


def _draw(function, gp, **given):
    index = function(gp(), **given)
    assert ((index >= 0) & (index < len(given["X"]))).all()
    return index.tolist()


TARGETS = {
    "bayes.expected_max_affine": Target(per_size(_lines), _gain),
    "bayes.expected_improvement": _target(
        lambda d: {"best": mostly(st.sampled_from(["mean", "observed", 0.0, -1e100, 1e100]), HOSTILE_NUMBERS)}
    ),
    "bayes.noisy_expected_improvement": _target(lambda d: {"y_var": VARIANCES}),
    "bayes.upper_confidence_bound": _target(
        lambda d: {"beta": mostly(st.sampled_from([0, 4.0, 1e100]), HOSTILE_NUMBERS)}, log=False
    ),
    "bayes.probability_of_feasibility": _target(lambda d: {"lower": LIMITS, "upper": LIMITS}),
    "bayes.knowledge_gradient": _target(
        lambda d: {
            "candidates": _points(4, d),
            "bounds": _boxes(d),
            "y_var": VARIANCES,
            "method": methods("discretized", "simulation"),
            "n_draws": mostly(st.just(2), st.sampled_from([0, -1, 1.5, None, "9"])),
            "rng": SEEDS,
        }
    ),
    "bayes.max_value_entropy_search": _target(
        lambda d: {
            "candidates": _points(4, d),
            "bounds": _boxes(d),
            "max_values": mostly(st.sampled_from(["sampled", "gumbel", [1.0, 2.0], [1e100]]), hostile_arrays(3)),
            "n_max_values": mostly(st.sampled_from([1, 4]), st.sampled_from([0, -1, 1.5, None, "9", 10**9])),
            "y_var": VARIANCES,
            "observation": methods("noisy", "exact"),
            "rng": SEEDS,
        }
    ),
    "bayes.thompson_sample": Target(
        per_size(
            lambda n: arguments(
                {"gp": _processes(2), "X": _points(n, 2)},
                {"size": mostly(st.sampled_from([1, 7]), st.sampled_from([0, -1, 1.5, None])), "rng": SEEDS},
            ),
            SMALL,
        ),
        _draw,
    ),
}
