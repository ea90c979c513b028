"""The simulation of the paper: effects estimated from a network's predictions of the outcome, over a range of truths.

Confounder C, treatment with probability sigmoid(C), outcome tau A + C + noise, an "image" made from the outcome by a
random network, and an MLP that predicts the outcome from it. The noise of the image is larger than the paper's, so that
an MLP of this size reaches the slope .53 of the paper's naive estimates.
"""

import warnings

import numpy as np
import pytest
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from causal import LinearDebiaser, Naive, PredictionPowered, SplineDebiaser, TweedieDebiaser
from uq.exceptions import ExtrapolationWarning

N = 10_000
NOISE = 0.87
TRUTHS = np.linspace(-2, 2, 9)


def images(rng):
    """Return a random network from outcomes to images of 100 pixels."""
    layers = []
    for before, after in ((1, 50), (50, 50), (50, 100)):
        reach = before**-0.5
        layers.append((rng.uniform(-reach, reach, (before, after)), rng.uniform(-reach, reach, after)))

    def draw(y):
        h = y[:, None]
        for weights, offset in layers[:-1]:
            h = np.maximum(h @ weights + offset, 0)
        weights, offset = layers[-1]
        return h @ weights + offset + NOISE * rng.normal(size=(len(y), 100))

    return draw


def population(tau, rng):
    c = rng.normal(size=N)
    p = expit(c)
    arm = (rng.random(N) < p).astype(int)
    return tau * arm + c + rng.normal(size=N), arm, p


def estimates(tau, draw, rng):
    """Return the effect by each method, and its standard error."""
    y, _, _ = population(tau, rng)
    model = MLPRegressor(hidden_layer_sizes=(32,), early_stopping=True, max_iter=20, learning_rate_init=3e-3)
    model.set_params(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(draw(y), y)
    y, _, _ = population(tau, rng)  # held out, for calibration
    z = model.predict(draw(y))
    truth, arm, p = population(tau, rng)
    trial = model.predict(draw(truth))
    debiasers = {
        "linear": LinearDebiaser(nondifferential=True),
        "tweedie": TweedieDebiaser(nondifferential=True),
        "spline": SplineDebiaser(nondifferential=True),
        "naive": Naive(),
    }
    found = {name: one.fit(z, y).ate(trial, arm, propensity=p) for name, one in debiasers.items()}
    labelled = np.arange(N) < 100
    powered = PredictionPowered().fit(trial[labelled], truth[labelled], treatment=arm[labelled], propensity=p[labelled])
    found["ppi"] = powered.ate(trial[~labelled], arm[~labelled], propensity=p[~labelled])
    return {name: (one.estimate, one.std_error) for name, one in found.items()}


@pytest.mark.slow
def test_the_figure_has_its_shape():
    rng = np.random.default_rng(9)
    draw = images(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        found = [estimates(tau, draw, rng) for tau in TRUTHS]
    slopes = {name: np.polyfit(TRUTHS, [one[name][0] for one in found], 1)[0] for name in found[0]}
    errors = {name: np.mean([one[name][1] for one in found]) for name in found[0]}
    # at nine truths the slope of one run has itself an error of about .015
    assert slopes["naive"] == pytest.approx(0.53, abs=0.05)
    for name in ("linear", "tweedie", "spline"):
        assert slopes[name] == pytest.approx(1, abs=0.03)
    assert errors["ppi"] > 1.5 * errors["linear"]
    assert slopes["ppi"] == pytest.approx(1, abs=4 * errors["ppi"] / np.sqrt(15))
